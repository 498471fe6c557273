//! A report as people read it, on a terminal or in a document.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::statistics::Spread;
use super::summary::{ProxySummary, Summary};
use super::table::Table;
use super::{CaseReport, Count, Memory, Report};
use crate::config::Way;
use crate::limits::MAX_TAKEN_PERCENT;
use crate::load::Case;
use crate::measure::round::Slice;
use crate::measure::trace::{Counted, SystemCall};

const TITLES: [&str; 13] = [
    "statements",
    "connections",
    "through",
    "queries/s",
    "p50 µs",
    "p99 µs",
    "proxy CPU µs/query",
    "user",
    "system",
    "÷ HAProxy's",
    "user − HAProxy's",
    "mysqld CPU µs/query",
    "load CPU µs/query",
];
const NONE: &str = "–";
/// System calls rarer than this, per query, are left out.
const RARE: f64 = 0.005;

#[derive(Debug, Clone, Copy)]
enum Form {
    Terminal,
    Markdown,
}

impl Report {
    /// For a terminal.
    pub fn terminal(&self) -> String {
        self.text(Form::Terminal)
    }

    /// For a document.
    pub fn markdown(&self) -> String {
        self.text(Form::Markdown)
    }

    fn text(&self, form: Form) -> String {
        let (machine, config) = (&self.machine, &self.config);
        let mut table = Table::new(&TITLES);
        for case in &self.cases {
            case.ways.iter().for_each(|way| table.push(cells(case.case, way)));
        }
        let mut text = format!(
            "Rows of 120 bytes; medians of {} rounds of {} s (least–most)\n\
             {}, {} cores shared by all parts; Linux {}, MySQL {}, {} build\n\n",
            config.rounds,
            config.seconds,
            machine.processor,
            machine.cores,
            machine.kernel,
            machine.mysql,
            machine.build,
        );
        for table in [table, self.counted()] {
            text.push_str(&match form {
                Form::Terminal => table.aligned(),
                Form::Markdown => table.markdown(),
            });
            text.push('\n');
        }
        let each = |memory: &Memory| format!("{} {:.1}", memory.way, memory.kib);
        let memory: Vec<String> = self.memory.iter().map(each).collect();
        let memory = format!("KiB of the proxy for an idle connection: {}", memory.join(", "));
        let notes = self.cases.iter().map(|case| (case.case.to_string(), case.notes()));
        let lines = std::iter::once(("all".to_owned(), vec![memory])).chain(notes);
        for (heading, notes) in lines {
            let (before, mark) = match form {
                Form::Terminal => ("", "  "),
                Form::Markdown => ("\n### ", "- "),
            };
            // Writing to a String does not fail.
            let _ = writeln!(text, "{before}{heading}");
            notes.iter().for_each(|note| text.push_str(&format!("{mark}{note}\n")));
        }
        text
    }
}

impl Report {
    /// What one statement takes of the process between, at one connection.
    fn counted(&self) -> Table {
        let mut table =
            Table::new(&["statements", "through", "instructions", "÷ HAProxy's", "heap allocations"]);
        for count in &self.counts {
            let is_haproxys = |other: &&Count| other.work == count.work && other.way == Way::Haproxy;
            let haproxys =
                self.counts.iter().find(is_haproxys).and_then(|other| other.instructions.as_ref().ok());
            let ratio = match (&count.instructions, haproxys) {
                (Ok(instructions), Some(haproxys)) => format!("{:.2}", instructions / haproxys),
                _ => NONE.to_owned(),
            };
            let cell = |counted: &Counted<f64>, decimals: usize| match counted {
                Ok(count) => format!("{count:.decimals$}"),
                Err(reason) => reason.clone(),
            };
            table.push(vec![
                count.work.to_string(),
                count.way.to_string(),
                cell(&count.instructions, 0),
                ratio,
                cell(&count.allocations, 2),
            ]);
        }
        table
    }
}

impl CaseReport {
    fn notes(&self) -> Vec<String> {
        let mut notes = vec![self.taken(), self.repetition()];
        let calls =
            self.traces.iter().map(|trace| (trace.way, trace.system_calls.as_ref().map(|c| calls(c))));
        notes.extend(note("System calls per query", calls.collect()));
        notes
    }

    fn taken(&self) -> String {
        let slices = || self.rounds.iter().flat_map(|round| &round.slices);
        let spread = |share: fn(&Slice) -> f64| {
            Spread::of(slices().map(share)).map_or_else(|| NONE.to_owned(), |spread| figure(spread, 1))
        };
        let (host, programs) = (spread(|slice| slice.taken.by_host), spread(|slice| slice.taken.by_programs));
        format!("CPU time that others took: the host {host} %, other programs {programs} %")
    }

    fn repetition(&self) -> String {
        let (repeated, disturbed) = (self.repeated.len(), self.disturbed);
        format!(
            "Rounds repeated because others took over {MAX_TAKEN_PERCENT} %: {repeated}; counted in spite of it: {disturbed}"
        )
    }
}

/// A line for each way; one for all where the reason is the same for which nothing could be counted.
fn note(what: &str, counted: Vec<(Way, Result<String, &String>)>) -> Vec<String> {
    let reasons: BTreeSet<Option<&String>> =
        counted.iter().map(|(_, count)| count.as_ref().err().copied()).collect();
    if let (1, Some(Some(reason))) = (reasons.len(), reasons.first()) {
        return vec![format!("{what}: not available: {reason}")];
    }
    let line = |(way, count): (Way, Result<String, &String>)| match count {
        Ok(count) => format!("{what}, {way}: {count}"),
        Err(reason) => format!("{what}, {way}: not available: {reason}"),
    };
    counted.into_iter().map(line).collect()
}

fn cells(case: Case, way: &Summary) -> Vec<String> {
    let proxy = |part: fn(&ProxySummary) -> Option<Spread>, decimals| {
        way.proxy.as_ref().and_then(part).map_or_else(|| NONE.to_owned(), |spread| figure(spread, decimals))
    };
    vec![
        case.work.to_string(),
        case.connections.to_string(),
        way.way.to_string(),
        figure(way.queries_per_second, 0),
        figure(way.p50, 0),
        figure(way.p99, 0),
        proxy(|p| Some(p.total), 1),
        proxy(|p| Some(p.user), 1),
        proxy(|p| Some(p.system), 1),
        proxy(|p| p.of_haproxy, 2),
        proxy(|p| p.user_over_haproxy, 1),
        figure(way.mysqld, 1),
        figure(way.load, 1),
    ]
}

fn figure(spread: Spread, decimals: usize) -> String {
    format!("{:.decimals$} ({:.decimals$}–{:.decimals$})", spread.median, spread.min, spread.max)
}

fn calls(calls: &[SystemCall]) -> String {
    let all: f64 = calls.iter().map(|call| call.per_query).sum();
    let frequent = calls.iter().filter(|call| call.per_query >= RARE);
    let named: Vec<String> = frequent.map(|call| format!("{:.2} {}", call.per_query, call.name)).collect();
    format!("{all:.2} = {}", named.join(" + "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_their_spread_beside_them() {
        let spread = Spread { median: 16.04, min: 15.0, max: 18.96 };
        assert_eq!(figure(spread, 1), "16.0 (15.0–19.0)");
        assert_eq!(figure(spread, 0), "16 (15–19)");
    }

    #[test]
    fn what_could_not_be_counted_is_said() {
        let call = |name: &str, per_query| SystemCall { name: name.into(), per_query };
        let counted = [call("sendto", 2.0), call("epoll_wait", 0.254), call("madvise", 0.001)];
        assert_eq!(calls(&counted), "2.25 = 2.00 sendto + 0.25 epoll_wait");
        let (one, other) = ("no strace".to_owned(), "denied".to_owned());
        let ways = |first, second| vec![(Way::Haproxy, first), (Way::GateSharded, second)];
        assert_eq!(note("Calls", ways(Err(&one), Err(&one))), ["Calls: not available: no strace"]);
        let different =
            ["Calls, HAProxy: not available: no strace", "Calls, gate, 2 shards: not available: denied"];
        assert_eq!(note("Calls", ways(Err(&one), Err(&other))), different);
        let mixed = ["Calls, HAProxy: 4", "Calls, gate, 2 shards: not available: denied"];
        assert_eq!(note("Calls", ways(Ok("4".into()), Err(&other))), mixed);
    }
}
