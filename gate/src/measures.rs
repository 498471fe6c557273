//! What a gate measures. The handles are taken once, when the gate is built.

use metrics::{Counter, Gauge, Histogram};
use proto::errors::{ClientError, ErrorKind};
use proto::program::metrics::{CounterId, DurationId, GaugeId};

use crate::hold::end::HoldEnd;

const CLIENTS: GaugeId = GaugeId::new("shoal_gate_clients", "Clients that are connected now.");
const TURNED_AWAY: CounterId =
    CounterId::new("shoal_gate_turned_away_total", "Clients for whom there was no place.");
const LOGINS: CounterId =
    CounterId::new("shoal_gate_logins_total", "Logins that were tried, by what became of them.");
const STATEMENTS: CounterId =
    CounterId::new("shoal_gate_statements_total", "Statements that were answered, by what they came to.");
const PLANS: CounterId = CounterId::new(
    "shoal_gate_plans_total",
    "Statements that were parsed and planned, because the plan was not at hand.",
);
const REPEATS: CounterId = CounterId::new(
    "shoal_gate_repeats_total",
    "Statements that were planned again, because their shard had not executed them.",
);
const ERRORS: CounterId =
    CounterId::new("shoal_gate_errors_total", "Errors of the gate's own that clients were told, by kind.");
const DIALS: CounterId = CounterId::new(
    "shoal_gate_backend_connects_total",
    "Connections to mysqlds that were tried, by what became of them.",
);
const CONNECTIONS: GaugeId = GaugeId::new(
    "shoal_gate_backend_connections",
    "Connections to mysqlds that are open now, idle ones too.",
);
const HELD: GaugeId =
    GaugeId::new("shoal_gate_held_statements", "Statements that wait now for a shard to change its primary.");
const HOLD: DurationId = DurationId::new(
    "shoal_gate_hold_seconds",
    "How long statements waited for a shard to change its primary, by how the wait ended.",
);

/// The handles that sessions and threads of a gate use.
pub struct Measures {
    /// Clients that are connected.
    pub clients: Gauge,
    /// Clients for whom there was no place.
    pub turned_away: Counter,
    /// Logins that succeeded.
    pub logged_in: Counter,
    /// Logins that were refused.
    pub login_refused: Counter,
    /// Clients that left, or took too long, before they were logged in.
    pub login_left: Counter,
    /// Statements that went to one shard.
    pub routed: Counter,
    /// Statements that went to several shards.
    pub scattered: Counter,
    /// Schema changes.
    pub schema_changes: Counter,
    /// Statements that the gate answers by itself.
    pub answers: Counter,
    /// Statements that are not done.
    pub refusals: Counter,
    /// Statements that were parsed and planned.
    pub plans: Counter,
    /// Statements that were planned again.
    pub repeats: Counter,
    /// Connections to mysqlds that are open.
    pub connections: Gauge,
    /// Connections to mysqlds that were made.
    pub dialled: Counter,
    /// Connections to mysqlds that were not to be had.
    pub dial_failed: Counter,
    errors: Errors,
}

struct Errors {
    protocol: Counter,
    access: Counter,
    refused: Counter,
    unavailable: Counter,
    unknown: Counter,
    limit: Counter,
    internal: Counter,
}

impl Default for Measures {
    fn default() -> Self {
        let login = |outcome| LOGINS.handle(&[("outcome", outcome)]);
        let statement = |plan| STATEMENTS.handle(&[("plan", plan)]);
        let error = |kind| ERRORS.handle(&[("kind", kind)]);
        Self {
            clients: CLIENTS.handle(&[]),
            turned_away: TURNED_AWAY.handle(&[]),
            logged_in: login("done"),
            login_refused: login("refused"),
            login_left: login("left"),
            routed: statement("route"),
            scattered: statement("scatter"),
            schema_changes: statement("schema_change"),
            answers: statement("answer"),
            refusals: statement("refusal"),
            plans: PLANS.handle(&[]),
            repeats: REPEATS.handle(&[]),
            connections: CONNECTIONS.handle(&[]),
            dialled: DIALS.handle(&[("outcome", "done")]),
            dial_failed: DIALS.handle(&[("outcome", "failed")]),
            errors: Errors {
                protocol: error("protocol"),
                access: error("access"),
                refused: error("refused"),
                unavailable: error("unavailable"),
                unknown: error("unknown"),
                limit: error("limit"),
                internal: error("internal"),
            },
        }
    }
}

impl Measures {
    /// A client was told the error.
    pub fn told(&self, error: &ClientError) {
        let counter = match error.kind() {
            ErrorKind::Protocol => &self.errors.protocol,
            ErrorKind::Access => &self.errors.access,
            ErrorKind::Refused => &self.errors.refused,
            ErrorKind::Unavailable => &self.errors.unavailable,
            ErrorKind::Unknown => &self.errors.unknown,
            ErrorKind::Limit => &self.errors.limit,
            // Told beside an answer, and no error.
            ErrorKind::Note => return,
            ErrorKind::Internal => &self.errors.internal,
        };
        counter.increment(1);
    }
}

/// The handles that statements use which wait.
pub struct HoldMeasures {
    /// Statements that wait now.
    pub held: Gauge,
    released: Histogram,
    timed_out: Histogram,
    left: Histogram,
    draining: Histogram,
}

impl Default for HoldMeasures {
    fn default() -> Self {
        let hold = |end| HOLD.handle(&[("end", end)]);
        Self {
            held: HELD.handle(&[]),
            released: hold("released"),
            timed_out: hold("timed_out"),
            left: hold("left"),
            draining: hold("draining"),
        }
    }
}

impl HoldMeasures {
    /// Times of waits that ended so; there is none where there was no wait.
    pub fn waited(&self, end: HoldEnd) -> Option<&Histogram> {
        match end {
            HoldEnd::Released => Some(&self.released),
            HoldEnd::TimedOut => Some(&self.timed_out),
            HoldEnd::Left => Some(&self.left),
            HoldEnd::Draining => Some(&self.draining),
            HoldEnd::NoPlace | HoldEnd::Interrupted => None,
        }
    }
}
