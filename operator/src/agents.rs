//! Asking tablets' agents, and what they say of themselves.

mod status;

#[cfg(test)]
pub(crate) mod fake;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use proto::gtid::GtidSet;
use proto::ids::{TabletAlias, TabletRole, Term};
use proto::rpc::tablet::tablet_client::TabletClient;
use proto::rpc::tablet::{
    AssumeRoleRequest, CatchUpRequest, DemoteRequest, LeaveAckersRequest, ProvisionRequest, Role,
    StatusRequest,
};
use proto::tls::{Identity, Part};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use topo::records::TabletRecord;

#[cfg(test)]
pub(crate) use status::SeenSemiSync;
pub(crate) use status::{SeenReplication, SeenStatus};

use crate::limits::{
    AGENT_CALL_SLACK, AGENT_PING_INTERVAL, AGENT_PING_TIMEOUT, MAX_AGENT_CHANNELS, STATUS_TIMEOUT,
};

/// A registered tablet, and what its agent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenTablet {
    /// What it registered.
    pub(crate) record: TabletRecord,
    /// What its agent says; `None`: it does not answer.
    pub(crate) status: Option<SeenStatus>,
}

impl SeenTablet {
    /// Its name.
    pub(crate) fn alias(&self) -> &TabletAlias {
        &self.record.alias
    }
}

/// Why a call of an agent brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// It said no, and everything is as it was.
    #[error("{0}")]
    Refused(String),
    /// It may have done it, may be doing it still, or may never have heard of it.
    #[error("{0}")]
    Unknown(String),
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        let text = status.message().to_owned();
        match status.code() {
            Code::Aborted
            | Code::FailedPrecondition
            | Code::InvalidArgument
            | Code::NotFound
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::Unauthenticated
            | Code::Unimplemented => Self::Refused(text),
            _ => Self::Unknown(text),
        }
    }
}

/// The agents of a cluster, over connections that are kept. Cheap to clone; clones share the connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agents {
    identity: Option<Identity>,
    channels: Arc<Mutex<HashMap<String, Channel>>>,
}

impl Agents {
    /// Talks to agents as this one, or without TLS.
    pub(crate) fn new(identity: Option<Identity>) -> Self {
        Self { identity, channels: Arc::default() }
    }

    /// Asks every tablet how it is, all at once.
    pub(crate) async fn look_at(&self, tablets: impl IntoIterator<Item = TabletRecord>) -> Vec<SeenTablet> {
        let asked = tablets.into_iter().map(|record| async move {
            let status = self.status(&record.agent_address).await;
            SeenTablet { record, status }
        });
        join_all(asked).await
    }

    /// How the tablet is; `None` if its agent does not say so in time, or not so that it can be understood.
    pub(crate) async fn status(&self, address: &str) -> Option<SeenStatus> {
        let call = self.call(address, STATUS_TIMEOUT, StatusRequest {}, async |mut agent, request| {
            agent.status(request).await
        });
        let answer = call.await.ok()?;
        match SeenStatus::read(answer) {
            Ok(status) => Some(status),
            Err(error) => {
                tracing::warn!(address, %error, "the status of an agent cannot be understood");
                None
            }
        }
    }

    /// Tells the tablet the role that the shard's record gives it, and brings how it is then.
    pub(crate) async fn assume_role(
        &self,
        address: &str,
        role: TabletRole,
        term: Term,
        deadline: Duration,
    ) -> Result<Option<SeenStatus>, CallError> {
        let role = match role {
            TabletRole::Primary => Role::Primary,
            TabletRole::Replica => Role::Replica,
        };
        let request = AssumeRoleRequest { term: term.0, role: role.into() };
        let call = self
            .call(address, deadline, request, async |mut agent, request| agent.assume_role(request).await);
        Ok(call.await?.status.and_then(|status| SeenStatus::read(status).ok()))
    }

    /// Makes the primary stop taking writes in favour of the next one; brings everything ever committed there.
    pub(crate) async fn demote(
        &self,
        address: &str,
        next_term: Term,
        deadline: Duration,
    ) -> Result<GtidSet, CallError> {
        let request = DemoteRequest { term: next_term.0 };
        let call =
            self.call(address, deadline, request, async |mut agent, request| agent.demote(request).await);
        let executed = call.await?.gtid_executed;
        executed.parse().map_err(|error| CallError::Unknown(format!("its position is {error}")))
    }

    /// Waits until the next primary has executed the whole set, or for so long; brings all that it has executed.
    pub(crate) async fn catch_up(
        &self,
        address: &str,
        next_term: Term,
        wanted: &GtidSet,
        patience: Duration,
    ) -> Result<GtidSet, CallError> {
        let timeout_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let request = CatchUpRequest { term: next_term.0, gtid_set: wanted.to_string(), timeout_ms };
        let deadline = patience + STATUS_TIMEOUT;
        let call =
            self.call(address, deadline, request, async |mut agent, request| agent.catch_up(request).await);
        let executed = call.await?.gtid_executed;
        executed.parse().map_err(|error| CallError::Unknown(format!("its position is {error}")))
    }

    /// Makes the tablet stop acknowledging commits.
    pub(crate) async fn leave_ackers(
        &self,
        address: &str,
        term: Term,
        deadline: Duration,
    ) -> Result<(), CallError> {
        let request = LeaveAckersRequest { term: term.0 };
        let call = self
            .call(address, deadline, request, async |mut agent, request| agent.leave_ackers(request).await);
        call.await.map(drop)
    }

    /// Has the tablet's data replaced by those of the donor, whose mysqld is named by host:port.
    pub(crate) async fn provision(
        &self,
        address: &str,
        term: Term,
        donor: &str,
        deadline: Duration,
    ) -> Result<(), CallError> {
        let request = ProvisionRequest { term: term.0, donor: donor.to_owned() };
        let call =
            self.call(address, deadline, request, async |mut agent, request| agent.provision(request).await);
        call.await.map(drop)
    }

    /// One call with a deadline, which the agent is told, too. A connection that brought no answer is not used
    /// again: what is lost without a trace on it would be noticed much later.
    async fn call<Q, A>(
        &self,
        address: &str,
        deadline: Duration,
        question: Q,
        ask: impl AsyncFnOnce(TabletClient<Channel>, Request<Q>) -> Result<Response<A>, Status>,
    ) -> Result<A, CallError> {
        let channel = self.channel(address).map_err(|error| CallError::Unknown(error.to_string()))?;
        let mut request = Request::new(question);
        request.set_timeout(deadline + AGENT_CALL_SLACK);
        match tokio::time::timeout(deadline, ask(TabletClient::new(channel), request)).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => {
                self.channels().remove(address);
                Err(CallError::Unknown(format!("no answer within {} ms", deadline.as_millis())))
            }
        }
    }

    /// The connection to an address; it is made when it is first used, and again when it broke.
    fn channel(&self, address: &str) -> Result<Channel, tonic::transport::Error> {
        if let Some(channel) = self.channels().get(address) {
            return Ok(channel.clone());
        }
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))?
            .connect_timeout(proto::limits::CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(AGENT_PING_INTERVAL)
            .keep_alive_timeout(AGENT_PING_TIMEOUT)
            .keep_alive_while_idle(true);
        if let Some(identity) = &self.identity {
            endpoint = endpoint.tls_config(identity.tonic_client(Part::Tablet))?;
        }
        let channel = endpoint.connect_lazy();
        let mut channels = self.channels();
        if channels.len() >= MAX_AGENT_CHANNELS {
            // Addresses of agents that have moved away; the others connect again.
            channels.clear();
        }
        channels.insert(address.to_owned(), channel.clone());
        Ok(channel)
    }

    fn channels(&self) -> std::sync::MutexGuard<'_, HashMap<String, Channel>> {
        // Nothing panics while it is locked.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
