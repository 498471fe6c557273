//! Following a source, and what is left of acknowledged writes when a replica or its source goes.

use std::time::Instant;

use anyhow::{Result, ensure};
use proto::ids::Term;
use tablet::replication::{self, Acks, ReplicationError, Switch, ThreadState};
use tests::folder::Folder;

use crate::bed::{PATIENCE, client_with_table, insert, shard, until};

#[tokio::test(flavor = "multi_thread")]
async fn commits_wait_for_an_acknowledgement_and_replicas_apply_them() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 2).await?;
    let mut client = client_with_table(&primary).await?;
    insert(&mut client, 1..=10).await?;

    let at_primary = primary.look().await?;
    ensure!(
        at_primary.semi_sync.source_enabled && at_primary.semi_sync.source_clients == 2,
        "{at_primary:?}"
    );
    ensure!(at_primary.replication.is_none(), "{at_primary:?}");
    let source = primary.source();
    for replica in &mut replicas {
        replica.catch_up(&mut primary).await?;
        let look = replica.look().await?;
        let found = look.replication.clone().filter(|found| found.source == source);
        let runs = found.as_ref().map(|found| (found.receiver, found.applier, found.error.clone()));
        ensure!(runs == Some((ThreadState::Running, ThreadState::Running, None)), "{look:?}");
        ensure!(look.semi_sync.replica_enabled && !look.semi_sync.source_enabled, "{look:?}");
    }
    // Nobody acknowledges any more: the next commit waits, and goes on once somebody does.
    for replica in &mut replicas {
        replication::stop_acking(&mut replica.session).await?;
    }
    let blocked = tokio::spawn(async move { insert(&mut client, [11]).await });
    until("a commit waits", async || Ok(primary.look().await?.semi_sync.waiting_sessions == 1)).await?;
    ensure!(!blocked.is_finished(), "a commit was acknowledged that no replica had to have");
    // The replica may already have the commit, and then acknowledges only what comes later.
    let heartbeat = primary.heartbeat()?;
    heartbeat.beat_under(Term(1));
    // Behind the first commit they queue up, so they do not count as waiting for a replica.
    let beats = "SELECT COUNT(*) FROM performance_schema.processlist WHERE info LIKE 'REPLACE INTO _shoal%'";
    until("several heartbeats wait", async || Ok(primary.session.row::<u64>(beats).await? > 1)).await?;
    ensure!(heartbeat.proven().is_none(), "a heartbeat was acknowledged by nobody");
    replicas[0].follow(&source, Acks::Yes).await?;
    tokio::time::timeout(PATIENCE, blocked).await???;
    until("a heartbeat is acknowledged", async || Ok(heartbeat.proven() == Some(Term(1)))).await?;
    drop(heartbeat);
    let [first, second] = &mut replicas[..] else { return Ok(()) };
    first.catch_up(&mut primary).await?;
    second.catch_up(&mut primary).await?;
    ensure!(!second.look().await?.semi_sync.replica_enabled, "it acknowledges again unasked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_source_leaves_what_was_received_in_place() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 2).await?;
    let mut client = client_with_table(&primary).await?;
    let [next, held] = &mut replicas[..] else { return Ok(()) };
    held.catch_up(&mut primary).await?;
    held.hold_applier(Switch::On).await?;
    replication::stop_acking(&mut next.session).await?;
    // Each of these is acknowledged because `held` has it, and `held` has applied none.
    insert(&mut client, 1..=20).await?;
    next.catch_up(&mut primary).await?;
    let before = held.look().await?;
    let received = before.replication.map(|found| found.retrieved).unwrap_or_default();

    let began = Instant::now();
    let login = held.login();
    replication::follow(&mut held.session, &next.source(), Acks::Yes, &login).await?;
    let repoint = began.elapsed();
    let source = next.source();
    held.follow(&source, Acks::Yes).await?;
    println!("repoint: {} ms, and {} ms until it receives", repoint.as_millis(), began.elapsed().as_millis());
    let after = held.look().await?;
    let found = after.replication.clone().filter(|found| found.source == source);
    ensure!(found.is_some_and(|found| found.retrieved == received), "{after:?} had {received}");
    ensure!(after.gtid_executed == before.gtid_executed, "the applier was to be held");

    // Neither may the source be forgotten, nor its change be had while the applier is down.
    let refused = replication::detach(&mut held.session).await;
    ensure!(matches!(refused, Err(ReplicationError::Unapplied)), "{refused:?}");
    // To change anything about the applier while the receiver is down, too, would lose what was received.
    held.follow(&source, Acks::Yes).await?;
    held.hold_applier(Switch::Off).await?;
    ensure!(replication::apply_received(&mut held.session, PATIENCE).await?, "it does not apply");
    replication::detach(&mut held.session).await?;
    ensure!(held.look().await?.replication.is_none(), "a source is left");
    ensure!(held.ids().await? == (1..=20).collect::<Vec<_>>(), "rows are lost");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_outlive_a_killed_replica_that_had_not_applied_them() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 1).await?;
    let mut client = client_with_table(&primary).await?;
    let replica = &mut replicas[0];
    replica.catch_up(&mut primary).await?;
    replica.session.run("STOP REPLICA SQL_THREAD").await?;
    insert(&mut client, 1..=20).await?;

    replica.crash().await?;
    // The only other copy goes as well.
    primary.supervisor.kill(&primary.dir).await?;
    let look = replica.look().await?;
    let found = look.replication.clone();
    ensure!(found.is_some_and(|found| found.applier == ThreadState::Stopped), "{look:?}");
    ensure!(replication::apply_received(&mut replica.session, PATIENCE).await?, "it does not apply");
    replication::detach(&mut replica.session).await?;
    ensure!(replica.ids().await? == (1..=20).collect::<Vec<_>>(), "acknowledged rows are lost");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_replica_follows_again_and_loses_nothing_on_a_repoint() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 2).await?;
    let mut client = client_with_table(&primary).await?;
    let [next, restarted] = &mut replicas[..] else { return Ok(()) };
    restarted.catch_up(&mut primary).await?;
    restarted.session.run("STOP REPLICA SQL_THREAD").await?;
    insert(&mut client, 1..=20).await?;
    next.catch_up(&mut primary).await?;
    restarted.crash().await?;
    // Both threads are down now, and a source that never had a part in it is to be followed.
    restarted.follow(&next.source(), Acks::Yes).await?;
    restarted.catch_up(&mut primary).await?;
    ensure!(replication::apply_received(&mut restarted.session, PATIENCE).await?, "it does not apply");
    replication::detach(&mut restarted.session).await?;
    ensure!(restarted.ids().await? == (1..=20).collect::<Vec<_>>(), "rows are lost");
    Ok(())
}
