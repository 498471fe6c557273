//! The loop of each shard: gives it its first primary, keeps its replicas in shape, and ends what a control
//! that died has left half done.
//!
//! ```text
//!   observe  the shard's record, its tablets, what their agents say, and since when
//!   notice   pure: what of that people may want to know of ──► events
//!   decide   pure: what is to be done
//!   act      each step by itself: compare-and-set the record, ask an agent
//! ```
//!
//! A pass may be cut off anywhere: the next one observes again and comes to the same decision, or sees that
//! it was carried out. No step but a change of primary holds the shard's lock, and none waits for a repair.

mod act;
mod decide;
mod notice;
mod nudge;
mod observe;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use proto::ids::ShardRef;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use topo::records::RoutingRecord;
use topo::topology::Seen;

use crate::limits::{LOOP_RESTART_PAUSE, SHARD_LOOP_INTERVAL, SHARD_LOOP_SETTLED, SHARD_LOOP_SHORTEST};
use crate::measures::ShardMeasures;
use crate::reach::Reach;
use decide::{Step, decide};
use nudge::Nudges;
use observe::{Memory, Observation};

/// Runs a loop for every shard that the routing names, until `shutdown`.
pub(crate) async fn look_after_shards(reach: Reach, shutdown: CancellationToken) {
    let mut loops: HashMap<ShardRef, CancellationToken> = HashMap::new();
    let mut tasks = JoinSet::new();
    let nudges = Nudges::default();
    let (follower, topology) = (nudges.clone(), reach.topology.clone());
    let follow = begun_again("the nudges", move || follower.clone().follow(topology.clone()));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(follow).map(drop));
    let mut routing = reach.topology.follow::<RoutingRecord>(&reach.topology.keys().routing());
    let mut seen = routing.current();
    loop {
        if let Seen::Record(stored) = &seen {
            let wanted = shards_of(&stored.value);
            loops.retain(|shard, stop| {
                let stays = wanted.contains(shard);
                if !stays {
                    stop.cancel();
                    nudges.forget(shard);
                    reach.repairs.forget(shard);
                }
                stays
            });
            for shard in wanted {
                loops.entry(shard.clone()).or_insert_with(|| {
                    let stop = shutdown.child_token();
                    let (reach, nudges, stopped) = (reach.clone(), nudges.clone(), stop.clone());
                    let begin = move || Loop::new(reach.clone(), shard.clone(), &nudges).run();
                    let work = begun_again("the loop of a shard", begin);
                    tasks.spawn(stopped.run_until_cancelled_owned(work).map(drop));
                    stop
                });
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            changed = routing.changed() => seen = changed,
            Some(_) = tasks.join_next() => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Does for ever what is begun so: should it panic, it is begun again after a pause, with nothing remembered, so that
/// one bug in a pass leaves no shard without control.
async fn begun_again<W: Future>(what: &str, begin: impl Fn() -> W) -> W::Output {
    loop {
        match AssertUnwindSafe(begin()).catch_unwind().await {
            Ok(output) => return output,
            Err(_) => tracing::error!("{what} failed, and is begun again"),
        }
        tokio::time::sleep(LOOP_RESTART_PAUSE).await;
    }
}

fn shards_of(routing: &RoutingRecord) -> Vec<ShardRef> {
    let keyspaces = routing.keyspaces.iter();
    let shards = keyspaces.flat_map(|(name, part)| part.shards.iter().map(move |range| (name, range)));
    shards.map(|(name, range)| ShardRef { keyspace: name.clone(), range: range.clone() }).collect()
}

/// The loop of one shard.
struct Loop {
    reach: Reach,
    shard: ShardRef,
    nudge: Arc<Notify>,
    memory: Memory,
    measures: ShardMeasures,
    last: Option<(Observation, Vec<Step>)>,
}

impl Loop {
    fn new(reach: Reach, shard: ShardRef, nudges: &Nudges) -> Self {
        let nudge = nudges.of(&shard);
        Self { reach, shard, nudge, memory: Memory::default(), measures: ShardMeasures::begin(), last: None }
    }

    async fn run(mut self) {
        loop {
            self.turn().await;
        }
    }

    /// One pass, and the pause after it.
    async fn turn(&mut self) {
        let began = Instant::now();
        let passed = self.pass().await;
        self.measures.passes(&passed).record(began.elapsed());
        let pause = match passed {
            Ok(pause) => pause,
            Err(error) => {
                tracing::info!(shard = %self.shard, %error, "cannot look after the shard, trying again");
                SHARD_LOOP_INTERVAL
            }
        };
        tokio::time::sleep(SHARD_LOOP_SHORTEST).await;
        // A nudge or the end of the pause, whichever is first.
        let _ = tokio::time::timeout(pause, self.nudge.notified()).await;
    }

    async fn pass(&mut self) -> Result<Duration, topo::TopologyError> {
        let sight = self.reach.look(&self.shard).await?;
        self.measures.saw(&sight);
        let seen = self.memory.take(sight, Instant::now());
        let steps = decide(&seen);
        self.reach.repairs.tell(&self.shard, decide::needed(&seen));
        let (before, steps_before) = match &self.last {
            Some((seen, steps)) => (Some(seen), steps.as_slice()),
            None => (None, &[][..]),
        };
        let stuck = notice::stuck(&self.shard, steps_before, &steps);
        if let Some(stuck) = &stuck {
            tracing::warn!(shard = %self.shard, "{}", stuck.observation);
        }
        for notice in notice::compare(&self.shard, before, &seen).into_iter().chain(stuck) {
            self.reach.events.record(notice.object, notice.reason, notice.observation);
        }
        let done = act::act(&self.reach, &self.shard, &seen, &steps, &mut self.memory).await;
        let settled = steps.is_empty() && seen.sight.serving().is_some();
        self.last = Some((seen, steps));
        done?;
        Ok(if settled { SHARD_LOOP_SETTLED } else { SHARD_LOOP_INTERVAL })
    }
}

#[cfg(test)]
mod tests;
