//! The syntax tree of a statement, from its normalised text (or, for schema changes, from the raw one).

use sqlparser::ast::Statement;
use sqlparser::dialect::MySqlDialect;
use sqlparser::parser::{Parser, ParserOptions};

use crate::limits::MAX_PARSE_DEPTH;

/// The statement does not parse; MySQL's grammar is larger than the parser's, so it may be valid all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the statement does not parse")]
pub struct Unparsed;

/// The one statement of the text. A `;` at its end counts for nothing, a second statement is refused.
pub fn parse(text: &str) -> Result<Statement, Unparsed> {
    let dialect = MySqlDialect {};
    let mut statements = Parser::new(&dialect)
        // Literals that stay in the text keep their backslashes.
        .with_options(ParserOptions::new().with_unescape(false))
        .with_recursion_limit(MAX_PARSE_DEPTH)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|_| Unparsed)?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err(Unparsed),
    }
}
