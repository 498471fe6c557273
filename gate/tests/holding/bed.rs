//! A gate in this process, its topology in memory, and fake mysqlds behind it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use gate::hold::{Bounds, Holding};
use gate::worker::Shared;
use gate::{server, tls};
use proto::account::{DataRole, Secret};
use proto::ids::{KeyspaceName, ShardRef, TabletAlias, Term};
use proto::limits::MAX_PACKET_BYTES;
use proto::wire::CapabilityFlags;
use proto::wire::auth::ServerKey;
use proto::wire::connection::Connection;
use proto::wire::login::{Login, connect};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use topo::Topology;
use topo::records::{
    KeyspaceRecord, KeyspaceRouting, Record, RoutingRecord, ShardRecord, TabletRecord, Transition, UserRecord,
};
use topo::snapshot::SnapshotFeed;
use topo::store::MemoryStore;

use crate::DEADLINE;
use crate::fake::Fake;

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(2);

/// Keyspace `main` with the shard `-`, keyspace `two` with two shards; tablets `a-1` to `a-4`, of which the first
/// three begin as primaries.
pub(crate) struct Bed {
    pub(crate) topology: Topology,
    pub(crate) shared: Arc<Shared>,
    pub(crate) fakes: Vec<Fake>,
    address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.serving.abort();
    }
}

/// An answer to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Ok,
    Error(u16, String),
}

impl Answer {
    /// The id of Shoal's own error, or MySQL's code.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Ok => "OK".to_owned(),
            Self::Error(code, text) => match text.rsplit_once(" (SH") {
                Some((_, id)) => format!("SH{}", id.trim_end_matches(')')),
                None => code.to_string(),
            },
        }
    }
}

pub(crate) fn shard(name: &str) -> ShardRef {
    name.parse().unwrap()
}

pub(crate) fn alias(number: usize) -> TabletAlias {
    format!("a-{}", number + 1).parse().unwrap()
}

/// Bounds under which nothing ends by itself within a test, and which say soon that nothing moves.
pub(crate) fn bounds() -> Bounds {
    Bounds {
        timeout: 4 * DEADLINE,
        hold: 4 * DEADLINE,
        refusal_patience: Duration::from_millis(200),
        ..Bounds::default()
    }
}

impl Bed {
    pub(crate) async fn start(bounds: Bounds) -> Self {
        let topology = Topology::new(Arc::new(MemoryStore::new()), "test");
        let mut fakes = Vec::new();
        for _ in 0..4 {
            fakes.push(Fake::start().await);
        }
        write_cluster(&topology, &fakes).await;
        let feed = SnapshotFeed::start(&topology).await.unwrap();
        let draining = CancellationToken::new();
        let shared = Arc::new(Shared {
            name: "the gate of a test".to_owned(),
            topology: topology.clone(),
            holding: Holding::new(feed.clone(), draining.clone(), bounds),
            feed,
            credentials: Default::default(),
            identity: None,
            nobody: UserRecord::new("nobody's", DataRole::Read).unwrap(),
            server_key: ServerKey::generate().unwrap(),
            tls: tls::self_signed().unwrap(),
            numbers: gate::numbers::Numbers::new(&topology).0,
            measures: gate::measures::Measures::default(),
            clients: Arc::default(),
            last_connection: AtomicU32::new(0),
            draining,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let secret = Arc::new(Secret::new(b"the secret of a test"));
        let run = server::run(listener, shared.clone(), secret, 2, shutdown.clone());
        let serving = tokio::spawn(async move { run.await.unwrap() });
        Self { topology, shared, fakes, address, shutdown, serving }
    }

    /// A client that has logged in.
    pub(crate) async fn client(&self, database: &str) -> Connection {
        let login = Login {
            user: "app".to_owned(),
            password: "app".to_owned(),
            database: Some(database.to_owned()),
            capabilities: CapabilityFlags::CLIENT_CONNECT_WITH_DB,
            collation: 45,
        };
        connect(&self.address.to_string(), &login).await.unwrap()
    }

    /// Writes what the shard is now.
    pub(crate) async fn set_shard(&self, name: &str, term: u64, primary: usize, held: Held) {
        let transition =
            (held == Held::Yes).then(|| Transition { next_term: Term(term + 1), to: alias(primary) });
        let record =
            ShardRecord { term: Term(term), primary: Some(alias(primary)), transition, ..Default::default() };
        self.put(&self.topology.keys().shard(Some(&shard(name))), &record).await;
    }

    pub(crate) async fn put<R: Record>(&self, key: &str, record: &R) {
        let revision = self.topology.put(key, record).await.unwrap();
        self.shared.feed.at_least(revision, DEADLINE).await.unwrap();
    }

    /// Waits until so many statements are held.
    pub(crate) async fn held(&self, count: usize) {
        let deadline = Instant::now() + DEADLINE;
        while self.shared.holding.waiting() != count {
            let waiting = self.shared.holding.waiting();
            assert!(Instant::now() < deadline, "{waiting} statements are held, not {count}");
            sleep(INTERVAL).await;
        }
    }

    /// Waits until the gate has ended.
    pub(crate) async fn ended(&mut self) {
        timeout(DEADLINE, &mut self.serving).await.expect("the gate never ended").unwrap();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Yes,
    No,
}

async fn write_cluster(topology: &Topology, fakes: &[Fake]) {
    let keys = topology.keys();
    let mut routing = RoutingRecord { version: 1, ..Default::default() };
    for (name, ranges) in [("main", &["-"][..]), ("two", &["-80", "80-"])] {
        let keyspace: KeyspaceName = name.parse().unwrap();
        topology
            .put(
                &keys.keyspace(Some(&keyspace)),
                &KeyspaceRecord { sharded: ranges.len() > 1, ..KeyspaceRecord::unsharded() },
            )
            .await
            .unwrap();
        let shards = ranges.iter().map(|range| range.parse().unwrap()).collect();
        routing.keyspaces.insert(keyspace, KeyspaceRouting { shards });
    }
    topology.put(&keys.routing(), &routing).await.unwrap();
    topology.put(&keys.user("app"), &UserRecord::new("app", DataRole::Admin).unwrap()).await.unwrap();
    for (number, (fake, of)) in fakes.iter().zip(["main/-", "two/-80", "two/80-", "main/-"]).enumerate() {
        let record = TabletRecord {
            alias: alias(number),
            shard: shard(of),
            mysql_address: fake.address.clone(),
            agent_address: String::new(),
            mysql_version: "9.7.4".to_owned(),
        };
        topology.put(&keys.tablet(Some(&alias(number))), &record).await.unwrap();
        if number < 3 {
            let record = ShardRecord { term: Term(1), primary: Some(alias(number)), ..Default::default() };
            topology.put(&keys.shard(Some(&shard(of))), &record).await.unwrap();
        }
    }
}

/// Sends a statement and reads the first packet of its answer.
pub(crate) async fn ask(client: &mut Connection, sql: &str) -> Answer {
    send(client, sql).await;
    answer(client).await
}

pub(crate) async fn send(client: &mut Connection, sql: &str) {
    client.write_payload(0, &[b"\x03", sql.as_bytes()].concat()).await.unwrap();
}

pub(crate) async fn answer(client: &mut Connection) -> Answer {
    let read = timeout(2 * DEADLINE, client.read_payload(1, MAX_PACKET_BYTES));
    let (payload, _) = read.await.expect("no answer").unwrap();
    match payload.as_slice() {
        [0xff, low, high, text @ ..] => {
            Answer::Error(u16::from_le_bytes([*low, *high]), String::from_utf8_lossy(&text[6..]).into_owned())
        }
        _ => Answer::Ok,
    }
}
