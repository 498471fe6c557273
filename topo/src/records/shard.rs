use std::collections::BTreeSet;

use proto::ids::{TabletAlias, Term};
use serde::{Deserialize, Serialize};

use super::Record;

/// `shards/<keyspace>/<range>`: who is primary, and since when.
///
/// Fields with a default were added later; a program that knows them not reads the rest, so the format number
/// stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRecord {
    /// The number of this primaryship; grows with every change of primary.
    pub term: Term,
    /// The tablet that takes the writes; `None` until the first one was chosen.
    pub primary: Option<TabletAlias>,
    /// Every replica that may acknowledge commits of this term. Empty: commits of this term wait for nobody.
    ///
    /// Within a term a set that is not empty never becomes empty, nor the other way round. A replica is in it
    /// before it turns semi-sync on, and has turned it off before it is taken out: so every commit that was
    /// acknowledged to a client is on a tablet of this set, or on the primary.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ackers: BTreeSet<TabletAlias>,
    /// A change of primary that is under way: gates hold the shard's statements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
}

impl ShardRecord {
    /// The highest term that any tablet may have accepted by this record.
    pub fn highest_term(&self) -> Term {
        self.transition.as_ref().map_or(self.term, |transition| transition.next_term.max(self.term))
    }
}

/// A planned change of primary, announced before its first side effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The term under which the next primary will serve, or serves already.
    pub next_term: Term,
    /// The next primary.
    pub to: TabletAlias,
}

impl Record for ShardRecord {
    const KIND: &'static str = "shard record";
    const FORMAT: u32 = 1;
}
