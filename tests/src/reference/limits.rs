use anyhow::{Result, ensure};

use super::{row, titles};
use crate::tidy::Source;

/// The named limits of every crate, in the order of their files.
pub(super) fn section(sources: &[Source]) -> Result<String> {
    let mut text = "## Limits\n\nEvery bound has a name and stands in its crate's `limits.rs`.\n".to_owned();
    let mut files: Vec<&Source> =
        sources.iter().filter(|source| source.path.ends_with("/src/limits.rs")).collect();
    files.sort_by_key(|source| &source.path);
    ensure!(files.len() > 4, "only {} files of limits were found", files.len());
    for file in files {
        let name = file.path.split('/').next().unwrap_or_default();
        text += &format!("\n### {name}\n\n{}", titles(&["limit", "value", "meaning"]));
        let limits = limits(&file.text);
        ensure!(!limits.is_empty(), "no limits were found in {}", file.path);
        for Limit { name, value, meaning } in limits {
            text += &row(&[&format!("`{name}`"), &value, &meaning]);
        }
    }
    Ok(text)
}

struct Limit {
    name: String,
    value: String,
    meaning: String,
}

/// The constants of a file, as rustfmt writes them.
fn limits(text: &str) -> Vec<Limit> {
    let mut found = Vec::new();
    let mut meaning: Vec<&str> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(said) = line.strip_prefix("///") {
            meaning.push(said.trim());
            continue;
        }
        let constant = line.strip_prefix("pub(crate) const ").or_else(|| line.strip_prefix("pub const "));
        if let Some((name, rest)) = constant.and_then(|constant| constant.split_once(": ")) {
            let mut rest = rest.to_owned();
            while !rest.ends_with(';') {
                let Some(more) = lines.next() else { break };
                rest += more.trim();
            }
            let value = rest.split_once('=').map_or("", |(_, value)| value).trim().trim_end_matches(';');
            found.push(Limit { name: name.to_owned(), value: plain(value), meaning: meaning.join(" ") });
        }
        meaning.clear();
    }
    found
}

/// A value as people write it; one that is no duration stays as it stands in the code.
fn plain(value: &str) -> String {
    for (call, unit) in [("from_secs", "s"), ("from_millis", "ms"), ("from_micros", "µs")] {
        let digits = value.strip_prefix("Duration::").and_then(|value| value.strip_prefix(call));
        if let Some(digits) = digits.and_then(|digits| digits.strip_prefix('(')?.strip_suffix(')')) {
            return format!("{digits} {unit}");
        }
    }
    format!("`{value}`")
}
