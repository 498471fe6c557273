//! Demoting and stopping a primary, also one whose commit waits for a replica that never comes.

use std::time::Instant;

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;
use proto::account::DataRole;
use tablet::fence::{self, DemoteError, FenceState};
use tablet::mysqld::process::Ending;
use tablet::replication::{self, Switch};
use tablet::session::SessionError;
use tests::folder::Folder;

use crate::bed::{Node, client_with_table, insert, shard, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_is_demoted_without_cutting_off_a_statement() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 1).await?;
    let mut client = client_with_table(&primary).await?;
    insert(&mut client, [1]).await?;
    // One that runs when the demotion begins: it is waited for.
    let mut reader = primary.client(DataRole::Read).await?;
    let reading = tokio::spawn(async move { reader.query_first::<u8, _>("SELECT SLEEP(0.2)").await });
    until("a statement runs", async || Ok(primary.look().await?.threads_running >= 3)).await?;
    let began = Instant::now();
    fence::demote(&mut primary.session).await?;
    println!("demote: {} ms, 200 of them for a statement", began.elapsed().as_millis());
    ensure!(reading.await?? == Some(0), "a statement was cut off");
    ensure!(primary.look().await?.fence == FenceState::Raised);
    ensure!(client.query_drop("INSERT INTO t VALUES (2)").await.is_err(), "a session outlived the demotion");
    replicas[0].catch_up(&mut primary).await?;

    fence::reopen(&mut primary.session).await?;
    let mut client = primary.client(DataRole::Write).await?;
    insert(&mut client, [2]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_primary_is_fenced_within_its_deadline() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, _replicas) = shard(&folder, 1).await?;
    drop(client_with_table(&primary).await?);
    let mut busy = Vec::new();
    for writer in 0..16 {
        let mut client = primary.client(DataRole::Admin).await?;
        busy.push(tokio::spawn(async move { insert(&mut client, (writer..).step_by(16)).await }));
    }
    let mut reader = primary.client(DataRole::Read).await?;
    busy.push(tokio::spawn(async move { Ok(reader.query_drop("SELECT SLEEP(3600)").await?) }));
    let mut holder = primary.client(DataRole::Write).await?;
    holder.query_drop("BEGIN").await?;
    insert(&mut holder, [1_000_000_000]).await?;
    until("writers write", async || {
        let mut client = primary.client(DataRole::Read).await?;
        let rows: Option<u32> = client.query_first("SELECT COUNT(*) FROM t").await?;
        Ok(rows > Some(100))
    })
    .await?;

    let began = Instant::now();
    fence::raise(&mut primary.session).await?;
    let raised = began.elapsed();
    fence::sessions_end(&mut primary.session).await?;
    println!("fence: {} ms, sessions gone: {} ms", raised.as_millis(), began.elapsed().as_millis());
    for session in busy {
        ensure!(session.await?.is_err(), "a data session outlived the fence");
    }
    Ok(())
}

/// A commit of the client waits for a replica that no longer acknowledges.
async fn block_a_commit(
    primary: &mut Node,
    replica: &mut Node,
) -> Result<tokio::task::JoinHandle<Result<()>>> {
    let mut client = client_with_table(primary).await?;
    insert(&mut client, [1]).await?;
    replica.catch_up(primary).await?;
    replication::stop_acking(&mut replica.session).await?;
    // Not even received, so that the row is nowhere but on the primary.
    replica.session.run("STOP REPLICA IO_THREAD").await?;
    let blocked = tokio::spawn(async move { insert(&mut client, [2]).await });
    until("a commit waits", async || Ok(primary.look().await?.semi_sync.waiting_sessions == 1)).await?;
    Ok(blocked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_with_a_blocked_commit_is_not_demoted_and_serves_on() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 1).await?;
    let blocked = block_a_commit(&mut primary, &mut replicas[0]).await?;
    let began = Instant::now();
    let refused = fence::demote(&mut primary.session).await;
    println!("demote refused after {} ms", began.elapsed().as_millis());
    ensure!(matches!(refused, Err(DemoteError::WritesStay(_))), "{refused:?}");
    fence::reopen(&mut primary.session).await?;
    ensure!(primary.look().await?.fence == FenceState::Lifted);
    ensure!(!blocked.is_finished(), "the commit was acknowledged");
    let source = primary.source();
    replicas[0].follow(&source, replication::Acks::Yes).await?;
    blocked.await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_a_primary_with_a_blocked_commit_acknowledges_nothing() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 1).await?;
    let blocked = block_a_commit(&mut primary, &mut replicas[0]).await?;
    let refused = fence::raise(&mut primary.session).await;
    ensure!(matches!(refused, Err(fence::FenceError::TooSlow(SessionError::Refused { .. }))), "{refused:?}");
    let began = Instant::now();
    primary.supervisor.stop(&primary.dir, &mut primary.session).await?;
    println!("stop with a blocked commit: {} ms", began.elapsed().as_millis());
    ensure!(blocked.await?.is_err(), "a commit was acknowledged that no replica has");

    primary.restart().await?;
    let look = primary.look().await?;
    ensure!(look.fence == FenceState::Raised && !look.semi_sync.source_enabled, "{look:?}");
    ensure!(primary.client(DataRole::Read).await.is_err(), "a client is let in");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_primary_is_stopped_in_order() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, _replicas) = shard(&folder, 1).await?;
    let mut client = client_with_table(&primary).await?;
    insert(&mut client, [1]).await?;
    fence::raise(&mut primary.session).await?;
    fence::sessions_end(&mut primary.session).await?;
    replication::set_source_semi_sync(&mut primary.session, Switch::Off).await?;
    let Some(process) = primary.supervisor.process() else { return Ok(()) };
    let ending = process.stop(crate::bed::PATIENCE).await?;
    ensure!(ending == Ending::Exited(0), "{ending}");
    Ok(())
}
