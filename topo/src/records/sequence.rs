use serde::{Deserialize, Serialize};

use super::Record;

/// `sequences/<keyspace>/<table>`: which numbers the AUTO_INCREMENT column of a sharded table gets next. Gates take
/// blocks of them by compare-and-set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceRecord {
    /// The first number that no gate has taken; `None`: to be found from the rows and counters of the shards,
    /// after a schema change.
    pub next: Option<u64>,
    /// Grows with every schema change of the table: blocks that were taken under an earlier one are worth nothing.
    pub incarnation: u64,
}

impl Record for SequenceRecord {
    const KIND: &'static str = "sequence record";
    const FORMAT: u32 = 1;
}
