//! The tokens of a statement about users: their grammar is small and has things (`'name'@'host'`) that the normalised
//! text does not keep apart.

use proto::errors::{ClientError, ErrorId};

use crate::sql::lexeme::{is_word, quoted_end, quoted_name_end};
use crate::sql::literal::unquote;

/// A token.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, as it is written.
    Word(String),
    /// A name in backticks.
    Name(String),
    /// What a string in quotes means.
    String(String),
    /// Anything else.
    Symbol(char),
}

/// Cuts a text; blanks and comments go.
pub(super) fn cut(text: &str) -> Result<Vec<Token>, ClientError> {
    let (bytes, mut at, mut tokens) = (text.as_bytes(), 0, Vec::new());
    while let Some(&byte) = bytes.get(at) {
        let (token, end) = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => (None, at + 1),
            b'#' => (None, line_end(bytes, at)),
            b'-' if starts_dash_comment(&bytes[at..]) => (None, line_end(bytes, at)),
            b'/' if bytes.get(at + 1) == Some(&b'*') => (None, comment_end(text, at)?),
            b'\'' | b'"' => {
                let end = quoted_end(bytes, at).ok_or_else(unread)?;
                let mut inner = Vec::new();
                unquote(&bytes[at..end], &mut inner).ok_or_else(unread)?;
                (Some(Token::String(String::from_utf8(inner).map_err(|_| unread())?)), end)
            }
            b'`' => {
                let end = quoted_name_end(bytes, at).ok_or_else(unread)?;
                (Some(Token::Name(text[at + 1..end - 1].replace("``", "`"))), end)
            }
            _ if is_word(byte) => {
                let length = bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
                (Some(Token::Word(text[at..at + length].to_owned())), at + length)
            }
            other => (Some(Token::Symbol(char::from(other))), at + 1),
        };
        tokens.extend(token);
        at = end;
    }
    Ok(tokens)
}

/// The statement is none of those that are known; it is not repeated, for it may hold a password.
pub(super) fn unread() -> ClientError {
    ErrorId::AccountForm.with("this form of a statement about users and rights is not known")
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

fn starts_dash_comment(rest: &[u8]) -> bool {
    rest.get(1) == Some(&b'-') && rest.get(2).is_none_or(|byte| *byte <= b' ')
}

/// The end of a comment that means nothing; others do, and only MySQL can read them.
fn comment_end(text: &str, at: usize) -> Result<usize, ClientError> {
    let inner = &text[at + 2..];
    if inner.starts_with('!') {
        return Err(ErrorId::ExecutableComment.plain());
    }
    inner.find("*/").map(|length| at + 2 + length + 2).ok_or_else(unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_mysqls() {
        let tokens = cut("a_1 `b``c`@'d''e\\n' # x\n -- y\n/* ' */ \"f\"*.;").unwrap();
        let expected = [
            Token::Word("a_1".into()),
            Token::Name("b`c".into()),
            Token::Symbol('@'),
            Token::String("d'e\n".into()),
            Token::String("f".into()),
            Token::Symbol('*'),
            Token::Symbol('.'),
            Token::Symbol(';'),
        ];
        assert!(tokens == expected);
        for broken in ["'a", "`a", "/* a", "/*! a */", "\"\\"] {
            assert!(cut(broken).is_err(), "{broken}");
        }
    }
}
