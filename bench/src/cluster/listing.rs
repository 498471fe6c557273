//! Reads the tables that `shoal` prints: columns are found by their titles.

use anyhow::{Context, Result, ensure};

/// A tablet, as `shoal get tablets` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tablet {
    /// Its name.
    pub(super) alias: String,
    /// Its shard, such as `halves/-80`.
    pub(super) shard: String,
    /// `primary` or `replica`.
    pub(super) role: String,
    /// What it does, in a word.
    pub(super) state: String,
    /// Host and port of its mysqld.
    pub(super) mysql: String,
    /// What its mysqld is.
    pub(super) version: String,
}

impl Tablet {
    pub(super) fn keyspace(&self) -> &str {
        self.shard.split_once('/').map_or(&self.shard, |(keyspace, _)| keyspace)
    }

    /// Whether it is a primary that serves.
    pub(super) fn is_primary(&self) -> bool {
        self.role == "primary" && self.state == "serving"
    }

    /// Whether it serves as primary or replicates as replica.
    pub(super) fn does_its_part(&self) -> bool {
        self.is_primary() || (self.role == "replica" && self.state == "replicating")
    }
}

/// A process, as `shoal local status` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) port: u16,
}

pub(super) fn tablets(listed: &str) -> Result<Vec<Tablet>> {
    let table = Table::read(listed);
    let tablets = table.rows.iter().map(|row| {
        Ok(Tablet {
            alias: table.cell(row, "TABLET")?.to_owned(),
            shard: table.cell(row, "SHARD")?.to_owned(),
            role: table.cell(row, "ROLE")?.to_owned(),
            state: table.cell(row, "STATE")?.to_owned(),
            mysql: table.cell(row, "MYSQL")?.to_owned(),
            version: table.cell(row, "VERSION")?.to_owned(),
        })
    });
    let tablets: Vec<Tablet> =
        tablets.collect::<Result<_>>().with_context(|| format!("in the list of tablets\n{listed}"))?;
    ensure!(!tablets.is_empty(), "the cluster has no tablets");
    Ok(tablets)
}

pub(super) fn process(listed: &str, name: &str) -> Result<Process> {
    let table = Table::read(listed);
    let row = table.rows.iter().find(|row| row.first() == Some(&name));
    let row = row.with_context(|| format!("no {name} in the list of processes\n{listed}"))?;
    Ok(Process { pid: table.cell(row, "PID")?.parse()?, port: table.cell(row, "PORT")?.parse()? })
}

struct Table<'a> {
    titles: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    fn read(text: &'a str) -> Self {
        let mut lines = text.lines().map(|line| line.split_whitespace().collect());
        Self {
            titles: lines.next().unwrap_or_default(),
            rows: lines.filter(|row: &Vec<_>| !row.is_empty()).collect(),
        }
    }

    fn cell(&self, row: &[&'a str], title: &str) -> Result<&'a str> {
        let place =
            self.titles.iter().position(|t| *t == title).with_context(|| format!("no column {title}"))?;
        row.get(place).copied().with_context(|| format!("nothing in column {title}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tablets_are_read_with_their_keyspaces() {
        let listed = "TABLET     SHARD       ROLE     STATE        MYSQL            VERSION\n\
                      zone1-101  halves/-80  primary  serving      127.0.0.1:30538  9.7.4-2\n\
                      zone1-102  halves/-80  replica  replicating  127.0.0.1:30539  9.7.4-2\n\
                      zone1-103  whole/-     primary  fenced       127.0.0.1:24524  9.7.4-2\n";
        let tablets = tablets(listed).unwrap();
        assert_eq!(tablets.len(), 3);
        assert_eq!((tablets[2].keyspace(), tablets[2].mysql.as_str()), ("whole", "127.0.0.1:24524"));
        let states: Vec<_> =
            tablets.iter().map(|tablet| (tablet.is_primary(), tablet.does_its_part())).collect();
        assert_eq!(states, [(true, true), (false, true), (false, false)]);
        let error = super::tablets("TABLET  SHARD  ROLE  STATE\nzone1-101  halves/-80  primary  serving\n")
            .unwrap_err();
        assert!(format!("{error:#}").contains("no column MYSQL"), "{error:#}");
        assert!(super::tablets("").is_err());
    }

    #[test]
    fn a_process_is_found_by_its_name() {
        let listed = "NAME     STATE    PID    PORT   RESTARTS  UPTIME\n\
                      etcd     running  21131  18640  0         3s\n\
                      gate-1   running  21142  16732  0         3s\n\
                      standby  running  21143  -      0         3s\n";
        assert_eq!(process(listed, "gate-1").unwrap(), Process { pid: 21142, port: 16732 });
        assert!(process(listed, "gate-2").is_err());
        assert!(process(listed, "standby").is_err());
    }
}
