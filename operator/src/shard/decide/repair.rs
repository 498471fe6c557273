//! Whose data must be replaced gets a copy of another tablet's, unless a person has to see to something first.

use std::fmt;

use proto::ids::TabletAlias;
use topo::records::TabletState;

use super::super::observe::{Observation, Rest};
use super::flaw::{Flaw, flaw};
use super::{Step, sound};
use crate::agents::{SeenStatus, SeenTablet};
use crate::limits::{COPIES_PERIOD, MAX_COPIES_IN_VAIN, REPLICATION_PATIENCE};

/// What becomes of a replica whose data must be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shard) enum Repair {
    /// It gets a copy of this one's data now.
    Copy(TabletAlias),
    /// It gets one without anybody's help, but not now.
    Later,
    /// It gets none until a person has seen to this.
    Hindered(Hindrance),
}

/// What keeps a replica from a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shard) enum Hindrance {
    /// Commits wait for it alone: without it nothing is committed, and while commits wait MySQL gives no copy.
    OnlyAcker,
    /// Nobody runs a MySQL of its series.
    NoDonor,
    /// So many copies were of no use.
    TooOften(u32),
}

/// What is wrong with a replica's data, and what becomes of it; `None`: nothing is, as far as can be told.
pub(in crate::shard) fn repair(
    seen: &Observation,
    tablet: &SeenTablet,
    primary: &SeenStatus,
) -> Option<(Flaw, Repair)> {
    let why = flaw(seen, tablet, primary)?;
    let repair = repair_of(seen, tablet, &why);
    Some((why, repair))
}

/// One copy at a time: each costs its donor, and the shard, a replica for a while.
pub(super) fn provision(seen: &Observation, primary: &SeenStatus) -> Option<Step> {
    seen.sight.replicas().find_map(|tablet| match repair(seen, tablet, primary)? {
        (why, Repair::Copy(donor)) => Some(Step::Provision { alias: tablet.alias().clone(), donor, why }),
        _ => None,
    })
}

fn repair_of(seen: &Observation, tablet: &SeenTablet, why: &Flaw) -> Repair {
    let (sight, alias) = (&seen.sight, tablet.alias());
    let note = seen.note(alias);
    if why.is_of_applier() && note.copies >= MAX_COPIES_IN_VAIN {
        return Repair::Hindered(Hindrance::TooOften(note.copies));
    }
    let one_is_copied = seen.notes.values().any(|note| note.copying);
    let donor = match sight.is_acker(alias) {
        false => donor(seen, tablet),
        true if is_lost(seen, tablet, why) => sight.primary().filter(|from| series(from) == series(tablet)),
        // It leaves first, or once another one has caught up.
        true if may_leave(seen, alias, Some(why)) || another_comes(seen) => return Repair::Later,
        true => return Repair::Hindered(Hindrance::OnlyAcker),
    };
    match donor {
        None => Repair::Hindered(Hindrance::NoDonor),
        Some(_) if one_is_copied || note.copy == Rest::Until => Repair::Later,
        Some(donor) => Repair::Copy(donor.alias().clone()),
    }
}

/// Whether an acker can be done without: another one is sound. Where none is, and this one could not take over either
/// because it does not apply what it receives, one that acknowledges will do: it has received as much.
pub(super) fn may_leave(seen: &Observation, alias: &TabletAlias, why: Option<&Flaw>) -> bool {
    let sight = &seen.sight;
    let acks = |tablet: &SeenTablet| {
        sight.receives(tablet) && tablet.status.as_ref().is_some_and(|status| status.semi_sync.acks)
    };
    let mut others = sight.replicas().filter(|other| other.alias() != alias && sight.is_acker(other.alias()));
    another_acker(seen, alias) || (why.is_some_and(Flaw::is_of_applier) && others.any(acks))
}

/// Whether a replica that is no acker will be one without anybody's help.
fn another_comes(seen: &Observation) -> bool {
    let sight = &seen.sight;
    let Some((_, primary)) = sight.serving() else { return false };
    let runs = |tablet: &SeenTablet| {
        let state = tablet.status.as_ref().map(|status| status.state);
        matches!(state, Some(TabletState::Fenced | TabletState::Replicating))
    };
    let comes = |tablet: &SeenTablet| match (repair(seen, tablet, primary), seen.note(tablet.alias())) {
        (Some((_, repair)), _) => !matches!(repair, Repair::Hindered(_)),
        (None, note) if note.copying => true,
        (None, note) => runs(tablet) && note.broken_for.is_none_or(|broken| broken < REPLICATION_PATIENCE),
    };
    sight.replicas().filter(|tablet| !sight.is_acker(tablet.alias())).any(comes)
}

/// Whether an acker other than this one is sound.
fn another_acker(seen: &Observation, alias: &TabletAlias) -> bool {
    sound(seen).any(|other| other.alias() != alias && seen.sight.is_acker(other.alias()))
}

/// An acker that has nothing which anybody counts on any more, and that nobody can stand in for so that it could be
/// taken out first. The primary has all that it ever acknowledged.
fn is_lost(seen: &Observation, tablet: &SeenTablet, why: &Flaw) -> bool {
    let is_gone = match why {
        Flaw::Empty(_) => true,
        // A primary that cannot read its binary log says the same: then what the acker has is still wanted.
        Flaw::Purged => lacks_what_is_purged(seen, tablet),
        _ => false,
    };
    is_gone && !seen.sight.receives(tablet) && !another_acker(seen, tablet.alias())
}

fn lacks_what_is_purged(seen: &Observation, tablet: &SeenTablet) -> bool {
    let primary = seen.sight.primary().and_then(|primary| primary.status.as_ref());
    let lacks =
        |own: &SeenStatus, primary: &SeenStatus| !own.executed_or_received().contains_all(&primary.purged);
    tablet.status.as_ref().zip(primary).is_some_and(|(own, primary)| lacks(own, primary))
}

/// Whose copies failed least often; of those the sound replica with the least to do, else the primary. MySQL copies
/// between servers of one series only.
fn donor<'s>(seen: &'s Observation, to: &SeenTablet) -> Option<&'s SeenTablet> {
    let sight = &seen.sight;
    let fits = |tablet: &&SeenTablet| tablet.alias() != to.alias() && series(tablet) == series(to);
    let load = |tablet: &SeenTablet| tablet.status.as_ref().map_or(u32::MAX, |status| status.threads_running);
    let failed = &seen.note(to.alias()).failed;
    let failures = |tablet: &SeenTablet| failed.get(tablet.alias()).copied().unwrap_or_default();
    // What the primary may lack must not be spread.
    let level = |tablet: &&SeenTablet| seen.sight.surplus(tablet).is_empty();
    let replicas =
        sound(seen).filter(fits).filter(level).map(|tablet| (failures(tablet), 0, load(tablet), tablet));
    let primary = sight.primary().filter(fits).map(|tablet| (failures(tablet), 1, load(tablet), tablet));
    let best = replicas.chain(primary).min_by_key(|(failures, place, load, _)| (*failures, *place, *load));
    best.map(|(.., tablet)| tablet)
}

/// Servers of one series have one major and one minor number.
fn series(tablet: &SeenTablet) -> Option<Vec<&str>> {
    Some(tablet.status.as_ref()?.mysql_version.split('.').take(2).collect())
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyAcker => f.write_str(
                "commits wait for it alone, so it gets no copy of another tablet's data; give the keyspace one more \
                 tablet a shard (`tablets:` in the cluster file), and it gets one when that has caught up",
            ),
            Self::NoDonor => f.write_str(
                "no other tablet of the shard runs a MySQL of its series, and MySQL copies between no others; start \
                 them all with the same mysqld",
            ),
            Self::TooOften(copies) => write!(
                f,
                "it got {copies} copies of another tablet's data within {} minutes, in vain; find out what writes to \
                 its mysqld beside replication (`shoal events` tells what it met each time); it gets another one when \
                 the first of them is as old",
                COPIES_PERIOD.as_secs() / 60
            ),
        }
    }
}

#[cfg(test)]
mod tests;
