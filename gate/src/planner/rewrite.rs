//! Statements that are put in other words before they are planned: executable comments become what they hold, and
//! calls that ask for facts of the session become their values.
//!
//! What comes out is planned in the statement's place, as if the client had written it. A column that a call gave its
//! name to keeps it by an alias.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Snapshot;

use super::{Request, directive, user_variables};
use crate::plan::{By, Piece, Rewrite, SessionValue};
use crate::sql::fingerprint::Marks;
use crate::sql::kind::Kind;
use crate::sql::tokens::{Token, TokenKind, tokens};

/// How the statement is put in other words; `None` where it stays as it is.
pub(super) fn rewrite(request: &Request<'_>, kind: Kind) -> Result<Option<Rewrite>, ClientError> {
    let sql = request.raw.as_bytes();
    if request.marks.has(Marks::EXECUTABLE_COMMENT) {
        let tokens = tokens(sql).ok_or_else(|| ErrorId::ExecutableComment.plain())?;
        let pieces = executable(sql, &tokens, request.snapshot)?;
        return Ok(Some(Rewrite { pieces, notes: Vec::new() }));
    }
    if request.marks.has(Marks::DIRECTIVE) {
        return Ok(directive::rewrite(request.raw));
    }
    let takes_values = matches!(
        kind,
        Kind::Query | Kind::Insert | Kind::Update | Kind::Delete | Kind::Vexplain | Kind::Kill
    );
    let has_variables = request.marks.has(Marks::USER_VARIABLE);
    let asks = has_variables || request.words.names.iter().any(|name| session_value(name.text).is_some());
    if !(takes_values && asks || kind == Kind::Set && has_variables) {
        return Ok(None);
    }
    let Some(tokens) = tokens(sql) else { return Ok(None) };
    // Comments separate tokens, and are none.
    let tokens: Vec<Token> = tokens.into_iter().filter(|token| token.kind != TokenKind::Comment).collect();
    if kind == Kind::Set {
        let pieces = user_variables::read_by_set(sql, &tokens);
        return Ok((!pieces.is_empty()).then_some(Rewrite { pieces, notes: Vec::new() }));
    }
    let pieces = Calls { sql, tokens: &tokens, pieces: Vec::new(), lists: vec![List::default()] }.read()?;
    Ok((!pieces.is_empty()).then_some(Rewrite { pieces, notes: Vec::new() }))
}

/// The oldest version that Shoal stands before: every server executes the comments for it and those before.
const OLDEST_SERVER: u32 = 80_400;

/// Takes off the marks of executable comments, where every server would.
fn executable(sql: &[u8], tokens: &[Token], snapshot: &Snapshot) -> Result<Vec<Piece>, ClientError> {
    let lowest = lowest_version(snapshot);
    let mut pieces = Vec::new();
    for token in tokens {
        match token.kind {
            TokenKind::ExecutableStart => {
                let digits = &sql[token.start + 3..token.end];
                let ends = sql.get(token.end).is_none_or(|byte| byte.is_ascii_whitespace());
                let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u32>().ok());
                let executed = match (digits.len(), number) {
                    (0, _) => true,
                    // With six, or without a blank after them, it is another matter how many MySQL takes.
                    (5, Some(number)) => ends && number <= lowest,
                    _ => false,
                };
                if !executed {
                    return Err(ErrorId::ExecutableComment.plain());
                }
            }
            TokenKind::ExecutableEnd => {}
            _ => continue,
        }
        let blank = |at: Option<usize>| at.and_then(|at| sql.get(at)).is_none_or(u8::is_ascii_whitespace);
        let beside = blank(token.start.checked_sub(1)) || blank(Some(token.end));
        let by = By::Text(if beside { String::new() } else { " ".to_owned() });
        pieces.push(Piece { start: token.start, end: token.end, by });
    }
    Ok(pieces)
}

/// The version number of the oldest server of the cluster, as in MySQL's comments.
fn lowest_version(snapshot: &Snapshot) -> u32 {
    let shards = snapshot.keyspaces().flat_map(|keyspace| &keyspace.shards);
    let number = |version: &str| {
        let mut parts = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
        Some(parts.next()? * 10_000 + parts.next()? * 100 + parts.next()?)
    };
    let versions = shards.filter_map(|shard| number(&shard.primary.as_ref()?.mysql_version));
    versions.min().unwrap_or(OLDEST_SERVER)
}

/// The fact that a function of this name gives.
fn session_value(function: &str) -> Option<SessionValue> {
    match function.to_ascii_uppercase().as_str() {
        "USER" | "SESSION_USER" | "SYSTEM_USER" => Some(SessionValue::User),
        "CURRENT_USER" => Some(SessionValue::CurrentUser),
        "CURRENT_ROLE" => Some(SessionValue::CurrentRole),
        "CONNECTION_ID" => Some(SessionValue::ConnectionId),
        "LAST_INSERT_ID" => Some(SessionValue::LastInsertId),
        _ => None,
    }
}

/// The select list, if any, at one depth of parentheses.
#[derive(Default)]
struct List {
    /// Place of the present item's first token.
    item: Option<usize>,
    /// Whether a value was put into the item.
    touched: bool,
}

struct Calls<'a> {
    sql: &'a [u8],
    tokens: &'a [Token],
    pieces: Vec<Piece>,
    lists: Vec<List>,
}

/// What may stand between SELECT and its first item.
const MODIFIERS: [&str; 10] = [
    "ALL",
    "DISTINCT",
    "DISTINCTROW",
    "HIGH_PRIORITY",
    "STRAIGHT_JOIN",
    "SQL_BIG_RESULT",
    "SQL_BUFFER_RESULT",
    "SQL_NO_CACHE",
    "SQL_SMALL_RESULT",
    "SQL_CALC_FOUND_ROWS",
];

/// Words after which an operand stands, and no alias.
const OPERATORS: [&str; 11] =
    ["AND", "BETWEEN", "DIV", "ESCAPE", "IS", "LIKE", "MOD", "NOT", "OR", "REGEXP", "XOR"];

/// What ends a select list.
const LIST_ENDS: [&str; 13] = [
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "WINDOW",
    "ORDER",
    "LIMIT",
    "INTO",
    "FOR",
    "LOCK",
    "UNION",
    "EXCEPT",
    "INTERSECT",
];

impl Calls<'_> {
    fn read(mut self) -> Result<Vec<Piece>, ClientError> {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            if token.is(self.sql, "SELECT") {
                at += 1;
                while self.tokens.get(at).is_some_and(|token| token.is_one_of(self.sql, &MODIFIERS)) {
                    at += 1;
                }
                self.begin(Some(at));
                continue;
            }
            if let Some((value, tokens)) = self.call(at)? {
                let value = self.in_its_place(value, at, tokens);
                let end = self.tokens[at + tokens - 1].end;
                self.pieces.push(Piece { start: token.start, end, by: By::Value(value) });
                self.lists.iter_mut().for_each(|list| list.touched |= list.item.is_some());
                at += tokens;
                continue;
            }
            if token.is_symbol(self.sql, b'(') {
                self.lists.push(List::default());
            } else if token.is_symbol(self.sql, b')') {
                self.end_item(at)?;
                self.lists.pop();
            } else if token.is_symbol(self.sql, b',') {
                self.end_item(at)?;
                let goes_on = self.lists.last().is_some_and(|list| list.item.is_some());
                self.begin(goes_on.then_some(at + 1));
            } else if token.is_one_of(self.sql, &LIST_ENDS) || token.is_symbol(self.sql, b';') {
                self.end_item(at)?;
                self.begin(None);
            }
            at += 1;
        }
        self.end_item(at)?;
        self.pieces.sort_by_key(|piece| (piece.start, piece.end));
        Ok(self.pieces)
    }

    /// In a select list a number has its type; elsewhere, where it stands alone, it is a plain literal, which rows
    /// are found by.
    fn in_its_place(&self, value: SessionValue, at: usize, tokens: usize) -> SessionValue {
        let is_listed = self.lists.iter().any(|list| list.item.is_some());
        if let SessionValue::UserVariable { name, .. } = value {
            return SessionValue::UserVariable { name, typed: is_listed };
        }
        if value != SessionValue::LastInsertId || is_listed {
            return value;
        }
        let before = at.checked_sub(1).map(|before| &self.tokens[before]);
        let after = self.tokens.get(at + tokens);
        let opens = |token: &Token| b"(,=".iter().any(|symbol| token.is_symbol(self.sql, *symbol));
        let closes = |token: &Token| {
            let ends = [b')', b',', b';'].iter().any(|symbol| token.is_symbol(self.sql, *symbol));
            ends || token
                .is_one_of(self.sql, &["AND", "ON", "LIMIT", "ORDER", "GROUP", "FOR", "UNION", "WHERE"])
        };
        if before.is_some_and(opens) && after.is_none_or(closes) {
            SessionValue::LastInsertIdDigits
        } else {
            value
        }
    }

    fn begin(&mut self, item: Option<usize>) {
        if let Some(list) = self.lists.last_mut() {
            *list = List { item, touched: false };
        }
    }

    /// The fact that is asked for at a place, and how many tokens ask for it.
    fn call(&self, at: usize) -> Result<Option<(SessionValue, usize)>, ClientError> {
        if let Some((name, length)) = user_variables::at(self.sql, self.tokens, at) {
            user_variables::check_is_read(self.sql, self.tokens, at, length)?;
            return Ok(Some((SessionValue::UserVariable { name, typed: false }, length)));
        }
        let token = &self.tokens[at];
        let name = match token.kind {
            TokenKind::Word => token.of(self.sql),
            // MySQL finds a function also by its name in backticks, and what it then is called is another matter.
            _ => return Ok(None),
        };
        let Some(value) = std::str::from_utf8(name).ok().and_then(session_value) else { return Ok(None) };
        let symbol = |offset: usize, symbol: u8| {
            self.tokens.get(at + offset).is_some_and(|token| token.is_symbol(self.sql, symbol))
        };
        // A column of that name, or a stored function of a schema.
        if at > 0 && self.tokens[at - 1].is_symbol(self.sql, b'.') {
            return Ok(None);
        }
        match (symbol(1, b'('), symbol(2, b')')) {
            (true, true) => Ok(Some((value, 3))),
            // With an argument it is another function, which sets the value.
            (true, false) if value == SessionValue::LastInsertId => Ok(None),
            (true, false) => Err(ErrorId::NotUnderstood.plain()),
            (false, _) if name.eq_ignore_ascii_case(b"CURRENT_USER") => Ok(Some((value, 1))),
            (false, _) => Ok(None),
        }
    }

    /// Names an item that a value was put into as MySQL would have named it: by its text.
    fn end_item(&mut self, end: usize) -> Result<(), ClientError> {
        let Some(List { item: Some(first), touched: true }) = self.lists.last() else { return Ok(()) };
        let item = self.tokens.get(*first..end).unwrap_or_default();
        let [.., before, last] = item else { return self.name(item) };
        let mut depth = 0_usize;
        for token in item {
            match token.of(self.sql) {
                b"(" => depth += 1,
                b")" => depth = depth.saturating_sub(1),
                _ if depth == 0 && token.is(self.sql, "AS") => return Ok(()),
                _ => {}
            }
        }
        let after_value = before.is_symbol(self.sql, b')')
            || before.is(self.sql, "CURRENT_USER")
            || before.kind == TokenKind::Variable;
        let is_name = matches!(last.kind, TokenKind::Word | TokenKind::QuotedName | TokenKind::String);
        let within = before.kind == TokenKind::Symbol || before.is_one_of(self.sql, &OPERATORS);
        if last.is_symbol(self.sql, b')') || (within && !after_value) {
            return self.name(item);
        }
        // `USER() me`: an alias; anything else might be one or not.
        if is_name && after_value { Ok(()) } else { Err(ErrorId::NotUnderstood.plain()) }
    }

    fn name(&mut self, item: &[Token]) -> Result<(), ClientError> {
        let (Some(first), Some(last)) = (item.first(), item.last()) else { return Ok(()) };
        let text = std::str::from_utf8(&self.sql[first.start..last.end]);
        let text = text.map_err(|_| ErrorId::NotUnderstood.plain())?;
        let by = By::Text(format!(" AS `{}`", text.replace('`', "``")));
        self.pieces.push(Piece { start: last.end, end: last.end, by });
        Ok(())
    }
}
