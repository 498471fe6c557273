//! Where each record lives in the store. Every key begins with `/shoal/<cluster>/`.

use std::fmt::Display;

use proto::ids::{KeyspaceName, ShardRef, TabletAlias};

/// Makes the keys of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    root: String,
}

impl Keys {
    /// The keys of the cluster with this name.
    pub fn new(cluster: &str) -> Self {
        Self { root: format!("/shoal/{cluster}/") }
    }

    /// What every key begins with.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The routing record.
    pub fn routing(&self) -> String {
        format!("{}routing", self.root)
    }

    /// A keyspace record; `None`: what they all begin with.
    pub fn keyspace(&self, name: Option<&KeyspaceName>) -> String {
        self.under("keyspaces", name.map(|n| n as &dyn Display))
    }

    /// A vschema record.
    pub fn vschema(&self, name: &KeyspaceName) -> String {
        self.under("vschema", Some(name))
    }

    /// A schema record.
    pub fn schema(&self, name: &KeyspaceName) -> String {
        self.under("schema", Some(name))
    }

    /// A shard record; `None`: what they all begin with.
    pub fn shard(&self, shard: Option<&ShardRef>) -> String {
        self.under("shards", shard.map(|s| s as &dyn Display))
    }

    /// A tablet record; `None`: what they all begin with.
    pub fn tablet(&self, alias: Option<&TabletAlias>) -> String {
        self.under("tablets", alias.map(|a| a as &dyn Display))
    }

    /// A tablet's liveness; `None`: what they all begin with.
    pub fn alive(&self, alias: Option<&TabletAlias>) -> String {
        self.under("alive", alias.map(|a| a as &dyn Display))
    }

    /// A user record.
    pub fn user(&self, name: &str) -> String {
        self.under("users", Some(&name))
    }

    /// The lock that a schema change of the keyspace holds.
    pub fn schema_change_lock(&self, name: &KeyspaceName) -> String {
        self.under("locks/schema", Some(name))
    }

    fn under(&self, folder: &str, name: Option<&dyn Display>) -> String {
        match name {
            Some(name) => format!("{}{folder}/{name}", self.root),
            None => format!("{}{folder}/", self.root),
        }
    }
}
