//! Calls that end the program, outside tests.

use super::tokens::{Token, read_without_tests};
use super::{Breach, Source};

const CALLS: &[&str] = &["unwrap", "expect", "unwrap_err", "expect_err"];
const MACROS: &[&str] = &["panic", "unreachable", "todo", "unimplemented", "dbg"];

/// The calls of a file, unless all of it is test code.
pub fn check(source: &Source) -> Vec<Breach> {
    if source.is_test() {
        return vec![];
    }
    let tokens = read_without_tests(&source.text);
    let found = (1..tokens.len().saturating_sub(1)).filter(|at| ends_the_program(&tokens, *at));
    found
        .map(|at| {
            let what = format!("{} outside tests; return an error instead", tokens[at].text);
            Breach::at(source, tokens[at].line, what)
        })
        .collect()
}

fn ends_the_program(tokens: &[Token], at: usize) -> bool {
    let text = |at: usize| tokens[at].text.as_str();
    let (before, word, after) = (text(at - 1), text(at), text(at + 1));
    let method = before == "." && after == "(";
    // Also as a value: `.map(Option::unwrap)`.
    let path = at >= 3 && before == ":" && matches!(text(at - 3), "Option" | "Result" | ">");
    ((method || path) && CALLS.contains(&word)) || (after == "!" && MACROS.contains(&word))
}
