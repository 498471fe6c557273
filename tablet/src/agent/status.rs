//! What the agent shows of itself.

use proto::ids::TabletRole;
use proto::rpc::tablet::{Activity, Replication, Role, SemiSync, StatusResponse, ThreadState};

use super::{Agent, Sight};
use crate::decide::{Decision, Step, Why};
use crate::fence::FenceState;
use crate::look::Look;
use crate::replication::{self, ReplicationLook};

impl Agent {
    pub(super) fn show(&self, sight: &Sight, decision: &Decision) {
        let accepted = self.term.accepted();
        let role = match accepted.role {
            None => Role::Unspecified,
            Some(TabletRole::Primary) => Role::Primary,
            Some(TabletRole::Replica) => Role::Replica,
        };
        let look = sight.look.as_ref().and_then(|look| look.as_ref().ok());
        let mut status = look.map(of_look).unwrap_or_default();
        if let Some(semi_sync) = &mut status.semi_sync {
            semi_sync.proven = self.heartbeat.proven() == Some(accepted.term) && role == Role::Primary;
        }
        // What is seen before the fence goes up is over.
        let open = look.is_some_and(|look| look.fence == FenceState::Reading) && decision.step != Step::Raise;
        status.reads = open && role == Role::Replica;
        status.alias = self.alias.to_string();
        status.set_role(role);
        status.term = accepted.term.0;
        status.mysqld_running = self.supervisor.process().is_some();
        status.reason = self.reason(sight, decision);
        status.starts_in_a_row = self.supervisor.starts_in_a_row();
        status.given_up = self.supervisor.given_up();
        status.deaths = self.supervisor.deaths().count;
        status.last_death = self.supervisor.deaths().last.clone();
        if self.provisioning.is_some() {
            status.set_activity(Activity::Provisioning);
        }
        self.status.send_replace(status);
    }

    /// Why the tablet does not do what its role asks for; empty when it does.
    fn reason(&self, sight: &Sight, decision: &Decision) -> String {
        // A replica that has yet to admit readers does what is asked of it already.
        if decision.why.is_well() {
            return String::new();
        }
        if let Some(provisioning) = &self.provisioning {
            return provisioning.to_string();
        }
        match (&sight.look, self.supervisor.failure(), &self.trouble) {
            (Some(Err(error)), ..) => format!("{}: {error}", decision.why),
            (_, Some(failure), _) => failure,
            // It says what MySQL says already.
            (_, None, Some(_)) if matches!(decision.why, Why::ReplicationFails(..)) => {
                decision.why.to_string()
            }
            (_, None, Some(trouble)) => format!("{}: {trouble}", decision.why),
            (_, None, None) => decision.why.to_string(),
        }
    }
}

fn of_look(look: &Look) -> StatusResponse {
    StatusResponse {
        fenced: matches!(look.fence, FenceState::Raised | FenceState::Reading),
        mysql_version: look.version.clone(),
        gtid_executed: look.gtid_executed.clone(),
        gtid_purged: look.gtid_purged.clone(),
        replication: look.replication.as_ref().map(|replication| of_replication(replication, look.lag_ms())),
        semi_sync: Some(SemiSync {
            source_enabled: look.semi_sync.source_enabled,
            source_clients: look.semi_sync.source_clients,
            waiting_sessions: look.semi_sync.waiting_sessions,
            replica_enabled: look.semi_sync.replica_enabled,
            proven: false,
        }),
        threads_running: look.threads_running,
        ..StatusResponse::default()
    }
}

fn of_replication(look: &ReplicationLook, lag_ms: Option<u64>) -> Replication {
    let state = |state| match state {
        replication::ThreadState::Stopped => ThreadState::Stopped,
        replication::ThreadState::Connecting => ThreadState::Connecting,
        replication::ThreadState::Running => ThreadState::Running,
    };
    let (error_code, error) = look.error.clone().unwrap_or_default();
    Replication {
        source: format!("{}:{}", look.source.host, look.source.port),
        receiver: state(look.receiver).into(),
        applier: state(look.applier).into(),
        gtid_retrieved: look.retrieved.clone(),
        error_code,
        error,
        lag_ms,
    }
}
