//! What a shard needs. Pure: a table of cases.
//!
//! | the shard | then |
//! |---|---|
//! | a tablet knows a term that the record does not | stuck: the topology has lost records |
//! | a change of primary is under way | leave it; end it once nobody carries it out |
//! | has no primary | appoint one, once its tablets are there |
//! | its primary does not serve | remind it |
//! | a replica has not taken its role | remind it |
//! | its commits wait for replicas, and a fit one is not among those | add it |
//! | its commits wait for replicas, none of which acknowledges | add whoever receives them |
//! | an acker must be copied anew or is given up, and another one is fit | take it out |
//! | a sound acker acknowledges nothing under a record that stays as it is | write that again |
//! | a replica that is no acker cannot catch up by itself | give it a copy, one at a time |
//! | an acker has lost its data, and no other one is fit | give it a copy of the primary's |
//! | its commits wait for replicas or do not, against what its keyspace asks for | begin a new term |

use std::collections::BTreeSet;
use std::fmt;

use proto::gtid::GtidSet;
use proto::ids::{TabletAlias, TabletRole, Term};
use proto::rpc::tablet::ThreadState;
use topo::records::{Durability, TabletState};

use super::observe::{Observation, Rest};
use crate::agents::{SeenStatus, SeenTablet};
use crate::limits::{
    ABANDONED_AFTER, APPLIER_PATIENCE, BOOTSTRAP_PATIENCE, MAX_REPLAY, REPLICATION_PATIENCE,
    SILENCE_PATIENCE, SUSPICION_PATIENCE,
};
use crate::sight::{ShardSight, one_line};

/// MySQL's code for a source that has purged what a replica needs, or cannot read its binary log.
const SOURCE_CANNOT_SEND: u32 = 13114;

/// One thing to be done for a shard. Those of one observation may be done in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Write that the tablet is primary under the term, then tell it.
    Appoint {
        /// The tablet.
        alias: TabletAlias,
        /// The new term.
        term: Term,
        /// Whose acknowledgement commits wait for.
        ackers: BTreeSet<TabletAlias>,
    },
    /// The record says it, but the tablet does not act so yet: tell it again.
    Remind(TabletAlias, TabletRole),
    /// Write that these may acknowledge, too.
    AddAckers(BTreeSet<TabletAlias>),
    /// Make it stop acknowledging, then write that it does not.
    TakeOutAcker(TabletAlias, String),
    /// Write the record as it is: an acker that was asked to leave takes part again under another revision.
    Reaffirm,
    /// Replace its data by the donor's.
    Provision {
        /// The tablet.
        alias: TabletAlias,
        /// Whose data.
        donor: TabletAlias,
        /// What is wrong with its own.
        why: Flaw,
    },
    /// Begin a term of the same primary in which commits wait as the keyspace asks for.
    Renew,
    /// End a change of primary that nobody carries out any more.
    EndTransition,
    /// Nothing can be done, and somebody ought to know.
    Stuck(Stuck),
}

/// Why a shard cannot be given a primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stuck {
    /// A tablet has accepted a term that the topology knows nothing of.
    TermUnknown {
        /// The tablet.
        alias: TabletAlias,
        /// Its term.
        term: Term,
        /// The topology's.
        known: Term,
    },
    /// Each tablet has transactions that the others lack.
    Apart,
}

/// Why a replica's data must be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It has transactions that the primary lacks.
    Errant(GtidSet),
    /// What it lacks is no longer in the primary's binary log.
    Purged,
    /// It is empty, and the primary has so many transactions.
    Empty(u64),
    /// Its applier stopped and did not go on again; MySQL's text.
    ApplierStopped(String),
}

/// What follows from an observation.
pub(super) fn decide(seen: &Observation) -> Vec<Step> {
    let sight = &seen.sight;
    if let Some(stuck) = term_unknown(sight) {
        return vec![Step::Stuck(stuck)];
    }
    if let Some(lasting) = seen.transition_for {
        return if lasting >= ABANDONED_AFTER { vec![Step::EndTransition] } else { Vec::new() };
    }
    if sight.primary_alias().is_none() {
        return appoint(seen).into_iter().collect();
    }
    let mut steps: Vec<Step> = reminders(sight).collect();
    let Some((_, primary)) = sight.serving() else { return steps };
    let ackers = steps.len();
    steps.extend(add_ackers(seen, primary));
    steps.extend(take_out_acker(seen, primary));
    // Each of those makes a new revision, too.
    if steps.len() == ackers {
        steps.extend(reaffirm(seen, primary));
    }
    steps.extend(provision(seen, primary));
    steps.extend(renew(seen));
    steps
}

fn term_unknown(sight: &ShardSight) -> Option<Stuck> {
    let known = sight.record.as_ref().map_or(Term(0), |stored| stored.value.highest_term());
    let ahead = |tablet: &SeenTablet| {
        let term = tablet.status.as_ref()?.term;
        (term > known).then(|| Stuck::TermUnknown { alias: tablet.alias().clone(), term, known })
    };
    sight.tablets.iter().find_map(ahead)
}

/// The first primary: of the tablets that wait for one, the first that has everything that any of them has.
fn appoint(seen: &Observation) -> Option<Step> {
    let sight = &seen.sight;
    let wanted = usize::from(sight.keyspace.tablets);
    let semi_sync = sight.keyspace.durability == Durability::SemiSync && wanted > 1;
    let waiting = sight.tablets.iter().filter_map(|tablet| {
        let status = tablet.status.as_ref().filter(|status| status.state == TabletState::Fenced)?;
        Some((tablet.alias(), status))
    });
    let waiting: Vec<(&TabletAlias, &SeenStatus)> = waiting.collect();
    let patient = seen.vacant_for.is_some_and(|vacant| vacant < BOOTSTRAP_PATIENCE);
    let enough = if patient {
        wanted
    } else if semi_sync {
        2
    } else {
        1
    };
    if waiting.is_empty() || waiting.len() < enough {
        return None;
    }
    let has_all =
        |status: &SeenStatus| waiting.iter().all(|(_, other)| status.executed.contains_all(&other.executed));
    let Some((alias, _)) = waiting.iter().find(|(_, status)| has_all(status)) else {
        return Some(Step::Stuck(Stuck::Apart));
    };
    let others = waiting.iter().filter(|(other, _)| other != alias && semi_sync);
    let ackers = others.map(|(other, _)| (*other).clone()).collect();
    Some(Step::Appoint { alias: (*alias).clone(), term: sight.term().next(), ackers })
}

/// Tablets that the record gives a role which they have not taken.
fn reminders(sight: &ShardSight) -> impl Iterator<Item = Step> {
    sight.tablets.iter().filter_map(|tablet| {
        let status = tablet.status.as_ref()?;
        let alias = tablet.alias();
        if sight.primary_alias() == Some(alias) {
            let serves = status.serves_as_primary(sight.term());
            return (!serves).then(|| Step::Remind(alias.clone(), TabletRole::Primary));
        }
        let follows = status.role == Some(TabletRole::Replica) && status.term == sight.term();
        (!follows).then(|| Step::Remind(alias.clone(), TabletRole::Replica))
    })
}

fn commits_wait(sight: &ShardSight) -> bool {
    sight.record.as_ref().is_some_and(|stored| !stored.value.ackers.is_empty())
}

/// Fit to take over, and not about to be found otherwise. Under load a replica is often seen to be ahead of what was
/// seen of its primary, but not for long.
fn sound(seen: &Observation) -> impl Iterator<Item = &SeenTablet> {
    seen.sight.fit_replicas().filter(|tablet| {
        let note = seen.note(tablet.alias());
        note.errant.is_empty() && note.suspected_for.is_none_or(|time| time < SUSPICION_PATIENCE)
    })
}

/// Whether any acker could release a commit now.
fn somebody_acks(sight: &ShardSight) -> bool {
    let acks = |tablet: &SeenTablet| tablet.status.as_ref().is_some_and(|status| status.semi_sync.acks);
    sight.fit_replicas().any(|tablet| sight.is_acker(tablet.alias()) && acks(tablet))
}

/// Who may take part in acknowledging: the sound. But while nobody does, everybody who receives: then commits wait
/// without end, and with them the heartbeats by which lag is told, while a replica executes what waits and looks
/// errant by that. It endangers no acknowledged write: who acknowledges one has received all before it.
fn able_to_ack<'s>(seen: &'s Observation, primary: &SeenStatus) -> Vec<&'s SeenTablet> {
    let sight = &seen.sight;
    if somebody_acks(sight) {
        return sound(seen).collect();
    }
    let receives = |tablet: &&SeenTablet| sight.receives(tablet) && flaw(seen, tablet, primary).is_none();
    sight.replicas().filter(receives).collect()
}

fn add_ackers(seen: &Observation, primary: &SeenStatus) -> Option<Step> {
    let sight = &seen.sight;
    // Also commits that are to wait no longer must end before the term in which they wait.
    let wanted = sight.keyspace.durability == Durability::SemiSync || !somebody_acks(sight);
    if !commits_wait(sight) || !wanted {
        return None;
    }
    let able = able_to_ack(seen, primary).into_iter().map(SeenTablet::alias);
    let new: BTreeSet<TabletAlias> = able.filter(|alias| !sight.is_acker(alias)).cloned().collect();
    (!new.is_empty()).then_some(Step::AddAckers(new))
}

/// An acker whose agent does not answer is left alone: nobody could say that it has stopped acknowledging.
fn take_out_acker(seen: &Observation, primary: &SeenStatus) -> Option<Step> {
    let sight = &seen.sight;
    let lost = sight.replicas().filter(|tablet| sight.is_acker(tablet.alias())).find_map(|tablet| {
        let status = tablet.status.as_ref()?;
        let why = match flaw(seen, tablet, primary) {
            Some(flaw) => flaw.to_string(),
            None if status.state == TabletState::GivenUp => "its mysqld is left down".to_owned(),
            None => return None,
        };
        Some((tablet.alias(), why))
    });
    let (alias, why) = lost?;
    another_acker(seen, alias).then(|| Step::TakeOutAcker(alias.clone(), why))
}

/// Whether an acker other than this one is sound.
fn another_acker(seen: &Observation, alias: &TabletAlias) -> bool {
    sound(seen).any(|other| other.alias() != alias && seen.sight.is_acker(other.alias()))
}

/// An acker that was asked to leave, by a control that died before it took it out of the record, or for a copy that
/// it got while it was listed.
fn reaffirm(seen: &Observation, primary: &SeenStatus) -> Option<Step> {
    let silent = |tablet: &SeenTablet| {
        seen.note(tablet.alias()).silent_for.is_some_and(|lasting| lasting >= SILENCE_PATIENCE)
    };
    able_to_ack(seen, primary).into_iter().any(silent).then_some(Step::Reaffirm)
}

/// One copy at a time: each costs its donor, and the shard, a replica for a while.
fn provision(seen: &Observation, primary: &SeenStatus) -> Option<Step> {
    let sight = &seen.sight;
    if seen.notes.values().any(|note| note.copying) {
        return None;
    }
    let needs_copy = |tablet: &SeenTablet| {
        let ready = seen.note(tablet.alias()).copy == Rest::Over;
        let why = if ready { flaw(seen, tablet, primary)? } else { return None };
        let donor = match sight.is_acker(tablet.alias()) {
            false => donor(seen, tablet)?,
            true if is_lost(seen, tablet, &why) => {
                sight.primary().filter(|from| series(from) == series(tablet))?
            }
            true => return None,
        };
        Some((tablet.alias().clone(), donor.alias().clone(), why))
    };
    let (alias, donor, why) = sight.replicas().find_map(needs_copy)?;
    Some(Step::Provision { alias, donor, why })
}

/// An acker that has nothing which anybody counts on any more, and that nobody can stand in for so that it could be
/// taken out first. The primary has all that it ever acknowledged.
fn is_lost(seen: &Observation, tablet: &SeenTablet, why: &Flaw) -> bool {
    matches!(why, Flaw::Purged | Flaw::Empty(_))
        && !seen.sight.receives(tablet)
        && !another_acker(seen, tablet.alias())
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

/// Why the replica's data must be replaced; `None` if it need not, or that cannot be told now.
pub(super) fn flaw(seen: &Observation, tablet: &SeenTablet, primary: &SeenStatus) -> Option<Flaw> {
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
    let (code, text) = status.replication.as_ref()?.error.as_ref()?;
    let applier = status.replication.as_ref()?.applier;
    match note.broken_for {
        Some(broken) if *code == SOURCE_CANNOT_SEND && broken >= REPLICATION_PATIENCE => Some(Flaw::Purged),
        Some(broken) if applier == ThreadState::Stopped && broken >= APPLIER_PATIENCE => {
            Some(Flaw::ApplierStopped(text.clone()))
        }
        _ => None,
    }
}

/// Whether commits wait is settled for a whole term, so another wish takes a new one.
fn renew(seen: &Observation) -> Option<Step> {
    if seen.renewal == Rest::Until {
        return None;
    }
    let due = match (seen.sight.keyspace.durability, commits_wait(&seen.sight)) {
        (Durability::SemiSync, false) => sound(seen).next().is_some(),
        (Durability::Async, true) => true,
        _ => false,
    };
    due.then_some(Step::Renew)
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TermUnknown { alias, term, known } => write!(
                f,
                "tablet {alias} has accepted term {term}, but the topology knows terms up to {known} only: it has \
                 lost records, and no primary is chosen; restore the topology store's data"
            ),
            Self::Apart => f.write_str(
                "each tablet has transactions that another one lacks, so none can be the primary without a loss; \
                 compare them with `shoal get tablets --gtids` and remove the tablets that are wrong",
            ),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errant(set) => write!(f, "it has transactions that the primary lacks: {}", one_line(set)),
            Self::Purged => f.write_str("what it lacks is no longer in the primary's binary log"),
            Self::Empty(behind) => write!(f, "it is empty, and the primary has {behind} transactions"),
            Self::ApplierStopped(text) => write!(f, "it cannot apply what it received: {text}"),
        }
    }
}

#[cfg(test)]
mod tests;
