//! Tablets that become copies of others: when they may, and when not.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;
use proto::account::{AGENT_ACCOUNT, AGENT_SECRET_FILE, DataRole};
use proto::rpc::tablet::{Activity, CatchUpRequest, StatusResponse};
use tonic::Code;

use super::bed::PATIENCE;
use super::shard::{Shard, replicates};

/// Pause between two tries.
const POLL: Duration = Duration::from_millis(300);
/// MySQL's code for a source that no longer has what a replica lacks.
const PURGED: u32 = 13114;

fn acknowledges(status: &StatusResponse) -> bool {
    status.semi_sync.is_some_and(|semi_sync| semi_sync.replica_enabled)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acker_without_data_becomes_a_copy_of_the_primary_and_of_nobody_else() -> Result<()> {
    let mut shard = Shard::serving(3).await?;
    let mut admin = shard.with_table(0).await?;
    admin.query_drop("INSERT INTO shop.t VALUES (1)").await?;
    // It comes back with an empty data directory, and the primary no longer has what it lacks. The
    // other acker lets commits through: while one waits, MySQL begins no new log, and gives nobody a copy.
    let password = shard.tablets[0].secret(AGENT_SECRET_FILE)?.password(AGENT_ACCOUNT);
    let mut agent = shard.tablets[0].log_in_locally(AGENT_ACCOUNT, &password).await?;
    agent.query_drop("SET GLOBAL binlog_expire_logs_seconds = 1").await?;
    let deadline = Instant::now() + PATIENCE;
    while shard.tablets[0].status().await?.gtid_purged.is_empty() {
        // A new log is begun, and those that are a second old are purged.
        agent.query_drop("FLUSH BINARY LOGS").await?;
        tokio::time::sleep(POLL).await;
        ensure!(Instant::now() < deadline, "nothing is purged");
    }
    drop(agent);
    assert!(shard.tablets[1].end()?.success());
    fs::remove_dir_all(shard.tablets[1].dir().join("data"))?;
    shard.tablets[1].start()?;
    let purged = |status: &StatusResponse| {
        status.replication.as_ref().is_some_and(|replication| replication.error_code == PURGED)
    };
    shard.tablets[1].until("too far behind", purged).await?;

    // Of anybody else it must not become a copy, nor while a change of primary is announced.
    let other = shard.provision(1, 1, 2).await.unwrap_err();
    assert_eq!(other.code(), Code::FailedPrecondition, "{other}");
    assert!(other.message().contains("lists zone1-102 as acker"), "{other}");
    shard.announce(1, 2).await?;
    let announced = shard.provision(1, 1, 0).await.unwrap_err();
    assert_eq!(announced.code(), Code::FailedPrecondition, "{announced}");
    shard.end_transition().await?;
    shard.provision(1, 1, 0).await?;
    let copied = |status: &StatusResponse| status.activity() == Activity::None && replicates(status);
    let copy = shard.tablets[1].until("copied", copied).await?;
    assert!(!acknowledges(&copy), "under the record that it left: {copy:?}");
    // Another record lists it.
    shard.name(0, 1, &[1, 2]).await?;
    shard.until_settled().await?;
    admin.query_drop("INSERT INTO shop.t VALUES (2)").await?;
    shard.reparent(0, 1).await?;
    let mut reader = shard.tablets[1].session(DataRole::Read).await?;
    assert_eq!(reader.query::<u32, _>("SELECT id FROM shop.t ORDER BY id").await?, [1, 2]);
    shard.until_settled().await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_cannot_be_noted_is_refused_and_one_under_way_catches_up_with_nobody() -> Result<()> {
    let mut shard = Shard::serving(3).await?;
    shard.leave_ackers(2, 1).await?;
    shard.name(0, 1, &[1]).await?;
    let in_the_way = shard.tablets[2].dir().join("copying.new");
    fs::create_dir(&in_the_way)?;
    let refused = shard.provision(2, 1, 1).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted, "{refused}");
    assert!(refused.message().starts_with("no copy can be noted on disk"), "{refused}");
    fs::remove_dir(&in_the_way)?;

    shard.provision(2, 1, 1).await?;
    shard.announce(2, 2).await?;
    let request = CatchUpRequest { term: 2, gtid_set: String::new(), timeout_ms: 1_000 };
    let refused = shard.tablets[2].client().await?.catch_up(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().starts_with("its data is being replaced"), "{refused}");
    shard.end_transition().await?;
    shard.tablets[2].until("copied", |status| status.activity() == Activity::None).await?;
    shard.until_settled().await?;
    shard.end()
}
