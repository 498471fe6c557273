//! SHOW and DESCRIBE of what is in a schema.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Keyspace;

use super::{Request, catalog, of_schema, target, without_tables};
use crate::aim::Database;
use crate::clients::Shown;
use crate::plan::{Answer, By, Piece, Plan, Rewrite};
use crate::sql::tokens::{TokenKind, tokens};
use crate::sql::words::Name;

/// DESCRIBE, and SHOW of what is alike on every shard.
pub(super) fn plan(request: &Request<'_>) -> Result<Plan, ClientError> {
    let keyspace = keyspace(request)?;
    // What is set, and what is counted, is the connection's own in part.
    let is_servers = shows_no_table(&request.words.names);
    Ok(if is_servers { without_tables(request, keyspace) } else { of_schema(keyspace) })
}

/// SHOW [FULL] PROCESSLIST.
pub(super) fn processes(request: &Request<'_>) -> Plan {
    let is_full = request.words.names.get(1).is_some_and(|word| word.is("FULL"));
    Plan::Answer(Answer::Processes(if is_full { Shown::All } else { Shown::Beginning }))
}

/// SHOW TABLE STATUS: where tables have rows on several shards, what all of them say.
pub(super) fn table_status(request: &Request<'_>) -> Result<Plan, ClientError> {
    let keyspace = keyspace(request)?;
    if keyspace.shards.len() <= 1 {
        return Ok(of_schema(keyspace));
    }
    if request.words.has("WHERE") {
        // It might be about the numbers, which are not those of one shard.
        return Err(ErrorId::UnsupportedStatement.with("SHOW TABLE STATUS with WHERE in a sharded keyspace"));
    }
    Ok(Plan::TableStatus(keyspace.name.clone()))
}

/// SHOW EVENTS: of an account that may not make any MySQL wants the right to, but its catalogue shows everybody what
/// they may see, and that is none.
pub(super) fn events(request: &Request<'_>) -> Result<Plan, ClientError> {
    let refused = || ErrorId::NotUnderstood.plain();
    match keyspace(request) {
        // In a database that is not there MySQL finds no events.
        Err(error) if error.id != ErrorId::UnknownDatabase => return Err(error),
        _ => {}
    }
    let sql = request.raw.as_bytes();
    let tokens = tokens(sql).ok_or_else(refused)?;
    let mut tokens = tokens.iter().filter(|token| token.kind != TokenKind::Comment);
    let start = tokens.next().ok_or_else(refused)?.start;
    let filter = tokens.find(|token| token.is_one_of(sql, &["LIKE", "WHERE"]));
    let end = filter.map_or(sql.len(), |filter| filter.start);
    let filtered = filter.is_some_and(|filter| filter.is(sql, "LIKE"));
    let by = By::Text(format!("{EVENTS} {}", if filtered { "WHERE Name " } else { "" }));
    Ok(Plan::Rewrite(Rewrite { pieces: vec![Piece { start, end, by }], notes: Vec::new() }))
}

/// What MySQL itself makes of SHOW EVENTS.
const EVENTS: &str = "SELECT * FROM (SELECT EVENT_SCHEMA AS Db, EVENT_NAME AS Name, DEFINER AS Definer, \
                      TIME_ZONE AS `Time zone`, EVENT_TYPE AS Type, EXECUTE_AT AS `Execute at`, \
                      INTERVAL_VALUE AS `Interval value`, INTERVAL_FIELD AS `Interval field`, STARTS AS Starts, \
                      ENDS AS Ends, STATUS AS Status, ORIGINATOR AS Originator, \
                      CHARACTER_SET_CLIENT AS character_set_client, \
                      COLLATION_CONNECTION AS collation_connection, DATABASE_COLLATION AS `Database Collation` \
                      FROM information_schema.EVENTS) AS EVENTS";

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
        // Every server has all of its tables.
        Some(schema) if catalog::is_named(schema) => target::any(request),
        None if request.database == Some(&Database::Catalogue) => target::any(request),
        Some(schema) => target::by_schema(request, schema),
        None if shows_no_table(words) => target::any(request),
        // It names one table at most.
        None => target::by_qualifier(request),
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
