//! BEGIN, COMMIT, ROLLBACK and savepoints, as far as the words make certain what they mean.

use proto::errors::{ClientError, ErrorId};

use super::{Request, target};
use crate::plan::{Beginning, Characteristics, Ending, Isolation, Plan, TransactionStep};

/// The plan of a statement about the session's transaction.
pub(super) fn plan(request: &Request<'_>) -> Result<Plan, ClientError> {
    let step = step(request).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    let snapshot_of = match step {
        TransactionStep::Begin(Beginning { snapshot: true, .. }) => {
            let keyspace = target::any(request)?;
            if keyspace.sharded && keyspace.shards.len() != 1 {
                return Err(ErrorId::EarlySnapshot.plain());
            }
            Some(keyspace.name.clone())
        }
        _ => None,
    };
    Ok(Plan::Transaction { step, snapshot_of })
}

fn step(request: &Request<'_>) -> Option<TransactionStep> {
    let text = request.text.trim_end().trim_end_matches(';');
    let names = &request.words.names;
    let keywords: Vec<String> = names.iter().map(|name| name.keyword()).collect();
    let keywords: Vec<&str> = keywords.iter().map(String::as_str).collect();
    let is_list = |c: char| c == ',' || c == ' ' || c.is_ascii_alphabetic();
    match keywords.as_slice() {
        ["START", "TRANSACTION", characteristics @ ..] if text.chars().all(is_list) => {
            return characteristics_of(characteristics, text.matches(',').count())
                .map(TransactionStep::Begin);
        }
        // Nothing else has a symbol in it, and no literal.
        _ if text.contains([',', '?', '(', '.', '=', '@', '/', ';', '\'', '"']) => return None,
        _ => {}
    }
    match keywords.as_slice() {
        ["BEGIN"] | ["BEGIN", "WORK"] => Some(TransactionStep::Begin(Beginning::default())),
        ["COMMIT", rest @ ..] => ending(rest).map(TransactionStep::Commit),
        ["ROLLBACK", "TO", "SAVEPOINT", _] => Some(TransactionStep::RollbackTo(names[3].text.to_owned())),
        ["ROLLBACK", "WORK", "TO", "SAVEPOINT", _] => {
            Some(TransactionStep::RollbackTo(names[4].text.to_owned()))
        }
        ["ROLLBACK", "TO", _] => Some(TransactionStep::RollbackTo(names[2].text.to_owned())),
        ["ROLLBACK", "WORK", "TO", _] => Some(TransactionStep::RollbackTo(names[3].text.to_owned())),
        ["ROLLBACK", rest @ ..] => ending(rest).map(TransactionStep::Rollback),
        ["SAVEPOINT", _] => Some(TransactionStep::Save(names[1].text.to_owned())),
        ["RELEASE", "SAVEPOINT", _] => Some(TransactionStep::Release(names[2].text.to_owned())),
        _ => None,
    }
}

fn ending(rest: &[&str]) -> Option<Ending> {
    match rest.strip_prefix(&["WORK"]).unwrap_or(rest) {
        [] | ["AND", "NO", "CHAIN"] | ["NO", "RELEASE"] | ["AND", "NO", "CHAIN", "NO", "RELEASE"] => {
            Some(Ending::Plain)
        }
        ["AND", "CHAIN"] | ["AND", "CHAIN", "NO", "RELEASE"] => Some(Ending::Chain),
        ["RELEASE"] | ["AND", "NO", "CHAIN", "RELEASE"] => Some(Ending::Release),
        _ => None,
    }
}

/// The plan of SET TRANSACTION without SESSION or GLOBAL.
pub(super) fn next(request: &Request<'_>) -> Result<Plan, ClientError> {
    let keywords: Vec<String> = request.words.names.iter().skip(2).map(|name| name.keyword()).collect();
    let keywords: Vec<&str> = keywords.iter().map(String::as_str).collect();
    let text = request.text.trim_end().trim_end_matches(';');
    let is_list = text.chars().all(|c| c == ',' || c == ' ' || c.is_ascii_alphabetic());
    let characteristics = next_of(&keywords, text.matches(',').count()).filter(|_| is_list);
    let step = characteristics.map(TransactionStep::Next).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    Ok(Plan::Transaction { step, snapshot_of: None })
}

fn next_of(words: &[&str], commas: usize) -> Option<Characteristics> {
    let (mut next, mut rest, mut seen) = (Characteristics::default(), words, 0);
    while !rest.is_empty() {
        seen += 1;
        let (isolation, after) = match rest {
            ["ISOLATION", "LEVEL", "READ", "UNCOMMITTED", after @ ..] => (Isolation::ReadUncommitted, after),
            ["ISOLATION", "LEVEL", "READ", "COMMITTED", after @ ..] => (Isolation::ReadCommitted, after),
            ["ISOLATION", "LEVEL", "REPEATABLE", "READ", after @ ..] => (Isolation::RepeatableRead, after),
            ["ISOLATION", "LEVEL", "SERIALIZABLE", after @ ..] => (Isolation::Serializable, after),
            ["READ", access @ ("ONLY" | "WRITE"), after @ ..] if next.read_only.is_none() => {
                next.read_only = Some(*access == "ONLY");
                rest = after;
                continue;
            }
            _ => return None,
        };
        if next.isolation.replace(isolation).is_some() {
            return None;
        }
        rest = after;
    }
    (seen > 0 && commas == seen - 1).then_some(next)
}

fn characteristics_of(words: &[&str], commas: usize) -> Option<Beginning> {
    let (mut beginning, mut rest, mut seen) = (Beginning::default(), words, 0);
    while !rest.is_empty() {
        seen += 1;
        rest = match rest {
            ["WITH", "CONSISTENT", "SNAPSHOT", rest @ ..] => {
                beginning.snapshot = true;
                rest
            }
            ["READ", access @ ("ONLY" | "WRITE"), rest @ ..] if beginning.read_only.is_none() => {
                beginning.read_only = Some(*access == "ONLY");
                rest
            }
            _ => return None,
        };
    }
    (commas == usize::max(seen, 1) - 1).then_some(beginning)
}
