use proto::ids::{ShardRef, TabletAlias};
use serde::{Deserialize, Serialize};

use super::Record;

/// `tablets/<alias>`: where a tablet is. Written by its agent at each start; outlives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabletRecord {
    /// Its name.
    pub alias: TabletAlias,
    /// The shard whose data it holds.
    pub shard: ShardRef,
    /// host:port of its mysqld.
    pub mysql_address: String,
    /// host:port of its agent's gRPC service.
    pub agent_address: String,
    /// What `SELECT VERSION()` gives there.
    pub mysql_version: String,
}

impl Record for TabletRecord {
    const KIND: &'static str = "tablet record";
    const FORMAT: u32 = 1;
}

/// `alive/<alias>`: there, under the agent's lease, as long as the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabletLiveness {
    /// Its name.
    pub alias: TabletAlias,
    /// Different at each start of the agent.
    pub incarnation: u64,
}

impl Record for TabletLiveness {
    const KIND: &'static str = "tablet liveness";
    const FORMAT: u32 = 1;
}
