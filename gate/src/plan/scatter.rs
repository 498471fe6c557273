//! A statement for several shards, of which each does its own part.

use super::{Pin, Route};

/// To several shards of a keyspace; together their answers are that of one MySQL with all the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    /// How it goes to one shard, where the literals leave only one.
    pub route: Route,
    /// Which shards.
    pub shards: Shards,
    /// What becomes of the answers.
    pub effect: Effect,
    /// The clause for which several answers would have to be merged: then it goes to one shard or not at all.
    pub merges: Option<String>,
}

/// Which shards.
#[derive(Debug, Clone, PartialEq)]
pub enum Shards {
    /// All of them.
    All,
    /// Those of the values in a list; any, if the list is empty.
    Of(Vec<Pin>),
}

/// What becomes of the shards' answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Rows, one shard's after the other's.
    Rows,
    /// One OK packet: all parts are written, or none.
    Write,
}
