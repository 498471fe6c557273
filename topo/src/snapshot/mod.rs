//! The immutable picture of a cluster that a gate routes by.
//!
//! ```text
//!   store ──list, then watch──▶ feed ──one revision at a time──▶ records ──build──▶ Arc<Snapshot>
//! ```
//!
//! All keys of one revision appear in one snapshot. What did not change is shared with the one before.

mod build;
mod feed;
mod records;
mod sharding;

pub use feed::{Behind, SnapshotFeed};
pub use sharding::{Sharding, ShardingKey, UnusableKey};

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::ids::{KeyspaceName, ShardRef, TabletAlias, Term};
use proto::key_range::KeyspaceId;

use crate::records::{RoutingRecord, TableSchema, TabletHealth, UserRecord, VschemaRecord};
use crate::store::Revision;

/// The cluster as of one revision.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The last revision that is in it.
    pub revision: Revision,
    keyspaces: BTreeMap<String, Arc<Keyspace>>,
    users: Arc<BTreeMap<String, UserRecord>>,
    users_version: u64,
    routing: Arc<RoutingRecord>,
    /// Highest plan version given out so far.
    last_plan_version: u64,
}

impl Snapshot {
    /// The keyspace with exactly this name (schema names have a case in MySQL, too).
    pub fn keyspace(&self, name: &str) -> Option<&Arc<Keyspace>> {
        self.keyspaces.get(name)
    }

    /// All keyspaces, by name.
    pub fn keyspaces(&self) -> impl Iterator<Item = &Arc<Keyspace>> {
        self.keyspaces.values()
    }

    /// Who may log in under this name.
    pub fn user(&self, name: &str) -> Option<&UserRecord> {
        self.users.get(name)
    }

    /// Changes whenever a user does; who remembers what a user may do looks again when it has.
    pub fn users_version(&self) -> u64 {
        self.users_version
    }

    /// The routing record; its shard ranges are in the keyspaces already.
    pub fn routing(&self) -> &RoutingRecord {
        &self.routing
    }
}

/// One keyspace.
#[derive(Debug)]
pub struct Keyspace {
    /// Its name; also that of the MySQL schema on its shards.
    pub name: KeyspaceName,
    /// Whether its tables are spread by vindexes.
    pub sharded: bool,
    /// Whether it has procedures, functions or triggers, which can change the session that runs them.
    pub has_stored_programs: bool,
    /// Changes when, and only when, something changed that a plan may depend on: the tables, how they are
    /// sharded, the shard ranges, the table rules. Never given out twice, so it can stand in the key of a plan
    /// cache. A change of primary leaves it alone.
    pub plan_version: u64,
    /// The serving shards, in the order of their ranges; together they hold every keyspace ID once. Empty until
    /// the routing record has the keyspace. A keyspace that lives on another one's mysqlds has that one's shard
    /// here, under that one's name.
    pub shards: Vec<Shard>,
    tables: Arc<BTreeMap<String, Table>>,
    incarnations: Arc<BTreeMap<String, u64>>,
    facts: build::Facts,
}

impl Keyspace {
    /// Index in `shards` of the one that holds the keyspace ID.
    pub fn shard_for(&self, id: &KeyspaceId) -> Option<usize> {
        // Ranges are in order, so the one wanted is the last that does not begin after the ID.
        let after = self.shards.partition_point(|shard| !begins_after(shard.shard.range.start(), &id.0));
        let index = after.checked_sub(1)?;
        self.shards[index].shard.range.contains(id).then_some(index)
    }

    /// The shard whose mysqlds it lives on; `None`: it has tablets of its own.
    pub fn host(&self) -> Option<&ShardRef> {
        self.facts.host.as_ref()
    }

    /// The table with exactly this name, if the schema or the vschema has it.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// The vschema as it is stored; empty where there is none. How a table is sharded stands in the table.
    pub fn vschema(&self) -> &VschemaRecord {
        &self.facts.vschema
    }

    /// Under which incarnation the table's AUTO_INCREMENT numbers are taken; 0 until one was begun.
    pub fn incarnation(&self, table: &str) -> u64 {
        self.incarnations.get(table).copied().unwrap_or_default()
    }

    /// All tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }
}

/// Whether a range that starts so begins after the ID; trailing zero bytes mean nothing.
fn begins_after(start: &[u8], id: &[u8]) -> bool {
    let trimmed = |bytes: &[u8]| bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    start[..trimmed(start)] > id[..trimmed(id)]
}

/// One serving shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub shard: ShardRef,
    /// The term of its primary; 0 until it had one.
    pub term: Term,
    /// Where its primary is; `None` while it has none, or none that is registered.
    pub primary: Option<Endpoint>,
    /// A change of primary is under way, as the shard's record has said since this revision: statements wait for
    /// its end.
    pub held: Option<Revision>,
    /// Its other tablets, by alias.
    pub replicas: Vec<Replica>,
}

/// A tablet of a shard that is not its primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Where its mysqld is.
    pub endpoint: Endpoint,
    /// How it is; `None` while its agent is away or has not said.
    pub health: Option<TabletHealth>,
}

/// Where a tablet's mysqld is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The tablet.
    pub alias: TabletAlias,
    /// host:port.
    pub mysql_address: String,
    /// What `SELECT VERSION()` gives there.
    pub mysql_version: String,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name, in MySQL's spelling.
    pub name: String,
    /// As MySQL described it last; `None`: only the vschema has it so far.
    pub schema: Option<TableSchema>,
    /// How it is sharded; `None` in an unsharded keyspace, and where the vschema has no entry for it.
    pub sharding: Option<Sharding>,
    /// The table that it is a view of, sharded as that one is; `None`: it is a table.
    pub view_of: Option<String>,
}

#[cfg(test)]
mod tests;
