//! From two sets of tables to the statements that make one into the other.

use super::table::{Item, Kind, Table};

/// A table as it is wanted, with the statement that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) table: Table,
    /// As MySQL writes it.
    pub(crate) create: String,
}

/// One statement, and what is lost by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// The table.
    pub(crate) table: String,
    /// The statement.
    pub(crate) sql: String,
    /// Data that is gone after it, in words; empty if none is.
    pub(crate) loses: Vec<String>,
}

/// A difference that no statement of ours removes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "how table {0} is partitioned differs from what is wanted; change it with an ALTER TABLE of your own, by `shoal sql`"
)]
pub(crate) struct Partitioned(String);

/// The steps from what there is to what is wanted, in the order of the file; drops stand last, and of those a table that
/// refers to another one first.
pub(crate) fn steps(have: &[Table], want: &[Wanted]) -> Result<Vec<Step>, Partitioned> {
    let mut steps = Vec::new();
    for wanted in want {
        let name = &wanted.table.name;
        match have.iter().find(|table| table.name == *name) {
            None => steps.push(Step { table: name.clone(), sql: wanted.create.clone(), loses: Vec::new() }),
            Some(table) => steps.extend(alter(table, &wanted.table)?),
        }
    }
    let is_wanted = |table: &&Table| want.iter().any(|wanted| wanted.table.name == table.name);
    let mut left: Vec<&Table> = have.iter().filter(|table| !is_wanted(table)).collect();
    while !left.is_empty() {
        let is_referred_to = |table: &&Table| {
            left.iter().any(|other| other.name != table.name && other.refers_to(&table.name))
        };
        let (mut stays, mut goes): (Vec<&Table>, Vec<&Table>) =
            left.iter().copied().partition(is_referred_to);
        if goes.is_empty() {
            // Those that refer to each other MySQL drops together.
            steps.push(dropped(&std::mem::take(&mut stays)));
        }
        steps.extend(goes.drain(..).map(|table| dropped(&[table])));
        left = stays;
    }
    Ok(steps)
}

fn dropped(tables: &[&Table]) -> Step {
    let names: Vec<String> = tables.iter().map(|table| name_quoted(&table.name)).collect();
    Step {
        table: tables.first().map(|table| table.name.clone()).unwrap_or_default(),
        sql: format!("DROP TABLE {}", names.join(", ")),
        loses: tables.iter().map(|table| format!("table {} with its rows", table.name)).collect(),
    }
}

/// A name with its quotes.
pub(crate) fn name_quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn alter(have: &Table, want: &Table) -> Result<Option<Step>, Partitioned> {
    if have.partitions != want.partitions {
        return Err(Partitioned(have.name.clone()));
    }
    let mut clauses = drops(have, want);
    let dropped = have.columns.iter().filter(|column| find(&want.columns, column).is_none());
    let loses: Vec<String> =
        dropped.map(|column| format!("column {} of table {}", column.name, have.name)).collect();
    clauses.extend(columns(&have.columns, &want.columns));
    let added = want.others.iter().filter(|item| find(&have.others, item) != Some(item));
    clauses.extend(added.map(|item| format!("ADD {}", item.text)));
    if have.options != want.options {
        clauses.push(want.options.clone());
    }
    if clauses.is_empty() {
        return Ok(None);
    }
    let sql = format!("ALTER TABLE {}\n  {}", name_quoted(&have.name), clauses.join(",\n  "));
    Ok(Some(Step { table: have.name.clone(), sql, loses }))
}

/// The same thing on the other side, however it is declared there.
fn find<'a>(items: &'a [Item], like: &Item) -> Option<&'a Item> {
    // MySQL compares names of columns, keys and constraints without regard to case.
    let same = |item: &&Item| item.kind == like.kind && item.name.to_lowercase() == like.name.to_lowercase();
    items.iter().find(same)
}

/// What goes, or comes anew with another declaration. Constraints before the keys that they need, keys before columns.
fn drops(have: &Table, want: &Table) -> Vec<String> {
    let keys = have.others.iter().filter(|item| find(&want.others, item) != Some(item));
    let gone = have.columns.iter().filter(|column| find(&want.columns, column).is_none());
    let mut items: Vec<&Item> = keys.chain(gone).collect();
    items.sort_by_key(|item| item.kind);
    let clause = |item: &Item| match item.kind {
        Kind::ForeignKey => format!("DROP FOREIGN KEY {}", item.name),
        Kind::Check => format!("DROP CHECK {}", item.name),
        Kind::Key => format!("DROP KEY {}", item.name),
        Kind::Primary => "DROP PRIMARY KEY".to_owned(),
        Kind::Column => format!("DROP COLUMN {}", item.name),
    };
    items.into_iter().map(clause).collect()
}

/// Columns that come, change or move. Positions are told only where they are not what they would be anyway.
fn columns(have: &[Item], want: &[Item]) -> Vec<String> {
    let stays = have.iter().filter(|column| find(want, column).is_some());
    let mut present: Vec<&Item> = stays.collect();
    let mut clauses = Vec::new();
    for (place, wanted) in want.iter().enumerate() {
        let position = match place.checked_sub(1) {
            None => " FIRST".to_owned(),
            Some(before) => format!(" AFTER {}", want[before].name),
        };
        let now = present.iter().position(|column| find(std::slice::from_ref(wanted), column).is_some());
        match now {
            None => {
                let position = if place == present.len() { String::new() } else { position };
                clauses.push(format!("ADD COLUMN {}{position}", wanted.text));
                present.insert(place, wanted);
            }
            Some(now) if now != place => {
                clauses.push(format!("MODIFY COLUMN {}{position}", wanted.text));
                present.remove(now);
                present.insert(place, wanted);
            }
            Some(_) if present[place].text != wanted.text => {
                clauses.push(format!("MODIFY COLUMN {}", wanted.text));
            }
            Some(_) => {}
        }
    }
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, lines: &[&str]) -> Wanted {
        let create = format!("CREATE TABLE `{name}` (\n  {}\n) ENGINE=InnoDB", lines.join(",\n  "));
        Wanted { table: Table::parse(name, &create).unwrap(), create }
    }

    fn altered(have: &[&str], want: &[&str]) -> Option<Step> {
        let found = steps(&[table("t", have).table], &[table("t", want)]).unwrap();
        assert!(found.len() <= 1);
        found.into_iter().next()
    }

    const ID: &str = "`id` int NOT NULL";

    #[test]
    fn equal_tables_need_nothing_new_ones_are_made_and_others_dropped_last() {
        assert_eq!(altered(&[ID, "PRIMARY KEY (`id`)"], &[ID, "PRIMARY KEY (`id`)"]), None);
        let found = steps(&[table("old", &[ID]).table], &[table("new", &[ID])]).unwrap();
        let told: Vec<(&str, bool)> = found.iter().map(|s| (s.sql.as_str(), s.loses.is_empty())).collect();
        assert_eq!(
            told,
            [
                ("CREATE TABLE `new` (\n  `id` int NOT NULL\n) ENGINE=InnoDB", true),
                ("DROP TABLE `old`", false)
            ]
        );
    }

    #[test]
    fn a_table_is_dropped_before_those_that_it_refers_to() {
        let referring = |name: &str, to: &[&str]| {
            let key = |(n, to): (usize, &&str)| {
                format!("CONSTRAINT `f{n}` FOREIGN KEY (`id`) REFERENCES `{to}` (`id`)")
            };
            let keys: Vec<String> = to.iter().enumerate().map(key).collect();
            let lines: Vec<&str> = std::iter::once(ID).chain(keys.iter().map(String::as_str)).collect();
            table(name, &lines).table
        };
        let have = [
            referring("a", &[]),
            referring("b", &["a", "b"]),
            referring("c", &["b", "a"]),
            referring("d", &["e"]),
            referring("e", &["d", "a"]),
        ];
        let found = steps(&have, &[]).unwrap();
        let told: Vec<&str> = found.iter().map(|step| step.sql.as_str()).collect();
        assert_eq!(told, ["DROP TABLE `c`", "DROP TABLE `b`", "DROP TABLE `a`, `d`, `e`"]);
        assert_eq!(found[2].loses.len(), 3);
    }

    #[test]
    fn columns_come_change_move_and_go() {
        let have = [ID, "`a` int", "`b` int", "`c` int"];
        let want = ["`z` int", ID, "`c` int", "`a` bigint", "`d` int"];
        let step = altered(&have, &want).unwrap();
        let expected = "ALTER TABLE `t`\n  DROP COLUMN `b`,\n  ADD COLUMN `z` int FIRST,\n  \
                        MODIFY COLUMN `c` int AFTER `id`,\n  MODIFY COLUMN `a` bigint,\n  ADD COLUMN `d` int";
        assert_eq!(step.sql, expected);
        assert_eq!(step.loses, ["column `b` of table t"]);
    }

    #[test]
    fn keys_and_constraints_are_replaced_in_an_order_that_works() {
        let have = [ID, "KEY `k` (`id`)", "CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `p` (`id`)"];
        let want = [ID, "PRIMARY KEY (`id`)", "UNIQUE KEY `k` (`id`)", "CONSTRAINT `c` CHECK ((`id` > 0))"];
        let expected = "ALTER TABLE `t`\n  DROP FOREIGN KEY `f`,\n  DROP KEY `k`,\n  ADD PRIMARY KEY (`id`),\n  \
                        ADD UNIQUE KEY `k` (`id`),\n  ADD CONSTRAINT `c` CHECK ((`id` > 0))";
        let step = altered(&have, &want).unwrap();
        assert_eq!((step.sql.as_str(), step.loses.len()), (expected, 0));
    }

    #[test]
    fn options_are_changed_and_partitions_are_not() {
        let mut want = table("t", &[ID]);
        want.table.options = "ENGINE=InnoDB COMMENT='x'".into();
        let found = steps(&[table("t", &[ID]).table], std::slice::from_ref(&want)).unwrap();
        assert_eq!(found[0].sql, "ALTER TABLE `t`\n  ENGINE=InnoDB COMMENT='x'");
        want.table.partitions = "/*!50100 PARTITION BY KEY () */".into();
        assert!(
            steps(&[table("t", &[ID]).table], &[want])
                .unwrap_err()
                .to_string()
                .contains("table t is partitioned")
        );
    }
}
