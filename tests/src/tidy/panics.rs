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

/// The calls of all files but those that are compiled for tests only.
pub fn check_all(sources: &[Source]) -> Vec<Breach> {
    let rust = sources.iter().filter(|source| source.is_rust());
    rust.filter(|source| !is_for_tests(source, sources)).flat_map(check).collect()
}

/// Files that their name makes test code, and that are not compiled for tests only.
pub fn compiled_always(sources: &[Source]) -> Vec<Breach> {
    let named = sources.iter().filter(|source| source.is_rust() && source.is_test_by_name());
    let always = named.filter(|source| !is_for_tests(source, sources));
    always.map(|source| Breach::at(source, 0, "no #[cfg(test)] stands before its mod".to_owned())).collect()
}

fn is_for_tests(source: &Source, sources: &[Source]) -> bool {
    sources.iter().any(|other| declares_for_tests(other, &source.path))
}

/// Whether a file holds the `mod` of a path, for tests only. A module's folder has its own name, or holds `mod.rs`.
fn declares_for_tests(source: &Source, path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let module = name.trim_end_matches(".rs");
    let parents = ["mod", "lib", "main"].map(|parent| format!("{folder}/{parent}.rs"));
    if source.path != format!("{folder}.rs") && !parents.contains(&source.path) {
        return false;
    }
    let words: Vec<&str> = source.text.split_whitespace().collect();
    let declared = format!("{module};");
    (0..words.len()).any(|at| {
        let visible = usize::from(words.get(at + 1).is_some_and(|word| word.starts_with("pub")));
        words[at] == "#[cfg(test)]" && words[at + 1 + visible..].starts_with(&["mod", &declared])
    })
}

fn ends_the_program(tokens: &[Token], at: usize) -> bool {
    let text = |at: usize| tokens[at].text.as_str();
    let (before, word, after) = (text(at - 1), text(at), text(at + 1));
    let method = before == "." && after == "(";
    // Also as a value: `.map(Option::unwrap)`.
    let path = at >= 3 && before == ":" && matches!(text(at - 3), "Option" | "Result" | ">");
    ((method || path) && CALLS.contains(&word)) || (after == "!" && MACROS.contains(&word))
}
