use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Lease, Tail, TailEvent, Topology, TopologyError, Transaction};
use crate::records::Record;
use crate::store::{Compare, Outcome, Revision};

/// What stands at the key of a lock that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// Who holds it and what for, for people to read.
    pub owner: String,
}

impl Record for LockOwner {
    const KIND: &'static str = "lock";
    const FORMAT: u32 = 1;
}

/// Why a lock was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error("{key} is held by {owner}")]
    Held {
        /// The lock.
        key: String,
        /// Who has it, in their own words.
        owner: String,
    },
    /// It is not known who has it, if anybody.
    #[error(transparent)]
    Topology(#[from] TopologyError),
}

/// A lock that is held as long as its lease. Dropped or released, it is free again.
#[derive(Debug)]
pub struct Lock {
    key: String,
    taken: Revision,
    lease: Lease,
}

impl Lock {
    pub(super) async fn take(
        topology: &Topology,
        key: &str,
        owner: &str,
        ttl: Duration,
    ) -> Result<Self, LockError> {
        let lease = topology.lease(ttl).await?;
        let record = LockOwner { owner: owner.to_owned() };
        let transaction = Transaction::new()
            .only_if(Compare::Absent(key.to_owned()))
            .put_under(key, &record, &lease)
            .map_err(TopologyError::from)?;
        match topology.commit(transaction).await? {
            Outcome::Committed(taken) => Ok(Self { key: key.to_owned(), taken, lease }),
            Outcome::Conflict => {
                lease.close().await;
                let holder = topology.read::<LockOwner>(key).await?;
                // It may have been let go of in between, which the next attempt will find out.
                let owner = holder.map_or_else(|| "somebody".to_owned(), |found| found.value.owner);
                Err(LockError::Held { key: key.to_owned(), owner })
            }
        }
    }

    /// Cancelled when the lock can no longer be relied on.
    pub fn lost(&self) -> &CancellationToken {
        self.lease.lost()
    }

    /// The condition that the lock is still held; also `Transaction::while_locked`.
    pub fn still_held(&self) -> Compare {
        Compare::Unchanged(self.key.clone(), self.taken)
    }

    /// When it was taken: whoever takes it later has a higher one.
    pub fn taken(&self) -> Revision {
        self.taken
    }

    /// Lets go of it, and waits until the store knows.
    pub async fn release(self) {
        self.lease.close().await;
    }
}

/// Returns once there is nothing at the lock's key.
pub(super) async fn wait_until_free(topology: &Topology, key: &str) {
    let mut tail = Tail::new(topology.store().clone(), key);
    loop {
        let free = match tail.next().await {
            TailEvent::Listed(found, _) => !found.iter().any(|(found, _)| found == key),
            TailEvent::Changed(batch) => batch.changes.iter().any(|c| c.key == key && c.value.is_none()),
        };
        if free {
            return;
        }
    }
}
