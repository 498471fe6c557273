//! Which modules may use what, within the crates.

use super::tokens::{Token, read_without_tests};
use super::{Breach, Source};

/// A room: where it is, and what it does not use.
struct Room {
    holds: fn(&str) -> bool,
    forbidden: &'static [&'static str],
    reason: &'static str,
}

const ROOMS: &[Room] = &[
    Room {
        holds: |path| within(path, "gate/src/planner") || within(path, "gate/src/plan"),
        forbidden: &["tokio", "session", "executor", "backend"],
        reason: "planning is a pure function of the statement and the snapshot",
    },
    Room {
        holds: |path| within(path, "gate/src/executor") || within(path, "gate/src/backend"),
        forbidden: &["sqlparser"],
        reason: "nobody looks at SQL after planning",
    },
    Room {
        holds: |path| path.starts_with("operator/") && !within(path, "operator/src/kube"),
        forbidden: &["kube"],
        reason: "only the kube platform knows Kubernetes",
    },
    Room {
        holds: |path| path.ends_with("/decide.rs"),
        forbidden: &["tokio"],
        reason: "decisions are pure functions of what was observed",
    },
];

/// What a file uses against the rules of its room; test code may use anything.
pub fn check(source: &Source) -> Vec<Breach> {
    let rooms: Vec<&Room> = ROOMS
        .iter()
        .filter(|room| source.is_rust() && !source.is_test() && (room.holds)(&source.path))
        .collect();
    if rooms.is_empty() {
        return vec![];
    }
    let tokens = read_without_tests(&source.text);
    let mut breaches = Vec::new();
    for room in rooms {
        let mut used = paths(&tokens).filter(|token| room.forbidden.contains(&token.text.as_str()));
        breaches.extend(used.next().map(|token| {
            Breach::at(source, token.line, format!("uses {}, but {}", token.text, room.reason))
        }));
    }
    breaches
}

/// The module at this path: its file, or a file in its folder.
fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The words of paths: everything in a `use`, and what stands beside `::` elsewhere.
fn paths(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let mut in_use = false;
    let is_colon = |at: usize| tokens.get(at).is_some_and(|token| token.text == ":");
    tokens.iter().enumerate().filter_map(move |(at, token)| {
        match token.text.as_str() {
            "use" => in_use = true,
            ";" => in_use = false,
            _ => {}
        }
        let after = is_colon(at + 1) && is_colon(at + 2);
        let before = at >= 2 && is_colon(at - 1) && is_colon(at - 2);
        (in_use || after || before).then_some(token)
    })
}
