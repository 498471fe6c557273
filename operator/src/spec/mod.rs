//! The cluster file: what a user writes, checked so that everything after it can trust it.
//!
//! ```text
//!   text ─ parse ─► ShoalCluster ─ check ─► ShoalCluster that holds together
//!            │                        │
//!            └──────── lines ─────────┴─► problems: file, line, what is wrong, what to write
//!   changes   what a newer file changes of an older one, and which of it cannot be applied
//!   records   the topology records that the file stands for
//! ```

mod changes;
mod check;
mod lines;
mod names;
mod parse;
mod records;
mod vschema;

use proto::account::DataRole;
use proto::ids::{Cell, KeyspaceName, ShardRef, UserName};
use proto::key_range::KeyRange;
use serde::{Deserialize, Serialize};
use topo::records::Durability;

pub use changes::refused_changes;
pub use names::{ClusterName, Port, Replicas, Tablets, Tls};
pub use parse::{BadFile, Problem, parse};
pub use records::{grants, keyspace_record, merge_routing};
pub use vschema::{AutoIncrementSpec, ColumnVindexSpec, TableSpec, VindexSpec, VschemaSpec, vschema_record};

/// A cluster, as its owner wants it: the same type on one machine and as a Kubernetes resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShoalCluster {
    /// `shoal.dev/v1alpha1`.
    pub api_version: ApiVersion,
    /// `ShoalCluster`.
    pub kind: Kind,
    /// What it is called.
    pub metadata: Metadata,
    /// What it is to be.
    pub spec: ClusterSpec,
}

/// The version of the cluster file's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiVersion {
    /// The first one.
    #[serde(rename = "shoal.dev/v1alpha1")]
    V1Alpha1,
}

/// What a file describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A cluster.
    ShoalCluster,
}

/// What the cluster is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Part of every key in the topology store.
    pub name: ClusterName,
}

/// What the cluster is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterSpec {
    /// Failure zones; tablets are dealt out to them in turn.
    #[serde(default = "one_cell")]
    pub cells: Vec<CellSpec>,
    /// The gates that clients connect to.
    #[serde(default)]
    pub gates: GatesSpec,
    /// Whether the parts of the cluster speak TLS with one another, each with a certificate of its own.
    #[serde(default)]
    pub tls: Tls,
    /// Who may log in at a gate.
    pub users: Vec<UserSpec>,
    /// The logical databases.
    pub keyspaces: Vec<KeyspaceSpec>,
}

impl ClusterSpec {
    /// Who asks where nobody is named: the first user who is admin everywhere, or who may do the most elsewhere.
    pub fn usual_user(&self) -> Option<&UserSpec> {
        let admin = self.users.iter().find(|user| user.role == Some(DataRole::Admin));
        admin.or_else(|| self.users.iter().find(|user| user.role.is_some())).or_else(|| self.users.first())
    }

    /// Somebody who may use the keyspace: the usual user, if they may.
    pub fn user_of(&self, keyspace: &KeyspaceName) -> Option<&UserSpec> {
        let may = |user: &&UserSpec| {
            user.role.is_some() || user.grants.iter().any(|grant| grant.keyspace == *keyspace)
        };
        self.usual_user().filter(may).or_else(|| self.users.iter().find(may))
    }
}

/// A failure zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CellSpec {
    /// Its name.
    pub name: Cell,
}

/// The gates that clients connect to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatesSpec {
    /// Where the first gate listens; on one machine every further gate takes the number after the one
    /// before it. Absent: free ports are chosen once and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// How many there are.
    #[serde(default)]
    pub replicas: Replicas,
}

impl GatesSpec {
    /// The port of the gate with this number (from 1), if the file names it.
    pub fn named_port(&self, number: u16) -> Option<u16> {
        self.port.and_then(|first| first.get().checked_add(number - 1))
    }
}

/// Somebody who may log in at a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserSpec {
    /// The name to log in with.
    pub name: UserName,
    /// The password; only its hash reaches the topology.
    pub password: String,
    /// What they may do in every keyspace, also in ones that come later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<DataRole>,
    /// What they may do in some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantSpec>,
}

/// What a user may do in one keyspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantSpec {
    /// Which one.
    pub keyspace: KeyspaceName,
    /// As what.
    pub role: DataRole,
}

/// A logical database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyspaceSpec {
    /// Its name, as in `USE name`.
    pub name: KeyspaceName,
    /// Ranges of keyspace IDs, one for each shard. Absent: the keyspace is unsharded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<Vec<KeyRange>>,
    /// How many tablets each shard has: a primary and its replicas.
    #[serde(default)]
    pub tablets: Tablets,
    /// When a commit is acknowledged to the client.
    #[serde(default)]
    pub durability: Durability,
    /// How its tables are sharded, and which are sequences, in the words of Vitess' JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vschema: Option<VschemaSpec>,
}

impl KeyspaceSpec {
    /// Whether its tables are spread over shards by vindexes.
    pub fn is_sharded(&self) -> bool {
        self.shards.is_some()
    }

    /// The ranges of its shards; `-` alone for an unsharded keyspace.
    pub fn ranges(&self) -> Vec<KeyRange> {
        self.shards.clone().unwrap_or_else(|| vec![KeyRange::full()])
    }

    /// Full names of its shards.
    pub fn shard_refs(&self) -> Vec<ShardRef> {
        let named = |range| ShardRef { keyspace: self.name.clone(), range };
        self.ranges().into_iter().map(named).collect()
    }
}

fn one_cell() -> Vec<CellSpec> {
    "zone1".parse().map(|name| vec![CellSpec { name }]).unwrap_or_default()
}

#[cfg(test)]
mod tests;
