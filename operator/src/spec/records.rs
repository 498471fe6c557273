//! The topology records that a cluster file stands for.

use topo::records::{Grants, KeyspaceRecord, KeyspaceRouting, RoutingRecord};

use super::{KeyspaceSpec, ShoalCluster, UserSpec};

/// The record of a keyspace.
pub fn keyspace_record(spec: &KeyspaceSpec) -> KeyspaceRecord {
    KeyspaceRecord {
        sharded: spec.is_sharded(),
        durability: spec.durability,
        tablets: spec.tablets.get(),
        on: None,
    }
}

/// What a user may do.
pub fn grants(spec: &UserSpec) -> Grants {
    let keyspaces = spec.grants.iter().map(|grant| (grant.keyspace.clone(), grant.role)).collect();
    Grants { everywhere: spec.role, keyspaces }
}

/// The routing with the file's keyspaces added; `None` if it has them all.
///
/// What is stored for a keyspace stays as it is: the routing may have moved on since the file was written.
pub fn merge_routing(stored: &RoutingRecord, cluster: &ShoalCluster) -> Option<RoutingRecord> {
    let mut merged = stored.clone();
    for keyspace in &cluster.spec.keyspaces {
        merged.keyspaces.entry(keyspace.name.clone()).or_insert_with(|| {
            let mut shards = keyspace.ranges();
            shards.sort_by(|a, b| a.start().cmp(b.start()));
            KeyspaceRouting { shards }
        });
    }
    if merged.keyspaces == stored.keyspaces {
        return None;
    }
    merged.version += 1;
    Some(merged)
}
