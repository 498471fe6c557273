//! User variables: where a statement names them, and SET of them.
//!
//! They are the gate's. Where a statement reads one its value is put in its place; SET asks a shard for the values.

use proto::errors::{ClientError, ErrorId};

use super::setting::assignments;
use crate::plan::{By, Piece, Plan, SessionValue, SetVariables};
use crate::sql::literal::string_of;
use crate::sql::tokens::{Token, TokenKind};

/// The user variable at a place, by its name in lower case, and how many tokens it has.
pub(super) fn at(sql: &[u8], tokens: &[Token], place: usize) -> Option<(String, usize)> {
    let token = tokens.get(place).filter(|token| token.kind == TokenKind::Variable)?;
    let name = token.of(sql).strip_prefix(b"@").filter(|name| !name.starts_with(b"@"))?;
    if !name.is_empty() {
        return Some((String::from_utf8_lossy(name).to_lowercase(), 1));
    }
    let quoted = tokens.get(place + 1).filter(|next| next.start == token.end)?;
    let name = match quoted.kind {
        TokenKind::String => string_of(quoted.of(sql))?,
        TokenKind::QuotedName => {
            let name = std::str::from_utf8(quoted.of(sql)).ok()?;
            name.get(1..name.len() - 1)?.replace("``", "`")
        }
        _ => return None,
    };
    Some((name.to_lowercase(), 2))
}

/// Refuses a variable that the statement assigns by itself, other than by SET.
pub(super) fn check_is_read(
    sql: &[u8],
    tokens: &[Token],
    place: usize,
    length: usize,
) -> Result<(), ClientError> {
    let after = |offset: usize, symbol: u8| {
        tokens.get(place + length + offset).is_some_and(|token| token.is_symbol(sql, symbol))
    };
    let assigned = after(0, b':') && after(1, b'=');
    let into = tokens[..place].iter().rev().take_while(|token| {
        // INTO @a, @b
        matches!(token.kind, TokenKind::Variable | TokenKind::String | TokenKind::QuotedName)
            || token.is_symbol(sql, b',')
            || token.is(sql, "INTO")
    });
    if assigned || into.into_iter().any(|token| token.is(sql, "INTO")) {
        return Err(
            ErrorId::SessionState.with("a user variable that a statement assigns, other than by SET,")
        );
    }
    Ok(())
}

/// The places of a SET where variables are read.
pub(super) fn read_by_set(sql: &[u8], tokens: &[Token]) -> Vec<Piece> {
    let (mut pieces, mut depth) = (Vec::new(), 0_usize);
    for (place, token) in tokens.iter().enumerate() {
        match token.of(sql) {
            b"(" => depth += 1,
            b")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let Some((name, length)) = at(sql, tokens, place) else { continue };
        if depth == 0 && begins(sql, tokens, place) {
            continue;
        }
        let by = By::Value(SessionValue::UserVariable { name, typed: false });
        pieces.push(Piece { start: token.start, end: tokens[place + length - 1].end, by });
    }
    pieces
}

/// Whether an assignment of a SET begins there.
fn begins(sql: &[u8], tokens: &[Token], place: usize) -> bool {
    let before = place.checked_sub(1).map(|before| &tokens[before]);
    before.is_none_or(|before| before.is_symbol(sql, b',') || before.is(sql, "SET"))
}

/// How many tokens the `=` or `:=` at the start has.
fn equals(sql: &[u8], tokens: &[Token]) -> Option<usize> {
    let is = |place: usize, symbol: u8| tokens.get(place).is_some_and(|token| token.is_symbol(sql, symbol));
    match (is(0, b'='), is(0, b':') && is(1, b'=')) {
        (true, _) => Some(1),
        (_, true) => Some(2),
        _ => None,
    }
}

/// The plan of a SET, whose tokens after that word these are, if it assigns user variables. What it sets besides is left
/// for a SET of its own.
pub(super) fn set(sql: &str, tokens: &[Token]) -> Result<Option<Plan>, ClientError> {
    let bytes = sql.as_bytes();
    let refused = || ErrorId::SessionState.with("what SET changes");
    let (mut names, mut values, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for assignment in assignments(bytes, tokens) {
        let (Some(first), Some(last)) = (assignment.first(), assignment.last()) else {
            return Err(refused());
        };
        let Some((name, length)) = at(bytes, assignment, 0) else {
            rest.push(&sql[first.start..last.end]);
            continue;
        };
        let length = length + equals(bytes, &assignment[length..]).ok_or_else(refused)?;
        let value = assignment.get(length).ok_or_else(refused)?;
        names.push(name);
        values.push(&sql[value.start..last.end]);
    }
    if names.is_empty() {
        return Ok(None);
    }
    let query = format!("SELECT {}", values.join(", "));
    let rest = (!rest.is_empty()).then(|| format!("SET {}", rest.join(", ")));
    Ok(Some(Plan::SetVariables(SetVariables { names, query, rest })))
}
