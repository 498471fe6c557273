//! What the shards know of a table's numbers.

use std::rc::Rc;

use proto::errors::{ClientError, ErrorId};
use proto::wire::CapabilityFlags;
use topo::snapshot::Keyspace;

use super::done::told;
use super::line::{Line, LineError};
use crate::backend::SessionClass;
use crate::worker::Worker;

/// A table with its numbered column.
#[derive(Debug, Clone, Copy)]
pub struct NumberedTable<'a> {
    /// Whose shards.
    pub keyspace: &'a Keyspace,
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
}

/// A number that no row and no counter of any shard has reached.
pub async fn beyond(
    worker: &Worker,
    class: &SessionClass,
    asked: NumberedTable<'_>,
) -> Result<u64, ClientError> {
    let class = reading(class);
    let (table, column) = (asked.quoted_table(), quoted(asked.column));
    let highest = format!("SELECT CAST(GREATEST(COALESCE(MAX({column}), 0), 0) AS UNSIGNED) FROM {table}");
    let described = format!("SHOW CREATE TABLE {table}");
    let mut next = 1;
    for shard in &asked.keyspace.shards {
        let mut line = Line::open(worker, &class, &shard.shard).await?;
        let found = line.query(&highest).await.map_err(unanswered)?;
        let highest = found.into_iter().flatten().flatten().next().and_then(|n| n.parse::<u64>().ok());
        next = next.max(highest.ok_or_else(unreadable)?.saturating_add(1));
        let described = line.query(&described).await.map_err(unanswered)?;
        let described = described.into_iter().flatten().flatten().nth(1).ok_or_else(unreadable)?;
        next = next.max(counter(&described).unwrap_or(1));
        line.close();
    }
    Ok(next)
}

/// Those of the numbers that rows of a shard have.
pub async fn present(
    worker: &Worker,
    class: &SessionClass,
    asked: NumberedTable<'_>,
    shard: usize,
    numbers: &[u64],
) -> Result<Vec<u64>, ClientError> {
    let class = reading(class);
    let shard =
        asked.keyspace.shards.get(shard).ok_or_else(|| ErrorId::Internal.with("a row without shard"))?;
    let (table, column) = (asked.quoted_table(), quoted(asked.column));
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    let sql = format!("SELECT {column} FROM {table} WHERE {column} IN ({})", numbers.join(","));
    let mut line = Line::open(worker, &class, &shard.shard).await?;
    let found = line.query(&sql).await.map_err(unanswered)?;
    line.close();
    found.into_iter().flatten().flatten().map(|n| n.parse().map_err(|_| unreadable())).collect()
}

/// A sequence of Vitess: a table of an unsharded keyspace, whose one row has id 0 and the next number.
#[derive(Debug, Clone, Copy)]
pub struct Sequence<'a> {
    /// The keyspace.
    pub keyspace: &'a Keyspace,
    /// The table.
    pub table: &'a str,
}

/// Takes numbers of a sequence; gives the first, or MySQL's error packet.
pub async fn next_of(
    worker: &Worker,
    class: &SessionClass,
    sequence: Sequence<'_>,
    count: u64,
) -> Result<Result<u64, Vec<u8>>, ClientError> {
    let unusable = || ErrorId::BadSequence.with(sequence.table);
    let (schema, table) = (quoted(sequence.keyspace.name.as_str()), quoted(sequence.table));
    let sql = format!("UPDATE {schema}.{table} SET next_id = LAST_INSERT_ID(next_id) + {count} WHERE id = 0");
    let shard = sequence.keyspace.shards.first().ok_or_else(unusable)?;
    let class = reading(class);
    let mut line = Line::open(worker, &class, &shard.shard).await?;
    let done = match line.execute(sql.as_bytes()).await {
        Ok(done) => done,
        Err(error) => return error.answer().map(Err),
    };
    line.close();
    match told(&done) {
        Some((1, first)) => Ok(Ok(first)),
        _ => Err(unusable()),
    }
}

/// The next value of the table's own counter, which stands in the line of its options.
fn counter(described: &str) -> Option<u64> {
    let (_, options) = described.rsplit_once("\n) ENGINE=")?;
    let line = options.lines().next()?;
    let option = line.split(' ').find_map(|option| option.strip_prefix("AUTO_INCREMENT="))?;
    option.parse().ok()
}

impl NumberedTable<'_> {
    fn quoted_table(&self) -> String {
        format!("{}.{}", quoted(self.keyspace.name.as_str()), quoted(self.table))
    }
}

/// The gate's own questions are asked under no settings, and read under one form of answer.
fn reading(class: &SessionClass) -> SessionClass {
    let capabilities = class.capabilities | CapabilityFlags::CLIENT_DEPRECATE_EOF;
    SessionClass { capabilities, settings: Rc::default(), ..class.clone() }
}

fn unanswered(error: LineError) -> ClientError {
    match error {
        LineError::Refused(_) => ErrorId::Internal.with("MySQL refused to tell of a table's numbers"),
        LineError::Failed(error) => error,
    }
}

fn unreadable() -> ClientError {
    ErrorId::Internal.with("MySQL told of a table's numbers in a way that cannot be read")
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_read_from_the_options() {
        let table = "CREATE TABLE `t` (\n  `a` int COMMENT ') ENGINE= AUTO_INCREMENT=7'\n) ENGINE=InnoDB";
        for (options, expected) in [
            (" AUTO_INCREMENT=42 DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=5'", Some(42)),
            (" DEFAULT CHARSET=utf8mb4", None),
            (" AUTO_INCREMENT=18446744073709551615\n/*!50100 PARTITION BY HASH (`a`) */", Some(u64::MAX)),
        ] {
            assert_eq!(counter(&format!("{table}{options}")), expected, "{options}");
        }
    }
}
