//! Connections to the mysqlds behind, kept by each thread for itself.

pub mod prepared;
pub mod settings;
mod side;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use foldhash::fast::RandomState;
use metrics::Gauge;
use proto::account::{DataRole, Secret, data_account};
use proto::errors::{ClientError, ErrorId};
use proto::ids::{KeyspaceName, ShardRef};
use proto::program::metrics::Raised;
use proto::tls::Identity;
use proto::wire::CapabilityFlags;
use proto::wire::connection::Connection;
use proto::wire::login::{Login, LoginError, connect, connect_tls};
use topo::snapshot::Shard;
use tracing::warn;

use crate::aim::{Database, Tablets};
use crate::executor::control::{self, AskError};
use crate::hold::decide::{error_code, is_refusal};
use crate::limits::{MAX_IDLE_PER_POOL, MAX_IDLE_PER_THREAD};
use prepared::Kept;
use settings::Settings;

/// What makes one connection as good as another for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionClass {
    /// Under whose rights statements run.
    pub keyspace: KeyspaceName,
    /// With which of its accounts.
    pub role: DataRole,
    /// The session's default database, where this keyspace's account can have it: the keyspace, or the catalogue.
    pub database: Option<Database>,
    /// What shapes the answers: the client's own wishes, as far as `SHAPING` goes.
    pub capabilities: CapabilityFlags,
    /// The client's collation.
    pub collation: u8,
    /// On which side of a shard: what was made to a replica is never taken for one to the primary.
    pub tablets: Tablets,
    /// What the client has set. A connection that has other settings is told these.
    pub settings: Rc<Settings>,
}

impl SessionClass {
    /// Whether a connection that logged in for the other one serves this one, too, once it has its settings.
    fn logs_in_as(&self, other: &Self) -> bool {
        let login = |class: &Self| (class.role, class.capabilities, class.collation, class.tablets);
        self.keyspace == other.keyspace && self.database == other.database && login(self) == login(other)
    }

    /// The same on replicas, where everybody reads with the account that can do nothing else: not every write is
    /// refused by a server that is read only.
    pub fn on_replicas(&self) -> Self {
        Self { role: DataRole::Read, tablets: Tablets::Replicas, ..self.clone() }
    }
}

/// The capabilities that change how a server answers; a connection is used only for clients with the same.
pub const SHAPING: CapabilityFlags = CapabilityFlags::CLIENT_DEPRECATE_EOF
    .union(CapabilityFlags::CLIENT_FOUND_ROWS)
    .union(CapabilityFlags::CLIENT_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PS_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_IGNORE_SPACE);

/// The idle connections of one thread.
pub struct Pools {
    secret: Arc<Secret>,
    /// With it connections are inside TLS.
    identity: Option<Identity>,
    /// Never shrinks, so that a place in it stays the same.
    pools: Vec<Pool>,
    /// Places of the pools of each mysqld.
    by_address: HashMap<String, Vec<usize>, RandomState>,
    /// Idle connections in all pools.
    idle: usize,
}

/// Idle connections that are as good as each other.
struct Pool {
    class: SessionClass,
    /// With the time since when each has been idle; the one that was used last is at the back.
    idle: VecDeque<(Instant, Backend)>,
}

impl Pool {
    /// The connection that was used last, of those with these settings if there are any.
    fn take(&mut self, settings: &Rc<Settings>) -> Option<(Instant, Backend)> {
        let last = self.idle.len().checked_sub(1)?;
        let fits = |(_, backend): &(Instant, Backend)| backend.is_set_to(settings);
        let place = self.idle.iter().rposition(fits).unwrap_or(last);
        self.idle.remove(place)
    }
}

/// Where a connection leads, so that another one can end its statement.
#[derive(Debug)]
pub struct Target {
    /// The mysqld.
    pub address: Box<str>,
    /// What that calls the connection.
    pub thread: u32,
    /// Whose account it is.
    pub keyspace: KeyspaceName,
    /// Which of them.
    pub role: DataRole,
    /// On which side.
    pub tablets: Tablets,
}

/// A connection in use.
pub struct Backend {
    /// The connection.
    pub connection: Connection,
    /// Where it leads.
    pub target: Arc<Target>,
    /// What its mysqld has prepared.
    prepared: Kept,
    /// What its session is set to.
    settings: Rc<Settings>,
    /// Place of the pool that it goes back to.
    pool: usize,
    _open: Raised,
}

impl Pools {
    /// No connections yet; passwords come from the secret. With an identity they will all be inside TLS.
    pub fn new(secret: Arc<Secret>, identity: Option<Identity>) -> Self {
        Self { secret, identity, pools: Vec::new(), by_address: HashMap::default(), idle: 0 }
    }

    /// An idle connection to the shard's primary, if there is one; else how to make one.
    pub fn take(
        &mut self,
        shard: &Shard,
        class: &SessionClass,
    ) -> Result<Result<Backend, Box<Dial>>, Unreached> {
        let primary = shard.primary.as_ref().ok_or(Unreached::NoPrimary)?;
        Ok(self.take_at(&primary.mysql_address, class))
    }

    /// An idle connection to the mysqld at an address, if there is one; else how to make one.
    pub fn take_at(&mut self, address: &str, class: &SessionClass) -> Result<Backend, Box<Dial>> {
        let pool = self.pool(address, class);
        while let Some((_, mut backend)) = self.pools[pool].take(&class.settings) {
            self.idle -= 1;
            // A server that went away, or said goodbye, has made the socket readable.
            if backend.connection.is_quiet() {
                return Ok(backend);
            }
        }
        let address = address.into();
        let (login, identity) = (self.login(class), self.identity.clone());
        let (keyspace, role, tablets) = (class.keyspace.clone(), class.role, class.tablets);
        Err(Box::new(Dial { address, login, identity, account: (keyspace, role), tablets, pool }))
    }

    /// Takes back a connection whose session is as it was. Where there are too many already, the oldest goes.
    pub fn give_back(&mut self, backend: Backend) {
        let full = self.pools[backend.pool].idle.len() >= MAX_IDLE_PER_POOL;
        if full {
            return;
        }
        if self.idle >= MAX_IDLE_PER_THREAD {
            self.close_oldest();
        }
        self.pools[backend.pool].idle.push_back((Instant::now(), backend));
        self.idle += 1;
    }

    fn close_oldest(&mut self) {
        let oldest = self
            .pools
            .iter_mut()
            .filter(|pool| !pool.idle.is_empty())
            .min_by_key(|pool| pool.idle.front().map(|(since, _)| *since));
        if let Some(pool) = oldest {
            pool.idle.pop_front();
            self.idle -= 1;
        }
    }

    /// The place of the pool for a mysqld and a class; allocates only for a new one.
    fn pool(&mut self, address: &str, class: &SessionClass) -> usize {
        let mut known = self.by_address.get(address).into_iter().flatten();
        if let Some(&place) = known.find(|place| self.pools[**place].class.logs_in_as(class)) {
            return place;
        }
        let place = self.pools.len();
        self.pools.push(Pool { class: class.clone(), idle: VecDeque::new() });
        self.by_address.entry(address.to_owned()).or_default().push(place);
        place
    }

    fn login(&self, class: &SessionClass) -> Login {
        let user = data_account(&class.keyspace, class.role);
        Login {
            password: self.secret.password(&user),
            user,
            database: class.database.as_ref().map(Database::to_string),
            capabilities: class.capabilities & SHAPING,
            collation: class.collation,
        }
    }
}

impl Backend {
    /// Whether its session has these settings and no others.
    fn is_set_to(&self, settings: &Rc<Settings>) -> bool {
        Rc::ptr_eq(&self.settings, settings) || self.settings == *settings
    }

    /// Its session has these settings now.
    pub async fn has_settings(&mut self, settings: Settings) -> io::Result<()> {
        if *self.settings != settings {
            self.forget_all().await?;
            self.settings = Rc::new(settings);
        }
        Ok(())
    }

    /// Sees to it that its session has these settings.
    pub async fn adopt(&mut self, settings: &Rc<Settings>) -> Result<(), Unreached> {
        if self.is_set_to(settings) {
            return Ok(());
        }
        if let Some(change) = settings.change_from(&self.settings) {
            self.forget_all().await.map_err(Unreached::NotSent)?;
            let told = control::execute(&mut self.connection, change.as_bytes()).await;
            told.map_err(|error| match error {
                AskError::Refused(packet) if error_code(&packet).is_some_and(is_refusal) => Unreached::Fenced,
                other => Unreached::NotSent(io::Error::other(other)),
            })?;
        }
        self.settings = settings.clone();
        Ok(())
    }
}

/// A connection that has yet to be made.
pub struct Dial {
    address: Box<str>,
    login: Login,
    identity: Option<Identity>,
    account: (KeyspaceName, DataRole),
    tablets: Tablets,
    pool: usize,
}

impl Dial {
    /// Makes it. The gauge counts it as long as it is open.
    pub async fn connect(self, open: &Gauge) -> Result<Backend, Unreached> {
        match self.make().await {
            Ok(connection) => {
                let (prepared, settings) = (Kept::default(), Rc::default());
                let (keyspace, role) = self.account;
                let (address, thread, tablets) = (self.address, connection.thread(), self.tablets);
                let target = Arc::new(Target { address, thread, keyspace, role, tablets });
                let (pool, open) = (self.pool, Raised::new(open));
                Ok(Backend { connection, target, prepared, settings, pool, _open: open })
            }
            Err(LoginError::Refused { code, .. }) if is_refusal(code) => Err(Unreached::Fenced),
            Err(error) => Err(Unreached::Failed { address: self.address.into(), error }),
        }
    }

    async fn make(&self) -> Result<Connection, LoginError> {
        let mut connection = match &self.identity {
            Some(identity) => connect_tls(&self.address, &self.login, identity).await?,
            None => connect(&self.address, &self.login).await?,
        };
        if self.tablets == Tablets::Primary {
            side::is_primarys(&mut connection).await?;
        }
        Ok(connection)
    }
}

/// Why there is no connection to a shard's primary. In every case nothing was executed.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    /// The topology knows of none.
    #[error("the shard has no primary")]
    NoPrimary,
    /// None of its replicas keeps up and can be reached.
    #[error("the shard has no replica that can be read")]
    NoReplica,
    /// It admits no data account, as one that is no longer, or not yet, primary.
    #[error("the shard's primary admits nobody")]
    Fenced,
    /// It cannot be reached, or the login failed.
    #[error("cannot use the mysqld at {address}: {error}")]
    Failed {
        /// Where.
        address: String,
        /// How.
        error: LoginError,
    },
    /// The connection broke before the request was sent.
    #[error("the connection broke before the request was sent: {0}")]
    NotSent(io::Error),
}

impl Unreached {
    /// What the client is told, when nothing more is tried.
    pub fn give_up(&self, shard: &ShardRef) -> ClientError {
        if matches!(self, Self::NoReplica) {
            return ErrorId::NoReplica.with(shard);
        }
        if !matches!(self, Self::NoPrimary) {
            warn!(%shard, error = %self, "cannot use the shard's primary");
        }
        ErrorId::ShardUnavailable.with(shard)
    }
}
