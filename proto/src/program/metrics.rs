//! What a program measures: names by one rule, each with its explanation.
//!
//! A name is `shoal_<part>_<what>` in lower case, and ends in its unit: `_total` for what is counted, `_seconds`
//! or `_bytes` for what is measured, `_info` for what is only named; a number of things needs no unit. A name
//! that breaks the rule does not compile, and a handle cannot be had without the text for `# HELP`.

use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{Counter, Gauge, Histogram, Label};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use crate::tls::Part;

/// What stands before `_` and the rest of a name, after `shoal_`: a part, or what several parts do alike.
const AREAS: [&str; 6] = ["gate", "tablet", "control", "topology", "build", "process"];

/// Upper bounds of the buckets of durations, in seconds: from one local call to etcd up to a hopeless one.
const BUCKETS_SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

const BUILD: GaugeId = GaugeId::new("shoal_build_info", "1; what this program is, in its labels.");
const STARTED: GaugeId =
    GaugeId::new("shoal_process_start_time_seconds", "When this process started, in seconds since 1970.");

/// Labels of a metric: what it is told apart by. Few values each; never text from clients.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// Something that is counted.
#[derive(Debug, Clone, Copy)]
pub struct CounterId {
    name: &'static str,
    help: &'static str,
}

/// Something that goes up and down.
#[derive(Debug, Clone, Copy)]
pub struct GaugeId {
    name: &'static str,
    help: &'static str,
}

/// Something that takes time; recorded in seconds.
#[derive(Debug, Clone, Copy)]
pub struct DurationId {
    name: &'static str,
    help: &'static str,
}

impl CounterId {
    /// Named by the rule, with the unit `_total`.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        assert!(is_named_by_the_rule(name) && ends_with(name, "_total") && is_a_sentence(help));
        Self { name, help }
    }

    /// What counts it. Taken once, kept, and cheap from then on.
    pub fn handle(&self, labels: Labels<'_>) -> Counter {
        metrics::describe_counter!(self.name, self.help);
        metrics::counter!(self.name, owned(labels))
    }
}

impl GaugeId {
    /// Named by the rule, not with the unit of a counter.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        assert!(is_named_by_the_rule(name) && !ends_with(name, "_total") && is_a_sentence(help));
        Self { name, help }
    }

    /// What sets it. Taken once, kept, and cheap from then on.
    pub fn handle(&self, labels: Labels<'_>) -> Gauge {
        metrics::describe_gauge!(self.name, self.help);
        metrics::gauge!(self.name, owned(labels))
    }
}

impl DurationId {
    /// Named by the rule, with the unit `_seconds`.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        assert!(is_named_by_the_rule(name) && ends_with(name, "_seconds") && is_a_sentence(help));
        Self { name, help }
    }

    /// What records it. Taken once, kept, and cheap from then on.
    pub fn handle(&self, labels: Labels<'_>) -> Histogram {
        metrics::describe_histogram!(self.name, self.help);
        metrics::histogram!(self.name, owned(labels))
    }
}

/// A gauge that is one higher as long as this lives.
#[derive(Debug)]
pub struct Raised(Gauge);

impl Raised {
    /// Raises it.
    pub fn new(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn owned(labels: Labels<'_>) -> Vec<Label> {
    labels.iter().map(|(key, value)| Label::new(*key, (*value).to_owned())).collect()
}

/// The one recorder of the process, and what it has recorded.
#[derive(Debug, Clone)]
pub struct Recorder(PrometheusHandle);

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The recorder cannot be made.
    #[error("cannot record metrics: {0}")]
    Build(#[from] BuildError),
    /// The process has one already.
    #[error("cannot record metrics twice in one process")]
    Twice,
}

impl Recorder {
    /// Records what is measured from now on; handles taken before go nowhere. Once a process.
    pub fn install(part: Part) -> Result<Self, RecorderError> {
        let records = Self::build()?;
        let recorder = Self(records.handle());
        metrics::set_global_recorder(records).map_err(|_| RecorderError::Twice)?;
        BUILD.handle(&[("part", part.word()), ("version", env!("CARGO_PKG_VERSION"))]).set(1.0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        STARTED.handle(&[("part", part.word())]).set(since.as_secs_f64());
        Ok(recorder)
    }

    fn build() -> Result<PrometheusRecorder, BuildError> {
        let durations = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, &BUCKETS_SECONDS)?;
        Ok(builder.build_recorder())
    }

    /// A recorder beside that of the process, with what was recorded while `measure` ran.
    #[cfg(test)]
    pub(super) fn of(measure: impl FnOnce()) -> Self {
        let records = Self::build().unwrap();
        metrics::with_local_recorder(&records, measure);
        Self(records.handle())
    }

    /// All of it, in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds in what was recorded since the last time; without it, durations that nobody scrapes pile up.
    pub fn fold(&self) {
        self.0.run_upkeep();
    }
}

const fn is_named_by_the_rule(name: &str) -> bool {
    if !starts_with(name, "shoal_") || is_in_a_lesser_unit(name) {
        return false;
    }
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_lowercase() || bytes[at].is_ascii_digit() || bytes[at] == b'_') {
            return false;
        }
        at += 1;
    }
    let (_, rest) = name.split_at("shoal_".len());
    let mut area = 0;
    while area < AREAS.len() {
        let width = AREAS[area].len();
        if starts_with(rest, AREAS[area]) && rest.len() > width + 1 && rest.as_bytes()[width] == b'_' {
            return true;
        }
        area += 1;
    }
    false
}

/// Prometheus counts time in seconds and space in bytes.
const fn is_in_a_lesser_unit(name: &str) -> bool {
    ends_with(name, "_ms")
        || ends_with(name, "_milliseconds")
        || ends_with(name, "_us")
        || ends_with(name, "_microseconds")
        || ends_with(name, "_kb")
}

const fn is_a_sentence(help: &str) -> bool {
    help.len() > 10 && ends_with(help, ".")
}

const fn starts_with(text: &str, start: &str) -> bool {
    is_at(text, start, 0)
}

const fn ends_with(text: &str, end: &str) -> bool {
    text.len() >= end.len() && is_at(text, end, text.len() - end.len())
}

const fn is_at(text: &str, piece: &str, from: usize) -> bool {
    let (text, piece) = (text.as_bytes(), piece.as_bytes());
    let mut at = 0;
    while at < piece.len() {
        if from + at >= text.len() || text[from + at] != piece[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for good in
            ["shoal_gate_clients", "shoal_topology_request_seconds", "shoal_tablet_mysqld_starts_total"]
        {
            assert!(is_named_by_the_rule(good), "{good}");
        }
        let bad = [
            "gate_clients",
            "shoal_clients",
            "shoal_gate",
            "shoal_gate_",
            "shoal_gateclients",
            "shoal_gate_Clients",
            "shoal_gate_client-s",
            "shoal_tablet_lag_ms",
            "shoal_tablet_lag_milliseconds",
            "shoal_tablet_pages_kb",
            "",
        ];
        for name in bad {
            assert!(!is_named_by_the_rule(name), "{name}");
        }
    }

    #[test]
    fn units_and_help_are_asked_for() {
        fn refused<T>(make: fn() -> T) -> bool {
            std::panic::catch_unwind(make).is_err()
        }
        assert!(refused(|| CounterId::new("shoal_gate_clients", "Clients that are connected.")));
        assert!(refused(|| GaugeId::new("shoal_gate_clients_total", "Clients that are connected.")));
        assert!(refused(|| DurationId::new("shoal_gate_wait_total", "How long clients waited.")));
        assert!(refused(|| GaugeId::new("shoal_gate_clients", "clients")));
        assert!(!refused(|| GaugeId::new("shoal_gate_clients", "Clients that are connected.")));
    }

    #[test]
    fn everything_recorded_is_explained_and_durations_have_buckets() {
        const CALLS: CounterId = CounterId::new("shoal_topology_calls_total", "Calls that were made.");
        const OPEN: GaugeId = GaugeId::new("shoal_topology_open_calls", "Calls that have no answer yet.");
        const CALL: DurationId = DurationId::new("shoal_topology_call_seconds", "How long a call took.");
        let recorder = Recorder::of(|| {
            CALLS.handle(&[("outcome", "done")]).increment(2);
            CALL.handle(&[]).record(0.004);
            let open = OPEN.handle(&[]);
            let first = Raised::new(&open);
            let second = Raised::new(&open);
            drop(first);
            std::mem::forget(second);
        });
        recorder.fold();
        let text = recorder.render();
        for line in [
            "# HELP shoal_topology_calls_total Calls that were made.",
            "# TYPE shoal_topology_calls_total counter",
            "shoal_topology_calls_total{outcome=\"done\"} 2",
            "shoal_topology_open_calls 1",
            "# HELP shoal_topology_call_seconds How long a call took.",
            "# TYPE shoal_topology_call_seconds histogram",
            "shoal_topology_call_seconds_bucket{le=\"0.0025\"} 0",
            "shoal_topology_call_seconds_bucket{le=\"0.005\"} 1",
            "shoal_topology_call_seconds_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
    }
}
