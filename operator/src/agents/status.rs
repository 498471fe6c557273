//! What an agent said of its tablet, in types.

use proto::gtid::{GtidSet, InvalidGtidSet};
use proto::ids::{TabletRole, Term};
use proto::rpc::tablet::{Activity, Replication, Role, StatusResponse, ThreadState};
use topo::records::TabletState;

/// What an agent said just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenStatus {
    /// The role that it has accepted, if any.
    pub(crate) role: Option<TabletRole>,
    /// The highest term that it has accepted.
    pub(crate) term: Term,
    /// What the tablet does.
    pub(crate) state: TabletState,
    /// What mysqld calls its version; empty while it does not answer.
    pub(crate) mysql_version: String,
    /// Everything executed.
    pub(crate) executed: GtidSet,
    /// What of that is no longer in the binary log.
    pub(crate) purged: GtidSet,
    /// How it replicates, if a source is set.
    pub(crate) replication: Option<SeenReplication>,
    /// Its part in semi-sync.
    pub(crate) semi_sync: SeenSemiSync,
    /// Statements that its mysqld runs now.
    pub(crate) threads_running: u32,
    /// Whether it admits sessions that read, as a replica.
    pub(crate) reads: bool,
    /// Why it does not do what its role asks for; empty when it does.
    pub(crate) reason: String,
    /// How often its mysqld has died since its agent started.
    pub(crate) deaths: u32,
    /// How it last did.
    pub(crate) last_death: String,
}

/// How a replica does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenReplication {
    /// host:port that it replicates from.
    pub(crate) source: String,
    /// The thread that receives.
    pub(crate) receiver: ThreadState,
    /// The threads that apply.
    pub(crate) applier: ThreadState,
    /// Received at any time since the receiver was set up.
    pub(crate) retrieved: GtidSet,
    /// MySQL's code and text of what stopped a thread.
    pub(crate) error: Option<(u32, String)>,
    /// Age of the newest heartbeat applied, in milliseconds.
    pub(crate) lag_ms: Option<u64>,
}

/// A tablet's part in semi-sync.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SeenSemiSync {
    /// Commits that wait for a replica now; `None`: commits do not wait.
    pub(crate) waiting: Option<u32>,
    /// It acknowledges what it receives.
    pub(crate) acks: bool,
}

impl SeenStatus {
    /// Reads an answer; an error when it holds a set of transactions that is none.
    pub(super) fn read(answer: StatusResponse) -> Result<Self, InvalidGtidSet> {
        let state = state(&answer);
        let semi_sync = answer.semi_sync.unwrap_or_default();
        Ok(Self {
            role: role(&answer),
            term: Term(answer.term),
            state,
            mysql_version: answer.mysql_version,
            executed: answer.gtid_executed.parse()?,
            purged: answer.gtid_purged.parse()?,
            replication: answer.replication.map(SeenReplication::read).transpose()?,
            semi_sync: SeenSemiSync {
                waiting: semi_sync.source_enabled.then_some(semi_sync.waiting_sessions),
                acks: semi_sync.replica_enabled,
            },
            threads_running: answer.threads_running,
            reads: answer.reads,
            reason: answer.reason,
            deaths: answer.deaths,
            last_death: answer.last_death,
        })
    }

    /// Whether it takes writes as the primary of the term.
    pub(crate) fn serves_as_primary(&self, term: Term) -> bool {
        self.state == TabletState::Serving && self.role == Some(TabletRole::Primary) && self.term == term
    }

    /// Its state in the answers of control.
    pub(crate) fn word(&self) -> &'static str {
        state_word(self.state)
    }

    /// Its part in semi-sync in the answers of control: "source", "acker", or nothing.
    pub(crate) fn semi_sync_word(&self) -> &'static str {
        match self.semi_sync {
            SeenSemiSync { waiting: Some(_), .. } => "source",
            SeenSemiSync { acks: true, .. } => "acker",
            SeenSemiSync { .. } => "",
        }
    }

    /// How far it is behind its source, in milliseconds, where that is known.
    pub(crate) fn lag_ms(&self) -> Option<u64> {
        self.replication.as_ref()?.lag_ms
    }

    /// Everything executed, and everything received that will be.
    pub(crate) fn executed_or_received(&self) -> GtidSet {
        match &self.replication {
            Some(replication) => self.executed.union(&replication.retrieved),
            None => self.executed.clone(),
        }
    }
}

impl SeenReplication {
    fn read(answer: Replication) -> Result<Self, InvalidGtidSet> {
        let error = (answer.error_code != 0).then(|| (answer.error_code, answer.error.clone()));
        Ok(Self {
            receiver: answer.receiver(),
            applier: answer.applier(),
            retrieved: answer.gtid_retrieved.parse()?,
            source: answer.source,
            error,
            lag_ms: answer.lag_ms,
        })
    }
}

fn role(answer: &StatusResponse) -> Option<TabletRole> {
    match answer.role() {
        Role::Unspecified => None,
        Role::Primary => Some(TabletRole::Primary),
        Role::Replica => Some(TabletRole::Replica),
    }
}

/// What the tablet does. It is taken to serve, or to replicate, only if nothing speaks against it.
fn state(answer: &StatusResponse) -> TabletState {
    if answer.activity() == Activity::Provisioning {
        return TabletState::Provisioning;
    }
    if answer.given_up {
        return TabletState::GivenUp;
    }
    // Without a version mysqld has not answered its agent.
    if !answer.mysqld_running || answer.mysql_version.is_empty() {
        return TabletState::MysqldDown;
    }
    let runs = |replication: &Replication| {
        replication.receiver() == ThreadState::Running && replication.applier() == ThreadState::Running
    };
    match answer.role() {
        Role::Primary if !answer.fenced && answer.reason.is_empty() => TabletState::Serving,
        Role::Replica if answer.fenced && answer.replication.as_ref().is_some_and(runs) => {
            TabletState::Replicating
        }
        _ => TabletState::Fenced,
    }
}

/// The word for a state in the answers of control.
pub(crate) fn state_word(state: TabletState) -> &'static str {
    match state {
        TabletState::Serving => "serving",
        TabletState::Replicating => "replicating",
        TabletState::Provisioning => "provisioning",
        TabletState::Fenced => "fenced",
        TabletState::MysqldDown => "mysqld-down",
        TabletState::GivenUp => "given-up",
        TabletState::Unknown => "unknown",
    }
}
