use serde::{Deserialize, Serialize};

use super::Record;

/// `keyspaces/<keyspace>`: a logical database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyspaceRecord {
    /// Whether its tables are spread over shards by vindexes. An unsharded keyspace has the one shard `-`;
    /// a sharded one may have one shard, too.
    pub sharded: bool,
    /// When a commit is acknowledged to the client.
    #[serde(default)]
    pub durability: Durability,
    /// How many tablets each of its shards is to have.
    #[serde(default = "one")]
    pub tablets: u16,
}

/// When a commit is acknowledged to the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Once a replica has it in its relay log. A shard of one tablet has nobody to wait for.
    #[default]
    SemiSync,
    /// Once the primary has it: a failover may lose what no replica had received.
    Async,
}

impl KeyspaceRecord {
    /// An unsharded keyspace with one tablet.
    pub const fn unsharded() -> Self {
        Self { sharded: false, durability: Durability::SemiSync, tablets: one() }
    }

    /// A sharded keyspace with one tablet a shard.
    pub const fn sharded() -> Self {
        Self { sharded: true, ..Self::unsharded() }
    }
}

const fn one() -> u16 {
    1
}

impl Record for KeyspaceRecord {
    const KIND: &'static str = "keyspace record";
    const FORMAT: u32 = 1;
}
