//! The agent's gRPC service, for control.

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

use crate::agent::{RoleRefusal, RoleRequest};

/// Answers from what the agent's loop last showed, and hands wishes to it.
#[derive(Debug)]
pub struct Service {
    status: watch::Receiver<StatusResponse>,
    requests: mpsc::Sender<RoleRequest>,
}

impl Service {
    /// A service before the loop at the other ends.
    pub fn new(status: watch::Receiver<StatusResponse>, requests: mpsc::Sender<RoleRequest>) -> Self {
        Self { status, requests }
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
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(RoleRequest { term: Term(request.term), role, reply }).map_err(|error| {
            match error {
                TrySendError::Full(_) => Status::resource_exhausted("too many requests wait for the agent"),
                TrySendError::Closed(_) => Status::unavailable("the agent is ending"),
            }
        })?;
        match timeout(RPC_TIMEOUT, answer).await {
            Err(_) => Err(Status::deadline_exceeded("the agent is busy; ask for its status")),
            Ok(Err(_)) => Err(Status::unavailable("the agent is ending")),
            Ok(Ok(Err(refusal))) => Err(refused(&refusal)),
            Ok(Ok(Ok(status))) => Ok(Response::new(AssumeRoleResponse { status: Some(status) })),
        }
    }

    async fn demote(&self, _: Request<DemoteRequest>) -> Result<Response<DemoteResponse>, Status> {
        Err(Status::unimplemented("demote"))
    }

    async fn catch_up(&self, _: Request<CatchUpRequest>) -> Result<Response<CatchUpResponse>, Status> {
        Err(Status::unimplemented("catch_up"))
    }

    async fn leave_ackers(
        &self,
        _: Request<LeaveAckersRequest>,
    ) -> Result<Response<LeaveAckersResponse>, Status> {
        Err(Status::unimplemented("leave_ackers"))
    }

    async fn provision(&self, _: Request<ProvisionRequest>) -> Result<Response<ProvisionResponse>, Status> {
        Err(Status::unimplemented("provision"))
    }
}

fn refused(refusal: &RoleRefusal) -> Status {
    let text = refusal.to_string();
    match refusal {
        RoleRefusal::LowerTerm { .. } | RoleRefusal::NotInRecord { .. } => Status::failed_precondition(text),
        RoleRefusal::TopologyAway => Status::unavailable(text),
    }
}
