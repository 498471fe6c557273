//! One change of primary, step by step, under the shard's lock.

use std::time::Instant;

use proto::gtid::GtidSet;
use proto::ids::{ShardRef, TabletAlias, Term};
use proto::program::failpoint;
use tokio::time::sleep;
use topo::records::{EventObject, EventReason, ShardRecord, Transition};
use topo::store::{Outcome, Revision};
use topo::topology::{Lock, Transaction};
use topo::{Stored, TopologyError};

use super::check::{Plan, Refusal, plan};
use super::setback::{Demoted, Setback};
use super::{Done, Journal, ReparentError};
use crate::agents::CallError;
use crate::limits::{
    CATCH_UP_PATIENCE, DEMOTE_DEADLINE, ERRANT_PATIENCE, FIT_PATIENCE, LEVEL_PATIENCE, LEVEL_POLL,
    RECORD_ATTEMPTS,
};
use crate::reach::Reach;
use crate::sight::{ShardSight, Unfit, one_line};

/// A change of the shard's primary under its lock.
pub(super) struct Attempt<'a> {
    pub(super) reach: &'a Reach,
    pub(super) shard: &'a ShardRef,
    pub(super) lock: &'a Lock,
    pub(super) journal: &'a Journal,
}

/// Why a record was not written.
pub(super) enum Unwritten {
    /// Somebody else wrote it, or the lock is gone.
    Overtaken,
    /// It may have been written.
    Unknown(TopologyError),
}

impl Unwritten {
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Overtaken => "somebody else wrote the shard's record".to_owned(),
            Self::Unknown(error) => error.to_string(),
        }
    }
}

impl Attempt<'_> {
    /// Makes the tablet primary, or the one that suits best.
    pub(super) async fn reparent(&self, to: Option<&TabletAlias>) -> Result<Done, ReparentError> {
        let (plan, revision) = self.hold_for(to).await?;
        let held = Instant::now();
        failpoint::reach("reparent::held");
        let term = plan.record.value.term.next();
        let (from, to) = (plan.from.alias.clone(), plan.to.alias.clone());
        let named = match self.hand_over(&plan, revision).await {
            Ok(named) => named,
            Err(setback) => return Err(self.go_back(setback).await),
        };
        self.finish(&named, &plan.tablets).await?;
        let held = held.elapsed();
        self.journal.note(format!("gates go on, after {} ms", held.as_millis()));
        Ok(Done { from, to, term, held })
    }

    /// Finds out who is to be primary, waits until it is level, and has the gates hold the shard.
    async fn hold_for(&self, to: Option<&TabletAlias>) -> Result<(Plan, Revision), ReparentError> {
        for _ in 0..RECORD_ATTEMPTS {
            let plan = self.prepare(to).await?;
            self.journal.note(format!("{} is {} ms behind {}", plan.to.alias, plan.lag_ms, plan.from.alias));
            match self.hold(&plan.record, &plan.to.alias).await {
                Ok(revision) => return Ok((plan, revision)),
                // Somebody made an acker of a replica, say: look again.
                Err(Unwritten::Overtaken) => {}
                // The gates may hold by now.
                Err(Unwritten::Unknown(error)) => {
                    let reason = error.to_string();
                    return Err(self
                        .go_back(Setback::new("asking the gates to hold", reason, Demoted::No))
                        .await);
                }
            }
        }
        Err(Refusal::Overtaken.into())
    }

    /// The plan, once the next primary is level and certainly not errant.
    async fn prepare(&self, to: Option<&TabletAlias>) -> Result<Plan, ReparentError> {
        let began = Instant::now();
        let mut ruled_out = Vec::new();
        loop {
            let sight = self.reach.look(self.shard).await?;
            let plan = match plan(&sight, to, &ruled_out) {
                Ok(plan) => plan,
                Err(refusal) if refusal.may_pass() && began.elapsed() < FIT_PATIENCE => {
                    sleep(LEVEL_POLL).await;
                    continue;
                }
                Err(refusal) => return Err(refusal.into()),
            };
            let errant = self.errant(&sight, &plan).await;
            if !errant.is_empty() {
                ruled_out.push((plan.to.alias, Unfit::Errant(errant)));
            } else if plan.is_level() {
                return Ok(plan);
            } else if began.elapsed() >= LEVEL_PATIENCE {
                let why = Unfit::Lagging(plan.lag_ms);
                return Err(Refusal::Unfit { alias: plan.to.alias, why }.into());
            } else {
                sleep(LEVEL_POLL).await;
            }
        }
    }

    /// What the next primary had executed and the primary, looked at later, still has not. The agent shows the
    /// primary as it was up to a second ago, so it is looked at until it has everything, or long enough.
    async fn errant(&self, sight: &ShardSight, plan: &Plan) -> GtidSet {
        let Some(next) = sight.tablet(&plan.to.alias) else { return GtidSet::default() };
        let mut suspects = sight.surplus(next);
        let deadline = Instant::now() + ERRANT_PATIENCE;
        while !suspects.is_empty() && Instant::now() < deadline {
            sleep(LEVEL_POLL).await;
            if let Some(status) = self.reach.agents.status(&plan.from.agent_address).await {
                suspects = suspects.subtract(&status.executed);
            }
        }
        suspects
    }

    /// Announces a change of primary in the record, which makes the gates hold the shard's statements.
    pub(super) async fn hold(
        &self,
        record: &Stored<ShardRecord>,
        to: &TabletAlias,
    ) -> Result<Revision, Unwritten> {
        let next_term = record.value.term.next();
        let transition = Some(Transition { next_term, to: to.clone() });
        let held = ShardRecord { transition, ..record.value.clone() };
        let revision = self.write(&held, record.revision).await?;
        self.journal.note(format!("gates hold {}", self.shard));
        let from = record.value.primary.as_ref().map(TabletAlias::to_string).unwrap_or_default();
        let text = format!("from {from} to {to} under term {next_term}");
        let object = EventObject::Shard(self.shard.clone());
        self.reach.events.record(object, EventReason::ReparentStarted, text);
        Ok(revision)
    }

    /// From the held shard to the record that names the next primary.
    async fn hand_over(&self, plan: &Plan, held: Revision) -> Result<Stored<ShardRecord>, Setback> {
        let next_term = plan.record.value.term.next();
        let (from, to) = (&plan.from.alias, &plan.to.alias);
        let committed = self.demote(from, &plan.from.agent_address, next_term).await?;
        failpoint::reach("reparent::demoted");
        let agents = &self.reach.agents;
        let caught_up =
            agents.catch_up(&plan.to.agent_address, next_term, &committed, CATCH_UP_PATIENCE).await;
        let setback =
            |reason| Setback::new("waiting until the next primary has everything", reason, Demoted::Maybe);
        match caught_up {
            Err(error) => return Err(setback(format!("{to}: {error}"))),
            Ok(executed) if !executed.contains_all(&committed) => {
                let lacks = one_line(&committed.subtract(&executed));
                let patience = CATCH_UP_PATIENCE.as_millis();
                return Err(setback(format!("{to} still lacks {lacks} after {patience} ms")));
            }
            Ok(executed) => {
                let errant = executed.subtract(&committed);
                if !errant.is_empty() {
                    let errant = one_line(&errant);
                    return Err(setback(format!(
                        "{to} has transactions that {from} never committed: {errant}"
                    )));
                }
            }
        }
        self.journal.note(format!("{to} has everything that was committed"));
        failpoint::reach("reparent::caught_up");
        let record = ShardRecord {
            term: next_term,
            primary: Some(to.clone()),
            ackers: plan.ackers.clone(),
            transition: Some(Transition { next_term, to: to.clone() }),
        };
        match self.write(&record, held).await {
            Ok(revision) => {
                self.journal.note(format!("{to} is named primary under term {next_term}"));
                failpoint::reach("reparent::recorded");
                Ok(Stored { value: record, revision })
            }
            Err(unwritten) => {
                Err(Setback::new("naming the next primary", unwritten.reason(), Demoted::Maybe))
            }
        }
    }

    /// Makes the primary stop taking writes; what it has committed until then.
    pub(super) async fn demote(
        &self,
        alias: &TabletAlias,
        address: &str,
        next_term: Term,
    ) -> Result<GtidSet, Setback> {
        let demoted = self.reach.agents.demote(address, next_term, DEMOTE_DEADLINE).await;
        let committed = demoted.map_err(|error| {
            let (reason, demoted) = match error {
                CallError::Refused(reason) => (reason, Demoted::No),
                CallError::Unknown(reason) => (reason, Demoted::Maybe),
            };
            Setback::new("demoting the primary", format!("{alias}: {reason}"), demoted)
        })?;
        self.journal.note(format!("{alias} takes no more writes"));
        Ok(committed)
    }

    /// Writes the record as the next revision after one that was read or written here, and only while the
    /// lock is held.
    pub(super) async fn write(&self, record: &ShardRecord, after: Revision) -> Result<Revision, Unwritten> {
        let topology = &self.reach.topology;
        let key = topology.keys().shard(Some(self.shard));
        let unknown = |error: TopologyError| Unwritten::Unknown(error);
        let transaction =
            Transaction::new().replace(&key, record, after).map_err(|error| unknown(error.into()))?;
        match topology.commit(transaction.while_locked(self.lock)).await.map_err(unknown)? {
            Outcome::Committed(revision) => Ok(revision),
            Outcome::Conflict => Err(Unwritten::Overtaken),
        }
    }

    /// The shard's record as it is now.
    pub(super) async fn record(&self) -> Result<Option<Stored<ShardRecord>>, TopologyError> {
        let topology = &self.reach.topology;
        topology.read::<ShardRecord>(&topology.keys().shard(Some(self.shard))).await
    }
}
