//! Stored programs of a sharded keyspace: which of them do on every shard what they do on one MySQL.
//!
//! A trigger or a function that looks at nothing but its row and its arguments does. One with a statement inside
//! would see, and change, rows of its own shard only.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Keyspace;

use super::Request;
use super::pins::sharding_key;
use crate::sql::words::Name;

/// Words that begin a statement about rows, or hand on to one.
const ABOUT_ROWS: [&str; 12] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "CALL", "TABLE", "WITH", "LOAD", "TRUNCATE",
    "HANDLER", "SONAME",
];

/// Refuses a trigger that does more than look at its row, or that touches the sharding column.
pub(super) fn check_trigger(request: &Request<'_>, keyspace: &Keyspace) -> Result<(), ClientError> {
    let words = &request.words.names;
    if words.first().is_some_and(|first| first.is("DROP")) {
        return Ok(());
    }
    // … ON table FOR EACH ROW body
    let body =
        words.windows(3).position(|three| three[0].is("FOR") && three[1].is("EACH") && three[2].is("ROW"));
    let body = body.ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    let table = words[..body].last().ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    let (_, key) = sharding_key(keyspace, table.text)?;
    let body = &words[body + 3..];
    let names_key = |word: &Name<'_>| word.text.eq_ignore_ascii_case(&key.column) || !word.text.is_ascii();
    if body.iter().any(is_about_rows) {
        Err(ErrorId::WrongPerShard.with("a trigger with statements about rows"))
    } else if body.iter().any(names_key) {
        Err(ErrorId::WrongPerShard.with("a trigger that names the sharding column"))
    } else {
        Ok(())
    }
}

/// Refuses a function that does more than look at its arguments.
pub(super) fn check_function(request: &Request<'_>) -> Result<(), ClientError> {
    let words = &request.words.names;
    if !words.first().is_some_and(|first| first.is("CREATE")) {
        return Ok(());
    }
    if words.iter().any(is_about_rows) {
        return Err(ErrorId::WrongPerShard.with("a function with statements about rows"));
    }
    Ok(())
}

/// REPLACE and INSERT are functions, too.
fn is_about_rows(word: &Name<'_>) -> bool {
    word.is_one_of(&ABOUT_ROWS) && !(word.is_one_of(&["REPLACE", "INSERT", "TRUNCATE"]) && word.is_called())
}
