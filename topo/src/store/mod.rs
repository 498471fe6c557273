//! The versioned key-value store under the topology.
//!
//! Promises, kept by every backend and checked by one contract suite: reads see the newest committed write;
//! a transaction is all or nothing; revisions only grow, and every transaction has one; a watch gives every
//! change after its start in order, all changes of one revision in one batch; a key written under a lease
//! goes away when the lease ends. Not promised: that a watch survives the loss of the store (it ends with an
//! error and the watcher lists again).

mod etcd;
mod measured;
mod memory;

pub use etcd::EtcdStore;
pub use measured::Measured;
pub use memory::MemoryStore;

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use proto::limits::MAX_RECORD_BYTES;
use tokio::sync::mpsc;

use crate::limits::{MAX_COMMIT_BYTES, MAX_COMMIT_OPERATIONS};

/// The store's logical clock: the number of the transaction that wrote something.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub i64);

/// A value with the revision that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes.
    pub value: Bytes,
    /// The transaction that wrote them last.
    pub modified: Revision,
}

/// A lease: keys written under it live as long as somebody keeps it alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseId(pub i64);

/// A condition of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compare {
    /// The key does not exist.
    Absent(String),
    /// The key was last written by this revision.
    Unchanged(String, Revision),
}

/// One write of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Set the key.
    Put {
        /// Which.
        key: String,
        /// To what; at most `MAX_RECORD_BYTES`.
        value: Bytes,
        /// The key goes away when this lease ends.
        lease: Option<LeaseId>,
    },
    /// Remove the key; nothing happens if it is not there.
    Delete {
        /// Which.
        key: String,
    },
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All writes took effect as this revision.
    Committed(Revision),
    /// A condition did not hold; nothing was written.
    Conflict,
}

/// One change that a watch saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: String,
    /// Its new value; `None`: it went away.
    pub value: Option<Bytes>,
}

/// All changes of one revision under the watched prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeBatch {
    /// The transaction that made them.
    pub revision: Revision,
    /// In no particular order.
    pub changes: Vec<Change>,
}

/// Why the store did not do as asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or did not answer in time; a write may or may not have taken effect.
    #[error("the topology store cannot be reached: {0}")]
    Unavailable(String),
    /// The lease has ended.
    #[error("the lease has ended")]
    LeaseEnded,
    /// The value is larger than a record may be.
    #[error("the value of {key} has {bytes} bytes, more than a record may have")]
    TooLarge {
        /// The key it was for.
        key: String,
        /// Its size.
        bytes: usize,
    },
    /// A transaction that no backend takes, whatever the state of the store: a fault of the caller.
    #[error("the topology store takes no such transaction: {0}")]
    Refused(String),
    /// The revision to watch from is no longer kept; list again.
    #[error("the topology store no longer keeps the changes since revision {}", .0.0)]
    Compacted(Revision),
}

/// A watch in progress; it ends after its first error.
pub type Watch = mpsc::Receiver<Result<ChangeBatch, StoreError>>;

/// A versioned key-value store.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The value of a key.
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError>;

    /// All keys that begin with the prefix, in order, as of one revision.
    async fn list(&self, prefix: &str) -> Result<(Vec<(String, Versioned)>, Revision), StoreError>;

    /// Writes everything if every condition holds, else nothing.
    async fn commit(&self, compares: &[Compare], writes: &[Write]) -> Result<Outcome, StoreError>;

    /// Every change after the revision to keys that begin with the prefix. `Compacted`, from here or as the
    /// watch's last item, when the store no longer has all of them.
    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, StoreError>;

    /// A new lease that ends `ttl` after it was last kept alive; a backend may round `ttl` up, never down.
    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError>;

    /// Keeps the lease alive for another ttl.
    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError>;

    /// Ends the lease now; its keys go away. Nothing happens if it has ended already.
    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError>;
}

/// The bounds of a transaction, the same in every backend.
fn check_bounds(compares: &[Compare], writes: &[Write]) -> Result<(), StoreError> {
    if compares.len().max(writes.len()) > MAX_COMMIT_OPERATIONS {
        return Err(StoreError::Refused(format!("it has more than {MAX_COMMIT_OPERATIONS} operations")));
    }
    let mut written = BTreeSet::new();
    let mut total = 0;
    for write in writes {
        let (key, bytes) = match write {
            Write::Put { key, value, .. } => (key, value.len()),
            Write::Delete { key } => (key, 0),
        };
        if bytes > MAX_RECORD_BYTES {
            return Err(StoreError::TooLarge { key: key.clone(), bytes });
        }
        if !written.insert(key) {
            return Err(StoreError::Refused(format!("it writes {key} twice")));
        }
        total += key.len() + bytes;
    }
    if total > MAX_COMMIT_BYTES {
        return Err(StoreError::Refused(format!(
            "it writes {total} bytes, at most {MAX_COMMIT_BYTES} at once"
        )));
    }
    Ok(())
}
