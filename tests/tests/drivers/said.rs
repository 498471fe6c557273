//! What a driver's program printed.

use std::collections::BTreeMap;

/// The checks of one run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Said {
    /// What became of each check: nothing, or what was wrong.
    pub(crate) checks: BTreeMap<String, Option<String>>,
    /// What is wrong with the run itself: how it ended, lines that are no checks, checks that came twice.
    pub(crate) faults: Vec<String>,
}

impl Said {
    /// Reads the lines that came before an end; `end` is what was wrong with that, if anything was.
    pub(crate) fn read(lines: &str, end: Option<String>) -> Self {
        let mut said = Self { faults: end.into_iter().collect(), ..Self::default() };
        for line in lines.lines() {
            let (name, failure) = match (line.strip_prefix("ok "), line.strip_prefix("FAILED ")) {
                (Some(name), _) => (name, None),
                (None, Some(rest)) => {
                    let (name, what) = rest.split_once(": ").unwrap_or((rest, "it does not say why"));
                    (name, Some(what.to_owned()))
                }
                (None, None) => {
                    said.faults.push(format!("a line that is no check: {line}"));
                    continue;
                }
            };
            if said.checks.insert(name.to_owned(), failure).is_some() {
                said.faults.push(format!("{name} came twice"));
            }
        }
        said
    }

    /// How many checks passed.
    pub(crate) fn passed(&self) -> usize {
        self.checks.values().filter(|failure| failure.is_none()).count()
    }
}
