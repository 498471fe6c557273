//! Replicas that are read.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use proto::account::DataRole;
use proto::limits::MAX_READ_LAG;
use topo::records::TabletLiveness;

use tests::signals;

use super::bed::{Bed, PATIENCE, refusal};
use super::shard::{OFFLINE, Shard};

/// MySQL's code for a statement that a server which is read only does not do.
const READ_ONLY: u16 = 1290;

/// Whether a replica admits readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    Admitted,
    Out,
}

/// Waits until the tablet says so of its readers, to whoever asks and in the topology.
async fn until_readers(tablet: &Bed, are: Readers) -> Result<()> {
    let reads = are == Readers::Admitted;
    tablet.until("as wanted with its readers", |status| status.reads == reads && status.fenced).await?;
    let topology = tablet.topology().await?;
    let key = topology.keys().alive(Some(&tablet.alias.parse()?));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let health = topology.read::<TabletLiveness>(&key).await?.and_then(|alive| alive.value.health);
        if health.as_ref().is_some_and(|health| health.reads == reads) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{} told nobody: {health:?}", tablet.alias);
    }
}

/// Waits until the session sees so many rows.
async fn until_rows(reader: &mut Conn, rows: u64) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while reader.query_first::<u64, _>("SELECT COUNT(*) FROM shop.t").await? != Some(rows) {
        ensure!(Instant::now() < deadline, "the rows do not come");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_read_and_never_written() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    let mut admin = shard.with_table(0).await?;
    admin.query_drop("INSERT INTO shop.t VALUES (1), (2)").await?;
    let replica = &shard.tablets[1];
    until_readers(replica, Readers::Admitted).await?;
    let mut reader = replica.session(DataRole::Read).await?;
    until_rows(&mut reader, 2).await?;
    let read_only: Option<(bool, bool)> =
        reader.query_first("SELECT @@GLOBAL.super_read_only, @@GLOBAL.read_only").await?;
    assert_eq!(read_only, Some((true, true)));
    assert_eq!(refusal(&mut reader, "INSERT INTO shop.t VALUES (3)").await?, READ_ONLY);
    // Whoever may write elsewhere may not here, nor begin to.
    let mut writer = replica.session(DataRole::Admin).await?;
    for write in ["INSERT INTO shop.t VALUES (3)", "DROP TABLE shop.t", "START TRANSACTION READ WRITE"] {
        assert_eq!(refusal(&mut writer, write).await?, READ_ONLY, "{write}");
    }
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_what_is_too_old_also_while_the_topology_is_away() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    shard.with_table(0).await?;
    until_readers(&shard.tablets[1], Readers::Admitted).await?;
    let mut reader = shard.tablets[1].session(DataRole::Read).await?;
    until_rows(&mut reader, 0).await?;
    // Its primary goes, and nobody can tell it anything.
    ensure!(shard.tablets[0].end()?.success());
    let alone = Instant::now();
    signals::freeze(shard.tablets[1].etcd.pid())?;
    let closed = async {
        // It reads on for a while.
        let mut read_for = alone.elapsed();
        while reader.query_drop("SELECT COUNT(*) FROM shop.t").await.is_ok() {
            read_for = alone.elapsed();
            ensure!(read_for < 2 * MAX_READ_LAG, "it reads for ever");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!("read for {read_for:?} after its primary had gone");
        ensure!(read_for > MAX_READ_LAG / 2, "closed after {read_for:?}");
        ensure!(shard.tablets[1].login_refusal().await? == OFFLINE);
        Ok(())
    };
    let closed = closed.await;
    signals::thaw(shard.tablets[1].etcd.pid())?;
    closed?;
    until_readers(&shard.tablets[1], Readers::Out).await?;
    // Its primary comes back, and so do readers.
    shard.tablets[0].start()?;
    shard.until_settled().await?;
    until_readers(&shard.tablets[1], Readers::Admitted).await?;
    until_rows(&mut shard.tablets[1].session(DataRole::Read).await?, 0).await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_leave_who_becomes_primary_and_stay_with_the_others() -> Result<()> {
    let mut shard = Shard::serving(3).await?;
    let mut admin = shard.with_table(0).await?;
    admin.query_drop("INSERT INTO shop.t VALUES (1)").await?;
    for replica in &shard.tablets[1..] {
        until_readers(replica, Readers::Admitted).await?;
    }
    let mut next = shard.tablets[1].session(DataRole::Read).await?;
    let mut other = shard.tablets[2].session(DataRole::Read).await?;
    until_rows(&mut other, 1).await?;
    let (demoted, gap) = shard.reparent(0, 1).await?;
    println!("demoted after {demoted:?}, served elsewhere after {gap:?}, with readers");
    ensure!(next.query_drop("SELECT 1").await.is_err(), "a reader came along");
    until_rows(&mut other, 1).await?;
    // Who was primary is read once it follows, and nobody of before is left.
    until_readers(&shard.tablets[0], Readers::Admitted).await?;
    ensure!(admin.query_drop("SELECT 1").await.is_err(), "a session of its primaryship lives on");
    shard.until_settled().await?;
    let mut writer = shard.tablets[1].session(DataRole::Write).await?;
    writer.query_drop("INSERT INTO shop.t VALUES (2)").await?;
    until_rows(&mut other, 2).await?;
    until_rows(&mut shard.tablets[0].session(DataRole::Read).await?, 2).await?;
    shard.reparent(1, 0).await?;
    shard.until_settled().await?;
    let status = shard.tablets[0].status().await?;
    ensure!(!status.reads && !status.fenced, "{status:?}");
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_are_turned_out_before_a_replica_becomes_a_copy() -> Result<()> {
    let mut shard = Shard::serving(3).await?;
    shard.with_table(0).await?;
    shard.leave_ackers(2, 1).await?;
    shard.name(0, 1, &[1]).await?;
    until_readers(&shard.tablets[2], Readers::Admitted).await?;
    let mut reader = shard.tablets[2].session(DataRole::Read).await?;
    until_rows(&mut reader, 0).await?;
    shard.provision(2, 1, 1).await?;
    ensure!(reader.query_drop("SELECT 1").await.is_err(), "it is read while its data is replaced");
    let refused = shard.tablets[2].login_refusal().await;
    // mysqld has ended already, or lets nobody in.
    ensure!(refused.as_ref().map_or(true, |code| *code == OFFLINE), "{refused:?}");
    until_readers(&shard.tablets[2], Readers::Admitted).await.context("after the copy")?;
    shard.until_settled().await?;
    shard.end()
}
