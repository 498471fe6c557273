//! A schema change while it is under way: what the topology says of it, and which shards have made it.
//!
//! MySQL makes a schema change on one server whole or not at all, but several servers do not make it together.
//! So before the first shard is asked, it is put down what the statement is about and how each shard has that
//! now. Whoever finds the record later, because a shard refused or a gate died, asks the shards: one that has it
//! otherwise than before has made the change. Where a change leaves no trace (TRUNCATE, a rebuild) it is made
//! again, which is what its repetition asks for.

use std::collections::BTreeMap;

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use topo::records::{ObjectKind, SchemaChangeRecord, SchemaObject};
use topo::store::Outcome;
use topo::topology::{Lock, Transaction};

use super::super::line::{Line, LineError};
use super::quoted;
use crate::hold::decide::error_code;
use crate::plan::SchemaChange;
use crate::worker::Worker;

/// What a shard has made of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is as it was.
    AsBefore,
    /// It has made it.
    Made,
}

/// The record of the keyspace's change, if one is under way.
pub(super) async fn read(
    worker: &Worker,
    keyspace: &KeyspaceName,
) -> Result<Option<SchemaChangeRecord>, ClientError> {
    let topology = &worker.shared.topology;
    let found = topology.read(&topology.keys().schema_change(keyspace)).await;
    Ok(found.map_err(|_| ErrorId::TopologyUnavailable.plain())?.map(|stored| stored.value))
}

/// Puts down that a change begins.
pub(super) async fn begin(
    worker: &Worker,
    change: &SchemaChange,
    (sql, settings): (&[u8], String),
    (lines, lock): (&mut [Line<'_>], &Lock),
) -> Result<SchemaChangeRecord, ClientError> {
    let mut before = BTreeMap::new();
    for line in lines {
        let digest = digest(line, &change.keyspace, &change.about).await?;
        before.insert(line.shard().range.clone(), digest);
    }
    let creates = change.creates.clone().filter(|_| before.values().any(|digest| *digest == absent()));
    let sql = String::from_utf8_lossy(sql).into_owned();
    let record = SchemaChangeRecord { sql, settings, about: change.about.clone(), before, creates };
    let topology = &worker.shared.topology;
    let transaction = Transaction::new()
        .put(&topology.keys().schema_change(&change.keyspace), &record)
        .map_err(|error| ErrorId::Internal.with(error))?
        .while_locked(lock);
    match topology.commit(transaction).await {
        Ok(Outcome::Committed(_)) => Ok(record),
        Ok(Outcome::Conflict) | Err(_) => Err(ErrorId::TopologyUnavailable.plain()),
    }
}

/// Puts down that no shard has anything of it.
pub(super) async fn forget(worker: &Worker, keyspace: &KeyspaceName, lock: &Lock) -> Result<(), ClientError> {
    let topology = &worker.shared.topology;
    let transaction = Transaction::new().delete(&topology.keys().schema_change(keyspace)).while_locked(lock);
    match topology.commit(transaction).await {
        Ok(Outcome::Committed(_)) => Ok(()),
        Ok(Outcome::Conflict) | Err(_) => Err(ErrorId::TopologyUnavailable.plain()),
    }
}

/// What the shard has made of the change.
pub(super) async fn state(
    line: &mut Line<'_>,
    keyspace: &KeyspaceName,
    record: &SchemaChangeRecord,
) -> Result<State, ClientError> {
    let now = digest(line, keyspace, &record.about).await?;
    let before = record.before.get(&line.shard().range);
    Ok(if before == Some(&now) { State::AsBefore } else { State::Made })
}

/// Whether the shard had nothing of what the change is about.
pub(super) fn had_nothing(line: &Line<'_>, record: &SchemaChangeRecord) -> bool {
    record.before.get(&line.shard().range) == Some(&absent())
}

/// The digest of one thing that is not there.
fn absent() -> String {
    sum(&[ABSENT.to_owned()])
}

const ABSENT: &str = "-";
/// MySQL's codes for a table, a stored program and a trigger that are not there.
const NOT_THERE: [u16; 3] = [1146, 1305, 1360];

/// How the shard has what a statement is about.
async fn digest(
    line: &mut Line<'_>,
    keyspace: &KeyspaceName,
    about: &[SchemaObject],
) -> Result<String, ClientError> {
    let mut shown = Vec::new();
    for object in about {
        let (kind, column) = match object.kind {
            ObjectKind::Table => ("TABLE", 1),
            ObjectKind::Trigger => ("TRIGGER", 2),
            ObjectKind::Function => ("FUNCTION", 2),
            ObjectKind::Procedure => ("PROCEDURE", 2),
        };
        let sql = format!("SHOW CREATE {kind} {}.{}", quoted(keyspace.as_str()), quoted(&object.name));
        shown.push(match line.query(&sql).await {
            Ok(rows) => {
                let text = rows.into_iter().next().and_then(|row| row.into_iter().nth(column).flatten());
                without_next_number(&text.unwrap_or_default())
            }
            Err(LineError::Refused(packet)) => match error_code(&packet) {
                Some(code) if NOT_THERE.contains(&code) => ABSENT.to_owned(),
                code => format!("error {}", code.unwrap_or_default()),
            },
            Err(LineError::Failed(error)) => return Err(error),
        });
    }
    Ok(sum(&shown))
}

fn sum(shown: &[String]) -> String {
    let whole = shown.join("\n;\n");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, whole.as_bytes());
    digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows that come meanwhile move the number that AUTO_INCREMENT gives next; no schema change did that.
fn without_next_number(create: &str) -> String {
    const WORD: &str = " AUTO_INCREMENT=";
    let Some((before, after)) = create.rsplit_once(WORD) else { return create.to_owned() };
    format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_is_no_part_of_a_schema() {
        let create =
            |number: &str| format!("CREATE TABLE `t` (\n) ENGINE=InnoDB{number} DEFAULT CHARSET=utf8mb4");
        assert_eq!(without_next_number(&create(" AUTO_INCREMENT=17")), create(""));
        assert_eq!(without_next_number(&create("")), create(""));
        assert_ne!(sum(&["a".into(), "b".into()]), sum(&["ab".into()]));
    }
}
