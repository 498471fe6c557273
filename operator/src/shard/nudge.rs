//! Tells the loop of a shard that something about it changed in the topology.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::ids::{KeyspaceName, ShardRef, TabletAlias};
use tokio::sync::Notify;
use topo::Topology;
use topo::keys::Place;
use topo::records::{TabletRecord, decode};
use topo::store::StoreError;

use crate::limits::NUDGE_RETRY;

/// The nudges of all shards. A nudge that nobody waits for is kept, one of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Nudges(Arc<Mutex<HashMap<ShardRef, Arc<Notify>>>>);

impl Nudges {
    /// What the loop of the shard waits for.
    pub(super) fn of(&self, shard: &ShardRef) -> Arc<Notify> {
        self.lock().entry(shard.clone()).or_default().clone()
    }

    /// The shard's loop is no more.
    pub(super) fn forget(&self, shard: &ShardRef) {
        self.lock().remove(shard);
    }

    fn nudge(&self, concerns: impl Fn(&ShardRef) -> bool) {
        for (_, notify) in self.lock().iter().filter(|(shard, _)| concerns(shard)) {
            notify.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ShardRef, Arc<Notify>>> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the topology for ever. While it is away nobody is nudged, and the loops look by the clock.
    pub(super) async fn follow(self, topology: Topology) {
        let mut follower = Follower { nudges: self, tablets: HashMap::new() };
        loop {
            if let Err(error) = follower.follow(&topology).await {
                tracing::debug!(%error, "the topology cannot be followed for nudges, trying again");
            }
            tokio::time::sleep(NUDGE_RETRY).await;
        }
    }
}

struct Follower {
    nudges: Nudges,
    /// The shard of each tablet, as it last registered.
    tablets: HashMap<TabletAlias, ShardRef>,
}

impl Follower {
    /// Ends with the watch.
    async fn follow(&mut self, topology: &Topology) -> Result<(), StoreError> {
        let root = topology.keys().root();
        let (found, revision) = topology.store().list(root).await?;
        for (key, value) in found {
            if let Some(Place::Tablet(alias)) = topology.keys().parse(&key) {
                self.note(alias, &key, &value.value);
            }
        }
        self.nudges.nudge(|_| true);
        let mut watch = topology.store().watch(root, revision).await?;
        while let Some(batch) = watch.recv().await {
            for change in batch?.changes {
                match topology.keys().parse(&change.key) {
                    Some(Place::Shard(shard)) => self.nudges.nudge(|other| *other == shard),
                    Some(Place::Keyspace(name)) => self.nudge_keyspace(&name),
                    Some(Place::Tablet(alias)) => {
                        if let Some(value) = &change.value {
                            self.note(alias.clone(), &change.key, value);
                        }
                        self.nudge_of(&alias);
                    }
                    Some(Place::Alive(alias)) => self.nudge_of(&alias),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// A record that cannot be read is a matter for those who need it.
    fn note(&mut self, alias: TabletAlias, key: &str, value: &[u8]) {
        if let Ok(record) = decode::<TabletRecord>(key, value) {
            self.tablets.insert(alias, record.shard);
        }
    }

    fn nudge_of(&self, alias: &TabletAlias) {
        if let Some(shard) = self.tablets.get(alias) {
            self.nudges.nudge(|other| other == shard);
        }
    }

    fn nudge_keyspace(&self, name: &KeyspaceName) {
        self.nudges.nudge(|shard| shard.keyspace == *name);
    }
}
