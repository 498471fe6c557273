//! A report as people read it, on a terminal or in a document.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::statistics::Spread;
use super::summary::{ProxySummary, Summary};
use super::table::Table;
use super::{LoadReport, Report};
use crate::config::Way;
use crate::limits::MAX_TAKEN_PERCENT;
use crate::load::connections_in_words;
use crate::measure::round::Slice;
use crate::measure::trace::SystemCall;

const TITLES: [&str; 11] = [
    "through",
    "queries/s",
    "p50 µs",
    "p99 µs",
    "proxy CPU µs/query",
    "user",
    "system",
    "÷ forwarder's",
    "user − forwarder's",
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
        let mut text = format!(
            "Point selects, one row of 120 bytes from {} rows; medians of {} rounds of {} s (least–most)\n\
             {}, {} cores shared by all parts; Linux {}, MySQL {}, {} build\n",
            config.rows,
            config.rounds,
            config.seconds,
            machine.processor,
            machine.cores,
            machine.kernel,
            machine.mysql,
            machine.build,
        );
        for load in &self.loads {
            text.push_str(&load.text(form));
        }
        text
    }
}

impl LoadReport {
    fn text(&self, form: Form) -> String {
        let heading = connections_in_words(self.connections);
        let mut table = Table::new(&TITLES);
        for way in &self.ways {
            table.push(cells(way));
        }
        let (heading, table) = match form {
            Form::Terminal => (heading, table.aligned()),
            Form::Markdown => (format!("### {heading}"), format!("\n{}", table.markdown())),
        };
        let mut text = format!("\n{heading}\n{table}");
        if matches!(form, Form::Markdown) {
            text.push('\n');
        }
        let mark = match form {
            Form::Terminal => "",
            Form::Markdown => "- ",
        };
        for note in self.notes() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{mark}{note}");
        }
        text
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![self.taken(), self.repetition()];
        let calls =
            self.traces.iter().map(|trace| (trace.way, trace.system_calls.as_ref().map(|c| calls(c))));
        notes.extend(note("System calls per query", calls.collect()));
        let number = |count: &f64| format!("{count:.0}");
        let counts = self.traces.iter().map(|trace| (trace.way, trace.instructions.as_ref().map(number)));
        notes.extend(note("Instructions in user space per query", counts.collect()));
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

fn cells(way: &Summary) -> Vec<String> {
    let proxy = |part: fn(&ProxySummary) -> Option<Spread>, decimals| {
        way.proxy.as_ref().and_then(part).map_or_else(|| NONE.to_owned(), |spread| figure(spread, decimals))
    };
    vec![
        way.way.to_string(),
        figure(way.queries_per_second, 0),
        figure(way.p50, 0),
        figure(way.p99, 0),
        proxy(|p| Some(p.total), 1),
        proxy(|p| Some(p.user), 1),
        proxy(|p| Some(p.system), 1),
        proxy(|p| p.of_forwarder, 2),
        proxy(|p| p.user_over_forwarder, 1),
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
        let ways = |first, second| vec![(Way::Forwarder, first), (Way::GateSharded, second)];
        assert_eq!(note("Calls", ways(Err(&one), Err(&one))), ["Calls: not available: no strace"]);
        let different =
            ["Calls, forwarder: not available: no strace", "Calls, gate, 2 shards: not available: denied"];
        assert_eq!(note("Calls", ways(Err(&one), Err(&other))), different);
        let mixed = ["Calls, forwarder: 4", "Calls, gate, 2 shards: not available: denied"];
        assert_eq!(note("Calls", ways(Ok("4".into()), Err(&other))), mixed);
    }
}
