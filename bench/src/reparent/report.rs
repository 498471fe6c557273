//! What was found of reparents, for people and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Run;
use super::truth::Verdict;
use crate::cluster::SHARDS;
use crate::config::ReparentConfig;
use crate::limits::{MAX_TAKEN_PERCENT, SHOWN_FAILURES};
use crate::measure::taken;
use crate::report::machine::Machine;
use crate::report::statistics::Spread;
use crate::report::table::Table;

/// A figure of a run.
type Figure = fn(&Run) -> f64;

const TITLES: [&str; 4] = ["", "p50", "least", "most"];

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    /// Where it was measured.
    pub(super) machine: Machine,
    /// What was asked for.
    pub(super) config: ReparentConfig,
    /// From `shoal local up` until the cluster took SQL.
    pub(super) up_seconds: f64,
    /// The reparents that count.
    pub(super) runs: Vec<Run>,
    /// How many were repeated, because others took too much.
    pub(super) repeated: usize,
    /// Statements that failed.
    pub(super) failures: Failures,
    /// What became of the acknowledged rows.
    pub(super) verdict: Verdict,
}

/// Statements that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Failures {
    /// How many.
    pub(super) count: usize,
    /// Some of what was said, and how often.
    pub(super) said: BTreeMap<String, usize>,
}

impl Failures {
    pub(super) fn new(all: Vec<String>) -> Self {
        let mut failures = Self { count: all.len(), said: BTreeMap::new() };
        for text in all {
            if failures.said.len() < SHOWN_FAILURES || failures.said.contains_key(&text) {
                *failures.said.entry(text).or_default() += 1;
            }
        }
        failures
    }
}

impl Report {
    /// For a terminal.
    pub(super) fn terminal(&self) -> String {
        self.text(&self.table().aligned(), "")
    }

    /// For a document.
    pub(super) fn markdown(&self) -> String {
        self.text(&self.table().markdown(), "- ")
    }

    fn text(&self, table: &str, mark: &str) -> String {
        let (machine, config) = (&self.machine, &self.config);
        let mut text = format!(
            "{} planned reparents of {} shards with {} tablets each, under {} writers (autocommit INSERTs)\n\
             {}, {} cores shared by all parts; Linux {}, MySQL {}, {} build\n\n{table}\n",
            self.runs.len(),
            SHARDS.len(),
            config.tablets,
            config.writers,
            machine.processor,
            machine.cores,
            machine.kernel,
            machine.mysql,
            machine.build,
        );
        for note in self.notes() {
            text.push_str(&format!("{mark}{note}\n"));
        }
        text
    }

    fn table(&self) -> Table {
        let figures: [(&str, Figure); 7] = [
            ("write gap of the shard, ms", |run| run.gap_ms),
            ("write gap of the other shard, ms", |run| run.other_gap_ms),
            ("longest gap in the second before, ms", |run| run.calm_gap_ms),
            ("slowest statement of the shard, ms", |run| run.slowest_ms),
            ("`shoal reparent`, ms", |run| run.command_ms),
            ("CPU time that the host took, %", |run| run.taken.by_host),
            ("CPU time that other programs took, %", |run| run.taken.by_programs),
        ];
        let mut table = Table::new(&TITLES);
        for (name, figure) in figures {
            let Some(spread) = Spread::of(self.runs.iter().map(figure)) else { continue };
            let cells = [spread.median, spread.min, spread.max].map(|figure| format!("{figure:.0}"));
            table.push([vec![name.to_owned()], cells.to_vec()].concat());
        }
        table
    }

    fn notes(&self) -> Vec<String> {
        let verdict = &self.verdict;
        let disturbed = self.runs.iter().filter(|run| taken::disturbs(run.taken.total())).count();
        let mut notes = vec![
            format!("Statements failed: {}", self.failures.count),
            format!(
                "Rows acknowledged: {}; lost: {}; on both shards: {}; there without an acknowledgement: {}",
                verdict.acknowledged, verdict.lost, verdict.doubled, verdict.unacknowledged
            ),
            format!("`shoal local up` until it took SQL: {:.1} s", self.up_seconds),
            format!(
                "Reparents repeated because others took over {MAX_TAKEN_PERCENT} %: {}; counted in spite of it: {disturbed}",
                self.repeated
            ),
        ];
        notes.extend(self.failures.said.iter().map(|(text, count)| format!("{count} failed with: {text}")));
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::taken::Taken;

    #[test]
    fn the_report_shows_gaps_failures_and_losses() {
        let run = |gap_ms| Run {
            shard: SHARDS[0],
            gap_ms,
            other_gap_ms: 20.0,
            calm_gap_ms: 10.0,
            slowest_ms: gap_ms,
            command_ms: 300.0,
            taken: Taken { by_host: 8.0, by_programs: 4.0 },
            steps: vec![],
        };
        let config =
            ReparentConfig { runs: 3, writers: 16, tablets: 3, mysqld: None, json: None, markdown: None };
        let report = Report {
            machine: Machine::this("9.7.4"),
            config,
            up_seconds: 9.94,
            runs: vec![run(100.0), run(300.0), run(200.0)],
            repeated: 1,
            failures: Failures::new(vec!["1290 no".into(), "1290 no".into()]),
            verdict: Verdict { acknowledged: 10, lost: 1, doubled: 0, unacknowledged: 2 },
        };
        let text = report.terminal();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in [
            "write gap of the shard, ms 200 100 300",
            "Statements failed: 2",
            "2 failed with: 1290 no",
            "acknowledged: 10; lost: 1;",
            "took SQL: 9.9 s",
            "counted in spite of it: 3",
        ] {
            assert!(words(&text).contains(expected), "{expected:?} is not in\n{text}");
        }
        assert!(report.markdown().contains("| write gap of the shard, ms"), "{}", report.markdown());
    }
}
