//! SET of variables of the session: which ones.

use proto::errors::{ClientError, ErrorId};

use super::{Request, target, user_variables};
use crate::plan::{Answer, Plan, Setting};
use crate::sql::character_set::collation_of;
use crate::sql::function::{Function, function};
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
    if let Some(plan) = user_variables::set(request.raw, &rest)? {
        return Ok(plan);
    }
    let mut variables = Vec::new();
    let scoped = |token: &Token| token.is_one_of(sql, &["SESSION", "LOCAL"]);
    if rest.len() > 1 && scoped(&rest[0]) && rest[1].is(sql, "TRANSACTION") {
        variables.extend(["transaction_isolation", "transaction_read_only"].map(str::to_owned));
    } else {
        if !is_of_its_own(sql, &rest) {
            return Err(refused());
        }
        for assignment in assignments(sql, &rest) {
            variables.push(variable(sql, assignment).ok_or_else(refused)?);
        }
    }
    let keyspace = target::any(request)?.name.clone();
    Ok(Plan::Set(Setting { keyspace, variables }))
}

/// Whether the values ask for nothing but what they are made of: functions could do anything, and so could a query.
fn is_of_its_own(sql: &[u8], tokens: &[Token]) -> bool {
    let is_harmless = |place: usize| {
        let name = String::from_utf8_lossy(tokens[place].of(sql)).to_ascii_uppercase();
        let is_qualified = place > 0 && tokens[place - 1].is_symbol(sql, b'.');
        tokens[place].kind == TokenKind::Word && !is_qualified && function(&name) == Function::OfRow
    };
    let is_name = |token: &Token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
    let is_called = |place: usize| is_name(&tokens[place]) && tokens[place + 1].is_symbol(sql, b'(');
    let called = (0..tokens.len().saturating_sub(1)).filter(|place| is_called(*place));
    let queries = ["SELECT", "TABLE", "VALUES", "WITH"];
    called.into_iter().all(is_harmless) && !tokens.iter().any(|token| token.is_one_of(sql, &queries))
}

/// The assignments of a SET: what stands between commas that are in no parentheses.
pub(super) fn assignments<'a>(sql: &[u8], tokens: &'a [Token]) -> Vec<&'a [Token]> {
    let (mut found, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    for (place, token) in tokens.iter().enumerate() {
        match token.of(sql) {
            b"(" => depth += 1,
            b")" => depth = depth.saturating_sub(1),
            b"," if depth == 0 => {
                found.push(&tokens[from..place]);
                from = place + 1;
            }
            _ => {}
        }
    }
    found.push(&tokens[from..]);
    found
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
            let scoped = text.strip_prefix("session.").or_else(|| text.strip_prefix("local."));
            // Without a scope these are about the next transaction only.
            scoped.or_else(|| (!text.starts_with("transaction_")).then_some(text))?
        }
        _ => return None,
    };
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && !SILENT.iter().any(|silent| silent.eq_ignore_ascii_case(text))).then(|| text.to_owned())
}
