//! The tokens of a statement as the client wrote it, with their places.
//!
//! The fingerprint has no places but those of literals; what is put in other words (`rewrite`) or begins in the
//! midst of the text (`VEXPLAIN …`) needs them. This is for statements that are planned, never for those whose plan
//! is known.

use super::lexeme::{is_word, number_end, quoted_end, quoted_name_end};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A name or keyword without quotes.
    Word,
    /// A name in backticks.
    QuotedName,
    /// A string in either kind of quotes.
    String,
    /// A number.
    Number,
    /// `@x`, `@@x`; what follows the `@` as far as it is a word.
    Variable,
    /// Any other byte.
    Symbol,
    /// `/* … */`, `/*+ … */`, and comments to the end of their line.
    Comment,
    /// `/*!`, with its version number.
    ExecutableStart,
    /// `*/` of one of those.
    ExecutableEnd,
}

/// A piece of a statement's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
    /// What it is.
    pub kind: TokenKind,
}

impl Token {
    /// Its bytes.
    pub fn of<'a>(&self, sql: &'a [u8]) -> &'a [u8] {
        &sql[self.start..self.end]
    }

    /// Whether it is this word of the grammar, in whatever case.
    pub fn is(&self, sql: &[u8], word: &str) -> bool {
        self.kind == TokenKind::Word && self.of(sql).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Whether it is one of these words of the grammar.
    pub fn is_one_of(&self, sql: &[u8], words: &[&str]) -> bool {
        words.iter().any(|word| self.is(sql, word))
    }

    /// Whether it is this symbol.
    pub fn is_symbol(&self, sql: &[u8], symbol: u8) -> bool {
        self.kind == TokenKind::Symbol && self.of(sql) == [symbol]
    }
}

/// All tokens, in order; `None` where a string, a name or a comment has no end.
pub fn tokens(sql: &[u8]) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let (mut at, mut executable) = (0, false);
    while let Some(&byte) = sql.get(at) {
        if byte.is_ascii_whitespace() || byte == 0x0b {
            at += 1;
            continue;
        }
        let (end, kind) = match byte {
            b'*' if executable && sql.get(at + 1) == Some(&b'/') => {
                executable = false;
                (at + 2, TokenKind::ExecutableEnd)
            }
            b'/' if sql[at..].starts_with(b"/*!") => {
                // One inside another is MySQL's own affair.
                if std::mem::replace(&mut executable, true) {
                    return None;
                }
                (run(sql, at + 3, |b| b.is_ascii_digit()), TokenKind::ExecutableStart)
            }
            _ => token(sql, at)?,
        };
        found.push(Token { start: at, end, kind });
        at = end;
    }
    (!executable).then_some(found)
}

fn token(sql: &[u8], at: usize) -> Option<(usize, TokenKind)> {
    let next = sql.get(at + 1);
    let to_line_end = || run(sql, at, |b| b != b'\n');
    Some(match sql[at] {
        b'#' => (to_line_end(), TokenKind::Comment),
        b'-' if next == Some(&b'-') && sql.get(at + 2).is_none_or(|b| *b <= b' ') => {
            (to_line_end(), TokenKind::Comment)
        }
        b'/' if next == Some(&b'*') => {
            let length = sql[at + 2..].windows(2).position(|pair| pair == b"*/")?;
            (at + 2 + length + 2, TokenKind::Comment)
        }
        b'\'' | b'"' => (quoted_end(sql, at)?, TokenKind::String),
        b'`' => (quoted_name_end(sql, at)?, TokenKind::QuotedName),
        b'@' => (run(sql, run(sql, at, |b| b == b'@'), |b| is_word(b) || b == b'.'), TokenKind::Variable),
        b'0'..=b'9' => {
            let (end, _) = number_end(sql, at);
            // Digits that run into letters are a name.
            let whole = run(sql, end, is_word);
            (whole, if whole == end { TokenKind::Number } else { TokenKind::Word })
        }
        byte if is_word(byte) => (run(sql, at, is_word), TokenKind::Word),
        _ => (at + 1, TokenKind::Symbol),
    })
}

fn run(sql: &[u8], from: usize, accepts: impl Fn(u8) -> bool) -> usize {
    from + sql[from..].iter().take_while(|byte| accepts(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::TokenKind::{
        Comment, ExecutableEnd, ExecutableStart, QuotedName, String, Symbol, Variable, Word,
    };
    use super::*;

    fn cut(sql: &str) -> Option<Vec<(&str, TokenKind)>> {
        let found = tokens(sql.as_bytes())?;
        Some(found.iter().map(|token| (&sql[token.start..token.end], token.kind)).collect())
    }

    #[test]
    fn every_kind_of_token_is_cut_where_mysql_cuts() {
        let found = cut("a`b``c`\"x\\\"y\" /* ' */ -- ' \n@@s.v-- 1").unwrap();
        let expected = [
            ("a", Word),
            ("`b``c`", QuotedName),
            ("\"x\\\"y\"", String),
            ("/* ' */", Comment),
            ("-- ' ", Comment),
            ("@@s.v", Variable),
            ("-- 1", Comment),
        ];
        assert_eq!(found, expected);
        let found = cut("/*!40101 a '*/' */*").unwrap();
        let expected = [
            ("/*!40101", ExecutableStart),
            ("a", Word),
            ("'*/'", String),
            ("*/", ExecutableEnd),
            ("*", Symbol),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_has_no_end_has_no_tokens() {
        for text in ["'a", "`a", "/* a", "/*! a", "/*! /*! a */ */", "\"\\\""] {
            assert_eq!(cut(text), None, "{text}");
        }
    }
}
