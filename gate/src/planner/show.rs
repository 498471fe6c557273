//! SHOW and DESCRIBE of what is in a schema.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Keyspace;

use super::{Request, target, to_any};
use crate::plan::{Afterwards, Plan};
use crate::sql::words::Name;

/// SHOW TABLE STATUS: where tables have rows on several shards, what all of them say.
pub(super) fn table_status(request: &Request<'_>) -> Result<Plan, ClientError> {
    let keyspace = keyspace(request)?;
    if keyspace.shards.len() <= 1 {
        return Ok(to_any(keyspace, Afterwards::Reuse));
    }
    if request.words.has("WHERE") {
        // It might be about the numbers, which are not those of one shard.
        return Err(ErrorId::UnsupportedStatement.with("SHOW TABLE STATUS with WHERE in a sharded keyspace"));
    }
    Ok(Plan::TableStatus(keyspace.name.clone()))
}

/// The keyspace whose schema is shown: after `FROM` or `IN`, before a point, or the default one.
pub(super) fn keyspace<'a>(request: &Request<'a>) -> Result<&'a Keyspace, ClientError> {
    let words = &request.words.names;
    // A condition with a query could be about rows of every shard.
    let asks_for_rows = |(place, word): (usize, &Name<'_>)| {
        word.is_one_of(&["SELECT", "VALUES", "WITH"]) || (place > 2 && word.is("TABLE"))
    };
    if words.iter().enumerate().any(asks_for_rows) {
        return Err(ErrorId::UnsupportedStatement.with("a query inside SHOW"));
    }
    if let Some(database) = created_database(words) {
        return target::by_schema(request, database);
    }
    let lists = ["TABLES", "TRIGGERS", "EVENTS", "STATUS"];
    let about_tables = words.iter().take(3).any(|word| word.is_one_of(&lists));
    let sources: Vec<&str> =
        words.windows(2).filter(|pair| pair[0].is_one_of(&["FROM", "IN"])).map(|pair| pair[1].text).collect();
    // `SHOW TABLES FROM schema`; `SHOW COLUMNS FROM table FROM schema`.
    let schema = if about_tables { sources.first() } else { sources.get(1) };
    match schema {
        Some(schema) => target::by_schema(request, schema),
        None if shows_no_table(words) => target::any(request),
        None => target::by_names(request),
    }
}

/// The database whose CREATE DATABASE is shown.
fn created_database<'a>(words: &[Name<'a>]) -> Option<&'a str> {
    let shown = words.get(1)?.is("CREATE") && words.get(2)?.is_one_of(&["DATABASE", "SCHEMA"]);
    // IF NOT EXISTS may stand before the name.
    shown.then(|| words.last().map(|name| name.text)).flatten()
}

fn shows_no_table(words: &[Name<'_>]) -> bool {
    let scope =
        |word: &&Name<'_>| word.is_one_of(&["SHOW", "GLOBAL", "SESSION", "LOCAL", "EXTENDED", "FULL"]);
    let subject = words.iter().find(|word| !scope(word)).map(|word| word.keyword());
    let everywhere = [
        "CHARACTER",
        "CHARSET",
        "COLLATION",
        "ENGINES",
        "FUNCTION",
        "LIBRARY",
        "PLUGINS",
        "PRIVILEGES",
        "PROCEDURE",
        "STATUS",
        "VARIABLES",
    ];
    subject.is_some_and(|subject| everywhere.contains(&subject.as_str()))
}
