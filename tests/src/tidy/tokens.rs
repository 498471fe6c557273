//! Rust text as a flat row of tokens with their lines.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token; an opening or closing bracket is a token of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// As it is written.
    pub text: String,
    /// From 1.
    pub line: usize,
}

/// Reads Rust text; comments are gone, and documentation is an attribute. Text that is no Rust gives nothing:
/// the compiler says what is wrong with it.
pub fn read(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    if let Ok(stream) = text.parse::<TokenStream>() {
        flatten(stream, &mut tokens);
    }
    tokens
}

/// Reads Rust text without the items under `#[cfg(test)]`.
pub fn read_without_tests(text: &str) -> Vec<Token> {
    let tokens = read(text);
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match test_item_end(&tokens, at) {
            Some(end) => at = end,
            None => {
                kept.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    kept
}

/// The place after the closing bracket of the group that opens at `open`.
pub fn after_group(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (offset, token) in tokens[open..].iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + offset + 1;
        }
    }
    tokens.len()
}

/// Whether the tokens from `at` on are these.
pub fn matches(tokens: &[Token], at: usize, texts: &[&str]) -> bool {
    tokens.len() >= at + texts.len()
        && texts.iter().zip(&tokens[at..]).all(|(text, token)| token.text == *text)
}

/// If `at` is at `#[cfg(test)]`, the place after the item that it belongs to.
fn test_item_end(tokens: &[Token], at: usize) -> Option<usize> {
    if !matches(tokens, at, &["#", "[", "cfg", "("]) {
        return None;
    }
    let condition = &tokens[at + 4..after_group(tokens, at + 3)];
    let has = |word: &str| condition.iter().any(|token| token.text == word);
    if !has("test") || has("not") {
        return None;
    }
    let mut next = after_group(tokens, at + 1);
    while next < tokens.len() {
        match tokens[next].text.as_str() {
            ";" => return Some(next + 1),
            "{" => return Some(after_group(tokens, next)),
            "(" | "[" => next = after_group(tokens, next),
            _ => next += 1,
        }
    }
    Some(next)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let mut push = |text: &str, line: usize| tokens.push(Token { text: text.to_owned(), line });
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open, group.span_open().start().line);
                flatten(group.stream(), tokens);
                tokens.push(Token { text: close.to_owned(), line: group.span_close().start().line });
            }
            TokenTree::Punct(punct) => push(&punct.as_char().to_string(), punct.span().start().line),
            TokenTree::Ident(ident) => push(&ident.to_string(), ident.span().start().line),
            TokenTree::Literal(literal) => push(&literal.to_string(), literal.span().start().line),
        }
    }
}
