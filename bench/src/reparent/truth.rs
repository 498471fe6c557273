//! What the primaries hold in the end.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Serialize;

use super::writers::Acknowledged;
use crate::cluster::{Cluster, SHARDS};

/// The ids that each shard's primary holds.
#[derive(Debug, Clone)]
pub(super) struct Truth([BTreeSet<u64>; SHARDS.len()]);

/// How what was acknowledged compares with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// Rows that were acknowledged.
    pub(super) acknowledged: usize,
    /// Of these, rows that no primary holds.
    pub(super) lost: usize,
    /// Of these, rows that more than one primary holds.
    pub(super) doubled: usize,
    /// Rows on the primaries that were never acknowledged: each needs a statement that failed.
    pub(super) unacknowledged: usize,
}

impl Truth {
    /// Reads it, past the gate.
    pub(super) async fn read(cluster: &Cluster) -> Result<Self> {
        let mut held = [const { BTreeSet::new() }; SHARDS.len()];
        for (shard, held) in SHARDS.iter().zip(&mut held) {
            let ids = cluster.on_primary(shard, "SELECT id FROM writes").await?;
            *held = ids
                .iter()
                .map(|id| id.parse().with_context(|| format!("no id: {id}")))
                .collect::<Result<_>>()?;
        }
        Ok(Self(held))
    }

    /// The shard, by its place, that holds a row.
    pub(super) fn shard_of(&self, id: u64) -> Option<usize> {
        self.0.iter().position(|held| held.contains(&id))
    }

    /// Compares.
    pub(super) fn judge(&self, acknowledged: &[Acknowledged]) -> Verdict {
        let ids: BTreeSet<u64> = acknowledged.iter().map(|row| row.id).collect();
        let holders = |id: &u64| self.0.iter().filter(|held| held.contains(id)).count();
        let held: BTreeSet<u64> = self.0.iter().flatten().copied().collect();
        Verdict {
            acknowledged: ids.len(),
            lost: ids.difference(&held).count(),
            doubled: ids.iter().filter(|id| holders(id) > 1).count(),
            unacknowledged: held.difference(&ids).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_lost_and_what_is_there_twice_is_counted() {
        let truth = Truth([BTreeSet::from([1, 2, 9]), BTreeSet::from([2, 3])]);
        let row = |id| Acknowledged { id, at: Duration::ZERO, took: Duration::ZERO };
        let verdict = truth.judge(&[1, 2, 3, 4, 5].map(row));
        let expected = Verdict { acknowledged: 5, lost: 2, doubled: 1, unacknowledged: 1 };
        assert_eq!(verdict, expected);
        assert_eq!((truth.shard_of(3), truth.shard_of(4)), (Some(1), None));
    }
}
