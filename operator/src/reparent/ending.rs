//! The end of a change of primary, well or not: after it nothing is under way, whoever is primary then.

use std::time::Instant;

use futures::future::join_all;
use proto::ids::{ShardRef, TabletAlias, TabletRole, Term};
use proto::program::failpoint;
use tokio::time::sleep;
use topo::records::{EventObject, EventReason, ShardRecord, TabletRecord, Transition};
use topo::topology::LockOwner;
use topo::{Stored, TopologyError};

use super::attempt::{Attempt, Unwritten};
use super::setback::{Demoted, Setback};
use super::{Journal, Refusal, ReparentError, lock};
use crate::limits::{ENDING_PATIENCE, NUDGE_AGAIN, SERVING_PATIENCE, SERVING_POLL};
use crate::reach::Reach;

/// Ends a change of primary that is in the shard's record and that nobody carries out any more. Nothing
/// happens if somebody does.
pub(crate) async fn end_abandoned(reach: &Reach, shard: &ShardRef) -> Result<(), TopologyError> {
    let key = reach.topology.keys().shard_lock(shard);
    // Taking the lock costs the store more than looking, and this is asked while a reparent is under way.
    if reach.topology.read::<LockOwner>(&key).await?.is_some() {
        return Ok(());
    }
    let lock = match lock(reach, shard, "the end of a change of primary").await {
        Ok(lock) => lock,
        Err(Refusal::TopologyAway(error)) => {
            return Err(topo::store::StoreError::Unavailable(error).into());
        }
        Err(_) => return Ok(()),
    };
    let journal = Journal::unread();
    let attempt = Attempt { reach, shard, lock: &lock, journal: &journal };
    let ended = tokio::select! {
        biased;
        () = lock.lost().cancelled() => None,
        // Who carried it out is gone, and with it the knowledge of how far it came.
        ended = attempt.end(Demoted::Maybe) => Some(ended),
    };
    lock.release().await;
    if let Some(now) = ended {
        reach.events.record(EventObject::Shard(shard.clone()), EventReason::TransitionEnded, now);
    }
    Ok(())
}

impl Attempt<'_> {
    /// Undoes what can be undone, and tells what it came to.
    pub(super) async fn go_back(&self, setback: Setback) -> ReparentError {
        let now = self.end(setback.demoted).await;
        ReparentError::Failed { step: setback.step, reason: setback.reason, now }
    }

    /// Ends the change of primary that the record shows, whatever it shows; tells how things are then.
    async fn end(&self, demoted: Demoted) -> String {
        let deadline = Instant::now() + ENDING_PATIENCE;
        loop {
            let error = match self.try_to_end(demoted).await {
                Ok(now) => return now,
                Err(unwritten) => unwritten.reason(),
            };
            if Instant::now() >= deadline {
                return format!(
                    "its gates hold until control ends the change, which it could not do yet ({error})"
                );
            }
            sleep(NUDGE_AGAIN).await;
        }
    }

    async fn try_to_end(&self, demoted: Demoted) -> Result<String, Unwritten> {
        let Some(stored) = self.record().await.map_err(Unwritten::Unknown)? else {
            return Ok("the shard has no record".into());
        };
        let Some(named) = self.name_again(stored, demoted).await? else {
            return Ok(self.how_it_is().await);
        };
        let tablets =
            self.reach.topology.list::<TabletRecord>(&self.reach.topology.keys().tablet(None)).await;
        let tablets = tablets.map_err(Unwritten::Unknown)?.into_iter().map(|(_, stored)| stored.value);
        let own: Vec<TabletRecord> = tablets.filter(|tablet| tablet.shard == *self.shard).collect();
        match self.finish(&named, &own).await {
            Ok(()) => Ok(self.how_it_is().await),
            Err(ReparentError::Failed { reason, now, .. }) => Ok(format!("{reason}; {now}")),
            Err(ReparentError::Refused(refusal)) => Ok(refusal.to_string()),
        }
    }

    /// The record that names the primary under a term that it may take; `None` if nothing is left to be done.
    async fn name_again(
        &self,
        stored: Stored<ShardRecord>,
        demoted: Demoted,
    ) -> Result<Option<Stored<ShardRecord>>, Unwritten> {
        let record = &stored.value;
        let next = match (&record.transition, &record.primary) {
            (None, _) => return Ok(None),
            (Some(transition), Some(_)) if transition.next_term <= record.term => return Ok(Some(stored)),
            (Some(transition), Some(primary)) if demoted == Demoted::Maybe => {
                let term = transition.next_term.next();
                let transition = Transition { next_term: term, to: primary.clone() };
                ShardRecord { term, transition: Some(transition), ..record.clone() }
            }
            _ => ShardRecord { transition: None, ..record.clone() },
        };
        let revision = self.write(&next, stored.revision).await?;
        Ok(next.transition.is_some().then_some(Stored { value: next, revision }))
    }

    async fn how_it_is(&self) -> String {
        match self.record().await {
            Ok(Some(Stored { value: ShardRecord { term, primary: Some(primary), .. }, .. })) => {
                format!("{primary} is primary under term {term}")
            }
            _ => "see `shoal get shards`".to_owned(),
        }
    }

    /// Sees to it that the primary of the record serves, and then lets the gates go on: in the end also if it
    /// does not serve, since held statements do not help then.
    pub(super) async fn finish(
        &self,
        named: &Stored<ShardRecord>,
        tablets: &[TabletRecord],
    ) -> Result<(), ReparentError> {
        let record = &named.value;
        let Some(primary) = &record.primary else { return Ok(()) };
        let serves =
            tokio::time::timeout(SERVING_PATIENCE, self.until_it_serves(record.term, primary, tablets));
        let serves = serves.await.is_ok();
        if serves {
            self.journal.note(format!("{primary} serves"));
        }
        failpoint::reach("reparent::serving");
        let released = self.release(named).await;
        let now = || format!("{primary} is primary under term {}; see `shoal get tablets`", record.term);
        let failed = |step, reason| Err(ReparentError::Failed { step, reason, now: now() });
        match (serves, released) {
            (true, Ok(())) => Ok(()),
            (false, _) => {
                let reason = format!("{primary} did not within {} s", SERVING_PATIENCE.as_secs());
                failed("waiting until the primary serves", reason)
            }
            (true, Err(unwritten)) => failed("letting the gates go on", unwritten.reason()),
        }
    }

    /// Tells every tablet its role and returns when the primary serves. The calls to the others are given up
    /// then: they follow the record by themselves.
    async fn until_it_serves(&self, term: Term, primary: &TabletAlias, tablets: &[TabletRecord]) {
        let agents = &self.reach.agents;
        let take_role = async |tablet: &TabletRecord, role: TabletRole| {
            // The primary's first write waits for a replica that follows it.
            while agents.assume_role(&tablet.agent_address, role, term, SERVING_PATIENCE).await.is_err() {
                sleep(NUDGE_AGAIN).await;
            }
        };
        let others = tablets.iter().filter(|tablet| tablet.alias != *primary);
        let others = join_all(others.map(|tablet| take_role(tablet, TabletRole::Replica)));
        let Some(next) = tablets.iter().find(|tablet| tablet.alias == *primary) else {
            return std::future::pending().await;
        };
        let serves = async || loop {
            let status = agents.status(&next.agent_address).await;
            if status.is_some_and(|status| status.serves_as_primary(term)) {
                return;
            }
            sleep(SERVING_POLL).await;
        };
        let told = async {
            futures::future::join(others, take_role(next, TabletRole::Primary)).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = told => {}
            () = serves() => {}
        }
    }

    /// Takes the change of primary out of the record.
    async fn release(&self, named: &Stored<ShardRecord>) -> Result<(), Unwritten> {
        let deadline = Instant::now() + ENDING_PATIENCE;
        let mut named = named.clone();
        loop {
            let record = ShardRecord { transition: None, ..named.value.clone() };
            let error = match self.write(&record, named.revision).await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(error) => error,
            };
            tracing::debug!(reason = error.reason(), "the end of a change of primary is not written yet");
            sleep(NUDGE_AGAIN).await;
            match self.record().await {
                Ok(Some(stored)) if stored.value.transition.is_none() => return Ok(()),
                Ok(Some(stored)) if stored.value.term == named.value.term => named = stored,
                Ok(_) => return Err(Unwritten::Overtaken),
                Err(_) => {}
            }
        }
    }
}
