//! Connections to the mysqlds behind, kept by each thread for itself.

use std::collections::HashMap;
use std::sync::Arc;

use proto::account::{DataRole, Secret, data_account};
use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use proto::wire::CapabilityFlags;
use proto::wire::connection::Connection;
use proto::wire::login::{Login, connect};
use topo::snapshot::Shard;
use tracing::warn;

use crate::limits::MAX_IDLE_PER_POOL;

/// What makes one connection as good as another for a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionClass {
    /// Under whose rights statements run.
    pub keyspace: KeyspaceName,
    /// With which of its accounts.
    pub role: DataRole,
    /// Whether the keyspace is the session's default database.
    pub is_default: bool,
    /// What shapes the answers: the client's own wishes, as far as `SHAPING` goes.
    pub capabilities: CapabilityFlags,
    /// The client's collation.
    pub collation: u8,
}

/// The capabilities that change how a server answers; a connection is used only for clients with the same.
pub const SHAPING: CapabilityFlags = CapabilityFlags::CLIENT_DEPRECATE_EOF
    .union(CapabilityFlags::CLIENT_FOUND_ROWS)
    .union(CapabilityFlags::CLIENT_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_IGNORE_SPACE);

/// The idle connections of one thread.
pub struct Pools {
    secret: Arc<Secret>,
    idle: HashMap<PoolKey, Vec<Connection>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PoolKey {
    address: String,
    class: SessionClass,
}

/// A connection in use, and where it goes back to.
pub struct Backend {
    /// The connection.
    pub connection: Connection,
    key: PoolKey,
}

impl Pools {
    /// No connections yet; passwords come from the secret.
    pub fn new(secret: Arc<Secret>) -> Self {
        Self { secret, idle: HashMap::new() }
    }

    /// An idle connection to the shard's primary, if there is one; else how to make one.
    pub fn take(
        &mut self,
        shard: &Shard,
        class: &SessionClass,
    ) -> Result<Result<Backend, Dial>, ClientError> {
        let primary = shard.primary.as_ref().ok_or_else(|| ErrorId::ShardUnavailable.with(&shard.shard))?;
        let key = PoolKey { address: primary.mysql_address.clone(), class: class.clone() };
        while let Some(connection) = self.idle.get_mut(&key).and_then(Vec::pop) {
            // A server that went away, or said goodbye, has made the socket readable.
            if connection.is_quiet() {
                return Ok(Ok(Backend { connection, key }));
            }
        }
        Ok(Err(Dial { login: self.login(&key.class), shard: shard.shard.to_string(), key }))
    }

    /// Takes back a connection whose session is as it was.
    pub fn give_back(&mut self, backend: Backend) {
        let idle = self.idle.entry(backend.key).or_default();
        if idle.len() < MAX_IDLE_PER_POOL {
            idle.push(backend.connection);
        }
    }

    fn login(&self, class: &SessionClass) -> Login {
        let user = data_account(&class.keyspace, class.role);
        Login {
            password: self.secret.password(&user),
            user,
            database: class.is_default.then(|| class.keyspace.to_string()),
            capabilities: class.capabilities & SHAPING,
            collation: class.collation,
        }
    }
}

/// A connection that has yet to be made.
pub struct Dial {
    login: Login,
    shard: String,
    key: PoolKey,
}

impl Dial {
    /// Makes it. A failure means that nothing was executed.
    pub async fn connect(self) -> Result<Backend, ClientError> {
        match connect(&self.key.address, &self.login).await {
            Ok(connection) => Ok(Backend { connection, key: self.key }),
            Err(error) => {
                warn!(shard = self.shard, address = self.key.address, %error, "cannot use the shard's primary");
                Err(ErrorId::ShardUnavailable.with(self.shard))
            }
        }
    }
}
