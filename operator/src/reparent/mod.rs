//! Planned changes of primary: no acknowledged write is lost, and statements wait instead of failing.
//!
//! ```text
//!   check      a refusal names its reason and its cure; nothing has happened yet
//!   lock       the shard's, with a lease: lost, it stops everything
//!   level      the next primary is next to nothing behind
//!   hold       record: a change to it is under way            gates hold the shard's statements
//!   demote     the primary stops taking writes for good       everything committed is known
//!   catch up   the next primary executes all of it
//!   record     record: it is primary under the next term      replicas follow it
//!   serve      a write of its own is acknowledged
//!   release    record: nothing is under way                   gates go on, at the new primary
//! ```
//!
//! What fails before the new record goes back: to the term that was, if the primary was certainly not demoted;
//! else to a term of the same primary above the announced one, which the primary may have on its disk. What
//! fails later goes on as far as it can. When control dies, or loses the lock, the shard's loop finds the
//! change in the record with nobody at it, and ends it by the same rules.

mod attempt;
mod check;
mod ending;
mod measures;
mod renewal;
mod setback;

use std::time::{Duration, Instant};

use proto::ids::{ShardRef, TabletAlias, Term};
use tokio::sync::mpsc;
use topo::TopologyError;
use topo::records::{EventObject, EventReason, RoutingRecord, TabletRecord};
use topo::topology::{Lock, LockError};

pub(crate) use check::Refusal;
pub(crate) use ending::end_abandoned;
pub(crate) use measures::ReparentMeasures;
pub(crate) use renewal::renew;

use crate::limits::SHARD_LOCK_TTL;
use crate::reach::Reach;
use attempt::Attempt;

/// One step that was just done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// In words.
    pub(crate) step: String,
    /// Since the beginning.
    pub(crate) elapsed: Duration,
}

/// What came of a reparent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    /// Who was primary.
    pub(crate) from: TabletAlias,
    /// Who is.
    pub(crate) to: TabletAlias,
    /// Under this term.
    pub(crate) term: Term,
    /// For how long gates were asked to hold statements.
    pub(crate) held: Duration,
}

/// Why a shard has not got the primary that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReparentError {
    /// Nothing was tried.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was tried, and what could be undone was undone.
    #[error("{step}: {reason}; {now}")]
    Failed {
        /// What did not work.
        step: &'static str,
        /// Why.
        reason: String,
        /// How things are now, and what to do.
        now: String,
    },
}

impl From<TopologyError> for ReparentError {
    fn from(error: TopologyError) -> Self {
        Self::Refused(Refusal::TopologyAway(error.to_string()))
    }
}

/// Makes another tablet the primary of the shard: `to`, or the replica that suits best. Tells each step as it
/// is done to whoever still listens, and goes on to its end if nobody does.
pub(crate) async fn reparent(
    reach: &Reach,
    shard: &ShardRef,
    to: Option<&TabletAlias>,
    progress: mpsc::Sender<Progress>,
) -> Result<Done, ReparentError> {
    check_names(reach, shard, to).await?;
    let lock = lock(reach, shard, "a reparent").await?;
    let journal = Journal { began: Instant::now(), progress: Some(progress) };
    let attempt = Attempt { reach, shard, lock: &lock, journal: &journal };
    let outcome = tokio::select! {
        biased;
        () = lock.lost().cancelled() => Err(lock_lost()),
        outcome = attempt.reparent(to) => outcome,
    };
    lock.release().await;
    let object = EventObject::Shard(shard.clone());
    match &outcome {
        Ok(Done { from, to, term, held }) => {
            let text = format!("from {from} to {to} under term {term}; held for {} ms", held.as_millis());
            reach.events.record(object, EventReason::ReparentDone, text);
        }
        Err(error @ ReparentError::Failed { .. }) => {
            reach.events.record(object, EventReason::ReparentFailed, error.to_string());
        }
        // The one who asked is told, and nothing has happened.
        Err(ReparentError::Refused(_)) => {}
    }
    outcome
}

/// Takes the lock that a change of the shard's primary holds, or says who has it.
async fn lock(reach: &Reach, shard: &ShardRef, what: &str) -> Result<Lock, Refusal> {
    let key = reach.topology.keys().shard_lock(shard);
    let owner = format!("{what} of {shard} by control, process {}", std::process::id());
    reach.topology.lock(&key, &owner, SHARD_LOCK_TTL).await.map_err(|error| match error {
        LockError::Held { owner, .. } => Refusal::Locked { owner },
        LockError::Topology(error) => Refusal::TopologyAway(error.to_string()),
    })
}

fn lock_lost() -> ReparentError {
    ReparentError::Failed {
        step: "keeping the shard's lock",
        reason: "the topology store did not answer for too long".into(),
        now: "control ends the change as soon as the store is back; then see `shoal get shards`".into(),
    }
}

/// Whether there are such a shard and such a tablet in it.
async fn check_names(reach: &Reach, shard: &ShardRef, to: Option<&TabletAlias>) -> Result<(), ReparentError> {
    let keys = reach.topology.keys();
    let routing = reach.topology.read::<RoutingRecord>(&keys.routing()).await?;
    let routing = routing.map(|stored| stored.value).unwrap_or_default();
    let ranges =
        routing.keyspaces.get(&shard.keyspace).map(|part| part.shards.as_slice()).unwrap_or_default();
    if !ranges.contains(&shard.range) {
        let known = routing
            .keyspaces
            .iter()
            .flat_map(|(name, part)| part.shards.iter().map(move |range| format!("{name}/{range}")));
        return Err(Refusal::UnknownShard { shard: shard.clone(), known: known.collect() }.into());
    }
    let Some(to) = to else { return Ok(()) };
    match reach.topology.read::<TabletRecord>(&keys.tablet(Some(to))).await? {
        Some(found) if found.value.shard == *shard => Ok(()),
        Some(found) => Err(Refusal::OtherShard { alias: to.clone(), shard: found.value.shard }.into()),
        None => {
            let all = reach.topology.list::<TabletRecord>(&keys.tablet(None)).await?;
            let own = all.into_iter().map(|(_, stored)| stored.value).filter(|tablet| tablet.shard == *shard);
            let known = own.map(|tablet| tablet.alias).collect();
            Err(Refusal::UnknownTablet { alias: to.clone(), known }.into())
        }
    }
}

/// Writes down what is done as it is done.
struct Journal {
    began: Instant,
    progress: Option<mpsc::Sender<Progress>>,
}

impl Journal {
    /// For changes of primary that nobody waits for.
    fn unread() -> Self {
        Self { began: Instant::now(), progress: None }
    }

    fn note(&self, step: String) {
        tracing::debug!(step, "change of primary");
        if let Some(progress) = &self.progress {
            // Whoever asked may have gone, or be slow; the change itself waits for neither.
            let _ = progress.try_send(Progress { step, elapsed: self.began.elapsed() });
        }
    }
}

#[cfg(test)]
mod tests;
