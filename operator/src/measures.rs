//! What control measures. The handles are taken once, when control starts.

use metrics::{Counter, Gauge, Histogram};
use proto::program::metrics::{CounterId, DurationId, GaugeId, Raised};
use topo::records::EventReason;

use crate::reparent::{Done, ReparentError};
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
const REPARENTS: CounterId = CounterId::new(
    "shoal_control_reparents_total",
    "Changes of primary that were asked for, by what became of them.",
);
const HOLD: DurationId = DurationId::new(
    "shoal_control_reparent_hold_seconds",
    "How long gates were asked to hold the statements of a shard that changed its primary.",
);
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

/// The handles that changes of primary use.
#[derive(Clone)]
pub(crate) struct ReparentMeasures {
    done: Counter,
    refused: Counter,
    failed: Counter,
    held: Histogram,
}

impl Default for ReparentMeasures {
    fn default() -> Self {
        let counted = |outcome| REPARENTS.handle(&[("outcome", outcome)]);
        Self {
            done: counted("done"),
            refused: counted("refused"),
            failed: counted("failed"),
            held: HOLD.handle(&[]),
        }
    }
}

impl ReparentMeasures {
    /// A change of primary that was asked for has ended.
    pub(crate) fn ended(&self, outcome: &Result<Done, ReparentError>) {
        match outcome {
            Ok(done) => {
                self.done.increment(1);
                self.held.record(done.held);
            }
            Err(ReparentError::Refused(_)) => self.refused.increment(1),
            Err(ReparentError::Failed { .. }) => self.failed.increment(1),
        }
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
