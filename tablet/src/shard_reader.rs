//! What the topology says of this tablet's shard, and how well it is known.

use proto::ids::ShardRef;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use topo::records::ShardRecord;
use topo::topology::{Following, Seen};
use topo::{Stored, Topology};

use crate::decide::Reading;
use crate::limits::{REREAD_INTERVAL, TOPOLOGY_DEADLINE};

/// Follows the shard's record once the topology has been reached, and reads it anew when asked to.
pub struct ShardReader {
    shard: ShardRef,
    topology: watch::Receiver<Option<Topology>>,
    following: Option<Following<ShardRecord>>,
    last: Option<Option<Stored<ShardRecord>>>,
    reread_due: Instant,
}

impl ShardReader {
    /// Reads the shard's record in the topology, as soon as there is one.
    pub fn new(shard: ShardRef, topology: watch::Receiver<Option<Topology>>) -> Self {
        Self { shard, topology, following: None, last: None, reread_due: Instant::now() }
    }

    /// Waits until more may be known than before. Safe to cancel.
    pub async fn changed(&mut self) {
        if let Some(following) = &mut self.following {
            let seen = following.changed().await;
            self.take(seen);
            return;
        }
        let connected =
            self.topology.wait_for(Option::is_some).await.ok().and_then(|topology| topology.clone());
        match connected {
            Some(topology) => {
                self.following = Some(topology.follow(&topology.keys().shard(Some(&self.shard))))
            }
            // The task that connects ends only together with the agent.
            None => std::future::pending().await,
        }
    }

    /// What is known without asking; asks all the same when it last did so long ago, in case that the watch
    /// hangs.
    pub async fn recalled(&mut self) -> Reading {
        if Instant::now() >= self.reread_due {
            return self.fresh().await;
        }
        self.known()
    }

    /// Asks the topology; what is known when it does not answer in time.
    pub async fn fresh(&mut self) -> Reading {
        self.reread_due = Instant::now() + REREAD_INTERVAL;
        let Some(topology) = self.topology.borrow().clone() else { return self.known() };
        let key = topology.keys().shard(Some(&self.shard));
        match timeout(TOPOLOGY_DEADLINE, topology.read::<ShardRecord>(&key)).await {
            Ok(Ok(found)) => {
                let record = found.as_ref().map(|stored| stored.value.clone());
                self.last = Some(found);
                Reading::Fresh(record)
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "cannot read the shard's record");
                self.known()
            }
            Err(_) => {
                tracing::info!("cannot read the shard's record: no answer");
                self.known()
            }
        }
    }

    fn known(&self) -> Reading {
        match &self.last {
            None => Reading::Unread,
            Some(found) => Reading::Recalled(found.as_ref().map(|stored| stored.value.clone())),
        }
    }

    /// A watch may lag behind a read: what it brings counts unless it is older than what is known.
    fn take(&mut self, seen: Seen<ShardRecord>) {
        match (seen, &self.last) {
            (Seen::Unknown, _) => {}
            (Seen::Absent, _) => self.last = Some(None),
            (Seen::Record(new), Some(Some(old))) if new.revision < old.revision => {}
            (Seen::Record(new), _) => self.last = Some(Some(new)),
        }
    }
}
