use proto::ids::ShardRef;
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
    /// The shard of an unsharded keyspace on whose mysqlds this one lives, made by CREATE DATABASE. It has no
    /// tablets of its own then, and the routing record has no entry for it: a program that does not know this
    /// field finds no shard for its statements. `None`: it has tablets of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<ShardRef>,
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
        Self { sharded: false, durability: Durability::SemiSync, tablets: one(), on: None }
    }

    /// A sharded keyspace with one tablet a shard.
    pub const fn sharded() -> Self {
        Self { sharded: true, durability: Durability::SemiSync, tablets: one(), on: None }
    }

    /// An unsharded keyspace that lives on the mysqlds of another one.
    pub const fn hosted(on: ShardRef) -> Self {
        Self { sharded: false, durability: Durability::SemiSync, tablets: 0, on: Some(on) }
    }
}

const fn one() -> u16 {
    1
}

impl Record for KeyspaceRecord {
    const KIND: &'static str = "keyspace record";
    const FORMAT: u32 = 1;
}
