use std::collections::BTreeMap;

use proto::ids::KeyspaceName;
use proto::key_range::KeyRange;
use serde::{Deserialize, Serialize};

use super::Record;

/// `routing`: the one record that says where every statement of the cluster goes.
///
/// It is one record so that a cutover is one write, and a gate never sees half of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingRecord {
    /// Grows by one with every change.
    pub version: u64,
    /// Serving shard ranges of each keyspace; they hold every keyspace ID exactly once.
    pub keyspaces: BTreeMap<KeyspaceName, KeyspaceRouting>,
    /// Tables that live in another keyspace than the one a statement names.
    pub table_rules: Vec<TableRule>,
}

/// The part of the routing that concerns one keyspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyspaceRouting {
    /// Serving ranges, in order of their start.
    pub shards: Vec<KeyRange>,
}

/// Sends statements on a table to another keyspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRule {
    /// The keyspace that statements name.
    pub from: KeyspaceName,
    /// The table.
    pub table: String,
    /// The keyspace that holds it.
    pub to: KeyspaceName,
}

impl Record for RoutingRecord {
    const KIND: &'static str = "routing record";
    const FORMAT: u32 = 1;
}
