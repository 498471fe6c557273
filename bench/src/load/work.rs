//! What a connection asks for, statement by statement.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use super::rows::{OWNERS, ROWS_OF_OWNER, Random, Rows};

/// What is asked for again and again. Each statement of it stays on one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// One row by its key, as text
    PointSelect,
    /// One row by its key, by a prepared statement
    Prepared,
    /// 100 rows by the front of their key
    #[value(name = "range-100")]
    Range100,
    /// 1,000 rows by the front of their key
    #[value(name = "range-1000")]
    Range1000,
    /// As sysbench's oltp_read_only: transactions of 10 rows by key and 4 ranges of 100
    ReadOnly,
    /// As sysbench's oltp_read_write: the same, then 2 updates, a deletion and an insertion
    ReadWrite,
}

impl Work {
    /// All, the smallest first.
    pub const ALL: [Self; 6] =
        [Self::PointSelect, Self::Prepared, Self::Range100, Self::Range1000, Self::ReadOnly, Self::ReadWrite];
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PointSelect => "point select",
            Self::Prepared => "point select, prepared",
            Self::Range100 => "100 rows",
            Self::Range1000 => "1,000 rows",
            Self::ReadOnly => "oltp_read_only",
            Self::ReadWrite => "oltp_read_write",
        })
    }
}

/// One statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A row by its key, as text.
    Select {
        /// The key.
        id: u64,
    },
    /// The same, prepared.
    Execute {
        /// The key.
        id: u64,
    },
    /// The first rows of an owner, in order.
    Range {
        /// The owner.
        owner: u64,
        /// How many.
        rows: u64,
    },
    /// One row of an owner.
    Owned {
        /// The owner.
        owner: u64,
        /// Which.
        id: u64,
    },
    /// BEGIN.
    Begin,
    /// COMMIT.
    Commit,
    /// A change of a row of an owner.
    Write {
        /// How.
        change: Change,
        /// The owner.
        owner: u64,
        /// Which row.
        id: u64,
    },
}

/// How a row is changed. Afterwards it answers reads as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A column with an index.
    UpdateIndexed,
    /// A column without.
    UpdatePlain,
    /// The row goes.
    Delete,
    /// It comes back.
    Insert,
}

/// Rows by key and ranges in a transaction, as many as sysbench has.
const POINTS: usize = 10;
const RANGES: usize = 4;
const RANGE_ROWS: u64 = 100;

impl Work {
    /// The statements of one time round, into `steps`. The connection of this number in a transaction keeps to one
    /// owner's rows, and changes one of them, so that transactions meet rarely and never in a circle.
    pub fn steps(self, connection: usize, rows: &Rows, random: &mut Random, steps: &mut Vec<Step>) {
        steps.clear();
        let any_owner = |random: &mut Random| 1 + random.below(OWNERS);
        match self {
            Self::PointSelect => steps.push(Step::Select { id: random.row(rows) }),
            Self::Prepared => steps.push(Step::Execute { id: random.row(rows) }),
            Self::Range100 => steps.push(Step::Range { owner: any_owner(random), rows: 100 }),
            Self::Range1000 => steps.push(Step::Range { owner: any_owner(random), rows: ROWS_OF_OWNER }),
            Self::ReadOnly | Self::ReadWrite => {
                let owner = 1 + connection as u64 % OWNERS;
                steps.push(Step::Begin);
                steps.extend((0..POINTS).map(|_| Step::Owned { owner, id: 1 + random.below(ROWS_OF_OWNER) }));
                steps.extend((0..RANGES).map(|_| Step::Range { owner, rows: RANGE_ROWS }));
                if self == Self::ReadWrite {
                    let id = 1 + random.below(ROWS_OF_OWNER);
                    let changes =
                        [Change::UpdateIndexed, Change::UpdatePlain, Change::Delete, Change::Insert];
                    steps.extend(changes.map(|change| Step::Write { change, owner, id }));
                }
                steps.push(Step::Commit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_those_of_sysbench() {
        let (rows, mut random, mut steps) = (Rows::new(1, 10), Random::new(3), Vec::new());
        for (work, writes) in [(Work::ReadOnly, 0), (Work::ReadWrite, 4)] {
            work.steps(OWNERS as usize + 6, &rows, &mut random, &mut steps);
            let count = |is: fn(&Step) -> bool| steps.iter().filter(|step| is(step)).count();
            assert_eq!((steps[0], steps[steps.len() - 1]), (Step::Begin, Step::Commit));
            assert_eq!(count(|step| matches!(step, Step::Owned { owner: 7, .. })), POINTS);
            assert_eq!(count(|step| matches!(step, Step::Range { owner: 7, rows: 100 })), RANGES);
            assert_eq!(count(|step| matches!(step, Step::Write { owner: 7, .. })), writes);
            assert_eq!(steps.len(), 2 + POINTS + RANGES + writes);
        }
    }

    #[test]
    fn ranges_are_of_any_owner() {
        let (rows, mut random, mut steps) = (Rows::new(1, 10), Random::new(3), Vec::new());
        let mut owners = std::collections::BTreeSet::new();
        for _ in 0..100 * OWNERS {
            Work::Range1000.steps(0, &rows, &mut random, &mut steps);
            let [Step::Range { owner, rows: ROWS_OF_OWNER }] = steps[..] else { panic!("{steps:?}") };
            owners.insert(owner);
        }
        assert_eq!(owners, (1..=OWNERS).collect());
    }
}
