//! SET of what is so already: drivers and frameworks ask at login for settings that a session has anyway.
//!
//! MySQL alone knows what a value means. So a connection is asked before and after it was told, and the client's
//! statement was harmless if that changed nothing.

use proto::errors::{ClientError, ErrorId};

use super::{Request, target};
use crate::plan::{Answer, Plan, Setting};
use crate::sql::character_set::collation_of;
use crate::sql::literal::string_of;
use crate::sql::tokens::{Token, TokenKind, tokens};

/// Variables whose value does not show what SET did to them.
const SILENT: [&str; 4] = ["RAND_SEED1", "RAND_SEED2", "DEBUG_SYNC", "AUTOCOMMIT"];

/// The plan of a SET that begins no transaction.
pub(super) fn plan(request: &Request<'_>) -> Result<Plan, ClientError> {
    let refused = || ErrorId::SessionState.with("what SET changes");
    let sql = request.raw.as_bytes();
    let all = tokens(sql).ok_or_else(refused)?;
    let rest =
        all.into_iter().filter(|token| token.kind != TokenKind::Comment && !token.is_symbol(sql, b';'));
    let rest: Vec<Token> = rest.skip(1).collect();
    if rest.first().is_some_and(|first| first.is(sql, "NAMES")) {
        let collation = names(sql, &rest[1..]).ok_or_else(refused)?;
        return Ok(Plan::Answer(Answer::SetNames(collation)));
    }
    let mut variables = Vec::new();
    let scoped = |token: &Token| token.is_one_of(sql, &["SESSION", "LOCAL"]);
    if rest.len() > 1 && scoped(&rest[0]) && rest[1].is(sql, "TRANSACTION") {
        variables.extend(["transaction_isolation", "transaction_read_only"].map(str::to_owned));
    } else {
        // Nothing is called: a function could do anything.
        if rest.iter().any(|token| token.is_symbol(sql, b'(')) {
            return Err(refused());
        }
        for assignment in rest.split(|token| token.is_symbol(sql, b',')) {
            variables.push(variable(sql, assignment).ok_or_else(refused)?);
        }
    }
    let keyspace = target::any(request)?.name.clone();
    Ok(Plan::Set(Setting { keyspace, variables }))
}

/// The collation that `NAMES …` asks for, if clients may use it.
fn names(sql: &[u8], rest: &[Token]) -> Option<u8> {
    let text = |token: &Token| match token.kind {
        TokenKind::Word => Some(String::from_utf8_lossy(token.of(sql)).into_owned()),
        TokenKind::String => string_of(token.of(sql)),
        _ => None,
    };
    match rest {
        [set] => collation_of(&text(set)?, None),
        [set, collate, collation] if collate.is(sql, "COLLATE") => {
            collation_of(&text(set)?, Some(&text(collation)?))
        }
        _ => None,
    }
}

/// The session variable that an assignment is about; `None` for anything else.
fn variable(sql: &[u8], assignment: &[Token]) -> Option<String> {
    let mut tokens = assignment.iter();
    let mut name = tokens.next()?;
    if name.is_one_of(sql, &["SESSION", "LOCAL"]) {
        name = tokens.next()?;
    }
    let equals = tokens.next()?;
    if !equals.is_symbol(sql, b'=') || tokens.next().is_none() {
        return None;
    }
    let text = std::str::from_utf8(name.of(sql)).ok()?.to_ascii_lowercase();
    let text = match name.kind {
        TokenKind::Word => text.as_str(),
        TokenKind::Variable => {
            let text = text.strip_prefix("@@")?;
            text.strip_prefix("session.").or_else(|| text.strip_prefix("local.")).unwrap_or(text)
        }
        _ => return None,
    };
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && !SILENT.iter().any(|silent| silent.eq_ignore_ascii_case(text))).then(|| text.to_owned())
}
