//! Stored programs of a sharded keyspace: which of them do on every shard what they do on one MySQL.
//!
//! A trigger, a function or a procedure that looks at nothing but its row and its arguments does. One with a statement
//! about rows inside would see, and change, those of its own shard only.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Keyspace;

use super::pins::sharding_key;
use super::{Request, target, to_any};
use crate::plan::{Afterwards, Plan};
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

/// Words that a procedure may say more with than its text shows, or that change a schema.
const MORE_IN_PROCEDURES: [&str; 20] = [
    "ALTER", "ANALYZE", "CACHE", "CHECK", "CHECKSUM", "CREATE", "DESC", "DESCRIBE", "DROP", "EXECUTE",
    "EXPLAIN", "FLUSH", "GRANT", "LOCK", "OPTIMIZE", "PREPARE", "RENAME", "REPAIR", "REVOKE", "SHOW",
];

/// Refuses a procedure that does more than look at its arguments.
pub(super) fn check_procedure(request: &Request<'_>) -> Result<(), ClientError> {
    let words = &request.words.names;
    if !words.first().is_some_and(|first| first.is("CREATE")) {
        return Ok(());
    }
    let body = &words[1..];
    // A SELECT finds rows by FROM only, and DECLARE … HANDLER FOR is about errors.
    let finds_rows = body.iter().any(|word| word.is_one_of(&["FROM", "JOIN"]));
    let is_harmless = |at: usize| match body.get(at + 1) {
        _ if body[at].is("SELECT") => !finds_rows,
        Some(next) => body[at].is("HANDLER") && next.is("FOR"),
        None => false,
    };
    let is_more = |at: usize| {
        let word = &body[at];
        (is_about_rows(word) && !is_harmless(at))
            || (word.is_one_of(&MORE_IN_PROCEDURES) && !word.is_called())
    };
    if (0..body.len()).any(is_more) {
        return Err(ErrorId::WrongPerShard.with("a procedure with statements about rows or schemas"));
    }
    Ok(())
}

/// The plan for CALL. A procedure of a sharded keyspace looks at its arguments only: any shard can run it.
pub(super) fn call(request: &Request<'_>) -> Result<Plan, ClientError> {
    let keyspace = target::by_names(request)?;
    let finds_rows = |name: &Name<'_>| name.is_one_of(&["SELECT", "TABLE", "VALUES", "WITH"]);
    if keyspace.sharded && request.words.names.iter().skip(1).any(finds_rows) {
        return Err(ErrorId::WrongPerShard.with("CALL with a query among its arguments"));
    }
    Ok(to_any(keyspace, Afterwards::Close))
}

/// REPLACE and INSERT are functions, too.
fn is_about_rows(word: &Name<'_>) -> bool {
    word.is_one_of(&ABOUT_ROWS) && !(word.is_one_of(&["REPLACE", "INSERT", "TRUNCATE"]) && word.is_called())
}
