//! Agents without mysqld, for tests: they follow records when they are told to, and can be told otherwise.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use proto::gtid::GtidSet;
use proto::ids::{ShardRef, TabletAlias};
use proto::rpc::tablet::tablet_server::{Tablet, TabletServer};
use proto::rpc::tablet::{
    Activity, AssumeRoleRequest, AssumeRoleResponse, CatchUpRequest, CatchUpResponse, DemoteRequest,
    DemoteResponse, LeaveAckersRequest, LeaveAckersResponse, ProvisionRequest, ProvisionResponse,
    Replication, Role, SemiSync, StatusRequest, StatusResponse, ThreadState,
};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use topo::Topology;
use topo::records::{ShardRecord, TabletRecord};

/// How a fake agent takes a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It does as asked.
    #[default]
    Obeys,
    /// It says no.
    Refuses,
    /// It does as asked, and the answer is lost.
    LosesAnswer,
    /// It never answers, and does nothing.
    Hangs,
    /// It answers and has done nothing, or not all of it.
    Pretends,
}

/// What a test wants to happen at a certain moment.
type Happening = Box<dyn FnOnce() + Send>;

/// What a fake tablet is.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) status: StatusResponse,
    /// By the name of the call; the others are obeyed.
    pub(crate) moods: HashMap<&'static str, Mood>,
    /// What it was asked, in order, other than its status.
    pub(crate) calls: Vec<String>,
    /// What it says that it has executed when it is demoted, if not what its status says.
    pub(crate) demoted_to: Option<GtidSet>,
    /// Before it is demoted.
    pub(crate) before_demote: Option<Happening>,
    /// Before it catches up.
    pub(crate) before_catch_up: Option<Happening>,
}

/// A fake agent.
pub(crate) struct FakeTablet {
    pub(crate) alias: TabletAlias,
    pub(crate) address: String,
    service: Service,
    stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
    connections: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Service {
    state: Arc<Mutex<State>>,
    /// Where it reads its shard's record.
    topology: Option<(Topology, ShardRef)>,
}

impl FakeTablet {
    /// One that waits for a role.
    pub(crate) async fn start(alias: &str) -> Self {
        Self::start_in(alias, None).await
    }

    /// One that waits for a role, registered in the shard.
    pub(crate) async fn register(topology: &Topology, shard: &ShardRef, alias: &str) -> Self {
        let tablet = Self::start_in(alias, Some((topology.clone(), shard.clone()))).await;
        let record = TabletRecord {
            alias: tablet.alias.clone(),
            shard: shard.clone(),
            mysql_address: format!("{alias}.test:3306"),
            agent_address: tablet.address.clone(),
            mysql_version: "9.7.4".into(),
        };
        topology.put(&topology.keys().tablet(Some(&tablet.alias)), &record).await.unwrap();
        tablet
    }

    async fn start_in(alias: &str, topology: Option<(Topology, ShardRef)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let status = StatusResponse {
            alias: alias.into(),
            mysqld_running: true,
            fenced: true,
            mysql_version: "9.7.4".into(),
            reason: "it waits for a role".into(),
            ..StatusResponse::default()
        };
        let state = Arc::new(Mutex::new(State { status, ..State::default() }));
        let mut tablet = Self {
            alias: alias.parse().unwrap(),
            address: listener.local_addr().unwrap().to_string(),
            service: Service { state, topology },
            stop: CancellationToken::new(),
            serving: None,
            connections: Arc::default(),
        };
        tablet.serve(listener);
        tablet
    }

    fn serve(&mut self, listener: TcpListener) {
        let connections = self.connections.clone();
        let incoming = TcpListenerStream::new(listener).inspect(move |_| {
            connections.fetch_add(1, Ordering::Relaxed);
        });
        let server = tonic::transport::Server::builder().add_service(TabletServer::new(self.service.clone()));
        let stop = self.stop.clone();
        self.serving = Some(tokio::spawn(async move {
            server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await.unwrap();
        }));
    }

    /// Connections that were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Ends the agent.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
    }

    /// Starts it again, at the same address.
    pub(crate) async fn restart(&mut self) {
        self.stop = CancellationToken::new();
        self.serve(TcpListener::bind(&self.address).await.unwrap());
    }

    /// Changes what it is.
    pub(crate) async fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut *self.service.state.lock().await);
    }

    /// How it takes calls of this name from now on.
    pub(crate) async fn mood(&self, call: &'static str, mood: Mood) {
        self.set(|state| {
            state.moods.insert(call, mood);
        })
        .await;
    }

    /// What it has executed.
    pub(crate) async fn execute(&self, set: &GtidSet) {
        self.set(|state| state.status.gtid_executed = set.to_string()).await;
    }

    /// What it was asked so far.
    pub(crate) async fn calls(&self) -> Vec<String> {
        self.service.state.lock().await.calls.clone()
    }

    /// What it would say of itself.
    pub(crate) async fn status(&self) -> StatusResponse {
        self.service.state.lock().await.status.clone()
    }
}

impl Drop for FakeTablet {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Service {
    /// Notes the call and takes it as its mood is: `act`, or not.
    async fn take<A>(
        &self,
        name: &'static str,
        call: String,
        act: impl AsyncFnOnce(&mut State) -> Result<A, Status>,
        pretend: impl FnOnce(&State) -> A,
    ) -> Result<Response<A>, Status> {
        let mut state = self.state.lock().await;
        state.calls.push(call);
        let happening = match name {
            "demote" => state.before_demote.take(),
            "catch_up" => state.before_catch_up.take(),
            _ => None,
        };
        if let Some(happening) = happening {
            happening();
        }
        match state.moods.get(name).copied().unwrap_or_default() {
            Mood::Obeys => act(&mut state).await.map(Response::new),
            Mood::Refuses => Err(Status::aborted("it does not")),
            Mood::LosesAnswer => {
                act(&mut state).await?;
                Err(Status::unavailable("the connection broke"))
            }
            Mood::Pretends => Ok(Response::new(pretend(&state))),
            Mood::Hangs => {
                drop(state);
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Err(Status::deadline_exceeded("an hour has passed"))
            }
        }
    }

    async fn record(&self) -> ShardRecord {
        let Some((topology, shard)) = &self.topology else { return ShardRecord::default() };
        let found = topology.read::<ShardRecord>(&topology.keys().shard(Some(shard))).await;
        found.ok().flatten().map(|stored| stored.value).unwrap_or_default()
    }

    async fn source(&self) -> String {
        let (Some((topology, _)), Some(primary)) = (&self.topology, self.record().await.primary) else {
            return String::new();
        };
        let found = topology.read::<TabletRecord>(&topology.keys().tablet(Some(&primary))).await;
        found.ok().flatten().map(|stored| stored.value.mysql_address).unwrap_or_default()
    }

    async fn take_role(&self, state: &mut State, term: u64, role: Role) -> Result<(), Status> {
        let status = &mut state.status;
        let given_up = status.term == term && status.role() == Role::Replica && role == Role::Primary;
        if term < status.term || given_up {
            return Err(Status::failed_precondition("the term is over"));
        }
        status.term = term;
        status.set_role(role);
        status.reason = String::new();
        status.fenced = role == Role::Replica;
        status.replication = match role {
            Role::Replica => Some(Replication {
                source: self.source().await,
                receiver: ThreadState::Running.into(),
                applier: ThreadState::Running.into(),
                lag_ms: Some(20),
                ..Replication::default()
            }),
            _ => None,
        };
        let replica_enabled = role == Role::Replica;
        status.semi_sync = Some(SemiSync { replica_enabled, ..SemiSync::default() });
        Ok(())
    }
}

#[tonic::async_trait]
impl Tablet for Service {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Ok(Response::new(self.state.lock().await.status.clone()))
    }

    async fn assume_role(
        &self,
        request: Request<AssumeRoleRequest>,
    ) -> Result<Response<AssumeRoleResponse>, Status> {
        let request = request.into_inner();
        let (term, role) = (request.term, request.role());
        let answer = |state: &State| AssumeRoleResponse { status: Some(state.status.clone()) };
        let act = async |state: &mut State| {
            self.take_role(state, term, role).await?;
            Ok(answer(state))
        };
        self.take("assume_role", format!("assume {} {term}", role.as_str_name()), act, answer).await
    }

    async fn demote(&self, request: Request<DemoteRequest>) -> Result<Response<DemoteResponse>, Status> {
        let term = request.into_inner().term;
        let answer = |state: &State| {
            let said = state.demoted_to.as_ref().map(GtidSet::to_string);
            DemoteResponse { gtid_executed: said.unwrap_or_else(|| state.status.gtid_executed.clone()) }
        };
        let act = async |state: &mut State| {
            if self.record().await.transition.is_none_or(|transition| transition.next_term.0 != term) {
                return Err(Status::failed_precondition("the record does not say so"));
            }
            state.status.term = term;
            state.status.set_role(Role::Replica);
            state.status.fenced = true;
            state.status.reason = "demoted".into();
            Ok(answer(state))
        };
        self.take("demote", format!("demote {term}"), act, answer).await
    }

    async fn catch_up(&self, request: Request<CatchUpRequest>) -> Result<Response<CatchUpResponse>, Status> {
        let CatchUpRequest { term, gtid_set, .. } = request.into_inner();
        let answer = |state: &State| CatchUpResponse {
            reached: false,
            gtid_executed: state.status.gtid_executed.clone(),
        };
        let act = async |state: &mut State| {
            let executed: GtidSet = state.status.gtid_executed.parse().unwrap();
            let executed = executed.union(&gtid_set.parse().unwrap()).to_string();
            state.status.gtid_executed.clone_from(&executed);
            Ok(CatchUpResponse { reached: true, gtid_executed: executed })
        };
        self.take("catch_up", format!("catch_up {term}"), act, answer).await
    }

    async fn leave_ackers(
        &self,
        request: Request<LeaveAckersRequest>,
    ) -> Result<Response<LeaveAckersResponse>, Status> {
        let call = format!("leave_ackers {}", request.into_inner().term);
        self.take("leave_ackers", call, async |_| Ok(LeaveAckersResponse {}), |_| LeaveAckersResponse {})
            .await
    }

    async fn provision(
        &self,
        request: Request<ProvisionRequest>,
    ) -> Result<Response<ProvisionResponse>, Status> {
        let ProvisionRequest { term, donor } = request.into_inner();
        let act = async |state: &mut State| {
            state.status.set_activity(Activity::Provisioning);
            Ok(ProvisionResponse {})
        };
        self.take("provision", format!("provision {term} {donor}"), act, |_| ProvisionResponse {}).await
    }
}
