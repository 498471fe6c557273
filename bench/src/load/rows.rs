//! The rows of a table, so that every answer can be checked.

/// Bytes of a row's value: ten groups of eleven digits with a dash between, as sysbench fills its tables.
pub const VALUE_BYTES: usize = 119;

/// The tables that every keyspace has: rows by their key, and rows of owners.
pub const CREATE_TABLES: [&str; 2] = [
    "CREATE TABLE sbtest (id BIGINT NOT NULL PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, \
     pad CHAR(60) NOT NULL)",
    "CREATE TABLE sbowned (owner BIGINT NOT NULL, id INT NOT NULL, k INT NOT NULL, c CHAR(120) NOT NULL, \
     pad CHAR(60) NOT NULL, PRIMARY KEY (owner, id), KEY by_k (k))",
];
/// Owners of rows; an owner's are together on one shard.
pub const OWNERS: u64 = 64;
/// Rows of each owner, with ids from 1 on.
pub const ROWS_OF_OWNER: u64 = 1000;
/// Rows of an owner that one INSERT makes.
const INSERTED_TOGETHER: u64 = 250;

/// What was loaded: ids from 1 on, each with a value of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    values: Vec<[u8; VALUE_BYTES]>,
}

impl Rows {
    /// That many rows. Tables of different seeds have different values, so that rows of one keyspace are not
    /// taken for those of another.
    pub fn new(seed: u64, count: usize) -> Self {
        let mut random = Random::new(seed);
        Self { values: (0..count).map(|_| random.value()).collect() }
    }

    /// Number of rows, and the highest id.
    pub fn count(&self) -> u64 {
        self.values.len() as u64
    }

    /// The value of `c` in the row of this id; empty for ids that are not there.
    pub fn value(&self, id: u64) -> &[u8] {
        let place = id.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.values.get(place)).map_or(&[], |value| value)
    }

    /// The value of `c` in an owner's row: one of those above.
    pub fn owned(&self, owner: u64, id: u64) -> &[u8] {
        self.value(1 + (owner * ROWS_OF_OWNER + id) % self.count().max(1))
    }

    /// The statements that make an owner's rows.
    pub fn insert_owned(&self, owner: u64) -> Vec<String> {
        let row = |id: u64| {
            let value = String::from_utf8_lossy(self.owned(owner, id));
            format!("({owner}, {id}, {id}, '{value}', '{}')", &value[..value.len().min(59)])
        };
        let firsts = (1..=ROWS_OF_OWNER).step_by(INSERTED_TOGETHER as usize);
        let statement = |first: u64| {
            let rows: Vec<String> = (first..first + INSERTED_TOGETHER).map(row).collect();
            format!("INSERT INTO sbowned (owner, id, k, c, pad) VALUES {}", rows.join(", "))
        };
        firsts.map(statement).collect()
    }

    /// The statement that makes the row.
    pub fn insert(&self, id: u64) -> String {
        let value = String::from_utf8_lossy(self.value(id));
        let pad = &value[..value.len().min(59)];
        format!("INSERT INTO sbtest (id, k, c, pad) VALUES ({id}, {id}, '{value}', '{pad}')")
    }
}

/// Numbers that look random and are the same in every run: splitmix64.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A sequence of its own for every seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0xd134_2543_de82_ef95) }
    }

    /// The id of any of the rows.
    pub fn row(&mut self, rows: &Rows) -> u64 {
        1 + self.below(rows.count())
    }

    /// A number below the bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn value(&mut self) -> [u8; VALUE_BYTES] {
        let mut value = [b'-'; VALUE_BYTES];
        for group in value.chunks_mut(12) {
            for digit in group.iter_mut().take(11) {
                *digit = b'0' + self.below(10) as u8;
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_has_a_value_of_its_own() {
        let rows = Rows::new(1, 1000);
        assert_eq!(rows, Rows::new(1, 1000));
        let other = Rows::new(2, 1000);
        let values: BTreeSet<&[u8]> = (1..=1000).flat_map(|id| [rows.value(id), other.value(id)]).collect();
        assert_eq!(values.len(), 2000);
        let value = String::from_utf8(rows.value(7).to_vec()).unwrap();
        let groups: Vec<&str> = value.split('-').collect();
        assert!(
            groups.len() == 10
                && groups.iter().all(|g| g.len() == 11 && g.bytes().all(|b| b.is_ascii_digit()))
        );
        assert!(rows.value(0).is_empty() && rows.value(1001).is_empty());
        assert_eq!(
            rows.insert(7),
            format!("INSERT INTO sbtest (id, k, c, pad) VALUES (7, 7, '{value}', '{}')", &value[..59])
        );
    }

    #[test]
    fn owners_have_their_rows() {
        let rows = Rows::new(1, 10);
        let statements = rows.insert_owned(3);
        let made: usize = statements.iter().map(|statement| statement.matches("(3, ").count()).sum();
        assert_eq!((statements.len(), made), (4, ROWS_OF_OWNER as usize));
        let value = String::from_utf8(rows.owned(3, 251).to_vec()).unwrap();
        assert!(statements[1].contains(&format!("VALUES (3, 251, 251, '{value}', ")), "{}", statements[1]);
    }

    #[test]
    fn all_rows_are_asked_for() {
        let (rows, mut random) = (Rows::new(1, 10), Random::new(5));
        let ids: BTreeSet<u64> = (0..1000).map(|_| random.row(&rows)).collect();
        assert_eq!(ids, (1..=10).collect());
    }
}
