//! What does not belong into the project's text: how and where it was made, and whom it is fetched from.

use super::{Breach, Source};

/// Each in two halves, so that this file does not hold what it looks for.
const FOREIGN: &[(&str, &str, &str)] = &[
    ("debian", ".org", "a registry's host name; take it from the machine's configuration"),
    ("crates", ".io", "a registry's host name"),
    ("pypi", ".org", "a registry's host name"),
    ("npmjs", ".org", "a registry's host name"),
    ("docker", ".io", "a registry's host name"),
    ("proxy.golang", ".org", "a registry's host name"),
    ("/wo", "rk/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("assis", "tant", "how the text was made"),
    ("clau", "de", "how the text was made"),
    ("chat", "gpt", "how the text was made"),
];

/// Files that cargo writes.
const GENERATED: &[&str] = &["Cargo.lock"];

/// The foreign words of a file.
pub fn check(source: &Source) -> Vec<Breach> {
    if GENERATED.contains(&source.path.as_str()) {
        return vec![];
    }
    let lines = source.text.lines().enumerate();
    lines
        .flat_map(|(index, line)| {
            let line = line.to_ascii_lowercase();
            let found =
                foreign_word(&line).or_else(|| names_a_ticket(&line).then_some("the number of a ticket"));
            found.map(|what| Breach::at(source, index + 1, what.to_owned()))
        })
        .collect()
}

fn foreign_word(line: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(head, tail, _)| line.contains(&format!("{head}{tail}"))).map(|(_, _, what)| *what)
}

/// Whether the line has the word issue with a number after it.
fn names_a_ticket(line: &str) -> bool {
    line.split("issue").skip(1).any(|rest| {
        let number = rest.trim_start_matches([' ', '#']);
        number.len() < rest.len() && number.starts_with(|c: char| c.is_ascii_digit())
    })
}
