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
//! | a replica that is no acker cannot catch up by itself | give it a copy, one at a time (`repair`) |
//! | an acker has lost its data, and no other one is fit | give it a copy of the primary's |
//! | a replica cannot apply what it receives after copy upon copy | leave it to a person |
//! | its commits wait for replicas or do not, against what its keyspace asks for | begin a new term |

mod flaw;
mod repair;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proto::ids::{TabletAlias, TabletRole, Term};
use topo::records::{Durability, TabletState};

pub(super) use flaw::{Flaw, flaw};
pub(super) use repair::{Repair, repair};

use super::observe::{Observation, Rest};
use crate::agents::{SeenStatus, SeenTablet};
use crate::limits::{ABANDONED_AFTER, BOOTSTRAP_PATIENCE, SILENCE_PATIENCE, SUSPICION_PATIENCE};
use crate::repairs::Needed;
use crate::sight::ShardSight;

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
    steps.extend(repair::provision(seen, primary));
    steps.extend(renew(seen));
    steps
}

/// What is to be told of the replicas whose data must be replaced.
pub(super) fn needed(seen: &Observation) -> BTreeMap<TabletAlias, Needed> {
    let Some((_, primary)) = seen.sight.serving() else { return BTreeMap::new() };
    let needed = seen.sight.replicas().filter_map(|tablet| {
        let (flaw, repair) = repair(seen, tablet, primary)?;
        let hindrance = match repair {
            Repair::Hindered(hindrance) => hindrance.to_string(),
            Repair::Copy(_) | Repair::Later => String::new(),
        };
        Some((tablet.alias().clone(), Needed { flaw: flaw.to_string(), hindrance }))
    });
    needed.collect()
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
        note.errant.is_empty()
            && note.broken_for.is_none()
            && note.suspected_for.is_none_or(|time| time < SUSPICION_PATIENCE)
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
    sight.replicas().filter(|tablet| sight.is_acker(tablet.alias())).find_map(|tablet| {
        let status = tablet.status.as_ref()?;
        let flaw = flaw(seen, tablet, primary);
        let why = match &flaw {
            Some(flaw) => flaw.to_string(),
            None if status.state == TabletState::GivenUp => "its mysqld is left down".to_owned(),
            None => return None,
        };
        let alias = tablet.alias();
        repair::may_leave(seen, alias, flaw.as_ref()).then(|| Step::TakeOutAcker(alias.clone(), why))
    })
}

/// An acker that was asked to leave, by a control that died before it took it out of the record, or for a copy that
/// it got while it was listed.
fn reaffirm(seen: &Observation, primary: &SeenStatus) -> Option<Step> {
    let silent = |tablet: &SeenTablet| {
        seen.note(tablet.alias()).silent_for.is_some_and(|lasting| lasting >= SILENCE_PATIENCE)
    };
    able_to_ack(seen, primary).into_iter().any(silent).then_some(Step::Reaffirm)
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

#[cfg(test)]
mod tests;
