//! What monitoring sees of a tablet: taken from the status that the agent shows, so that metrics, probes and
//! gRPC never tell different stories.

use metrics::Gauge;
use proto::program::metrics::GaugeId;
use proto::program::readiness::Readiness;
use proto::rpc::tablet::{Activity, Role, StatusResponse};
use tokio::sync::watch;

const ROLE: GaugeId =
    GaugeId::new("shoal_tablet_role", "1 for the role that the tablet has accepted, else 0.");
const TERM: GaugeId = GaugeId::new("shoal_tablet_term", "The highest term that the agent has accepted.");
const SERVING: GaugeId =
    GaugeId::new("shoal_tablet_serving", "1 while the tablet does what its role asks for, else 0.");
const RUNNING: GaugeId = GaugeId::new("shoal_tablet_mysqld_running", "1 while mysqld runs, else 0.");
const GIVEN_UP: GaugeId = GaugeId::new(
    "shoal_tablet_mysqld_given_up",
    "1 when mysqld has died too often in a row and is left down, else 0.",
);
const STARTS_IN_A_ROW: GaugeId =
    GaugeId::new("shoal_tablet_mysqld_starts_in_a_row", "Starts of mysqld in a row, none of which held.");
const FENCED: GaugeId = GaugeId::new(
    "shoal_tablet_fenced",
    "1 while mysqld takes neither data sessions nor writes of clients, else 0.",
);
const READS: GaugeId =
    GaugeId::new("shoal_tablet_reads", "1 while mysqld admits sessions that read, as a replica, else 0.");
const PROVISIONING: GaugeId = GaugeId::new(
    "shoal_tablet_provisioning",
    "1 while the tablet's data is being replaced by another tablet's, else 0.",
);
const LAG: GaugeId = GaugeId::new(
    "shoal_tablet_lag_seconds",
    "Age of the primary's newest heartbeat that is applied here; NaN when it is not known.",
);
const CLIENTS: GaugeId =
    GaugeId::new("shoal_tablet_semi_sync_clients", "Replicas that could acknowledge commits now.");
const WAITING: GaugeId = GaugeId::new(
    "shoal_tablet_semi_sync_waiting_sessions",
    "Commits that wait for the acknowledgement of a replica now.",
);
const THREADS: GaugeId = GaugeId::new("shoal_tablet_threads_running", "Statements that mysqld runs now.");

struct Gauges {
    primary: Gauge,
    replica: Gauge,
    term: Gauge,
    serving: Gauge,
    running: Gauge,
    given_up: Gauge,
    starts_in_a_row: Gauge,
    fenced: Gauge,
    reads: Gauge,
    provisioning: Gauge,
    lag: Gauge,
    clients: Gauge,
    waiting: Gauge,
    threads: Gauge,
}

impl Gauges {
    fn take() -> Self {
        Self {
            primary: ROLE.handle(&[("role", "primary")]),
            replica: ROLE.handle(&[("role", "replica")]),
            term: TERM.handle(&[]),
            serving: SERVING.handle(&[]),
            running: RUNNING.handle(&[]),
            given_up: GIVEN_UP.handle(&[]),
            starts_in_a_row: STARTS_IN_A_ROW.handle(&[]),
            fenced: FENCED.handle(&[]),
            reads: READS.handle(&[]),
            provisioning: PROVISIONING.handle(&[]),
            lag: LAG.handle(&[]),
            clients: CLIENTS.handle(&[]),
            waiting: WAITING.handle(&[]),
            threads: THREADS.handle(&[]),
        }
    }

    fn set(&self, status: &StatusResponse) {
        let yes = |yes: bool| f64::from(u8::from(yes));
        self.primary.set(yes(status.role() == Role::Primary));
        self.replica.set(yes(status.role() == Role::Replica));
        // A term counts changes of the primary: far below what a float holds exactly.
        self.term.set(status.term as f64);
        self.serving.set(yes(status.reason.is_empty()));
        self.running.set(yes(status.mysqld_running));
        self.given_up.set(yes(status.given_up));
        self.starts_in_a_row.set(f64::from(status.starts_in_a_row));
        self.fenced.set(yes(status.fenced && !status.reads));
        self.reads.set(yes(status.reads));
        self.provisioning.set(yes(status.activity() == Activity::Provisioning));
        let lag_ms = status.replication.as_ref().and_then(|replication| replication.lag_ms);
        self.lag.set(lag_ms.map_or(f64::NAN, |ms| ms as f64 / 1000.0));
        let semi_sync = status.semi_sync.unwrap_or_default();
        self.clients.set(f64::from(semi_sync.source_clients));
        self.waiting.set(f64::from(semi_sync.waiting_sessions));
        self.threads.set(f64::from(status.threads_running));
    }
}

/// Shows every status to monitoring, until the agent is gone.
pub(crate) async fn follow(mut status: watch::Receiver<StatusResponse>, readiness: Readiness) {
    let gauges = Gauges::take();
    loop {
        {
            let now = status.borrow_and_update();
            gauges.set(&now);
            match now.reason.as_str() {
                "" => readiness.ready(),
                why => readiness.not_ready(why),
            }
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}
