//! Typed reads and writes on the store.

mod follow;
mod follow_all;
mod lease;
mod lock;
mod tail;
mod transaction;

pub use follow::{Following, Seen};
pub use follow_all::FollowingAll;
pub use lease::Lease;
pub use lock::{Lock, LockError, LockOwner};
pub use transaction::Transaction;

pub(crate) use tail::{Tail, TailEvent};

use std::sync::Arc;
use std::time::Duration;

use proto::tls::Identity;
use tokio_util::task::TaskTracker;

use crate::keys::Keys;
use crate::records::{Record, RecordError, decode};
use crate::store::{EtcdStore, Measured, Outcome, Revision, Store, StoreError, Versioned};

/// A record with the revision that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<R> {
    /// The record.
    pub value: R,
    /// The transaction that wrote it last; what `replace` compares with.
    pub revision: Revision,
}

/// Why a read or write of the topology failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TopologyError {
    /// The store did not do as asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// The topology of one cluster. Cheap to clone; all clones share the store and the tracked tasks.
#[derive(Clone)]
pub struct Topology {
    store: Arc<dyn Store>,
    keys: Keys,
    tasks: TaskTracker,
}

impl Topology {
    /// The topology of the cluster in the etcd with these client URLs, over TLS if there is an identity; an
    /// error when none of them answers in time.
    pub async fn connect(
        etcd_endpoints: &[String],
        cluster: &str,
        identity: Option<&Identity>,
    ) -> Result<Self, TopologyError> {
        let store = Measured::new(EtcdStore::connect(etcd_endpoints, identity).await?);
        Ok(Self::new(Arc::new(store), cluster))
    }

    /// The topology of the cluster in a store that is there already.
    pub fn new(store: Arc<dyn Store>, cluster: &str) -> Self {
        Self { store, keys: Keys::new(cluster), tasks: TaskTracker::new() }
    }

    /// Where the records live.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Waits until the tasks of all leases, locks and followed records that were dropped or closed have ended,
    /// so that what they revoke is revoked. The call is for the end of a program; what still lives keeps it
    /// waiting.
    pub async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The record at the key, if there is one.
    pub async fn read<R: Record>(&self, key: &str) -> Result<Option<Stored<R>>, TopologyError> {
        match self.store.get(key).await? {
            Some(found) => Ok(Some(stored(key, &found)?)),
            None => Ok(None),
        }
    }

    /// All records whose keys begin with the prefix, with their keys, in the keys' order. One that cannot be
    /// read is an error.
    pub async fn list<R: Record>(&self, prefix: &str) -> Result<Vec<(String, Stored<R>)>, TopologyError> {
        let (found, _) = self.store.list(prefix).await?;
        let typed = found.into_iter().map(|(key, value)| {
            let record = stored(&key, &value)?;
            Ok((key, record))
        });
        typed.collect()
    }

    /// Writes a record where there is none; a conflict if there is one.
    pub async fn create<R: Record>(&self, key: &str, record: &R) -> Result<Outcome, TopologyError> {
        self.commit(Transaction::new().create(key, record)?).await
    }

    /// Writes over the record that `revision` wrote; a conflict if it has changed since.
    pub async fn replace<R: Record>(
        &self,
        key: &str,
        record: &R,
        revision: Revision,
    ) -> Result<Outcome, TopologyError> {
        self.commit(Transaction::new().replace(key, record, revision)?).await
    }

    /// Writes the record whatever is there, and tells the revision that it has now.
    pub async fn put<R: Record>(&self, key: &str, record: &R) -> Result<Revision, TopologyError> {
        match self.commit(Transaction::new().put(key, record)?).await? {
            Outcome::Committed(revision) => Ok(revision),
            Outcome::Conflict => {
                Err(StoreError::Unavailable(format!("a plain write of {key} met a conflict")).into())
            }
        }
    }

    /// Removes the record; nothing happens if there is none.
    pub async fn delete(&self, key: &str) -> Result<(), TopologyError> {
        self.commit(Transaction::new().delete(key)).await.map(|_| ())
    }

    /// Several records in one revision, or nothing at all.
    pub async fn commit(&self, transaction: Transaction) -> Result<Outcome, TopologyError> {
        Ok(self.store.commit(&transaction.compares, &transaction.writes).await?)
    }

    /// A lease that is kept alive until it is closed or dropped.
    pub async fn lease(&self, ttl: Duration) -> Result<Lease, TopologyError> {
        Ok(Lease::start(self.store.clone(), &self.tasks, ttl).await?)
    }

    /// Takes the lock at `key`, or tells at once who holds it. It is let go of by `Lock::release`, on drop, or
    /// by itself when its holder has not been able to reach the store for `ttl`.
    pub async fn lock(&self, key: &str, owner: &str, ttl: Duration) -> Result<Lock, LockError> {
        Lock::take(self, key, owner, ttl).await
    }

    /// Takes the lock at `key`, waiting at most `patience` for whoever holds it.
    pub async fn lock_within(
        &self,
        key: &str,
        owner: &str,
        ttl: Duration,
        patience: Duration,
    ) -> Result<Lock, LockError> {
        self.lock_until(key, owner, ttl, tokio::time::sleep(patience)).await
    }

    /// The same, with a wait that ends when `patience` does. It never ends while the lock is being taken, so that nobody
    /// is left with a lock that he does not know of.
    pub async fn lock_until(
        &self,
        key: &str,
        owner: &str,
        ttl: Duration,
        patience: impl Future<Output = ()>,
    ) -> Result<Lock, LockError> {
        let mut patience = std::pin::pin!(patience);
        loop {
            match Lock::take(self, key, owner, ttl).await {
                Err(LockError::Held { key, owner }) => {
                    tokio::select! {
                        () = lock::wait_until_free(self, &key) => {}
                        () = &mut patience => return Err(LockError::Held { key, owner }),
                    }
                }
                taken_or_failed => return taken_or_failed,
            }
        }
    }

    /// Follows the record at one key, through outages of the store, until the result is dropped. Returns at
    /// once, without having read anything yet.
    pub fn follow<R: Record + Clone>(&self, key: &str) -> Following<R> {
        Following::start(self.store.clone(), &self.tasks, key)
    }

    /// Follows all records under the prefix, through outages of the store, until the result is dropped. Returns at
    /// once, without having read anything yet.
    pub fn follow_all<R: Record + Clone>(&self, prefix: &str) -> FollowingAll<R> {
        FollowingAll::start(self.store.clone(), &self.tasks, prefix)
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }
}

fn stored<R: Record>(key: &str, found: &Versioned) -> Result<Stored<R>, RecordError> {
    Ok(Stored { value: decode(key, &found.value)?, revision: found.modified })
}

#[cfg(test)]
mod tests;
