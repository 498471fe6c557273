//! Which statements ask what the statement before them warned of.

use super::Request;
use crate::plan::{ShowWarnings, WarningCount};

/// What is asked for, if the statement is one of them.
pub(super) fn asked(request: &Request<'_>) -> Option<ShowWarnings> {
    let raw = request.raw.trim().trim_end_matches(';').trim_end();
    let first = request.words.names.first()?;
    if first.is("SHOW") {
        return shown(&raw.to_ascii_lowercase());
    }
    if !first.is("SELECT") {
        return None;
    }
    let columns = raw.get("select".len()..)?.split(',').map(|column| {
        let name = column.trim();
        let variable = name.to_ascii_lowercase();
        let variable = variable.strip_prefix("@@")?;
        let only_errors = match variable.strip_prefix("session.").unwrap_or(variable) {
            "warning_count" => false,
            "error_count" => true,
            _ => return None,
        };
        Some(WarningCount { name: name.to_owned(), only_errors })
    });
    Some(ShowWarnings::Counts { columns: columns.collect::<Option<_>>()?, clears: true })
}

fn shown(text: &str) -> Option<ShowWarnings> {
    let spaced = text.replace(',', " , ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_ascii_whitespace().collect();
    let only_errors = |word: &str| match word {
        "warnings" => Some(false),
        "errors" => Some(true),
        _ => None,
    };
    let number = |word: &str| word.parse::<usize>().ok();
    let (what, offset, count) = match words.as_slice() {
        ["show", "count", "(", "*", ")", what] => {
            let only_errors = only_errors(what)?;
            let name = if only_errors { "@@session.error_count" } else { "@@session.warning_count" };
            let columns = vec![WarningCount { name: name.to_owned(), only_errors }];
            return Some(ShowWarnings::Counts { columns, clears: false });
        }
        ["show", what] => (what, 0, usize::MAX),
        ["show", what, "limit", count] => (what, 0, number(count)?),
        ["show", what, "limit", offset, ",", count] | ["show", what, "limit", count, "offset", offset] => {
            (what, number(offset)?, number(count)?)
        }
        _ => return None,
    };
    Some(ShowWarnings::List { only_errors: only_errors(what)?, offset, count })
}
