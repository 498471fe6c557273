//! What control measures. The handles are taken once, when control starts.

use metrics::{Counter, Gauge, Histogram};
use proto::program::metrics::{CounterId, DurationId, GaugeId, Raised};
use topo::records::EventReason;

use crate::sight::ShardSight;

const SHARDS: GaugeId = GaugeId::new("shoal_control_shards", "Shards that this control looks after.");
const SERVING: GaugeId =
    GaugeId::new("shoal_control_shards_serving", "Shards whose primary takes writes, as last seen.");
const AT_RISK: GaugeId = GaugeId::new(
    "shoal_control_shards_at_risk",
    "Shards with nobody to fail over to without loss, as last seen.",
);
const PASS: DurationId =
    DurationId::new("shoal_control_pass_seconds", "How long one look after one shard took, by its outcome.");
const EVENTS: CounterId = CounterId::new("shoal_control_events_total", "Events that control saw, by reason.");
const EVENTS_DROPPED: CounterId =
    CounterId::new("shoal_control_events_dropped_total", "Events that the log of events could not take.");

/// The handles that the loop of a shard uses. Dropped, the shard is no longer counted.
pub(crate) struct ShardMeasures {
    serving_gauge: Gauge,
    at_risk_gauge: Gauge,
    passed: Histogram,
    pass_failed: Histogram,
    serving: Option<Raised>,
    at_risk: Option<Raised>,
    _counted: Raised,
}

impl ShardMeasures {
    /// One more shard is looked after.
    pub(crate) fn begin() -> Self {
        Self {
            serving_gauge: SERVING.handle(&[]),
            at_risk_gauge: AT_RISK.handle(&[]),
            passed: PASS.handle(&[("outcome", "done")]),
            pass_failed: PASS.handle(&[("outcome", "failed")]),
            serving: None,
            at_risk: None,
            _counted: Raised::new(&SHARDS.handle(&[])),
        }
    }

    /// The shard is like this.
    pub(crate) fn saw(&mut self, sight: &ShardSight) {
        match sight.serving() {
            Some(_) => {
                self.serving.get_or_insert_with(|| Raised::new(&self.serving_gauge));
            }
            None => self.serving = None,
        }
        match sight.risk() {
            Some(_) => {
                self.at_risk.get_or_insert_with(|| Raised::new(&self.at_risk_gauge));
            }
            None => self.at_risk = None,
        }
    }

    /// Times of looks that ended so.
    pub(crate) fn passes<T, E>(&self, outcome: &Result<T, E>) -> &Histogram {
        if outcome.is_ok() { &self.passed } else { &self.pass_failed }
    }
}

/// An event was seen. There are few events and many reasons, so the handle is looked for each time.
pub(crate) fn saw_event(reason: EventReason) {
    EVENTS.handle(&[("reason", reason.as_str())]).increment(1);
}

/// What counts the events that are lost.
pub(crate) fn dropped_events() -> Counter {
    EVENTS_DROPPED.handle(&[])
}
