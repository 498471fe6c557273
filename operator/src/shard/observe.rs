//! A shard over time: what one look alone cannot tell. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proto::gtid::GtidSet;
use proto::ids::TabletAlias;
use proto::rpc::tablet::ThreadState;
use topo::records::{TabletState, Transition};
use topo::store::Revision;

use crate::agents::{SeenStatus, SeenTablet};
use crate::limits::{COPIES_PERIOD, COPY_PAUSE, COPY_START_PATIENCE, DEATHS_PAUSE, ERRANT_PATIENCE};
use crate::sight::ShardSight;

/// A shard as it is, and for how long it has been so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observation {
    /// As it is.
    pub(super) sight: ShardSight,
    /// For how long it has had no primary.
    pub(super) vacant_for: Option<Duration>,
    /// For how long the change of primary in its record has been under way.
    pub(super) transition_for: Option<Duration>,
    /// For how long it has had nobody to fail over to.
    pub(super) risk_for: Option<Duration>,
    /// Whether a change of its durability failed a moment ago.
    pub(super) renewal: Rest,
    /// What is known of its tablets beyond their status.
    pub(super) notes: BTreeMap<TabletAlias, Note>,
}

/// What is known of a tablet beyond its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Note {
    /// For how long its agent has not answered.
    pub(super) away_for: Option<Duration>,
    /// For how long its mysqld had been down, other than for a copy, when its agent last answered.
    pub(super) down_for: Option<Duration>,
    /// For how long its mysqld has run without replicating. One whose applier is started again and again, and never
    /// applies anything, has not replicated meanwhile.
    pub(super) broken_for: Option<Duration>,
    /// What last stopped its applier in that time: MySQL's code and text.
    pub(super) stopped_by: Option<(u32, String)>,
    /// How many deaths of its mysqld are to be told now.
    pub(super) deaths: u32,
    /// For how long it has had transactions that the primary was not seen to have.
    pub(super) suspected_for: Option<Duration>,
    /// For how long it has replicated without acknowledging, though a record lists it that has not changed since.
    pub(super) silent_for: Option<Duration>,
    /// Transactions that it has and the primary certainly lacks.
    pub(super) errant: GtidSet,
    /// Its data is being replaced, or was until its mysqld went away.
    pub(super) copying: bool,
    /// Whether a copy ended, or was not begun, a moment ago.
    pub(super) copy: Rest,
    /// How many copies were begun within `COPIES_PERIOD`.
    pub(super) copies: u32,
    /// How many copies of whose data did not make a replica of it, since it last was one.
    pub(super) failed: BTreeMap<TabletAlias, u32>,
}

/// Whether something that failed is left alone for a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Rest {
    /// It may be tried.
    #[default]
    Over,
    /// Not yet.
    Until,
}

impl Rest {
    fn at(now: Instant, until: Option<Instant>) -> Self {
        if until.is_some_and(|until| now < until) { Self::Until } else { Self::Over }
    }
}

impl Observation {
    /// What is known of the tablet beyond its status.
    pub(super) fn note(&self, alias: &TabletAlias) -> &Note {
        const NOTHING: &Note = &Note {
            away_for: None,
            down_for: None,
            broken_for: None,
            stopped_by: None,
            deaths: 0,
            suspected_for: None,
            silent_for: None,
            errant: GtidSet::EMPTY,
            copying: false,
            copy: Rest::Over,
            copies: 0,
            failed: BTreeMap::new(),
        };
        self.notes.get(alias).unwrap_or(NOTHING)
    }
}

/// What one shard's loop remembers between its looks. Nothing is decided by it that a restarted control would
/// not decide as well, only later.
#[derive(Debug, Default)]
pub(super) struct Memory {
    vacant_since: Option<Instant>,
    transition: Option<(Transition, Instant)>,
    risk_since: Option<Instant>,
    renewal_after: Option<Instant>,
    tablets: BTreeMap<TabletAlias, TabletMemory>,
}

#[derive(Debug, Default)]
struct TabletMemory {
    away_since: Option<Instant>,
    down_since: Option<Instant>,
    down_for: Option<Duration>,
    broken: Option<Broken>,
    deaths: Option<Deaths>,
    suspects: Option<Suspects>,
    /// It was silent under the record of this revision, and from when on.
    silent_since: Option<(Revision, Instant)>,
    copying: Option<Copying>,
    copy_after: Option<Instant>,
    /// When copies were begun, within `COPIES_PERIOD`.
    copies: Vec<Instant>,
    /// Whose data it was last given.
    donor: Option<TabletAlias>,
    failed: BTreeMap<TabletAlias, u32>,
}

/// A replica that does not replicate.
#[derive(Debug)]
struct Broken {
    since: Instant,
    /// What it had executed then.
    executed: GtidSet,
    stopped_by: Option<(u32, String)>,
}

/// Deaths of a mysqld.
#[derive(Debug)]
struct Deaths {
    /// Its agent's count.
    seen: u32,
    untold: u32,
    /// When one was last told of.
    told: Option<Instant>,
}

/// Transactions that a replica had and the primary had not.
#[derive(Debug)]
struct Suspects {
    set: GtidSet,
    since: Instant,
    /// What the replica had, received or executed, at the looks before they were to be judged: a binary log is
    /// received in its order, so what is not among that is later than they are.
    had: GtidSet,
}

/// How far a copy has come.
#[derive(Debug, Clone, Copy)]
enum Copying {
    /// The agent said then that it begins.
    Begun(Instant),
    /// It was seen to be under way.
    UnderWay,
}

impl Memory {
    /// Adds a look to what is remembered.
    pub(super) fn take(&mut self, sight: ShardSight, now: Instant) -> Observation {
        self.vacant_since = match sight.primary_alias() {
            None => self.vacant_since.or(Some(now)),
            Some(_) => None,
        };
        self.risk_since = sight.risk().and_then(|_| self.risk_since.or(Some(now)));
        let transition = sight.record.as_ref().and_then(|stored| stored.value.transition.clone());
        let began = match (&self.transition, &transition) {
            (Some((known, since)), Some(seen)) if known == seen => *since,
            _ => now,
        };
        self.transition = transition.map(|transition| (transition, began));
        self.tablets.retain(|alias, _| sight.tablet(alias).is_some());
        let mut notes = BTreeMap::new();
        for tablet in &sight.tablets {
            let memory = self.tablets.entry(tablet.alias().clone()).or_default();
            notes.insert(tablet.alias().clone(), memory.take(&sight, tablet, now));
        }
        Observation {
            vacant_for: self.vacant_since.map(|since| now - since),
            transition_for: self.transition.as_ref().map(|(_, since)| now - *since),
            risk_for: self.risk_since.map(|since| now - since),
            renewal: Rest::at(now, self.renewal_after),
            notes,
            sight,
        }
    }

    /// A copy of the donor's data to the tablet has begun.
    pub(super) fn begin_copy(&mut self, alias: &TabletAlias, donor: &TabletAlias, now: Instant) {
        let tablet = self.tablets.entry(alias.clone()).or_default();
        tablet.copying = Some(Copying::Begun(now));
        tablet.donor = Some(donor.clone());
        tablet.copies.push(now);
    }

    /// No copy to the tablet before then.
    pub(super) fn rest_copy(&mut self, alias: &TabletAlias, until: Instant) {
        self.tablets.entry(alias.clone()).or_default().copy_after = Some(until);
    }

    /// No change of durability before then.
    pub(super) fn rest_renewal(&mut self, until: Instant) {
        self.renewal_after = Some(until);
    }
}

impl TabletMemory {
    fn take(&mut self, sight: &ShardSight, tablet: &SeenTablet, now: Instant) -> Note {
        let is_primary = sight.primary_alias() == Some(tablet.alias());
        let state = tablet.status.as_ref().map(|status| status.state);
        self.note_broken(sight, tablet, now);
        self.copies.retain(|begun| now - *begun < COPIES_PERIOD);
        let copied = self.copying.is_some();
        self.copying = match (state, self.copying) {
            (Some(TabletState::Provisioning), _) => Some(Copying::UnderWay),
            (Some(TabletState::MysqldDown) | None, copying) => copying,
            // A small one may be over before it was seen.
            (Some(_), Some(Copying::Begun(at))) if now - at < COPY_START_PATIENCE => self.copying,
            (Some(_), _) => None,
        };
        self.away_since = if state.is_none() { self.away_since.or(Some(now)) } else { None };
        if let Some(state) = state {
            let down = match state {
                TabletState::GivenUp => true,
                TabletState::MysqldDown => self.copying.is_none(),
                _ => false,
            };
            self.down_since = if down { self.down_since.or(Some(now)) } else { None };
            self.down_for = self.down_since.map(|since| now - since);
        }
        self.silent_since = silent_under(sight, tablet).map(|revision| match self.silent_since {
            Some((before, since)) if before == revision => (revision, since),
            _ => (revision, now),
        });
        let errant = if is_primary { GtidSet::default() } else { self.errant(sight, tablet, now) };
        if copied && self.copying.is_none() {
            // Whether it was of use shows later; if not, it is not repeated at once, nor first from the same donor.
            self.copy_after = Some(now + COPY_PAUSE);
            if let Some(donor) = self.donor.take() {
                *self.failed.entry(donor).or_default() += 1;
            }
        } else if self.suspects.is_none() && sight.fitness(tablet).is_ok() {
            self.failed.clear();
        }
        Note {
            away_for: self.away_since.map(|since| now - since),
            down_for: self.down_for,
            broken_for: self.broken.as_ref().map(|broken| now - broken.since),
            stopped_by: self.broken.as_ref().and_then(|broken| broken.stopped_by.clone()),
            deaths: self.deaths_to_tell(tablet, now),
            suspected_for: self.suspects.as_ref().map(|suspects| now - suspects.since),
            silent_for: self.silent_since.map(|(_, since)| now - since),
            errant,
            copying: self.copying.is_some(),
            copy: Rest::at(now, self.copy_after),
            copies: u32::try_from(self.copies.len()).unwrap_or(u32::MAX),
            failed: self.failed.clone(),
        }
    }

    /// An applier that is started again runs for a moment before it stops again: only what it applies counts, or that
    /// nothing is left to apply.
    fn note_broken(&mut self, sight: &ShardSight, tablet: &SeenTablet, now: Instant) {
        if sight.primary_alias() == Some(tablet.alias()) {
            self.broken = None;
            return;
        }
        let Some(status) = &tablet.status else { return };
        let goes_on = |broken: &Broken| {
            let is_level = |(_, primary): (_, &SeenStatus)| status.executed.contains_all(&primary.executed);
            !broken.executed.contains_all(&status.executed) || sight.serving().is_some_and(is_level)
        };
        match status.state {
            TabletState::Provisioning => self.broken = None,
            TabletState::Replicating => self.broken = self.broken.take().filter(|broken| !goes_on(broken)),
            TabletState::Fenced if sight.primary_alias().is_some() => {
                let executed = status.executed.clone();
                self.broken.get_or_insert(Broken { since: now, executed, stopped_by: None });
            }
            // Whether it would replicate cannot be seen now.
            _ => {}
        }
        let stopped = status.replication.as_ref().filter(|found| found.applier == ThreadState::Stopped);
        if let (Some(broken), Some(error)) = (&mut self.broken, stopped.and_then(|found| found.error.clone()))
        {
            broken.stopped_by = Some(error);
        }
    }

    /// None at the first look, which cannot tell when they were, nor while it was told of one a moment ago.
    fn deaths_to_tell(&mut self, tablet: &SeenTablet, now: Instant) -> u32 {
        let Some(count) = tablet.status.as_ref().map(|status| status.deaths) else { return 0 };
        let deaths = self.deaths.get_or_insert(Deaths { seen: count, untold: 0, told: None });
        // An agent that was started again counts from zero.
        let new = if count < deaths.seen { count } else { count - deaths.seen };
        deaths.seen = count;
        deaths.untold += new;
        if deaths.told.is_some_and(|told| now - told < DEATHS_PAUSE) {
            return 0;
        }
        if deaths.untold > 0 {
            deaths.told = Some(now);
        }
        std::mem::take(&mut deaths.untold)
    }

    /// A transaction that the replica had some time ago and that the primary does not have now is errant, once the
    /// primary was seen to commit something later than that: a replica may have executed what waits at the primary for
    /// an acknowledgement, but the primary commits in order, so nothing later is added there while that waits. (Under
    /// load some commit waits at every look, so waiting by itself says nothing; and what is added may be older.)
    fn errant(&mut self, sight: &ShardSight, tablet: &SeenTablet, now: Instant) -> GtidSet {
        let (Some((_, primary)), Some(status)) = (sight.serving(), &tablet.status) else {
            self.suspects = None;
            return GtidSet::default();
        };
        if let Some(suspects) = &mut self.suspects {
            // What a copy has replaced is gone from the replica, too.
            let gone = suspects.set.subtract(&status.executed);
            suspects.set = suspects.set.subtract(&primary.executed).subtract(&gone);
            if !suspects.set.is_empty() {
                let went_on = !suspects.had.contains_all(&primary.executed);
                if now - suspects.since >= ERRANT_PATIENCE {
                    return if went_on { suspects.set.clone() } else { GtidSet::default() };
                }
                suspects.had = suspects.had.union(&status.executed_or_received());
                return GtidSet::default();
            }
        }
        let set = sight.surplus(tablet);
        let had = status.executed_or_received();
        self.suspects = (!set.is_empty()).then_some(Suspects { set, since: now, had });
        GtidSet::default()
    }
}

/// The revision of the record that lists the tablet as acker, if it receives commits but acknowledges none.
fn silent_under(sight: &ShardSight, tablet: &SeenTablet) -> Option<Revision> {
    let acks = tablet.status.as_ref()?.semi_sync.acks;
    let silent = !acks && sight.is_acker(tablet.alias()) && sight.receives(tablet);
    sight.record.as_ref().filter(|_| silent).map(|stored| stored.revision)
}

#[cfg(test)]
mod tests;
