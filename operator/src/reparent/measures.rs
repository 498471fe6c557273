//! What is measured of changes of primary. The handles are taken once, when control starts.

use metrics::{Counter, Histogram};
use proto::program::metrics::{CounterId, DurationId};

use super::{Done, ReparentError};

const REPARENTS: CounterId = CounterId::new(
    "shoal_control_reparents_total",
    "Changes of primary that were asked for, by what became of them.",
);
const HOLD: DurationId = DurationId::new(
    "shoal_control_reparent_hold_seconds",
    "How long gates were asked to hold the statements of a shard that changed its primary.",
);

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
