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
    /// Where its words do not tell what comes of it: how to try it.
    pub trial: Option<Trial>,
    /// In a sharded keyspace, every name in the statement: those of the tables that it is about are among them.
    pub names: BTreeSet<String>,
}

/// How a change is tried before any shard makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// A table becomes another one.
    Table(TableTrial),
    /// A view comes, or takes another one's place.
    View(ViewTrial),
    /// A new table begins with the rows of a query.
    Rows {
        /// The query.
        query: String,
    },
}

/// What is to be looked at when a change of a table is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableTrial {
    /// The table.
    pub table: String,
    /// Its sharding column.
    pub key: String,
    /// The column that the vschema has numbered, if MySQL itself does not.
    pub numbered: Option<String>,
    /// The statement about [`TRIAL_TABLE`] instead, where that can be said.
    pub elsewhere: Option<String>,
}

/// A view that is tried under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewTrial {
    /// Its name.
    pub name: String,
    /// Whether it takes the place of one of that name.
    pub takes_place: bool,
    /// The statement about [`TRIAL_VIEW`] instead.
    pub elsewhere: String,
}

/// The name of a table that is there while a change is tried.
pub const TRIAL_TABLE: &str = "_shoal_trial";
/// The name of a view that is there while a change is tried.
pub const TRIAL_VIEW: &str = "_shoal_trial_view";

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
