//! SHOW and DESCRIBE.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Keyspace;

use super::{Request, target};
use crate::plan::{Answer, Plan};
use crate::sql::words::names;

/// SHOW DATABASES without a filter.
pub(super) fn databases(request: &Request<'_>) -> Result<Plan, ClientError> {
    if names(request.text).count() > 2 {
        return Err(ErrorId::UnsupportedStatement.with("SHOW DATABASES with a filter"));
    }
    Ok(Plan::Answer(Answer::Databases))
}

/// The keyspace whose schema is shown: after `FROM` or `IN`, before a point, or the default one.
pub(super) fn keyspace<'a>(request: &Request<'a>) -> Result<&'a Keyspace, ClientError> {
    let words: Vec<_> = names(request.text).collect();
    let about_tables = words.iter().take(3).any(|word| word.is("TABLES"));
    let sources: Vec<&str> =
        words.windows(2).filter(|pair| pair[0].is_one_of(&["FROM", "IN"])).map(|pair| pair[1].text).collect();
    // `SHOW TABLES FROM schema`; `SHOW COLUMNS FROM table FROM schema`.
    let schema = if about_tables { sources.first() } else { sources.get(1) };
    match schema {
        Some(schema) => target::by_schema(request, schema),
        None if shows_no_table(&words) => target::any(request),
        None => target::by_names(request),
    }
}

fn shows_no_table(words: &[crate::sql::words::Name<'_>]) -> bool {
    let subject = words.get(1).map(|word| word.keyword());
    matches!(subject.as_deref(), Some("COLLATION" | "ENGINES" | "CHARACTER"))
}
