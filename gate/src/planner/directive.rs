//! Vitess' directives in comments: `/*vt+ QUERY_TIMEOUT_MS=500 */`.
//!
//! The timeout of a SELECT becomes MySQL's own. All others are passed over: they let Vitess take a cheaper way
//! (planner, consolidation, memory, priority) or a laxer one (answers that lack a shard, writes that are committed shard
//! by shard), and what is done here without them is never less than they allow.

use crate::plan::{By, Piece};
use crate::sql::tokens::{Token, TokenKind, tokens};

/// The directive that is honoured.
const TIMEOUT: &str = "QUERY_TIMEOUT_MS=";

/// Takes the directives out of a statement; what they ask for stands in it as MySQL's hint.
pub(super) fn pieces(raw: &str) -> Option<Vec<Piece>> {
    let sql = raw.as_bytes();
    let all = tokens(sql)?;
    let is_directive =
        |token: &&Token| token.kind == TokenKind::Comment && token.of(sql).starts_with(b"/*vt+");
    let found: Vec<&Token> = all.iter().filter(is_directive).collect();
    let mut pieces: Vec<Piece> = found
        .iter()
        .map(|token| Piece { start: token.start, end: token.end, by: By::Text(" ".to_owned()) })
        .collect();
    let timeout_ms = found.iter().find_map(|token| timeout_ms(&raw[token.start..token.end]));
    let first = all.iter().find(|token| token.kind != TokenKind::Comment);
    if let (Some(timeout_ms), Some(first)) = (timeout_ms, first)
        && first.is(sql, "SELECT")
        && !has_hint(&all, sql)
    {
        let hint = By::Text(format!(" /*+ MAX_EXECUTION_TIME({timeout_ms}) */"));
        pieces.push(Piece { start: first.end, end: first.end, by: hint });
        pieces.sort_by_key(|piece| (piece.start, piece.end));
    }
    Some(pieces)
}

/// Whether the statement has hints of its own, beside which ours would count for nothing.
fn has_hint(all: &[Token], sql: &[u8]) -> bool {
    all.iter().any(|token| token.kind == TokenKind::Comment && token.of(sql).starts_with(b"/*+"))
}

fn timeout_ms(comment: &str) -> Option<u32> {
    let words = comment.trim_end_matches("*/").split_ascii_whitespace();
    let value = words.map(str::to_ascii_uppercase).find_map(|word| word.strip_prefix(TIMEOUT)?.parse().ok());
    value.filter(|timeout_ms| *timeout_ms > 0)
}
