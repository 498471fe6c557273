//! Plans of statements that change schemas and databases.

use std::collections::BTreeSet;

use proto::ids::{KeyspaceName, ShardRef};
use topo::records::{NewTable, SchemaObject};

/// A schema change on every shard of a keyspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaChange {
    /// Whose schema.
    pub keyspace: KeyspaceName,
    /// The word that a denied client is told of, such as `CREATE`.
    pub verb: &'static str,
    /// The table, or the view, that it is about; `None`: something else of the database.
    pub table: Option<String>,
    /// The table that a CREATE TABLE in a sharded keyspace makes. It is made on one shard first, read back and
    /// judged there.
    pub creates: Option<NewTable>,
    /// Tables of a sharded keyspace that have another name afterwards, in order.
    pub renames: Vec<(String, String)>,
    /// What it is about, in a sharded keyspace: by this is told which shards have made it.
    pub about: Vec<SchemaObject>,
    /// Where its words do not tell what becomes of a sharded table: how to try it.
    pub trial: Option<Trial>,
    /// In a sharded keyspace, every name in the statement: those of the tables that it is about are among them.
    pub names: BTreeSet<String>,
}

/// What is to be looked at when a change of a table is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The table.
    pub table: String,
    /// Its sharding column.
    pub key: String,
    /// The column that the vschema has numbered, if MySQL itself does not.
    pub numbered: Option<String>,
}

/// A database comes or goes on the tablets of an unsharded keyspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseChange {
    /// CREATE DATABASE.
    Create {
        /// The new keyspace.
        name: KeyspaceName,
        /// The shard that it will live on.
        host: ShardRef,
    },
    /// DROP DATABASE.
    Drop {
        /// The keyspace.
        name: KeyspaceName,
        /// The shard that it lives on.
        host: ShardRef,
    },
}

impl DatabaseChange {
    /// The database.
    pub fn name(&self) -> &KeyspaceName {
        match self {
            Self::Create { name, .. } | Self::Drop { name, .. } => name,
        }
    }

    /// The word that a denied client is told of.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "CREATE",
            Self::Drop { .. } => "DROP",
        }
    }
}

/// A half-made schema change is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandon {
    /// Whose schema.
    pub keyspace: KeyspaceName,
    /// The statement that undoes it where it is made.
    pub by: Option<String>,
}
