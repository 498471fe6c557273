//! The error table: every id once, and every error given somewhere.

use super::tokens::{Token, matches, read, read_without_tests};
use super::{Breach, Source};

/// Judges the table against the files that give errors.
pub fn check(table: &Source, users: &[Source]) -> Vec<Breach> {
    let rows = rows(&read(&table.text));
    let mut breaches = Vec::new();
    if rows.is_empty() {
        breaches.push(Breach::at(table, 0, "no error was found in the table".to_owned()));
    }
    let used: Vec<String> = users
        .iter()
        .filter(|user| user.is_rust() && !user.is_test() && user.path != table.path)
        .flat_map(|user| names_used(&read_without_tests(&user.text)))
        .collect();
    for (index, row) in rows.iter().enumerate() {
        if rows[..index].iter().any(|earlier| earlier.id == row.id) {
            breaches.push(Breach::at(table, row.line, format!("{} stands twice", row.id)));
        }
        if !used.contains(&row.name) {
            breaches.push(Breach::at(table, row.line, format!("{} is given nowhere: remove it", row.name)));
        }
    }
    breaches
}

struct Row {
    name: String,
    id: String,
    line: usize,
}

/// Rows are written `Name = "SH0000", …`.
fn rows(tokens: &[Token]) -> Vec<Row> {
    let is_id = |text: &str| {
        text.len() == 8 && text.starts_with("\"SH") && text[3..7].bytes().all(|b| b.is_ascii_digit())
    };
    tokens
        .windows(3)
        .filter(|window| window[1].text == "=" && is_id(&window[2].text))
        .map(|window| Row {
            name: window[0].text.clone(),
            id: window[2].text.trim_matches('"').to_owned(),
            line: window[2].line,
        })
        .collect()
}

fn names_used(tokens: &[Token]) -> Vec<String> {
    let prefix = ["ErrorId", ":", ":"];
    let found = (0..tokens.len()).filter(|at| matches(tokens, *at, &prefix));
    found.filter_map(|at| tokens.get(at + prefix.len())).map(|token| token.text.clone()).collect()
}
