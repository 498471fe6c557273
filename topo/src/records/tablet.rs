use proto::ids::{ShardRef, TabletAlias, Term};
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
    /// How it is; absent until the agent has looked, and from agents that tell nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<TabletHealth>,
}

/// How a tablet is, as its agent last wrote it down: at once when its state changes, else every few seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabletHealth {
    /// What it does.
    pub state: TabletState,
    /// The highest term that it has accepted.
    pub term: Term,
    /// Age of the newest heartbeat applied, of a replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<u64>,
    /// What it had executed then.
    #[serde(default)]
    pub gtid_executed: String,
    /// Its part in semi-sync.
    #[serde(default)]
    pub semi_sync: SemiSyncPart,
    /// Whether its mysqld admits sessions that read, as a replica that keeps up. Agents of earlier versions never
    /// do.
    #[serde(default)]
    pub reads: bool,
}

/// What a tablet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TabletState {
    /// It takes data sessions as primary.
    Serving,
    /// It receives and applies what its primary commits.
    Replicating,
    /// Its data is being replaced by a donor's.
    Provisioning,
    /// Its mysqld runs and does neither.
    Fenced,
    /// Its mysqld does not run, or does not answer.
    MysqldDown,
    /// Its mysqld died too often and is left down.
    GivenUp,
    /// Something that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// A tablet's part in semi-sync.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SemiSyncPart {
    /// Its commits wait for an acknowledgement.
    Source,
    /// It acknowledges.
    Acker,
    /// None, or one that only a newer program knows.
    #[default]
    #[serde(other)]
    None,
}

impl Record for TabletLiveness {
    const KIND: &'static str = "tablet liveness";
    const FORMAT: u32 = 1;
}
