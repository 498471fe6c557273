//! A new term of the same primary, in which commits wait for replicas as the keyspace asks for.

use std::collections::BTreeSet;
use std::time::Instant;

use futures::future::join_all;
use proto::gtid::GtidSet;
use proto::ids::{ShardRef, TabletAlias};
use tokio::time::sleep;
use topo::Stored;
use topo::records::{Durability, EventObject, EventReason, ShardRecord, TabletRecord, Transition};

use super::attempt::{Attempt, Unwritten};
use super::check::Refusal;
use super::setback::{Demoted, Setback};
use super::{Done, Journal, ReparentError, lock, lock_lost};
use crate::limits::{CATCH_UP_PATIENCE, SERVING_POLL};
use crate::reach::Reach;
use crate::sight::ShardSight;

/// Begins a term of the present primary in which commits wait for replicas, or no longer do. Within a term
/// neither becomes the other.
pub(crate) async fn renew(reach: &Reach, shard: &ShardRef) -> Result<Done, ReparentError> {
    let lock = lock(reach, shard, "a change of durability").await?;
    let journal = Journal::unread();
    let attempt = Attempt { reach, shard, lock: &lock, journal: &journal };
    let outcome = tokio::select! {
        biased;
        () = lock.lost().cancelled() => Err(lock_lost()),
        outcome = attempt.renew() => outcome,
    };
    lock.release().await;
    let object = EventObject::Shard(shard.clone());
    match &outcome {
        Ok(Done { to, term, .. }) => {
            let text = format!("{to} stays primary under term {term}, with the durability of its keyspace");
            reach.events.record(object, EventReason::ReparentDone, text);
        }
        Err(error @ ReparentError::Failed { .. }) => {
            reach.events.record(object, EventReason::ReparentFailed, error.to_string());
        }
        Err(ReparentError::Refused(_)) => {}
    }
    outcome
}

impl Attempt<'_> {
    async fn renew(&self) -> Result<Done, ReparentError> {
        let sight = self.reach.look(self.shard).await?;
        let (record, primary, ackers) = renewal(&sight)?;
        let tablets: Vec<TabletRecord> = sight.tablets.iter().map(|tablet| tablet.record.clone()).collect();
        let revision = match self.hold(record, &primary.alias).await {
            Ok(revision) => revision,
            Err(Unwritten::Overtaken) => return Err(Refusal::Overtaken.into()),
            Err(Unwritten::Unknown(error)) => {
                let setback = Setback::new("asking the gates to hold", error.to_string(), Demoted::No);
                return Err(self.go_back(setback).await);
            }
        };
        let held = Instant::now();
        let announced = Stored { value: record.value.clone(), revision };
        let named = match self.begin_term(&announced, &primary, &ackers).await {
            Ok(named) => named,
            Err(setback) => return Err(self.go_back(setback).await),
        };
        self.finish(&named, &tablets).await?;
        let alias = primary.alias;
        Ok(Done { from: alias.clone(), to: alias, term: named.value.term, held: held.elapsed() })
    }

    /// Demotes the primary, so that everything acknowledged so far is known and can be waited for, and names
    /// it again. It has the announced term on its disk by then, so it serves under the one after that.
    async fn begin_term(
        &self,
        announced: &Stored<ShardRecord>,
        primary: &TabletRecord,
        ackers: &[TabletRecord],
    ) -> Result<Stored<ShardRecord>, Setback> {
        let next_term = announced.value.term.next();
        let committed = self.demote(&primary.alias, &primary.agent_address, next_term).await?;
        let having = self.having(ackers, &committed).await;
        if having.is_empty() && !ackers.is_empty() {
            let reason = "no replica received everything in time".to_owned();
            return Err(Setback::new("waiting for replicas", reason, Demoted::Maybe));
        }
        let term = next_term.next();
        let record = ShardRecord {
            term,
            primary: Some(primary.alias.clone()),
            ackers: having,
            transition: Some(Transition { next_term: term, to: primary.alias.clone() }),
        };
        match self.write(&record, announced.revision).await {
            Ok(revision) => Ok(Stored { value: record, revision }),
            Err(unwritten) => Err(Setback::new("beginning the term", unwritten.reason(), Demoted::Maybe)),
        }
    }

    /// Those of the replicas that receive the whole set within `CATCH_UP_PATIENCE`: every commit that was
    /// acknowledged before is then on each of them.
    async fn having(&self, replicas: &[TabletRecord], committed: &GtidSet) -> BTreeSet<TabletAlias> {
        let deadline = Instant::now() + CATCH_UP_PATIENCE;
        let asked = replicas.iter().map(async |replica| {
            loop {
                let status = self.reach.agents.status(&replica.agent_address).await;
                if status.is_some_and(|status| status.executed_or_received().contains_all(committed)) {
                    return Some(replica.alias.clone());
                }
                if Instant::now() >= deadline {
                    return None;
                }
                sleep(SERVING_POLL).await;
            }
        });
        join_all(asked).await.into_iter().flatten().collect()
    }
}

/// The record, the primary and those whose acknowledgement its commits are to wait for.
fn renewal(sight: &ShardSight) -> Result<(&Stored<ShardRecord>, TabletRecord, Vec<TabletRecord>), Refusal> {
    let record = sight.record.as_ref().ok_or(Refusal::NoPrimary)?;
    let alias = record.value.primary.as_ref().ok_or(Refusal::NoPrimary)?;
    if let Some(transition) = &record.value.transition {
        return Err(Refusal::BeingEnded { to: transition.to.clone(), term: transition.next_term });
    }
    let Some((primary, _)) = sight.serving() else {
        return Err(Refusal::PrimaryNotServing { alias: alias.clone(), why: "it did a moment ago".into() });
    };
    let waits = sight.keyspace.durability == Durability::SemiSync;
    if waits != record.value.ackers.is_empty() {
        // They wait, or do not, as asked for by now.
        return Err(Refusal::Overtaken);
    }
    let ackers: Vec<TabletRecord> =
        sight.fit_replicas().filter(|_| waits).map(|tablet| tablet.record.clone()).collect();
    if waits && ackers.is_empty() {
        let unfit = sight.replicas().filter_map(|t| Some((t.alias().clone(), sight.fitness(t).err()?)));
        return Err(Refusal::NobodyFit(unfit.collect()));
    }
    Ok((record, primary.record.clone(), ackers))
}
