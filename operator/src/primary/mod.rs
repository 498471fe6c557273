//! The loop of each shard: gives it its first primary, and sees to it that the primary knows.
//!
//! ```text
//!   observe  the shard's record, its tablets, what their agents say
//!   decide   pure: what follows from that
//!   act      compare-and-set the record, then tell the tablet
//! ```
//!
//! A pass may be cut off anywhere: the next one observes again and comes to the same decision, or sees that
//! it was carried out.

mod act;
mod decide;
mod observe;

use std::collections::HashMap;

use proto::ids::ShardRef;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use topo::Topology;
use topo::records::RoutingRecord;
use topo::topology::Seen;

use crate::limits::{SHARD_LOOP_INTERVAL, SHARD_LOOP_SETTLED};
use decide::{Decision, decide};

/// Runs a loop for every shard that the routing names, until `shutdown`.
pub(crate) async fn look_after_shards(topology: Topology, shutdown: CancellationToken) {
    let mut loops: HashMap<ShardRef, CancellationToken> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut routing = topology.follow::<RoutingRecord>(&topology.keys().routing());
    let mut seen = routing.current();
    loop {
        if let Seen::Record(stored) = &seen {
            let wanted = shards_of(&stored.value);
            loops.retain(|shard, stop| {
                let stays = wanted.contains(shard);
                if !stays {
                    stop.cancel();
                }
                stays
            });
            for shard in wanted {
                loops.entry(shard.clone()).or_insert_with(|| {
                    let stop = shutdown.child_token();
                    tasks.spawn(look_after(topology.clone(), shard, stop.clone()));
                    stop
                });
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            changed = routing.changed() => seen = changed,
            Some(Err(error)) = tasks.join_next() => tracing::error!(%error, "the loop of a shard failed"),
        }
    }
    while tasks.join_next().await.is_some() {}
}

fn shards_of(routing: &RoutingRecord) -> Vec<ShardRef> {
    let keyspaces = routing.keyspaces.iter();
    let shards = keyspaces.flat_map(|(name, part)| part.shards.iter().map(move |range| (name, range)));
    shards.map(|(name, range)| ShardRef { keyspace: name.clone(), range: range.clone() }).collect()
}

async fn look_after(topology: Topology, shard: ShardRef, stop: CancellationToken) {
    let mut last = None;
    loop {
        let pass = stop.run_until_cancelled(pass(&topology, &shard));
        let Some(decision) = pass.await else { return };
        let pause =
            if decision == Some(Decision::Settled) { SHARD_LOOP_SETTLED } else { SHARD_LOOP_INTERVAL };
        if let Some(Decision::Stuck(why)) = &decision
            && last != decision
        {
            tracing::warn!(%shard, "{why}");
        }
        last = decision;
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// One pass; `None` if the topology could not be read or written.
async fn pass(topology: &Topology, shard: &ShardRef) -> Option<Decision> {
    let tried = async {
        let observation = observe::observe(topology, shard).await?;
        let decision = decide(&observation);
        act::act(topology, shard, &observation, &decision).await?;
        Ok::<Decision, topo::TopologyError>(decision)
    };
    match tried.await {
        Ok(decision) => Some(decision),
        Err(error) => {
            tracing::info!(%shard, %error, "cannot look after the shard, trying again");
            None
        }
    }
}
