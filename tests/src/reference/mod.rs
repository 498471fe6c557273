//! REFERENCE.md, made from the code: errors, limits, metrics, and the fields of the cluster file.
//!
//! ```text
//!   proto::errors ────────────────────► errors ─┐
//!   */src/limits.rs ──────────────────► limits ─┤
//!   CounterId::new(…) and its like ──► metrics ─┼─► REFERENCE.md
//!   operator/src/spec/*.rs, with the            │
//!     defaults of a file that is parsed ► fields┘
//! ```

mod errors;
mod fields;
mod limits;
mod metrics;

use anyhow::Result;

use crate::tidy::{Breach, Source};

/// Where it stands.
pub const PATH: &str = "REFERENCE.md";
/// The variable that, when it is set, makes the test write the file instead of judging it.
pub const WRITE: &str = "SHOAL_WRITE_REFERENCE";

const HEAD: &str = "\
# Reference

Made from the code by a test; what is written here by hand is lost. To make it anew:
`SHOAL_WRITE_REFERENCE=1 cargo test -p shoal-tests --test tidy reference`.

[Errors](#errors) · [Limits](#limits) · [Metrics](#metrics) · [The cluster file](#the-cluster-file)
";

/// The whole text.
pub fn text(sources: &[Source]) -> Result<String> {
    let parts =
        [errors::section(), limits::section(sources)?, metrics::section(sources)?, fields::section(sources)?];
    Ok(format!("{HEAD}\n{}", parts.join("\n")))
}

/// Where the file differs from what the code says.
pub fn drift(wanted: &str, found: &str) -> Vec<Breach> {
    if wanted == found {
        return Vec::new();
    }
    let same = wanted.lines().zip(found.lines()).take_while(|(wanted, found)| wanted == found).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("the end of the file").to_owned();
    let what = format!(
        "the code says {:?}, the file says {:?}; make it anew with {WRITE}=1 cargo test -p shoal-tests --test tidy reference",
        line(wanted),
        line(found)
    );
    vec![Breach { path: PATH.to_owned(), line: same + 1, what }]
}

/// A row of a table; bars in cells are kept from ending them.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The rows that begin a table.
fn titles(names: &[&str]) -> String {
    format!("{}|{}\n", row(names), "---|".repeat(names.len()))
}
