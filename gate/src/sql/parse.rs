//! The syntax tree of a statement, from its normalised text (or, for schema changes, from the raw one).

use std::borrow::Cow;

use sqlparser::ast::Statement;
use sqlparser::dialect::MySqlDialect;
use sqlparser::parser::{Parser, ParserError, ParserOptions};

use crate::limits::MAX_PARSE_DEPTH;

/// The statement does not parse; MySQL's grammar is larger than the parser's, so it may be valid all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the statement does not parse near {near:?}")]
pub struct Unparsed {
    /// The word that the parser did not expect, where it says so.
    pub near: Option<String>,
}

/// The one statement of the text. A `;` at its end counts for nothing, a second statement is refused.
pub fn parse(text: &str) -> Result<Statement, Unparsed> {
    let dialect = MySqlDialect {};
    let mut statements = Parser::new(&dialect)
        // Literals that stay in the text keep their backslashes.
        .with_options(ParserOptions::new().with_unescape(false))
        .with_recursion_limit(MAX_PARSE_DEPTH)
        .try_with_sql(&in_known_words(text))
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| Unparsed { near: near(&error) })?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err(Unparsed { near: None }),
    }
}

/// What MySQL has two forms for, in the one that the parser knows.
fn in_known_words(text: &str) -> Cow<'_, str> {
    const TABLE: &str = "TABLE ";
    const SHARE: &str = " LOCK IN SHARE MODE";
    let mut text = without_modifiers(text);
    if text.get(..TABLE.len()).is_some_and(|word| word.eq_ignore_ascii_case(TABLE)) {
        text = Cow::Owned(format!("SELECT * FROM {}", &text[TABLE.len()..]));
    }
    let end = text.trim_end_matches([' ', ';']).len();
    let Some(at) = end.checked_sub(SHARE.len()) else { return text };
    match text.get(at..end) {
        Some(lock) if lock.eq_ignore_ascii_case(SHARE) => Cow::Owned(format!("{} FOR SHARE", &text[..at])),
        _ => text,
    }
}

/// The text without words after its first one that say when a write is done, and what becomes of its errors, and not what it
/// writes. MySQL takes QUICK for one of these even where a table of that name would follow.
fn without_modifiers(text: &str) -> Cow<'_, str> {
    let Some((first, mut rest)) = text.split_once(' ') else { return Cow::Borrowed(text) };
    let modifiers: &[&str] = match first.to_ascii_uppercase().as_str() {
        // What IGNORE of an INSERT means for its rows is decided by its tree.
        "INSERT" | "REPLACE" => &["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY"],
        "UPDATE" => &["LOW_PRIORITY", "IGNORE"],
        "DELETE" => &["LOW_PRIORITY", "QUICK", "IGNORE"],
        _ => return Cow::Borrowed(text),
    };
    let mut kept = String::from(first);
    let whole = rest;
    loop {
        let hint = rest.starts_with("/*").then(|| rest.find("*/")).flatten().map(|end| end + 2);
        let (word, after) = match hint {
            Some(end) => (&rest[..end], rest[end..].trim_start()),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        if hint.is_some() {
            kept.push(' ');
            kept.push_str(word);
        } else if !modifiers.iter().any(|modifier| modifier.eq_ignore_ascii_case(word)) {
            break;
        }
        rest = after;
    }
    if rest.len() == whole.len() { Cow::Borrowed(text) } else { Cow::Owned(format!("{kept} {rest}")) }
}

/// The word that the parser complains of.
fn near(error: &ParserError) -> Option<String> {
    let ParserError::ParserError(text) = error else { return None };
    let (_, found) = text.split_once("found: ")?;
    let (word, _) = found.rsplit_once(" at Line:").unwrap_or((found, ""));
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_are_the_same_have_one_tree() {
        for (one, other) in [
            ("table t", "select * from t"),
            ("TABLE shop.t order by a limit ?0", "select * from shop.t order by a limit ?0"),
            ("select a from t lock in share mode ;", "select a from t for share"),
            ("update ignore t set a = ?0", "update t set a = ?0"),
            ("UPDATE /*+ x */ LOW_PRIORITY ignore t set a = ?0", "update /*+ x */ t set a = ?0"),
            ("delete low_priority quick ignore from t where a = ?0", "delete from t where a = ?0"),
            ("delete quick from quick", "delete from quick"),
            ("insert high_priority ignore into t values (?0)", "insert ignore into t values (?0)"),
            ("replace delayed t values (?0)", "replace t values (?0)"),
        ] {
            assert_eq!(
                parse(one).map(|tree| tree.to_string()),
                parse(other).map(|tree| tree.to_string()),
                "{one}"
            );
        }
    }

    #[test]
    fn what_does_not_parse_is_named() {
        for (text, near) in [
            ("select a from t procedure analyse", Some("analyse")),
            ("select a mod ?0 div ?6 from t", Some("?0")),
            ("select", Some("EOF")),
            ("select ?0; select ?0", None),
        ] {
            assert_eq!(parse(text).unwrap_err().near.as_deref(), near, "{text}");
        }
    }
}
