//! What the writers were told, held against what is there. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use proto::ids::ShardRef;
use topo::value::ShardingValue;
use topo::vindex::Vindex;

use super::history::{Deed, Fate, History, WriteId};

/// Findings that a verdict prints in full.
const SHOWN_FINDINGS: usize = 12;

/// What one mysqld holds.
#[derive(Debug, Clone)]
pub struct Content {
    /// The tablet.
    pub alias: String,
    /// The shard whose data it holds.
    pub shard: ShardRef,
    /// Whether it takes writes.
    pub part: Part,
    /// The rows of `ledger`, in the order in which they were made.
    pub rows: Vec<Row>,
    /// The rows of `registers`.
    pub registers: Vec<Row>,
}

/// Whether a mysqld takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It does.
    Primary,
    /// It does not.
    Replica,
}

/// A row of either table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Key of the row: in `ledger` the write's id, in `registers` the writer.
    pub key: u64,
    /// Who wrote it.
    pub writer: u32,
    /// By which of its writes.
    pub number: u32,
    /// What was written.
    pub value: String,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// An acknowledged write is nowhere.
    Lost(WriteId),
    /// A write is there more than once; on these tablets.
    Doubled(WriteId, Vec<String>),
    /// A row is on a shard whose range does not hold its keyspace ID.
    Misplaced(WriteId, ShardRef),
    /// A row holds something else than was written.
    WrongValue(WriteId, String),
    /// A register holds an acknowledged write although its writer's later one was acknowledged too; or rows of one
    /// writer stand in another order than they were acknowledged in.
    OutOfOrder(WriteId, WriteId),
    /// A write that was refused was executed.
    RefusedButThere(WriteId, String),
    /// A row that nobody wrote.
    NeverWritten(String, u64),
    /// A replica holds something else than its primary.
    ReplicaDiffers(String, String),
    /// So many mysqlds of a shard take writes.
    Writable(ShardRef, usize),
}

/// The outcome.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// What must not be; empty is good.
    pub findings: Vec<Finding>,
    /// Acknowledged writes that were looked for.
    pub acknowledged: usize,
    /// Writes of unknown fate that turned out to be there, and all of them.
    pub unknown: (usize, usize),
    /// mysqlds that were read.
    pub tablets: usize,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} findings; {} acknowledged writes on {} tablets, {} of {} of unknown fate are there",
            self.findings.len(),
            self.acknowledged,
            self.tablets,
            self.unknown.0,
            self.unknown.1
        )?;
        self.findings.iter().take(SHOWN_FINDINGS).try_for_each(|finding| write!(f, "\n  {finding:?}"))
    }
}

/// Holds the history against the contents of all tablets.
pub fn judge(history: &History, vindex: Vindex, contents: &[Content]) -> Verdict {
    let primaries: Vec<&Content> = contents.iter().filter(|content| content.part == Part::Primary).collect();
    let fates: HashMap<WriteId, (&Fate, Deed)> =
        history.writes.iter().map(|write| (write.id, (&write.fate, write.deed))).collect();
    let mut findings = writable(contents);
    findings.extend(rows(&primaries, vindex, &fates));
    findings.extend(lost(history, &primaries));
    findings.extend(row_order(&primaries, &fates));
    findings.extend(registers(history, &primaries, vindex));
    findings.extend(replicas(contents));
    findings.sort();
    findings.dedup();
    let there: BTreeSet<u64> =
        primaries.iter().flat_map(|content| &content.rows).map(|row| row.key).collect();
    let unknown: Vec<u64> = history
        .writes
        .iter()
        .filter(|write| matches!(write.fate, Fate::Unknown(_)) && write.deed == Deed::Insert)
        .map(|write| write.id.id())
        .collect();
    Verdict {
        findings,
        acknowledged: history.writes.iter().filter(|write| write.fate == Fate::Acknowledged).count(),
        unknown: (unknown.iter().filter(|id| there.contains(id)).count(), unknown.len()),
        tablets: contents.len(),
    }
}

fn writable(contents: &[Content]) -> Vec<Finding> {
    let mut counts: BTreeMap<&ShardRef, usize> = BTreeMap::new();
    for content in contents {
        *counts.entry(&content.shard).or_default() += usize::from(content.part == Part::Primary);
    }
    let bad = counts.into_iter().filter(|(_, count)| *count != 1);
    bad.map(|(shard, count)| Finding::Writable(shard.clone(), count)).collect()
}

fn write_of(row: &Row) -> WriteId {
    WriteId { writer: row.writer, number: row.number }
}

fn belongs(shard: &ShardRef, vindex: Vindex, key: u64) -> bool {
    vindex.map(&ShardingValue::Unsigned(key)).is_ok_and(|id| shard.range.contains(&id))
}

/// Every row that is there: is it one that was written, as it was written, where it belongs, and only once?
fn rows(primaries: &[&Content], vindex: Vindex, fates: &HashMap<WriteId, (&Fate, Deed)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut places: BTreeMap<WriteId, Vec<String>> = BTreeMap::new();
    for content in primaries {
        for row in &content.rows {
            let write = write_of(row);
            match fates.get(&write) {
                Some((_, Deed::Overwrite)) | None => {
                    findings.push(Finding::NeverWritten(content.alias.clone(), row.key));
                }
                Some((Fate::Refused(why), _)) => findings.push(Finding::RefusedButThere(write, why.clone())),
                Some(_) => {}
            }
            if row.key != write.id() || row.value != write.value() {
                findings.push(Finding::WrongValue(write, row.value.clone()));
            }
            if !belongs(&content.shard, vindex, row.key) {
                findings.push(Finding::Misplaced(write, content.shard.clone()));
            }
            places.entry(write).or_default().push(content.alias.clone());
        }
    }
    let doubled = places.into_iter().filter(|(_, places)| places.len() > 1);
    findings.extend(doubled.map(|(write, places)| Finding::Doubled(write, places)));
    findings
}

fn lost(history: &History, primaries: &[&Content]) -> Vec<Finding> {
    let there: BTreeSet<WriteId> = primaries.iter().flat_map(|content| &content.rows).map(write_of).collect();
    let wanted =
        history.writes.iter().filter(|write| write.fate == Fate::Acknowledged && write.deed == Deed::Insert);
    wanted.filter(|write| !there.contains(&write.id)).map(|write| Finding::Lost(write.id)).collect()
}

/// A writer waits for each acknowledgement before its next write, so its acknowledged rows must have been made
/// in the order of their numbers.
fn row_order(primaries: &[&Content], fates: &HashMap<WriteId, (&Fate, Deed)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for content in primaries {
        let mut latest: HashMap<u32, WriteId> = HashMap::new();
        let acknowledged = |write: &WriteId| matches!(fates.get(write), Some((Fate::Acknowledged, _)));
        for write in content.rows.iter().map(write_of).filter(acknowledged) {
            let before = latest.insert(write.writer, write);
            findings
                .extend(before.filter(|b| b.number > write.number).map(|b| Finding::OutOfOrder(b, write)));
        }
    }
    findings
}

/// A register may hold its writer's last acknowledged overwrite, or one of unknown fate, which may be executed
/// at any time after it was sent.
fn registers(history: &History, primaries: &[&Content], vindex: Vindex) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut last: BTreeMap<u32, WriteId> = BTreeMap::new();
    let mut fates: HashMap<WriteId, &Fate> = HashMap::new();
    for write in history.writes.iter().filter(|write| write.deed == Deed::Overwrite) {
        fates.insert(write.id, &write.fate);
        if write.fate == Fate::Acknowledged {
            let latest = last.entry(write.id.writer).or_insert(write.id);
            *latest = (*latest).max(write.id);
        }
    }
    let mut seen: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for content in primaries {
        for row in &content.registers {
            let write = write_of(row);
            seen.entry(write.writer).or_default().push(content.alias.clone());
            if !belongs(&content.shard, vindex, row.key) {
                findings.push(Finding::Misplaced(write, content.shard.clone()));
            }
            let wanted = if write.number == 0 { String::new() } else { write.value() };
            if row.key != u64::from(row.writer) || row.value != wanted {
                findings.push(Finding::WrongValue(write, row.value.clone()));
            }
            let last = last.get(&write.writer).copied();
            match fates.get(&write) {
                Some(Fate::Unknown(_)) => {}
                Some(Fate::Refused(why)) => findings.push(Finding::RefusedButThere(write, why.clone())),
                // Acknowledged, or the row's beginning, number 0.
                _ => findings.extend(last.filter(|&l| l != write).map(|l| Finding::OutOfOrder(l, write))),
            }
        }
    }
    findings
        .extend(last.iter().filter(|(writer, _)| !seen.contains_key(writer)).map(|(_, w)| Finding::Lost(*w)));
    let doubled = seen.into_iter().filter(|(_, places)| places.len() > 1);
    findings.extend(doubled.map(|(writer, places)| Finding::Doubled(WriteId { writer, number: 0 }, places)));
    findings
}

fn replicas(contents: &[Content]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for replica in contents.iter().filter(|content| content.part == Part::Replica) {
        let primary = contents.iter().find(|c| c.shard == replica.shard && c.part == Part::Primary);
        let Some(primary) = primary else { continue };
        for (table, here, there) in
            [("ledger", &replica.rows, &primary.rows), ("registers", &replica.registers, &primary.registers)]
        {
            if let Some(what) = difference(here, there) {
                findings.push(Finding::ReplicaDiffers(replica.alias.clone(), format!("{table}: {what}")));
            }
        }
    }
    findings
}

/// How two mysqlds that ought to hold the same differ.
fn difference(replica: &[Row], primary: &[Row]) -> Option<String> {
    let (here, there): (BTreeSet<&Row>, BTreeSet<&Row>) =
        (replica.iter().collect(), primary.iter().collect());
    let missing: Vec<WriteId> = there.difference(&here).map(|row| write_of(row)).collect();
    let extra: Vec<WriteId> = here.difference(&there).map(|row| write_of(row)).collect();
    let first =
        |writes: &[WriteId]| writes.first().map_or(String::new(), |write| format!(" (first: {write})"));
    let differs = !missing.is_empty() || !extra.is_empty() || replica.len() != primary.len();
    differs.then(|| {
        format!(
            "{} rows instead of {}, {} missing{}, {} more{}",
            replica.len(),
            primary.len(),
            missing.len(),
            first(&missing),
            extra.len(),
            first(&extra)
        )
    })
}

#[cfg(test)]
mod tests;
