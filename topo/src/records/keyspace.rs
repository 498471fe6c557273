use serde::{Deserialize, Serialize};

use super::Record;

/// `keyspaces/<keyspace>`: a logical database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyspaceRecord {
    /// Whether its tables are spread over shards by vindexes. An unsharded keyspace has the one shard `-`;
    /// a sharded one may have one shard, too.
    pub sharded: bool,
}

impl Record for KeyspaceRecord {
    const KIND: &'static str = "keyspace record";
    const FORMAT: u32 = 1;
}
