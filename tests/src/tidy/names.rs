//! Names of files and modules that say nothing of what is inside.

use super::tokens::{matches, read};
use super::{Breach, Source};

const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "manager", "managers"];

/// Names of the file, of its folders, and of the modules that it declares.
pub fn check(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for part in source.path.split('/') {
        let stem = part.split('.').next().unwrap_or_default();
        breaches.extend(empty_word(stem).map(|word| breach(source, 0, word)));
    }
    if source.is_rust() {
        let tokens = read(&source.text);
        for at in (0..tokens.len().saturating_sub(1)).filter(|at| matches(&tokens, *at, &["mod"])) {
            let name = &tokens[at + 1];
            breaches.extend(empty_word(&name.text).map(|word| breach(source, name.line, word)));
        }
    }
    breaches
}

fn breach(source: &Source, line: usize, word: &str) -> Breach {
    Breach::at(source, line, format!("a name with {word:?} says nothing; name it by what it decides about"))
}

fn empty_word(name: &str) -> Option<&str> {
    name.split(['_', '-']).find(|word| EMPTY_NAMES.contains(&word.to_ascii_lowercase().as_str()))
}
