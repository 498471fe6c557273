//! Why a replica's data must be replaced.

use std::fmt;
use std::time::Duration;

use proto::gtid::GtidSet;
use proto::ids::TabletRole;
use proto::rpc::tablet::ThreadState;
use topo::records::TabletState;

use super::super::observe::Observation;
use crate::agents::{SeenReplication, SeenStatus, SeenTablet};
use crate::limits::{APPLIER_PATIENCE, MAX_REPLAY, REPLICATION_PATIENCE};
use crate::sight::one_line;

/// MySQL's code for a source that has purged what a replica needs, or cannot read its binary log.
pub(super) const SOURCE_CANNOT_SEND: u32 = 13114;

/// MySQL's codes for a change that does not fit the rows or tables that it meets. The primary made it, so what it
/// meets here is not what was there, and it never fits however often it is tried.
const DOES_NOT_FIT: &[u32] = &[
    1007, // a database that is there already
    1008, 1049, // one that is not there
    1022, 1062, 1169, 1586, // a key that is there already
    1032, // a row that is not there
    1048, 1264, 1364, 1406, 3819, // a value that the column or its table refuses
    1050, // a table that is there already
    1051, 1146, // one that is not there
    1054, 1060, 1061, 1091, // a column or key that is there already, or is not
    1216, 1217, 1451, 1452, 1761, 1762, // a foreign key's other side
    1396, // an account that is there already, or is not
    1535, 1677, // a table of other columns
];

/// MySQL's codes for what has nothing to do with the data: it goes by, or somebody has to make room. A copy would
/// cure none of it.
const GOES_BY: &[u32] = &[
    1020, 1205, 1213, // another transaction was in the way
    1021, 1026, 1114, // there is no room on the disk
    1037, 1038, 1041, 1135, // there is no memory
    1053, 1317, // it was told to end
];

/// Why a replica's data must be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shard) enum Flaw {
    /// It has transactions that the primary lacks.
    Errant(GtidSet),
    /// What it lacks is no longer in the primary's binary log.
    Purged,
    /// It is empty, and the primary has so many transactions.
    Empty(u64),
    /// What its primary changed is not there, or is there already; MySQL's text.
    Diverged(String),
    /// Its applier stopped and did not go on again; MySQL's text.
    ApplierStopped(String),
}

impl Flaw {
    /// Whether it receives everything all the same.
    pub(super) fn is_of_applier(&self) -> bool {
        matches!(self, Self::Diverged(_) | Self::ApplierStopped(_))
    }
}

/// Why the replica's data must be replaced; `None` if it need not, or that cannot be told now.
pub(in crate::shard) fn flaw(seen: &Observation, tablet: &SeenTablet, primary: &SeenStatus) -> Option<Flaw> {
    let status = tablet.status.as_ref()?;
    let note = seen.note(tablet.alias());
    if !matches!(status.state, TabletState::Fenced | TabletState::Replicating)
        || status.role != Some(TabletRole::Replica)
    {
        return None;
    }
    if !note.errant.is_empty() {
        return Some(Flaw::Errant(note.errant.clone()));
    }
    let has = status.executed_or_received();
    if !has.contains_all(&primary.purged) {
        return Some(Flaw::Purged);
    }
    let behind = primary.executed.transactions();
    if status.executed.is_empty() && behind > MAX_REPLAY {
        return Some(Flaw::Empty(behind));
    }
    let broken = note.broken_for.filter(|broken| *broken >= REPLICATION_PATIENCE)?;
    let replication = status.replication.as_ref()?;
    match replication.error {
        Some((SOURCE_CANNOT_SEND, _)) => Some(Flaw::Purged),
        _ => of_applier(replication, note.stopped_by.as_ref()?, broken),
    }
}

/// What does not fit will not fit either while it is tried again; anything else may go on for as long as it runs.
fn of_applier(replication: &SeenReplication, (code, text): &(u32, String), broken: Duration) -> Option<Flaw> {
    let stopped = replication.applier == ThreadState::Stopped;
    match code {
        code if DOES_NOT_FIT.contains(code) => Some(Flaw::Diverged(text.clone())),
        code if GOES_BY.contains(code) => None,
        _ => (stopped && broken >= APPLIER_PATIENCE).then(|| Flaw::ApplierStopped(text.clone())),
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errant(set) => write!(f, "it has transactions that the primary lacks: {}", one_line(set)),
            Self::Purged => f.write_str("what it lacks is no longer in the primary's binary log"),
            Self::Empty(behind) => write!(f, "it is empty, and the primary has {behind} transactions"),
            Self::Diverged(text) => write!(f, "its data is not its primary's: {text}"),
            Self::ApplierStopped(text) => write!(f, "it cannot apply what it received: {text}"),
        }
    }
}
