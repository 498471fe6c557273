//! Vitess' directives in comments: `/*vt+ QUERY_TIMEOUT_MS=500 */`.
//!
//! The timeout of a SELECT becomes MySQL's own. All others are passed over, with a note: they let Vitess take a cheaper way
//! (planner, consolidation, memory, priority) or a laxer one (answers that lack a shard, writes that are committed shard
//! by shard), and what is done here without them is never less than they allow.

use proto::errors::ErrorId;

use crate::plan::{By, Piece, Rewrite};
use crate::sql::tokens::{Token, TokenKind, tokens};

/// The directive that is honoured.
const TIMEOUT: &str = "QUERY_TIMEOUT_MS=";

/// Takes the directives out of a statement; what they ask for stands in it as MySQL's hint, or in a note.
pub(super) fn rewrite(raw: &str) -> Option<Rewrite> {
    let sql = raw.as_bytes();
    let all = tokens(sql)?;
    let is_directive =
        |token: &&Token| token.kind == TokenKind::Comment && token.of(sql).starts_with(b"/*vt+");
    let found: Vec<&Token> = all.iter().filter(is_directive).collect();
    let mut pieces: Vec<Piece> = found
        .iter()
        .map(|token| Piece { start: token.start, end: token.end, by: By::Text(" ".to_owned()) })
        .collect();
    let mut directives: Vec<&str> =
        found.iter().flat_map(|token| words(&raw[token.start..token.end])).collect();
    let timeout_ms = directives.iter().find_map(|word| timeout_ms(word));
    let first = all.iter().find(|token| token.kind != TokenKind::Comment);
    if let (Some(timeout_ms), Some(first)) = (timeout_ms, first)
        && first.is(sql, "SELECT")
        && !has_hint(&all, sql)
    {
        let hint = By::Text(format!(" /*+ MAX_EXECUTION_TIME({timeout_ms}) */"));
        pieces.push(Piece { start: first.end, end: first.end, by: hint });
        pieces.sort_by_key(|piece| (piece.start, piece.end));
        directives.retain(|word| self::timeout_ms(word).is_none());
    }
    let notes = directives.into_iter().map(|word| ErrorId::DirectivePassedOver.with(word)).collect();
    Some(Rewrite { pieces, notes })
}

/// The directives in a comment, each with its value.
fn words(comment: &str) -> impl Iterator<Item = &str> {
    let inner = comment.strip_prefix("/*vt+").unwrap_or(comment);
    inner.strip_suffix("*/").unwrap_or(inner).split_ascii_whitespace()
}

/// Whether the statement has hints of its own, beside which ours would count for nothing.
fn has_hint(all: &[Token], sql: &[u8]) -> bool {
    all.iter().any(|token| token.kind == TokenKind::Comment && token.of(sql).starts_with(b"/*+"))
}

fn timeout_ms(word: &str) -> Option<u32> {
    let timeout_ms = word.to_ascii_uppercase().strip_prefix(TIMEOUT)?.parse().ok()?;
    (timeout_ms > 0).then_some(timeout_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_of_a_select_is_honoured_and_the_rest_is_noted() {
        let notes = |sql: &str| -> Vec<String> {
            let rewrite = rewrite(sql).unwrap();
            rewrite.notes.iter().map(|note| note.message().to_owned()).collect()
        };
        let about = |directive: &str| ErrorId::DirectivePassedOver.with(directive).message().to_owned();
        assert!(notes("select /*vt+ QUERY_TIMEOUT_MS=5 */ 1").is_empty());
        assert_eq!(
            notes("select /*vt+ query_timeout_ms=5 PLANNER=gen4 */ /*vt+ALLOW_SCATTER*/ 1"),
            [about("PLANNER=gen4"), about("ALLOW_SCATTER")]
        );
        for sql in [
            "delete /*vt+ QUERY_TIMEOUT_MS=5 */ from t",
            "select /*+ NO_ICP(t) */ /*vt+ QUERY_TIMEOUT_MS=5 */ 1 from t",
        ] {
            assert_eq!(notes(sql), [about("QUERY_TIMEOUT_MS=5")]);
        }
    }
}
