//! Brings the records of the topology up to the cluster file.
//!
//! Idempotent: what is there already stays. What has moved on since the file was written, such as routing,
//! stays too; what contradicts the file is refused by name.

use proto::ids::ShardRef;
use proto::tls::Identity;
use topo::records::{KeyspaceRecord, RoutingRecord, UserOrigin, UserRecord, VschemaRecord, hash_password};
use topo::store::{Compare, Outcome};
use topo::topology::Transaction;
use topo::vschema::moved_tables;
use topo::{Stored, Topology, TopologyError};

use crate::limits::{APPLY_ATTEMPTS, USERS_PER_COMMIT};
use crate::spec::{
    KeyspaceSpec, ShoalCluster, UserSpec, grants, keyspace_record, merge_routing, vschema_record,
};

/// Why the records were not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApplyError {
    /// The topology cannot be reached; trying again may help.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// Others kept writing at the same time.
    #[error("the topology kept changing while the cluster file's records were written")]
    Busy,
    /// The stored records contradict the file.
    #[error("{0}")]
    Refused(String),
}

impl From<topo::records::RecordError> for ApplyError {
    fn from(error: topo::records::RecordError) -> Self {
        Self::Topology(error.into())
    }
}

/// Writes what the topology lacks of the cluster file.
pub(super) async fn apply(
    cluster: &ShoalCluster,
    etcd_url: &str,
    identity: Option<&Identity>,
) -> Result<(), ApplyError> {
    let topology =
        Topology::connect(&[etcd_url.to_owned()], cluster.metadata.name.as_str(), identity).await?;
    apply_to(cluster, &topology).await
}

async fn apply_to(cluster: &ShoalCluster, topology: &Topology) -> Result<(), ApplyError> {
    apply_users(&cluster.spec.users, topology).await?;
    for _ in 0..APPLY_ATTEMPTS {
        let Some(transaction) = keyspace_records(cluster, topology).await? else { return Ok(()) };
        if let Outcome::Committed(_) = topology.commit(transaction).await? {
            return Ok(());
        }
    }
    Err(ApplyError::Busy)
}

/// Routing, keyspaces and vschemas change together, so that no gate sees a table of a keyspace it does not
/// know. `None`: nothing is missing.
async fn keyspace_records(
    cluster: &ShoalCluster,
    topology: &Topology,
) -> Result<Option<Transaction>, ApplyError> {
    let keys = topology.keys();
    let routing = topology.read::<RoutingRecord>(&keys.routing()).await?;
    let known = routing.as_ref().map(|r| r.value.clone()).unwrap_or_default();
    let mut transaction = Transaction::new();
    let mut changed = false;
    if let Some(merged) = merge_routing(&known, cluster) {
        changed = true;
        transaction = match &routing {
            Some(stored) => transaction.replace(&keys.routing(), &merged, stored.revision)?,
            None => transaction.create(&keys.routing(), &merged)?,
        };
    }
    for keyspace in &cluster.spec.keyspaces {
        let wanted = keyspace_record(keyspace);
        let key = keys.keyspace(Some(&keyspace.name));
        match topology.read::<KeyspaceRecord>(&key).await? {
            Some(Stored { value: KeyspaceRecord { on: Some(host), .. }, .. }) => {
                return Err(ApplyError::Refused(hosted(keyspace, &host)));
            }
            Some(stored) if stored.value.sharded != wanted.sharded => {
                return Err(ApplyError::Refused(resharded(keyspace)));
            }
            Some(stored) => {
                // Tablets that are there stay: one may hold an acknowledged commit that no other replica has.
                let merged = KeyspaceRecord { tablets: wanted.tablets.max(stored.value.tablets), ..wanted };
                if merged != stored.value {
                    changed = true;
                    transaction = transaction.replace(&key, &merged, stored.revision)?;
                }
            }
            None => {
                changed = true;
                transaction = transaction.create(&key, &wanted)?;
            }
        }
        let key = keys.vschema(&keyspace.name);
        let stored = topology.read::<VschemaRecord>(&key).await?;
        let known = stored.as_ref().map(|s| s.value.clone()).unwrap_or_default();
        let merged = merge_vschema(keyspace, known.clone()).map_err(ApplyError::Refused)?;
        let has_one = keyspace.is_sharded() || keyspace.vschema.is_some();
        if has_one && (stored.is_none() || merged != known) {
            changed = true;
            let unchanged = match &stored {
                Some(stored) => Compare::Unchanged(key.clone(), stored.revision),
                None => Compare::Absent(key.clone()),
            };
            transaction = transaction.only_if(unchanged).put(&key, &merged)?;
        }
    }
    Ok(changed.then_some(transaction))
}

fn hosted(keyspace: &KeyspaceSpec, host: &ShardRef) -> String {
    format!(
        "there is a database {0} already, made by CREATE DATABASE on the tablets of shard {host}; give the keyspace \
         another name, or move what is in the database elsewhere and DROP DATABASE {0}",
        keyspace.name
    )
}

fn resharded(keyspace: &KeyspaceSpec) -> String {
    let (was, is) = if keyspace.is_sharded() { ("unsharded", "sharded") } else { ("sharded", "unsharded") };
    format!("keyspace {} is {was} in the topology and cannot become {is}", keyspace.name)
}

/// The stored vschema with what the file says. What the file does not speak of stays as it is, and what would move
/// rows is refused.
fn merge_vschema(keyspace: &KeyspaceSpec, stored: VschemaRecord) -> Result<VschemaRecord, String> {
    let Some(spec) = &keyspace.vschema else { return Ok(stored) };
    let wanted = vschema_record(spec)
        .map_err(|mistakes| mistakes.first().map(|first| first.what.clone()).unwrap_or_default())?;
    let mut merged = stored.clone();
    for (name, vindex) in wanted.vindexes {
        let there = merged.vindexes.entry(name.clone()).or_insert_with(|| vindex.clone());
        if (&there.kind, &there.params) != (&vindex.kind, &vindex.params) {
            return Err(format!(
                "vindex {name} of keyspace {0} is of type {1} in the topology and cannot become {2}; write it as `shoal \
                 vschema get {0}` shows it",
                keyspace.name, there.kind, vindex.kind
            ));
        }
        *there = vindex;
    }
    for (name, table) in wanted.tables {
        let there = merged.tables.entry(name).or_insert_with(|| table.clone());
        let numbers = there.auto_increment.take();
        let kept = std::mem::take(&mut there.kept);
        *there = table;
        there.auto_increment = there.auto_increment.take().or(numbers);
        there.kept = kept.into_iter().chain(std::mem::take(&mut there.kept)).collect();
    }
    merged.kept.extend(wanted.kept);
    let moved = if keyspace.is_sharded() { moved_tables(&stored, &merged) } else { Vec::new() };
    match moved.into_iter().find(|name| stored.tables.contains_key(*name)) {
        Some(name) => Err(format!(
            "table {0}.{name} is sharded otherwise in the topology and cannot be changed; write it as `shoal vschema get {0}` \
             shows it, or change it by ALTER VSCHEMA while it has no rows",
            keyspace.name
        )),
        None => Ok(merged),
    }
}

/// The file's users are as in the file: new ones come, those that it named before and no longer names go, and a hash
/// is replaced only for another password. A user that SQL made is left alone, unless the file names them now.
async fn apply_users(users: &[UserSpec], topology: &Topology) -> Result<(), ApplyError> {
    let keys = topology.keys();
    let stored = topology.list::<UserRecord>(&keys.user("")).await?;
    let mut changes = Vec::new();
    for user in users {
        let key = keys.user(user.name.as_str());
        let there = stored.iter().find(|(k, _)| *k == key).map(|(_, stored)| &stored.value);
        let password = there.filter(|record| record.verify(user.password.as_bytes()));
        let password_hash = match password {
            Some(record) => record.password_hash.clone(),
            None => hash_password(&user.password).map_err(|e| ApplyError::Refused(e.to_string()))?,
        };
        let wanted = UserRecord { password_hash, grants: grants(user), origin: UserOrigin::File };
        if there != Some(&wanted) {
            changes.push((key, Some(wanted)));
        }
    }
    for (key, there) in &stored {
        let named = users.iter().any(|user| keys.user(user.name.as_str()) == *key);
        if !named && there.value.origin == UserOrigin::File {
            changes.push((key.clone(), None));
        }
    }
    for some in changes.chunks(USERS_PER_COMMIT) {
        let mut transaction = Transaction::new();
        for (key, record) in some {
            transaction = match record {
                Some(record) => transaction.put(key, record)?,
                None => transaction.delete(key),
            };
        }
        topology.commit(transaction).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
