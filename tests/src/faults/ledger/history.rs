//! What the writers did and what they were told, in the order of time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Writes of one writer have numbers below this; `id = writer * WRITES_A_WRITER + number`.
const WRITES_A_WRITER: u64 = 1_000_000;

/// Which write: of which writer, and the how-manieth of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId {
    /// The writer, counted from 1.
    pub writer: u32,
    /// Counted from 1 in each writer.
    pub number: u32,
}

impl WriteId {
    /// As it stands in the table, unique over all writers.
    pub fn id(self) -> u64 {
        u64::from(self.writer) * WRITES_A_WRITER + u64::from(self.number)
    }

    /// The value that this write, and no other, writes.
    pub fn value(self) -> String {
        // The finaliser of SplitMix64: neighbours look nothing alike.
        let mut bits = self.id().wrapping_add(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", bits ^ (bits >> 31))
    }
}

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write {} of writer {}", self.number, self.writer)
    }
}

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Adds a row of its own to `ledger`.
    Insert,
    /// Overwrites its writer's row in `registers`.
    Overwrite,
}

/// What the client knows of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was told that the write is done.
    Acknowledged,
    /// It was told that the write was not executed; the error's name.
    Refused(String),
    /// Neither: the connection broke, no answer came in time, or the error says nothing of it.
    Unknown(String),
}

/// One write.
#[derive(Debug, Clone)]
pub struct Write {
    /// Which.
    pub id: WriteId,
    /// What it was to do.
    pub deed: Deed,
    /// What came of it, as the client knows.
    pub fate: Fate,
    /// When it was sent.
    pub begun: Instant,
    /// When its fate was known.
    pub ended: Instant,
}

/// All writes of a run.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// In the order in which their fates became known.
    pub writes: Vec<Write>,
}

impl History {
    /// The longest time without any acknowledgement between two moments, whose bounds count as if something
    /// were acknowledged then.
    pub fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let acknowledged = self.writes.iter().filter(|write| write.fate == Fate::Acknowledged);
        let mut moments: Vec<Instant> =
            acknowledged.map(|write| write.ended).filter(|at| (from..=to).contains(at)).collect();
        moments.extend([from, to]);
        moments.sort();
        moments.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    /// What happened between two moments.
    pub fn period(&self, from: Instant, to: Instant) -> Period {
        let mut period = Period { longest_gap: self.longest_gap(from, to), ..Period::default() };
        for write in self.writes.iter().filter(|write| (from..=to).contains(&write.ended)) {
            match &write.fate {
                Fate::Acknowledged => period.acknowledged += 1,
                Fate::Refused(name) => *period.refused.entry(name.clone()).or_default() += 1,
                Fate::Unknown(name) => *period.unknown.entry(name.clone()).or_default() += 1,
            }
        }
        period
    }
}

/// Figures of a stretch of time.
#[derive(Debug, Clone, Default)]
pub struct Period {
    /// The longest time without any acknowledgement.
    pub longest_gap: Duration,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that were refused, by the error's name.
    pub refused: BTreeMap<String, u64>,
    /// Writes of unknown fate, by what was seen.
    pub unknown: BTreeMap<String, u64>,
}

impl Period {
    /// Writes that were not acknowledged.
    pub fn failed(&self) -> u64 {
        self.refused.values().chain(self.unknown.values()).sum()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} acknowledged, longest gap {:?}", self.acknowledged, self.longest_gap)?;
        for (kind, counts) in [("refused", &self.refused), ("unknown", &self.unknown)] {
            for (name, count) in counts {
                write!(f, ", {count} {kind} ({name})")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_counts_acknowledgements_only_and_the_bounds() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let write = |ms, fate| Write {
            id: WriteId { writer: 1, number: 1 },
            deed: Deed::Insert,
            fate,
            begun: at(ms),
            ended: at(ms),
        };
        let history = History {
            writes: vec![
                write(10, Fate::Acknowledged),
                write(400, Fate::Refused("SH3001".into())),
                write(500, Fate::Acknowledged),
                write(600, Fate::Unknown("no answer".into())),
            ],
        };
        let gap = |from, to| history.longest_gap(at(from), at(to)).as_millis();
        assert_eq!((gap(0, 600), gap(500, 1000), gap(20, 30)), (490, 500, 10));
        let period = history.period(at(0), at(600));
        assert_eq!((period.acknowledged, period.failed()), (2, 2));
    }

    #[test]
    fn every_write_has_its_own_id_and_value() {
        let ids = (1..20).flat_map(|writer| (1..200).map(move |number| WriteId { writer, number }));
        let all: Vec<(u64, String)> = ids.map(|id| (id.id(), id.value())).collect();
        let distinct =
            |values: Vec<String>| values.into_iter().collect::<std::collections::HashSet<_>>().len();
        assert_eq!(distinct(all.iter().map(|(id, _)| id.to_string()).collect()), all.len());
        assert_eq!(distinct(all.iter().map(|(_, value)| value.clone()).collect()), all.len());
    }
}
