//! KILL: which connection, and whether its statement only.

use proto::errors::{ClientError, ErrorId};

use super::Request;
use crate::plan::{Kill, Plan};
use crate::sql::tokens::{Token, TokenKind, tokens};

/// `KILL [CONNECTION | QUERY] number`.
pub(super) fn plan(request: &Request<'_>) -> Result<Plan, ClientError> {
    let refused = || ErrorId::UnsupportedStatement.with("KILL of anything but the number of a connection");
    let sql = request.raw.as_bytes();
    let is_part = |token: &Token| token.kind != TokenKind::Comment && !token.is_symbol(sql, b';');
    let parts: Vec<Token> = tokens(sql).ok_or_else(refused)?.into_iter().filter(is_part).skip(1).collect();
    let (statement_only, number) = match parts.as_slice() {
        [number] => (false, number),
        [what, number] if what.is_one_of(sql, &["CONNECTION", "QUERY"]) => (what.is(sql, "QUERY"), number),
        _ => return Err(refused()),
    };
    let digits = std::str::from_utf8(number.of(sql)).ok().filter(|_| number.kind == TokenKind::Number);
    let connection = digits.and_then(|digits| digits.parse().ok()).ok_or_else(refused)?;
    Ok(Plan::Kill(Kill { connection, statement_only }))
}
