//! What the loops of the shards make of replicas whose data must be replaced, for whoever asks control about them.
//! It is known to the loops alone, which remember what no single look tells.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use proto::ids::{ShardRef, TabletAlias};

/// What is known of one replica.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needed {
    /// Why its data must be replaced.
    pub(crate) flaw: String,
    /// What a person has to see to first; empty: nothing.
    pub(crate) hindrance: String,
}

/// What is known of all. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repairs {
    shards: Arc<Mutex<HashMap<ShardRef, BTreeMap<TabletAlias, Needed>>>>,
}

impl Repairs {
    /// This is now all that is known of the shard.
    pub(crate) fn tell(&self, shard: &ShardRef, needed: BTreeMap<TabletAlias, Needed>) {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner).insert(shard.clone(), needed);
    }

    /// The shard is no more.
    pub(crate) fn forget(&self, shard: &ShardRef) {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner).remove(shard);
    }

    /// What is known of a tablet of the shard; nothing, if it is in order.
    pub(crate) fn of(&self, shard: &ShardRef, alias: &TabletAlias) -> Needed {
        let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        shards.get(shard).and_then(|needed| needed.get(alias)).cloned().unwrap_or_default()
    }
}
