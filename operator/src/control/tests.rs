use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::account::DataRole;
use proto::ids::{KeyspaceName, ShardRef, Term};
use proto::rpc::control::control_client::ControlClient;
use proto::rpc::control::{
    GetEventsRequest, GetKeyspacesRequest, GetShardsRequest, GetTabletsRequest, ReparentRequest,
};
use proto::rpc::tablet::tablet_server::{Tablet, TabletServer};
use proto::rpc::tablet::{
    AssumeRoleRequest, AssumeRoleResponse, CatchUpRequest, CatchUpResponse, DemoteRequest, DemoteResponse,
    LeaveAckersRequest, LeaveAckersResponse, ProvisionRequest, ProvisionResponse, Role, StatusRequest,
    StatusResponse,
};
use tokio::sync::Mutex;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use topo::records::{
    EventReason, EventRecord, KeyspaceRecord, KeyspaceRouting, RoutingRecord, ShardRecord, TabletRecord,
    UserRecord,
};
use topo::store::MemoryStore;

use super::*;
use crate::limits::MAX_EVENT_STREAMS;

const DEADLINE: Duration = Duration::from_secs(10);

/// An agent that takes every role and then serves.
#[derive(Clone, Default)]
struct FakeAgent(Arc<Mutex<StatusResponse>>);

#[tonic::async_trait]
impl Tablet for FakeAgent {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Ok(Response::new(self.0.lock().await.clone()))
    }

    async fn assume_role(
        &self,
        request: Request<AssumeRoleRequest>,
    ) -> Result<Response<AssumeRoleResponse>, Status> {
        let AssumeRoleRequest { term, role } = request.into_inner();
        let mut status = self.0.lock().await;
        *status = StatusResponse { term, role, fenced: false, reason: String::new(), ..status.clone() };
        Ok(Response::new(AssumeRoleResponse { status: Some(status.clone()) }))
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

struct Fixture {
    topology: Topology,
    control: ControlClient<Channel>,
    shutdown: CancellationToken,
}

async fn serve_agent(agent: FakeAgent, shutdown: CancellationToken) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tonic::transport::Server::builder().add_service(TabletServer::new(agent));
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(server.serve_with_incoming_shutdown(incoming, shutdown.cancelled_owned()));
    address
}

async fn fixture() -> Fixture {
    let topology = Topology::new(Arc::new(MemoryStore::new()), "c");
    let keys = topology.keys().clone();
    let ranges =
        |text: &[&str]| KeyspaceRouting { shards: text.iter().map(|r| r.parse().unwrap()).collect() };
    let mut routing = RoutingRecord { version: 1, ..RoutingRecord::default() };
    routing.keyspaces.insert("ks".parse().unwrap(), ranges(&["-80", "80-"]));
    topology.put(&keys.routing(), &routing).await.unwrap();
    topology.put(&keys.keyspace(Some(&"ks".parse().unwrap())), &KeyspaceRecord::sharded()).await.unwrap();
    topology.put(&keys.user("u"), &UserRecord::new("u", DataRole::Read).unwrap()).await.unwrap();
    let shutdown = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(Control::new(topology.clone()).run(listener, shutdown.clone()));
    Fixture { topology, control: client::connect(&address, None).await.unwrap(), shutdown }
}

async fn register(topology: &Topology, alias: &str, shard: &str, agent_address: String) {
    let record = TabletRecord {
        alias: alias.parse().unwrap(),
        shard: shard.parse().unwrap(),
        mysql_address: "127.0.0.1:1".into(),
        agent_address,
        mysql_version: "9.7.0".into(),
    };
    topology.put(&topology.keys().tablet(Some(&record.alias)), &record).await.unwrap();
}

#[tokio::test]
async fn a_shard_gets_its_first_primary_and_one_without_a_tablet_waits() {
    let Fixture { topology, mut control, shutdown } = fixture().await;
    let fenced = StatusResponse {
        mysqld_running: true,
        fenced: true,
        mysql_version: "9.7.0".into(),
        reason: "new".into(),
        ..Default::default()
    };
    let agent = serve_agent(FakeAgent(Arc::new(Mutex::new(fenced))), shutdown.clone()).await;
    register(&topology, "a-1", "ks/-80", agent).await;
    // Nobody listens there: a connection is refused at once.
    register(&topology, "a-2", "ks/80-", "127.0.0.1:1".into()).await;

    let deadline = Instant::now() + DEADLINE;
    let shards = loop {
        let shards = control.get_shards(GetShardsRequest::default()).await.unwrap().into_inner().shards;
        if shards.iter().any(|s| s.serving) {
            break shards;
        }
        assert!(Instant::now() < deadline, "{shards:?}");
    };
    let told: Vec<_> =
        shards.iter().map(|s| (s.range.as_str(), s.primary.as_str(), s.term, s.serving)).collect();
    assert_eq!(told, [("-80", "a-1", 1, true), ("80-", "", 0, false)]);
    let shard: ShardRef = "ks/-80".parse().unwrap();
    let risks: Vec<&str> = shards.iter().map(|s| s.risk.as_str()).collect();
    assert_eq!(risks, ["the shard has one tablet only", "it has no primary yet"]);
    let stored = topology.read::<ShardRecord>(&topology.keys().shard(Some(&shard))).await.unwrap().unwrap();
    assert_eq!(
        stored.value,
        ShardRecord { term: Term(1), primary: Some("a-1".parse().unwrap()), ..ShardRecord::default() }
    );

    let tablets = control.get_tablets(GetTabletsRequest::default()).await.unwrap().into_inner().tablets;
    let told: Vec<_> =
        tablets.iter().map(|t| (t.alias.as_str(), t.state.as_str(), t.role.as_str())).collect();
    assert_eq!(told, [("a-1", "serving", "primary"), ("a-2", "unreachable", "")]);
    let keyspaces = control.get_keyspaces(GetKeyspacesRequest {}).await.unwrap().into_inner().keyspaces;
    let told: Vec<_> = keyspaces.iter().map(|k| (k.name.as_str(), k.sharded, k.serving, k.shards)).collect();
    assert_eq!(told, [("ks", true, 1, 2)]);

    // A keyspace on another one's mysqlds is told with those.
    let guest: KeyspaceName = "guest".parse().unwrap();
    let key = topology.keys().keyspace(Some(&guest));
    topology.put(&key, &KeyspaceRecord::hosted(shard.clone())).await.unwrap();
    let asked = GetShardsRequest { keyspace: guest.to_string() };
    let shards = control.get_shards(asked).await.unwrap().into_inner().shards;
    assert_eq!(shards.iter().map(|s| s.range.as_str()).collect::<Vec<_>>(), ["-80", "80-"]);
    let asked = GetTabletsRequest { keyspace: guest.to_string() };
    assert_eq!(control.get_tablets(asked).await.unwrap().into_inner().tablets.len(), 2);
    let keyspaces = control.get_keyspaces(GetKeyspacesRequest {}).await.unwrap().into_inner().keyspaces;
    let told: Vec<_> = keyspaces.iter().map(|k| (k.name.as_str(), k.serving, k.shards)).collect();
    assert_eq!(told, [("guest", 1, 2), ("ks", 1, 2)]);
    shutdown.cancel();
}

#[tokio::test]
async fn a_restarted_agent_is_told_its_role_again() {
    let Fixture { topology, mut control, shutdown } = fixture().await;
    let shard: ShardRef = "ks/-80".parse().unwrap();
    let record =
        ShardRecord { term: Term(4), primary: Some("a-1".parse().unwrap()), ..ShardRecord::default() };
    topology.put(&topology.keys().shard(Some(&shard)), &record).await.unwrap();
    let fenced = StatusResponse {
        mysqld_running: true,
        fenced: true,
        term: 4,
        role: Role::Primary.into(),
        mysql_version: "9.7.0".into(),
        reason: "restarted".into(),
        ..Default::default()
    };
    let agent = serve_agent(FakeAgent(Arc::new(Mutex::new(fenced))), shutdown.clone()).await;
    register(&topology, "a-1", "ks/-80", agent).await;
    let deadline = Instant::now() + DEADLINE;
    while !control.get_shards(GetShardsRequest::default()).await.unwrap().into_inner().shards[0].serving {
        assert!(Instant::now() < deadline);
    }
    shutdown.cancel();
}

#[tokio::test]
async fn a_keyspace_that_is_not_there_is_named_with_those_that_are() {
    let Fixture { mut control, shutdown, .. } = fixture().await;
    let refused = control.get_shards(GetShardsRequest { keyspace: "nope".into() }).await.unwrap_err();
    assert_eq!(refused.message(), "there is no keyspace nope; there are ks");
    let refused = control.get_tablets(GetTabletsRequest { keyspace: "no/name".into() }).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    shutdown.cancel();
}

#[tokio::test]
async fn events_are_told_and_then_followed_until_control_ends() {
    let Fixture { topology, mut control, shutdown } = fixture().await;
    let record = |object: &str, observation: &str| EventRecord {
        at_ms: 7,
        object: object.parse().unwrap(),
        reason: EventReason::MysqldDown,
        observation: observation.into(),
    };
    let put = async |sequence, record: EventRecord| {
        topology.put(&topology.keys().event(Some(sequence)), &record).await.unwrap();
    };
    put(901, record("a-1", "one")).await;
    put(902, record("ks/80-", "two")).await;
    let of = |object: &str| GetEventsRequest { limit: 0, object: object.into() };
    let mut watched = control.watch_events(of("a-1")).await.unwrap().into_inner();
    put(903, record("a-1", "three")).await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let event = tokio::time::timeout(DEADLINE, watched.message()).await.unwrap().unwrap().unwrap();
        told.push((event.sequence, event.reason, event.observation));
    }
    let expected =
        [(901, "one"), (903, "three")].map(|(n, text)| (n, "MysqldDown".to_owned(), text.to_owned()));
    assert_eq!(told, expected);
    let one = control.get_events(GetEventsRequest { limit: 1, object: "ks/80-".into() }).await.unwrap();
    assert_eq!(one.into_inner().events[0].observation, "two");
    let refused = control.get_events(of("no/such/thing")).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);

    shutdown.cancel();
    let last = tokio::time::timeout(DEADLINE, watched.message()).await.unwrap();
    assert!(matches!(last, Ok(None) | Err(_)), "{last:?}");
}

#[tokio::test]
async fn only_so_many_follow_the_events_at_a_time() {
    let Fixture { mut control, shutdown, .. } = fixture().await;
    let mut watched = Vec::new();
    for _ in 0..MAX_EVENT_STREAMS {
        watched.push(control.watch_events(GetEventsRequest::default()).await.unwrap());
    }
    let refused = control.watch_events(GetEventsRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    assert!(refused.message().contains("end one of those"), "{}", refused.message());
    watched.pop();
    let deadline = Instant::now() + DEADLINE;
    while let Err(refused) = control.watch_events(GetEventsRequest::default()).await {
        assert!(Instant::now() < deadline, "{refused}");
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
}

#[tokio::test]
async fn a_reparent_that_makes_no_sense_is_refused_with_the_reason() {
    let Fixture { mut control, shutdown, .. } = fixture().await;
    let request = |keyspace: &str, range: &str| ReparentRequest {
        keyspace: keyspace.into(),
        range: range.into(),
        to: String::new(),
    };
    let refused = control.reparent(request("ks", "x")).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    let mut told = control.reparent(request("ks", "-40")).await.unwrap().into_inner();
    let refused = tokio::time::timeout(DEADLINE, told.message()).await.unwrap().unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert!(refused.message().contains("ks/-40"), "{}", refused.message());
    shutdown.cancel();
}
