//! SHOW and DESCRIBE.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Keyspace;

use super::{Request, target};
use crate::plan::{Answer, Plan};
use crate::sql::words::Name;

/// SHOW DATABASES without a filter.
pub(super) fn databases(request: &Request<'_>) -> Result<Plan, ClientError> {
    if request.words.names.len() > 2 {
        return Err(ErrorId::UnsupportedStatement.with("SHOW DATABASES with a filter"));
    }
    Ok(Plan::Answer(Answer::Databases))
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
    let about_tables = words.iter().take(3).any(|word| word.is("TABLES"));
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

fn shows_no_table(words: &[Name<'_>]) -> bool {
    let subject = words.get(1).map(|word| word.keyword());
    matches!(subject.as_deref(), Some("COLLATION" | "ENGINES" | "CHARACTER"))
}
