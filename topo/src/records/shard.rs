use proto::ids::{TabletAlias, Term};
use serde::{Deserialize, Serialize};

use super::Record;

/// `shards/<keyspace>/<range>`: who is primary, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRecord {
    /// The number of this primaryship; grows with every change of primary.
    pub term: Term,
    /// The tablet that takes the writes; `None` until the first one was chosen.
    pub primary: Option<TabletAlias>,
}

impl Record for ShardRecord {
    const KIND: &'static str = "shard record";
    const FORMAT: u32 = 1;
}
