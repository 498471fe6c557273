//! How long files and functions may be, and how many parameters a function may have.

use super::ratchet::{LongFile, LongFunction};
use super::tokens::{Token, after_group, read};
use super::{Breach, Source};

/// A file that is longer is an exception with a name.
pub const FILE_WISH: usize = 500;
/// No file is longer.
pub const FILE_BOUND: usize = 800;
/// A function that is longer is an exception with a name.
pub const FUNCTION_BOUND: usize = 70;
/// No function has more parameters, `self` not counted.
pub const PARAMETER_BOUND: usize = 5;
/// An exception whose file or function has shrunk by more than this is out of date.
const SLACK: usize = 10;

/// Whether a Rust file is of a good size.
pub fn file(source: &Source, exceptions: &[LongFile]) -> Vec<Breach> {
    let lines = source.text.lines().count();
    let listed = exceptions.iter().find(|exception| exception.path == source.path).map(|e| e.lines);
    let what = if lines > FILE_BOUND {
        format!("{lines} lines; no file has more than {FILE_BOUND}: split it by what its parts decide about")
    } else {
        match against_ratchet(lines, FILE_WISH, listed) {
            Some(what) => what,
            None => return vec![],
        }
    };
    vec![Breach::at(source, 0, what)]
}

/// Whether the functions of a Rust file fit a screen and take few parameters.
pub fn functions(source: &Source, exceptions: &[LongFunction]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let found = functions_in(&read(&source.text));
    for function in &found {
        let listed = exceptions.iter().find(|e| e.path == source.path && e.name == function.name);
        if let Some(what) = against_ratchet(function.lines, FUNCTION_BOUND, listed.map(|e| e.lines)) {
            breaches.push(Breach::at(source, function.line, format!("fn {}: {what}", function.name)));
        }
        if function.parameters > PARAMETER_BOUND {
            let what = format!(
                "fn {} has {} parameters, more than {PARAMETER_BOUND}",
                function.name, function.parameters
            );
            breaches.push(Breach::at(source, function.line, what));
        }
    }
    for gone in exceptions.iter().filter(|e| e.path == source.path && !found.iter().any(|f| f.name == e.name))
    {
        breaches.push(Breach::at(source, 0, format!("fn {} is gone: take it off the ratchet", gone.name)));
    }
    breaches
}

/// Exceptions for files that are not there any more.
pub fn stale_exceptions(sources: &[Source], files: &[LongFile], functions: &[LongFunction]) -> Vec<Breach> {
    let listed = files.iter().map(|e| e.path).chain(functions.iter().map(|e| e.path));
    let missing = listed.filter(|path| !sources.iter().any(|source| source.path == *path));
    let what = || "is gone: take it off the ratchet".to_owned();
    missing.map(|path| Breach { path: path.to_owned(), line: 0, what: what() }).collect()
}

fn against_ratchet(lines: usize, bound: usize, listed: Option<usize>) -> Option<String> {
    match listed {
        None if lines > bound => Some(format!("{lines} lines, more than {bound}: split it")),
        None => None,
        Some(_) if lines <= bound => {
            Some(format!("{lines} lines fit the bound again: take it off the ratchet"))
        }
        Some(listed) if lines > listed => {
            Some(format!("{lines} lines, grown from the {listed} that the ratchet allows: split it"))
        }
        Some(listed) if lines + SLACK < listed => {
            Some(format!("{lines} lines, shrunk from {listed}: lower the ratchet"))
        }
        Some(_) => None,
    }
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
    parameters: usize,
}

fn functions_in(tokens: &[Token]) -> Vec<Function> {
    (0..tokens.len()).filter_map(|at| function_at(tokens, at)).collect()
}

/// The function whose `fn` stands at `at`; a type `fn(…)` and a declaration without a body are none.
fn function_at(tokens: &[Token], at: usize) -> Option<Function> {
    let name = tokens.get(at + 1)?;
    let named = name.text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if tokens[at].text != "fn" || !named {
        return None;
    }
    let open = at + tokens[at..].iter().position(|token| token.text == "(")?;
    let close = after_group(tokens, open);
    let parameters = count_parameters(&tokens[open + 1..close - 1]);
    let mut next = close;
    while next < tokens.len() {
        match tokens[next].text.as_str() {
            ";" => return None,
            "(" | "[" => next = after_group(tokens, next),
            "{" => {
                let last = after_group(tokens, next) - 1;
                let lines = tokens[last].line - tokens[at].line + 1;
                return Some(Function { name: name.text.clone(), line: tokens[at].line, lines, parameters });
            }
            _ => next += 1,
        }
    }
    None
}

/// Counts by the colons between a pattern and its type, so neither `self` nor a comma within a type counts.
fn count_parameters(tokens: &[Token]) -> usize {
    let (mut count, mut depth) = (0, 0usize);
    for (at, token) in tokens.iter().enumerate() {
        let beside = |offset: isize| at.checked_add_signed(offset).and_then(|at| tokens.get(at));
        let is = |offset: isize, text: &str| beside(offset).is_some_and(|token| token.text == text);
        match token.text.as_str() {
            "(" | "[" | "{" | "<" => depth += 1,
            // The end of an arrow closes nothing.
            ">" if is(-1, "-") => {}
            ")" | "]" | "}" | ">" => depth = depth.saturating_sub(1),
            ":" if depth == 0 && !is(-1, ":") && !is(1, ":") && !is(-1, "self") => count += 1,
            _ => {}
        }
    }
    count
}
