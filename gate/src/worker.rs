//! One thread's share of the gate: its connections to the shards and its plans.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use proto::errors::ErrorId;
use proto::limits::MAX_READ_LAG;
use proto::tls::Identity;
use proto::wire::auth::ServerKey;
use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use topo::Topology;
use topo::records::UserRecord;
use topo::snapshot::{Replica, Shard, Snapshot, SnapshotFeed};
use tracing::debug;

use crate::accounts::rights::Rights;
use crate::aim::{Aim, Database, Tablets};
use crate::backend::{Backend, Dial, Pools, SessionClass, Unreached};
use crate::clients::Clients;
use crate::hold::Holding;
use crate::measures::Measures;
use crate::numbers::Numbers;
use crate::plan::Plan;
use crate::plan_cache::PlanCache;
use crate::planner::{self, Request};
use crate::session::credentials::Credentials;
use crate::sql::character_set::CharacterSet;
use crate::sql::fingerprint::Fingerprint;
use crate::sql::words::Words;

/// What all threads of a gate share.
pub struct Shared {
    /// What the gate is called in locks that it holds.
    pub name: String,
    /// The cluster.
    pub topology: Topology,
    /// The picture of it that statements are routed by.
    pub feed: SnapshotFeed,
    /// The statements that wait for shards which change their primary.
    pub holding: Holding,
    /// Who has logged in before.
    pub credentials: Credentials,
    /// Stands for users that do not exist, so that they take as long to be denied; nobody knows its password.
    pub nobody: UserRecord,
    /// Who the gate is towards the other parts of the cluster, if they talk over TLS.
    pub identity: Option<Identity>,
    /// For full authentication over plain TCP.
    pub server_key: ServerKey,
    /// For clients that ask for TLS.
    pub tls: Arc<ServerConfig>,
    /// The numbers of AUTO_INCREMENT columns that the gate holds.
    pub numbers: Numbers,
    /// What is measured.
    pub measures: Measures,
    /// Who is connected.
    pub clients: Arc<Clients>,
    /// Number of the last connection.
    pub last_connection: AtomicU32,
    /// Cancelled when the gate stops: sessions end after their present statement.
    pub draining: CancellationToken,
}

/// A statement to be planned.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// As the client sent it.
    pub sql: &'a [u8],
    /// Its fingerprint.
    pub fingerprint: &'a Fingerprint,
    /// What it is written in.
    pub character_set: CharacterSet,
    /// What its session is narrowed to.
    pub aim: &'a Aim,
}

/// One thread's share.
pub struct Worker {
    /// What all threads share.
    pub shared: Arc<Shared>,
    pools: RefCell<Pools>,
    plans: RefCell<PlanCache>,
    /// Which replica is asked first, next time.
    turn: Cell<usize>,
}

/// Whether a replica says of itself that it is read, and keeps up. What else it does is no matter: while its primary
/// is away it does not replicate, and what it has is still young.
fn is_readable(replica: &Replica) -> bool {
    let health = replica.health.as_ref().filter(|health| health.reads);
    let lag_ms = health.and_then(|health| health.lag_ms);
    lag_ms.is_some_and(|lag_ms| u128::from(lag_ms) <= MAX_READ_LAG.as_millis())
}

impl Worker {
    /// A thread's share without connections and plans.
    pub fn new(shared: Arc<Shared>, pools: Pools) -> Self {
        Self { shared, pools: RefCell::new(pools), plans: RefCell::default(), turn: Cell::default() }
    }

    /// A connection to the shard's primary.
    pub async fn backend(&self, shard: &Shard, class: &SessionClass) -> Result<Backend, Unreached> {
        let taken = self.pools.borrow_mut().take(shard, class)?;
        self.ready(taken, class).await
    }

    /// A connection that was taken, or is made now, with the settings of the class.
    async fn ready(
        &self,
        taken: Result<Backend, Box<Dial>>,
        class: &SessionClass,
    ) -> Result<Backend, Unreached> {
        let mut backend = match taken {
            Ok(backend) => backend,
            Err(dial) => self.dial(dial).await?,
        };
        backend.adopt(&class.settings).await?;
        Ok(backend)
    }

    /// A connection to the mysqld at an address.
    pub async fn connection_to(&self, address: &str, class: &SessionClass) -> Result<Backend, Unreached> {
        let taken = self.pools.borrow_mut().take_at(address, class);
        self.ready(taken, class).await
    }

    /// A connection to the shard, on the side that is asked for.
    pub async fn connection(
        &self,
        (shard, tablets): (&Shard, Tablets),
        class: &SessionClass,
    ) -> Result<Backend, Unreached> {
        match tablets {
            Tablets::Primary => self.backend(shard, class).await,
            Tablets::Replicas => self.replica(shard, &class.on_replicas()).await,
        }
    }

    /// A connection to a replica of the shard that keeps up; each time another one is asked first.
    async fn replica(&self, shard: &Shard, class: &SessionClass) -> Result<Backend, Unreached> {
        let readable: Vec<&Replica> = shard.replicas.iter().filter(|replica| is_readable(replica)).collect();
        let first = self.turn.get();
        self.turn.set(first.wrapping_add(1));
        for offset in 0..readable.len() {
            let replica = readable[first.wrapping_add(offset) % readable.len()];
            let taken = self.pools.borrow_mut().take_at(&replica.endpoint.mysql_address, class);
            match self.ready(taken, class).await {
                Ok(backend) => return Ok(backend),
                Err(error) => debug!(replica = %replica.endpoint.alias, %error, "a replica is not to be had"),
            }
        }
        Err(Unreached::NoReplica)
    }

    async fn dial(&self, dial: Box<Dial>) -> Result<Backend, Unreached> {
        let measures = &self.shared.measures;
        let dialled = dial.connect(&measures.connections).await;
        if dialled.is_ok() { &measures.dialled } else { &measures.dial_failed }.increment(1);
        dialled
    }

    /// Takes back a connection whose session is as it was.
    pub fn give_back(&self, backend: Backend) {
        self.pools.borrow_mut().give_back(backend);
    }

    /// The plan of a statement, from the cache or made now.
    pub fn plan(
        &self,
        statement: Statement<'_>,
        rights: &Rights,
        database: &Option<Database>,
        snapshot: &Snapshot,
    ) -> Plan {
        let Statement { sql, fingerprint, character_set, aim } = statement;
        let text = fingerprint.text.as_slice();
        // What is marked leaves something out of the text, so that the text does not tell the plan; nor does a text
        // that means something else in another character set. Plans are kept for whole keyspaces.
        let whole = fingerprint.marks.is_empty()
            && aim.is_plain()
            && (text.is_ascii() || character_set.can_read(text));
        if whole
            && let Some(plan) = self.plans.borrow().get(text, database, snapshot)
            // A statement without tables goes to a keyspace that its user may see, and not to another user's.
            && plan.keyspace().is_none_or(|keyspace| rights.may_see(keyspace))
        {
            return plan;
        }
        let (true, Ok(text)) = (character_set.can_read(text), std::str::from_utf8(text)) else {
            let judge = database.as_ref().and_then(Database::keyspace).cloned();
            return Plan::Refuse { error: ErrorId::NotUnderstood.plain(), judge };
        };
        self.shared.measures.plans.increment(1);
        let plan = planner::plan(Request {
            text,
            words: &Words::read(text),
            raw: &String::from_utf8_lossy(sql),
            marks: fingerprint.marks,
            database: database.as_ref(),
            aim,
            rights,
            snapshot,
        });
        if whole {
            self.plans.borrow_mut().keep(&fingerprint.text, database, snapshot, &plan);
        }
        plan
    }
}
