//! Heartbeats: what they prove and what they tell of lag.

use anyhow::{Result, ensure};
use proto::ids::Term;
use tablet::fence;
use tablet::replication::{self, Acks, Switch};
use tests::folder::Folder;

use crate::bed::{PATIENCE, shard, until};

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_tell_the_lag_of_replicas() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 1).await?;
    let replica = &mut replicas[0];
    replica.catch_up(&mut primary).await?;
    ensure!(replica.look().await?.lag_ms().is_none(), "no heartbeat was written yet");
    let mut heartbeat = primary.heartbeat()?;
    heartbeat.beat_under(Term(7));
    tokio::time::timeout(PATIENCE, heartbeat.changed()).await?;
    ensure!(heartbeat.proven() == Some(Term(7)));
    until("the lag is small", async || Ok(replica.look().await?.lag_ms().is_some_and(|lag| lag < 1_000)))
        .await?;
    let began = std::time::Instant::now();
    replica.look().await?;
    println!("look: {} us", began.elapsed().as_micros());
    replica.hold_applier(Switch::On).await?;
    until("the lag grows", async || Ok(replica.look().await?.lag_ms().is_some_and(|lag| lag > 1_500)))
        .await?;
    replica.hold_applier(Switch::Off).await?;
    until("the lag is small", async || Ok(replica.look().await?.lag_ms().is_some_and(|lag| lag < 1_000)))
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_acknowledged_heartbeat_is_a_proof() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 1).await?;
    let replica = &mut replicas[0];
    replica.catch_up(&mut primary).await?;
    replication::stop_acking(&mut replica.session).await?;
    fence::raise(&mut primary.session).await?;
    fence::open_writes(&mut primary.session, &crate::bed::keyspace()?).await?;

    let mut heartbeat = primary.heartbeat()?;
    heartbeat.beat_under(Term(3));
    until("the heartbeat waits", async || Ok(primary.look().await?.semi_sync.waiting_sessions == 1)).await?;
    ensure!(heartbeat.proven().is_none(), "nobody has acknowledged it");
    replica.follow(&primary.source(), Acks::Yes).await?;
    tokio::time::timeout(PATIENCE, heartbeat.changed()).await?;
    ensure!(heartbeat.proven() == Some(Term(3)));
    heartbeat.pause();
    // Paused, nothing of it stands in the way of the fence.
    fence::raise(&mut primary.session).await?;
    heartbeat.forget();
    ensure!(heartbeat.proven().is_none(), "the proof was of another life of mysqld");
    Ok(())
}
