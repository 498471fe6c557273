//! Where each record lives in the store. Every key begins with `/shoal/<cluster>/`.

use std::fmt::Display;

use proto::ids::{KeyspaceName, ShardRef, TabletAlias};

/// What a key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The routing record.
    Routing,
    /// A keyspace record.
    Keyspace(KeyspaceName),
    /// A vschema record.
    Vschema(KeyspaceName),
    /// A schema record.
    Schema(KeyspaceName),
    /// A sequence record: of a table of a keyspace.
    Sequence(KeyspaceName, String),
    /// A shard record.
    Shard(ShardRef),
    /// A tablet record.
    Tablet(TabletAlias),
    /// A tablet's liveness.
    Alive(TabletAlias),
    /// A user record.
    User(String),
}

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

    /// A table's sequence record; without a table: what all of the keyspace begin with.
    pub fn sequence(&self, keyspace: &KeyspaceName, table: Option<&str>) -> String {
        format!("{}sequences/{keyspace}/{}", self.root, table.unwrap_or_default())
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

    /// The record of a schema change that is under way.
    pub fn schema_change(&self, name: &KeyspaceName) -> String {
        self.under("schema_changes", Some(name))
    }

    /// The lock that a schema change of the keyspace holds.
    pub fn schema_change_lock(&self, name: &KeyspaceName) -> String {
        self.under("locks/schema", Some(name))
    }

    /// The lock that a change of the shard's primary holds.
    pub fn shard_lock(&self, shard: &ShardRef) -> String {
        self.under("locks/shard", Some(shard))
    }

    /// An event; `None`: what they all begin with. In the keys' order the oldest is first.
    pub fn event(&self, sequence: Option<u64>) -> String {
        match sequence {
            Some(sequence) => format!("{}events/{sequence:020}", self.root),
            None => format!("{}events/", self.root),
        }
    }

    /// The sequence number of an event's key.
    pub fn event_sequence(&self, key: &str) -> Option<u64> {
        key.strip_prefix(&self.event(None))?.parse().ok()
    }

    /// What is kept at a key; `None`: not a key of ours, or one that a newer version knows.
    pub fn parse(&self, key: &str) -> Option<Place> {
        let path = key.strip_prefix(&self.root)?;
        if path == "routing" {
            return Some(Place::Routing);
        }
        let (folder, name) = path.split_once('/')?;
        match folder {
            "keyspaces" => Some(Place::Keyspace(name.parse().ok()?)),
            "vschema" => Some(Place::Vschema(name.parse().ok()?)),
            "schema" => Some(Place::Schema(name.parse().ok()?)),
            "sequences" => {
                let (keyspace, table) = name.split_once('/')?;
                Some(Place::Sequence(keyspace.parse().ok()?, table.to_owned()))
            }
            "shards" => Some(Place::Shard(name.parse().ok()?)),
            "tablets" => Some(Place::Tablet(name.parse().ok()?)),
            "alive" => Some(Place::Alive(name.parse().ok()?)),
            "users" => Some(Place::User(name.to_owned())),
            _ => None,
        }
    }

    fn under(&self, folder: &str, name: Option<&dyn Display>) -> String {
        match name {
            Some(name) => format!("{}{folder}/{name}", self.root),
            None => format!("{}{folder}/", self.root),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_told_apart_again() {
        let keys = Keys::new("shop");
        let keyspace: KeyspaceName = "main".parse().unwrap();
        let shard: ShardRef = "main/40-80".parse().unwrap();
        let alias: TabletAlias = "zone1-101".parse().unwrap();
        let places = [
            (keys.routing(), Place::Routing),
            (keys.keyspace(Some(&keyspace)), Place::Keyspace(keyspace.clone())),
            (keys.vschema(&keyspace), Place::Vschema(keyspace.clone())),
            (keys.schema(&keyspace), Place::Schema(keyspace.clone())),
            (keys.sequence(&keyspace, Some("a/b")), Place::Sequence(keyspace.clone(), "a/b".into())),
            (keys.shard(Some(&shard)), Place::Shard(shard)),
            (keys.tablet(Some(&alias)), Place::Tablet(alias.clone())),
            (keys.alive(Some(&alias)), Place::Alive(alias)),
            (keys.user("a/b"), Place::User("a/b".into())),
        ];
        for (key, place) in places {
            assert!(key.starts_with(keys.root()), "{key}");
            assert_eq!(keys.parse(&key), Some(place), "{key}");
        }
        for foreign in
            ["/shoal/other/routing", "/shoal/shop/later/x", "/shoal/shop/tablets/?", "/shoal/shop/"]
        {
            assert_eq!(keys.parse(foreign), None, "{foreign}");
        }
        assert_eq!(keys.parse(&keys.schema_change_lock(&keyspace)), None);
        assert_eq!(keys.event_sequence(&keys.event(Some(12))), Some(12));
        assert!(keys.event(Some(9)) < keys.event(Some(10)));
    }
}
