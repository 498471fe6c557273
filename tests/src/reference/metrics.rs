use anyhow::{Result, ensure};

use super::{row, titles};
use crate::tidy::Source;
use crate::tidy::tokens::{Token, matches, read_without_tests};

/// What makes a metric, and how Prometheus calls it.
const MAKERS: [(&str, &str); 3] =
    [("CounterId", "counter"), ("GaugeId", "gauge"), ("DurationId", "histogram, in seconds")];

/// Every metric of every program, by name.
pub(super) fn section(sources: &[Source]) -> Result<String> {
    let mut metrics: Vec<[String; 3]> = sources
        .iter()
        .filter(|source| source.is_rust() && !source.is_test())
        .flat_map(|source| metrics(&read_without_tests(&source.text)))
        .collect();
    metrics.sort();
    ensure!(metrics.len() > 10, "only {} metrics were found", metrics.len());
    let mut text = "\
## Metrics

Every program serves them at `/metrics`, in the text format of Prometheus; `shoal local status` shows the ports.
"
    .to_owned();
    text += &format!("\n{}", titles(&["metric", "type", "meaning"]));
    for [name, kind, help] in metrics {
        text += &row(&[&format!("`{name}`"), &kind, &help]);
    }
    Ok(text)
}

/// Calls such as `CounterId::new("name", "help")`.
fn metrics(tokens: &[Token]) -> Vec<[String; 3]> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        for (maker, kind) in MAKERS {
            if matches(tokens, at, &[maker, ":", ":", "new", "("])
                && let Some([name, comma, help]) = tokens.get(at + 5..at + 8)
                && comma.text == ","
                && let (Some(name), Some(help)) = (literal(&name.text), literal(&help.text))
            {
                found.push([name, kind.to_owned(), help]);
            }
        }
    }
    found
}

fn literal(token: &str) -> Option<String> {
    Some(token.strip_prefix('"')?.strip_suffix('"')?.replace("\\\"", "\""))
}
