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
    let (before, word, after) =
        (tokens[at - 1].text.as_str(), tokens[at].text.as_str(), tokens[at + 1].text.as_str());
    let called = matches!(before, "." | ":") && CALLS.contains(&word);
    called || (after == "!" && MACROS.contains(&word))
}
