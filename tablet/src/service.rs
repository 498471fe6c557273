//! The agent's gRPC service, for control.

use std::time::Duration;

use proto::ids::{TabletRole, Term};
use proto::limits::RPC_TIMEOUT;
use proto::rpc::tablet::tablet_server::Tablet;
use proto::rpc::tablet::{
    AssumeRoleRequest, AssumeRoleResponse, CatchUpRequest, CatchUpResponse, DemoteRequest, DemoteResponse,
    LeaveAckersRequest, LeaveAckersResponse, ProvisionRequest, ProvisionResponse, Role, StatusRequest,
    StatusResponse,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use crate::agent::{Call, CaughtUp, Refusal, RefusalKind, Reply};
use crate::limits::{ASSUME_PATIENCE, MAX_CATCH_UP};
use crate::shard_reader::source_at;

/// Answers from what the agent's loop last showed, and hands wishes to it.
#[derive(Debug)]
pub struct Service {
    status: watch::Receiver<StatusResponse>,
    calls: mpsc::Sender<Call>,
}

impl Service {
    /// A service before the loop at the other ends.
    pub fn new(status: watch::Receiver<StatusResponse>, calls: mpsc::Sender<Call>) -> Self {
        Self { status, calls }
    }

    /// Hands the call to the loop and waits for its answer.
    async fn ask<T>(&self, patience: Duration, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Status> {
        let (reply, answer) = oneshot::channel();
        self.calls.try_send(call(reply)).map_err(|error| match error {
            TrySendError::Full(_) => Status::resource_exhausted("too many calls wait for the agent"),
            TrySendError::Closed(_) => Status::unavailable("the agent is ending"),
        })?;
        match timeout(patience, answer).await {
            Err(_) => Err(Status::deadline_exceeded("the agent is busy; ask for its status")),
            Ok(Err(_)) => Err(Status::unavailable("the agent is ending")),
            Ok(Ok(answer)) => answer.map_err(|refusal| refused(&refusal)),
        }
    }

    /// The status once the tablet serves under the term, or after a while as it is: until its own write is
    /// acknowledged, nothing is left to do but to wait.
    async fn serving(&self, term: u64) -> StatusResponse {
        let mut status = self.status.clone();
        let serves = status.wait_for(|status| status.reason.is_empty() || status.term != term);
        // A loop that has ended shows nothing new.
        let _ = timeout(ASSUME_PATIENCE, serves).await;
        self.status.borrow().clone()
    }
}

#[tonic::async_trait]
impl Tablet for Service {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Ok(Response::new(self.status.borrow().clone()))
    }

    async fn assume_role(
        &self,
        request: Request<AssumeRoleRequest>,
    ) -> Result<Response<AssumeRoleResponse>, Status> {
        let request = request.into_inner();
        let role = match request.role() {
            Role::Primary => TabletRole::Primary,
            Role::Replica => TabletRole::Replica,
            Role::Unspecified => return Err(Status::invalid_argument("name a role: primary or replica")),
        };
        let call = |reply| Call::AssumeRole(Term(request.term), role, reply);
        let mut status = self.ask(RPC_TIMEOUT, call).await?;
        if role == TabletRole::Primary {
            status = self.serving(request.term).await;
        }
        Ok(Response::new(AssumeRoleResponse { status: Some(status) }))
    }

    async fn demote(&self, request: Request<DemoteRequest>) -> Result<Response<DemoteResponse>, Status> {
        let term = Term(request.into_inner().term);
        let gtid_executed = self.ask(RPC_TIMEOUT, |reply| Call::Demote(term, reply)).await?;
        Ok(Response::new(DemoteResponse { gtid_executed }))
    }

    async fn catch_up(&self, request: Request<CatchUpRequest>) -> Result<Response<CatchUpResponse>, Status> {
        let CatchUpRequest { term, gtid_set, timeout_ms } = request.into_inner();
        let patience = Duration::from_millis(timeout_ms).min(MAX_CATCH_UP);
        let call = |reply| Call::CatchUp(Term(term), gtid_set, patience, reply);
        let CaughtUp { reached, gtid_executed } = self.ask(patience + RPC_TIMEOUT, call).await?;
        Ok(Response::new(CatchUpResponse { reached, gtid_executed }))
    }

    async fn leave_ackers(
        &self,
        request: Request<LeaveAckersRequest>,
    ) -> Result<Response<LeaveAckersResponse>, Status> {
        let term = Term(request.into_inner().term);
        self.ask(RPC_TIMEOUT, |reply| Call::LeaveAckers(term, reply)).await?;
        Ok(Response::new(LeaveAckersResponse {}))
    }

    async fn provision(
        &self,
        request: Request<ProvisionRequest>,
    ) -> Result<Response<ProvisionResponse>, Status> {
        let ProvisionRequest { term, donor } = request.into_inner();
        let donor =
            source_at(&donor).ok_or_else(|| Status::invalid_argument("name the donor as host:port"))?;
        self.ask(RPC_TIMEOUT, |reply| Call::Provision(Term(term), donor, reply)).await?;
        Ok(Response::new(ProvisionResponse {}))
    }
}

fn refused(refusal: &Refusal) -> Status {
    let text = refusal.to_string();
    match refusal.kind() {
        RefusalKind::Precondition => Status::failed_precondition(text),
        RefusalKind::Unavailable => Status::unavailable(text),
        RefusalKind::Aborted => Status::aborted(text),
    }
}
