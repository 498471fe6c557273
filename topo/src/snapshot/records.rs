use std::collections::BTreeMap;
use std::sync::Arc;

use proto::ids::{KeyspaceName, ShardRef, TabletAlias};
use proto::key_range::check_partition;

use crate::keys::{Keys, Place};
use crate::records::{
    KeyspaceRecord, Record, RecordError, RoutingRecord, SchemaRecord, SequenceRecord, ShardRecord,
    TabletLiveness, TabletRecord, UserRecord, VschemaRecord, decode,
};
use crate::store::{ChangeBatch, Revision, Versioned};

/// The records of a cluster as they were last read. A record that cannot be read leaves the last good one in
/// its place; a user, of whom nobody knows then what they may do, is gone.
#[derive(Debug)]
pub(super) struct Records {
    keys: Keys,
    /// The revisions of all keys read so far, so that a list after an outage reads only what has changed.
    known: BTreeMap<String, Revision>,
    pub(super) routing: Arc<RoutingRecord>,
    pub(super) keyspaces: BTreeMap<KeyspaceName, KeyspaceRecord>,
    pub(super) vschemas: BTreeMap<KeyspaceName, Arc<VschemaRecord>>,
    pub(super) schemas: BTreeMap<KeyspaceName, Arc<SchemaRecord>>,
    /// Of each table that has a sequence record.
    pub(super) incarnations: BTreeMap<KeyspaceName, Arc<BTreeMap<String, u64>>>,
    pub(super) shards: BTreeMap<ShardRef, ShardRecord>,
    pub(super) tablets: BTreeMap<TabletAlias, TabletRecord>,
    pub(super) alive: BTreeMap<TabletAlias, TabletLiveness>,
    pub(super) users: Arc<BTreeMap<String, UserRecord>>,
}

impl Records {
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            keys,
            known: BTreeMap::new(),
            routing: Arc::default(),
            keyspaces: BTreeMap::new(),
            vschemas: BTreeMap::new(),
            schemas: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            shards: BTreeMap::new(),
            tablets: BTreeMap::new(),
            alive: BTreeMap::new(),
            users: Arc::default(),
        }
    }

    /// What wrote the shard's record, if it is there.
    pub(super) fn shard_revision(&self, shard: &ShardRef) -> Option<Revision> {
        self.known.get(&self.keys.shard(Some(shard))).copied()
    }

    /// Everything that the store holds now; what is not among it is gone.
    pub(super) fn list(&mut self, found: Vec<(String, Versioned)>) {
        let mut gone = std::mem::take(&mut self.known);
        for (key, value) in found {
            if gone.remove(&key) != Some(value.modified) {
                self.set(&key, Some(&value.value));
            }
            self.known.insert(key, value.modified);
        }
        for key in gone.keys() {
            self.set(key, None);
        }
    }

    /// What one revision changed.
    pub(super) fn change(&mut self, batch: &ChangeBatch) {
        for change in &batch.changes {
            match &change.value {
                Some(_) => self.known.insert(change.key.clone(), batch.revision),
                None => self.known.remove(&change.key),
            };
            self.set(&change.key, change.value.as_deref());
        }
    }

    fn set(&mut self, key: &str, value: Option<&[u8]>) {
        let Some(place) = self.keys.parse(key) else { return };
        let user = if let Place::User(name) = &place { Some(name.clone()) } else { None };
        let Err(error) = self.set_place(place, key, value) else { return };
        match user {
            // The last good record might let in whom, or allow what, the new one does not.
            Some(name) => {
                Arc::make_mut(&mut self.users).remove(&name);
                tracing::error!(%error, "the user may not log in until the record can be read");
            }
            None => tracing::error!(%error, "the last good record stays in use"),
        }
    }

    fn set_place(&mut self, place: Place, key: &str, value: Option<&[u8]>) -> Result<(), RecordError> {
        match place {
            Place::Routing => self.routing = Arc::new(read_routing(key, value)?),
            Place::Keyspace(name) => put(&mut self.keyspaces, name, read(key, value)?),
            Place::Vschema(name) => put(&mut self.vschemas, name, read(key, value)?.map(Arc::new)),
            Place::Schema(name) => put(&mut self.schemas, name, read(key, value)?.map(Arc::new)),
            Place::Sequence(keyspace, table) => {
                let incarnation = read::<SequenceRecord>(key, value)?.map(|record| record.incarnation);
                self.set_incarnation(keyspace, table, incarnation);
            }
            Place::Shard(shard) => put(&mut self.shards, shard, read(key, value)?),
            Place::Tablet(alias) => put(&mut self.tablets, alias, read(key, value)?),
            Place::User(name) => put(Arc::make_mut(&mut self.users), name, read(key, value)?),
            Place::Alive(alias) => put(&mut self.alive, alias, read(key, value)?),
        }
        Ok(())
    }

    /// Blocks are taken often, and leave the incarnation as it is: then nothing changes for the keyspace.
    fn set_incarnation(&mut self, keyspace: KeyspaceName, table: String, incarnation: Option<u64>) {
        let known = self.incarnations.entry(keyspace).or_default();
        if known.get(&table).copied() != incarnation {
            put(Arc::make_mut(known), table, incarnation);
        }
    }
}

fn read<R: Record>(key: &str, value: Option<&[u8]>) -> Result<Option<R>, RecordError> {
    value.map(|bytes| decode(key, bytes)).transpose()
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

/// A routing record by which every keyspace ID has exactly one shard.
fn read_routing(key: &str, value: Option<&[u8]>) -> Result<RoutingRecord, RecordError> {
    let routing: RoutingRecord = read(key, value)?.unwrap_or_default();
    for (keyspace, ranges) in &routing.keyspaces {
        check_partition(&ranges.shards).map_err(|why| RecordError::Malformed {
            kind: RoutingRecord::KIND,
            key: key.to_owned(),
            why: format!("keyspace {keyspace}: {why}"),
        })?;
    }
    Ok(routing)
}
