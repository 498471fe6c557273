//! A change of a table, tried on an empty copy of it.
//!
//! ```text
//!   temporary copy like t ─► renamed to t ─► the client's own statement ─► what t is now: judged ─► connection closed
//! ```
//!
//! On its connection a temporary table of the table's name hides the table, so that the statement, word for word,
//! changes the copy, and MySQL tells what it has become. Nobody else sees the copy, it is not in the binary log, and it
//! goes with the connection. It has no rows, which would show that another column has come under the name of the sharding
//! column: such statements the planner has refused before. Of what a temporary table cannot be (partitioned,
//! compressed, with a full-text index, altered in a way that is asked for) the copy is a table beside the others, under
//! a name of its own, and the statement is said about that one.

use std::collections::BTreeMap;

use proto::errors::ErrorId;
use topo::snapshot::Keyspace;

use super::super::super::control::{AskError, Row, execute, rows, table};
use super::super::super::line::{Line, LineError};
use super::super::quoted;
use super::super::read_back::is_computed;
use super::Verdict;
use crate::backend::Backend;
use crate::hold::decide::error_code;
use crate::plan::{TRIAL_TABLE, TableTrial};

/// MySQL's codes for what a temporary table cannot have (partitions, full-text indexes, foreign keys, compression, ways
/// of altering).
const NOT_TEMPORARY: [u16; 7] = [1562, 1796, 1215, 1506, 1845, 1846, 3500];
/// MySQL's codes for a check that is not there: a copy has its checks under other names.
const NO_CHECK: [u16; 3] = [3821, 3940, 3959];
/// MySQL's code for a table that is not there.
const NO_TABLE: u16 = 1146;

/// Tries the change on the line's shard; `None`: a temporary copy cannot tell.
pub(super) async fn judge(
    line: Line<'_>,
    keyspace: &Keyspace,
    (trial, sql): (&TableTrial, &[u8]),
) -> Result<Option<Verdict>, LineError> {
    let shard = line.shard().clone();
    let copy = match Copy::make(line.into_backend(), keyspace, trial).await {
        Ok(copy) => copy.changed_by(sql).await,
        // What keeps a copy from being made says nothing of the statement.
        Err(AskError::Refused(packet)) if error_code(&packet) != Some(NO_TABLE) => {
            return Ok(None);
        }
        Err(error) => Err(error),
    };
    match copy {
        Ok((before, after)) => Ok(Some(fitness(trial, &before, &after))),
        Err(AskError::Refused(packet)) => match error_code(&packet) {
            Some(code) if NOT_TEMPORARY.contains(&code) => Ok(None),
            _ => Ok(Some(refused(packet))),
        },
        Err(AskError::Lost(_) | AskError::Unreadable) => {
            Err(LineError::Failed(ErrorId::ShardLost.with(&shard)))
        }
    }
}

fn refused(packet: Vec<u8>) -> Verdict {
    match error_code(&packet) {
        Some(code) if NO_CHECK.contains(&code) => Verdict::Unfit(ErrorId::NotUnderstood.plain()),
        _ => Verdict::Refused(packet),
    }
}

/// Tries the change on a copy that is a table beside the others.
pub(super) async fn judge_beside(
    line: &mut Line<'_>,
    keyspace: &Keyspace,
    trial: &TableTrial,
) -> Result<Verdict, LineError> {
    let Some(elsewhere) = &trial.elsewhere else {
        return Ok(Verdict::Unfit(ErrorId::NotUnderstood.plain()));
    };
    let keyspace = quoted(keyspace.name.as_str());
    let (copy, name) = (format!("{keyspace}.{}", quoted(TRIAL_TABLE)), quoted(&trial.table));
    let clear = format!("DROP TABLE IF EXISTS {copy}");
    line.execute(clear.as_bytes()).await?;
    line.execute(format!("CREATE TABLE {copy} LIKE {keyspace}.{name}").as_bytes()).await?;
    let before = described(line, &copy).await?;
    let changed = line.execute(elsewhere.as_bytes()).await;
    let after = described(line, &copy).await?;
    line.execute(clear.as_bytes()).await?;
    match changed {
        Ok(_) => Ok(fitness(trial, &before, &after)),
        Err(LineError::Refused(packet)) => Ok(refused(packet)),
        Err(error) => Err(error),
    }
}

async fn described(line: &mut Line<'_>, name: &str) -> Result<Described, LineError> {
    let columns = line.query(&format!("SHOW FULL COLUMNS FROM {name}")).await?;
    let keys = line.query(&format!("SHOW INDEX FROM {name}")).await?;
    Described::read(columns, keys).ok_or_else(|| LineError::Failed(ErrorId::ShardLost.with(line.shard())))
}

/// The copy, on a connection of its own. It is never made again on another one: there the statement would change the
/// table itself.
struct Copy {
    backend: Backend,
    name: String,
}

impl Copy {
    async fn make(mut backend: Backend, keyspace: &Keyspace, trial: &TableTrial) -> Result<Self, AskError> {
        let name = format!("{}.{}", quoted(keyspace.name.as_str()), quoted(&trial.table));
        // Not at once under its name: MySQL does not make a table like one of the same name.
        let first = format!("{}.{}", quoted(keyspace.name.as_str()), quoted(TRIAL_TABLE));
        let make = format!("CREATE TEMPORARY TABLE {first} LIKE {name}");
        execute(&mut backend.connection, make.as_bytes()).await?;
        execute(&mut backend.connection, format!("ALTER TABLE {first} RENAME TO {name}").as_bytes()).await?;
        Ok(Self { backend, name })
    }

    /// What it is before and after the statement.
    async fn changed_by(mut self, sql: &[u8]) -> Result<(Described, Described), AskError> {
        let before = self.described().await?;
        execute(&mut self.backend.connection, sql).await?;
        Ok((before, self.described().await?))
    }

    async fn described(&mut self) -> Result<Described, AskError> {
        let columns = self.ask(&format!("SHOW FULL COLUMNS FROM {}", self.name)).await?;
        let keys = self.ask(&format!("SHOW INDEX FROM {}", self.name)).await?;
        Described::read(columns, keys).ok_or(AskError::Unreadable)
    }

    async fn ask(&mut self, sql: &str) -> Result<Vec<Row>, AskError> {
        rows(&table(&mut self.backend.connection, sql).await?)
    }
}

/// A column, as far as a change must not touch it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ColumnSeen {
    name: String,
    kind: String,
    collation: Option<String>,
    numbers: bool,
    /// How it is computed, if it is.
    generated: Option<String>,
}

/// A table, as far as its shards must agree on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Described {
    columns: Vec<ColumnSeen>,
    /// The whole columns of each unique key.
    unique: BTreeMap<String, Vec<String>>,
}

impl Described {
    /// From the rows of SHOW FULL COLUMNS and SHOW INDEX.
    fn read(columns: Vec<Row>, keys: Vec<Row>) -> Option<Self> {
        let column = |row: Row| {
            let [name, kind, collation, _, _, _, extra, ..]: [Option<String>; 9] = row.try_into().ok()?;
            let extra = extra?;
            let numbers = extra.contains("auto_increment");
            let generated = is_computed(&extra).then_some(extra);
            Some(ColumnSeen { name: name?, kind: kind?, collation, numbers, generated })
        };
        let mut described =
            Self { columns: columns.into_iter().map(column).collect::<Option<_>>()?, ..Self::default() };
        for row in keys {
            let mut row = row.into_iter().skip(1);
            let (non_unique, key) = (row.next()??, row.next()??);
            // After the place in the key; before the cardinality stands how it is sorted.
            let (column, prefix) = (row.nth(1)?, row.nth(2)?);
            if non_unique == "0" {
                let whole = column.filter(|_| prefix.is_none());
                described.unique.entry(key).or_default().extend(whole);
            }
        }
        Some(described)
    }

    fn column(&self, name: &str) -> Option<&ColumnSeen> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// Whether the shards can keep together what the table has become.
fn fitness(trial: &TableTrial, before: &Described, after: &Described) -> Verdict {
    let TableTrial { table, key, numbered, .. } = trial;
    let sharding = |described: &Described| {
        let column = described.column(key)?;
        Some((column.name.clone(), column.kind.clone(), column.collation.clone(), column.generated.clone()))
    };
    if sharding(before).is_none() || sharding(before) != sharding(after) {
        return Verdict::Unfit(ErrorId::ShardingColumnDdl.with(format_args!("{key} of {table}")));
    }
    let includes_key = |columns: &[String]| columns.iter().any(|column| column.eq_ignore_ascii_case(key));
    if let Some((name, _)) = after.unique.iter().find(|(_, columns)| !includes_key(columns)) {
        return Verdict::Unfit(ErrorId::UnenforceableDdl.with(format_args!("unique key {name} of {table}")));
    }
    let numbered_before = |name: &str| before.column(name).is_some_and(|column| column.numbers);
    if let Some(new) = after.columns.iter().find(|column| column.numbers && !numbered_before(&column.name)) {
        // Each shard would number the rows that it has by itself.
        let what = format_args!("numbering the rows of {table} by a new column {}", new.name);
        return Verdict::Unfit(ErrorId::UnenforceableDdl.with(what));
    }
    match numbered {
        Some(column) if after.column(column).is_none() => {
            Verdict::Unfit(ErrorId::NumberedColumnDdl.with(format_args!("{column} of {table}")))
        }
        _ => Verdict::Fit(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(columns: &[(&str, &str, &str)], keys: &[(&str, &str, &str, Option<&str>)]) -> Described {
        let text = |text: &str| Some(text.to_owned());
        let column = |(name, kind, extra): &(&str, &str, &str)| {
            vec![text(name), text(kind), None, text("NO"), text(""), None, text(extra), text(""), text("")]
        };
        let key = |(non_unique, key, column, prefix): &(&str, &str, &str, Option<&str>)| {
            let prefix = prefix.map(str::to_owned);
            vec![
                text("t"),
                text(non_unique),
                text(key),
                text("1"),
                text(column),
                text("A"),
                text("0"),
                prefix,
            ]
        };
        let (columns, keys) = (columns.iter().map(column).collect(), keys.iter().map(key).collect());
        Described::read(columns, keys).unwrap()
    }

    #[test]
    fn a_change_is_judged_by_what_the_table_becomes() {
        let (table, key) = ("t".into(), "id".into());
        let trial = TableTrial { table, key, numbered: Some("n".into()), elsewhere: None };
        let columns = [("id", "bigint", ""), ("n", "int", ""), ("a", "int", "")];
        let primary = ("0", "PRIMARY", "id", None);
        let before = described(&columns, &[primary]);
        let judged = |columns: &[(&str, &str, &str)], keys: &[(&str, &str, &str, Option<&str>)]| match fitness(
            &trial,
            &before,
            &described(columns, keys),
        ) {
            Verdict::Fit(_) => "fit",
            Verdict::Refused(_) => "refused",
            Verdict::Unfit(error) => error.id.row().id,
        };
        assert_eq!(judged(&columns, &[primary]), "fit");
        assert_eq!(judged(&columns, &[]), "fit");
        assert_eq!(judged(&columns, &[primary, ("1", "i", "a", None)]), "fit");
        assert_eq!(judged(&columns, &[primary, ("0", "u", "a", None), ("0", "u", "ID", None)]), "fit");
        assert_eq!(judged(&columns, &[primary, ("0", "u", "a", None)]), "SH2008");
        assert_eq!(judged(&columns, &[("0", "PRIMARY", "id", Some("3"))]), "SH2008");
        assert_eq!(judged(&[("id", "int", ""), ("n", "int", "")], &[primary]), "SH2051");
        assert_eq!(judged(&[("key", "bigint", ""), ("n", "int", "")], &[]), "SH2051");
        assert_eq!(judged(&[("id", "bigint", "STORED GENERATED"), ("n", "int", "")], &[primary]), "SH2051");
        assert_eq!(judged(&[("id", "bigint", "DEFAULT_GENERATED"), ("n", "int", "")], &[primary]), "fit");
        assert_eq!(judged(&[("id", "bigint", ""), ("b", "int", "")], &[primary]), "SH2052");
        assert_eq!(judged(&[("id", "bigint", ""), ("n", "int", "auto_increment")], &[primary]), "SH2008");
    }
}
