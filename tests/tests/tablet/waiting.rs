//! A primary whose commits wait for acknowledgements that do not come, and agents that die at the worst moments.

use std::time::{Duration, Instant};

use anyhow::Result;
use mysql_async::prelude::Queryable;
use proto::account::DataRole;
use proto::rpc::tablet::StatusResponse;
use tokio::task::JoinHandle;
use tonic::Code;

use tests::signals;

use super::bed::{PATIENCE, serves};
use super::shard::Shard;

/// MySQL's code for a login while offline_mode is on.
const OFFLINE: u16 = 3032;

/// A commit that waits, because every replica is frozen.
async fn blocked_commit(shard: &Shard) -> Result<JoinHandle<mysql_async::Result<()>>> {
    shard.with_table(0).await?;
    for replica in &shard.tablets[1..] {
        signals::freeze(replica.mysqld_pid()?)?;
    }
    let mut writer = shard.tablets[0].session(DataRole::Write).await?;
    let commit = tokio::spawn(async move { writer.query_drop("INSERT INTO shop.t VALUES (7)").await });
    let waits =
        |status: &StatusResponse| status.semi_sync.is_some_and(|semi_sync| semi_sync.waiting_sessions > 0);
    shard.tablets[0].until("waiting for an acknowledgement", waits).await?;
    Ok(commit)
}

fn thaw_replicas(shard: &Shard) -> Result<()> {
    shard.tablets[1..].iter().try_for_each(|replica| signals::thaw(replica.mysqld_pid()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demotion_that_meets_a_waiting_commit_is_taken_back() -> Result<()> {
    let mut shard = Shard::serving(3).await?;
    let commit = blocked_commit(&shard).await?;
    shard.announce(1, 2).await?;
    let asked = Instant::now();
    let refused = shard.demote(0, 2).await.unwrap_err();
    println!("given up after {:?}: {refused}", asked.elapsed());
    assert_eq!(refused.code(), Code::Aborted, "{refused}");
    assert!(refused.message().starts_with("it could not be demoted, and serves on: "), "{refused}");
    let status = shard.tablets[0].until_serving().await?;
    assert_eq!(status.term, 1, "the term is not used up");
    assert!(!commit.is_finished(), "acknowledged by nobody");

    thaw_replicas(&shard)?;
    commit.await??;
    shard.end_transition().await?;
    shard.until_settled().await?;
    let (demoted, gap) = shard.reparent(0, 1).await?;
    println!("demoted after {demoted:?}, served elsewhere after {gap:?}");
    let mut reader = shard.tablets[1].session(DataRole::Read).await?;
    assert_eq!(reader.query_first::<u32, _>("SELECT id FROM shop.t").await?, Some(7));
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_an_agent_acknowledges_nothing() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    let commit = blocked_commit(&shard).await?;
    let told = Instant::now();
    assert!(shard.tablets[0].end()?.success());
    println!("ended {:?} after it was told to", told.elapsed());
    assert!(commit.await?.is_err(), "acknowledged, though no replica has it");
    let log = std::fs::read_to_string(shard.tablets[0].log())?;
    assert!(log.contains("killing mysqld, because it could not be fenced first"), "{log}");
    thaw_replicas(&shard)?;
    shard.tablets[0].start()?;
    shard.until_settled().await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_primary_stays_fenced_until_a_write_of_its_own_is_acknowledged() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    shard.with_table(0).await?;
    assert!(shard.tablets[1].end()?.success());
    let mysqld = shard.tablets[0].mysqld_pid()?;
    signals::kill(mysqld)?;
    let unproven =
        |status: &StatusResponse| status.reason.contains("once a write of its own was acknowledged");
    shard.tablets[0].until("waiting for a replica", unproven).await?;
    let until = Instant::now() + 2 * tablet::limits::LOOK_INTERVAL;
    while Instant::now() < until {
        assert_eq!(shard.tablets[0].login_refusal().await?, OFFLINE);
    }
    shard.tablets[1].start()?;
    let back = Instant::now();
    shard.until_settled().await?;
    println!("serving {:?} after the replica was started", back.elapsed());
    let mut writer = shard.tablets[0].session(DataRole::Write).await?;
    writer.query_drop("INSERT INTO shop.t VALUES (1)").await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_killed_in_the_midst_of_a_demotion_loses_nothing() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    shard.tablets[0].kill_agent()?;
    // Before the term is on disk nothing was given away.
    shard.tablets[0].start_to_die_at("tablet::before_demote_accept")?;
    shard.until_settled().await?;
    shard.announce(1, 2).await?;
    assert!(shard.demote(0, 2).await.is_err(), "nobody is left to answer");
    shard.tablets[0].until_dead()?;
    assert_eq!(shard.tablets[0].login_refusal().await?, OFFLINE, "the fence was up before");
    // Once it is, the old term is over.
    shard.tablets[0].start_to_die_at("tablet::after_demote")?;
    assert_eq!(shard.tablets[0].until_serving().await?.term, 1);
    assert!(shard.demote(0, 2).await.is_err(), "nobody is left to answer");
    shard.tablets[0].until_dead()?;
    shard.tablets[0].start()?;
    let stale = |status: &StatusResponse| status.fenced && status.reason.contains("needs a higher term");
    shard.tablets[0].until("out of office", stale).await?;
    let (_, gap) = shard.reparent(0, 1).await?;
    println!("served elsewhere {gap:?} after it was demoted again");
    shard.until_settled().await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mysqld_that_dies_once_its_term_is_over_makes_a_demotion_uncertain() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    shard.tablets[0].kill_agent()?;
    shard.tablets[0].start_with("tablet::after_demote=sleep(4000)")?;
    shard.until_settled().await?;
    shard.announce(1, 2).await?;
    let mysqld = shard.tablets[0].mysqld_pid()?;
    let term_file = shard.tablets[0].dir().join("term.json");
    let killed = std::thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(&term_file)?.contains("\"term\":2") {
            anyhow::ensure!(Instant::now() < deadline, "the term is never over");
            std::thread::sleep(Duration::from_millis(5));
        }
        signals::kill(mysqld)
    });
    let refused = shard.demote(0, 2).await.unwrap_err();
    killed.join().map_err(|_| anyhow::anyhow!("the killer panicked"))??;
    // "Aborted" would mean that all is as before, and nobody would name it under a term that it can take.
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert!(refused.message().starts_with("it may be demoted: "), "{refused}");
    let stale = |status: &StatusResponse| status.fenced && status.reason.contains("needs a higher term");
    shard.tablets[0].until("out of office", stale).await?;
    shard.name(0, 3, &[1]).await?;
    shard.until_settled().await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mysqld_that_starts_slowly_is_not_shown_as_the_one_before() -> Result<()> {
    let mut shard = Shard::serving(1).await?;
    let before = shard.tablets[0].mysqld_pid()?;
    signals::kill(before)?;
    let deadline = Instant::now() + PATIENCE;
    let next = loop {
        match shard.tablets[0].mysqld_pid() {
            Ok(pid) if pid != before => break pid,
            _ => anyhow::ensure!(Instant::now() < deadline, "no other mysqld"),
        }
    };
    // Frozen, it does not get ready.
    signals::freeze(next)?;
    let down = |status: &StatusResponse| !status.mysqld_running && !serves(status);
    let shown = shard.tablets[0].until("down", down).await;
    signals::thaw(next)?;
    println!("shown meanwhile: {:?}", shown?.reason);
    shard.until_settled().await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_killed_on_its_way_to_serving_gets_there() -> Result<()> {
    let mut shard = Shard::start(2).await?;
    shard.tablets[0].kill_agent()?;
    shard.tablets[0].start_to_die_at("tablet::after_term_on_disk")?;
    shard.name(0, 1, &[1]).await?;
    shard.tablets[0].until_dead()?;
    assert_eq!(shard.tablets[0].login_refusal().await?, OFFLINE);
    shard.tablets[0].start_to_die_at("tablet::before_admit")?;
    shard.tablets[0].until_dead()?;
    assert_eq!(shard.tablets[0].login_refusal().await?, OFFLINE);
    shard.tablets[0].start()?;
    shard.until_settled().await?;
    let began = Instant::now();
    let status = shard.tablets[0].until("proven", |s| s.semi_sync.is_some_and(|s| s.proven)).await?;
    assert!(serves(&status) && began.elapsed() < Duration::from_secs(60), "{status:?}");
    shard.end()
}
