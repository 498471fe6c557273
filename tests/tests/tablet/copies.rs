//! Tablets that become copies of others: when they may, and when not.

use std::fs;

use anyhow::Result;
use mysql_async::prelude::Queryable;
use proto::account::{AGENT_ACCOUNT, AGENT_SECRET_FILE, DataRole};
use proto::rpc::tablet::{Activity, CatchUpRequest, StatusResponse};
use tonic::Code;

use super::shard::{Shard, replicates};

/// MySQL's code for a source that no longer has what a replica lacks.
const PURGED: u32 = 13114;

fn acknowledges(status: &StatusResponse) -> bool {
    status.semi_sync.is_some_and(|semi_sync| semi_sync.replica_enabled)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_acker_without_data_becomes_a_copy_of_a_primary_whose_commits_wait() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    let mut admin = shard.with_table(0).await?;
    admin.query_drop("INSERT INTO shop.t VALUES (1)").await?;
    // It comes back with an empty data directory, and the primary no longer has what it lacks.
    assert!(shard.tablets[1].end()?.success());
    fs::remove_dir_all(shard.tablets[1].dir().join("data"))?;
    let password = shard.tablets[0].secret(AGENT_SECRET_FILE)?.password(AGENT_ACCOUNT);
    let mut agent = shard.tablets[0].log_in_locally(AGENT_ACCOUNT, &password).await?;
    agent.query_drop("FLUSH BINARY LOGS").await?;
    agent.query_drop("PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY").await?;
    drop(agent);
    let mut writer = shard.tablets[0].session(DataRole::Write).await?;
    let commit = tokio::spawn(async move { writer.query_drop("INSERT INTO shop.t VALUES (2)").await });
    let waits =
        |status: &StatusResponse| status.semi_sync.is_some_and(|semi_sync| semi_sync.waiting_sessions > 1);
    shard.tablets[0].until("waiting for an acknowledgement", waits).await?;
    shard.tablets[1].start()?;
    let purged = |status: &StatusResponse| {
        status.replication.as_ref().is_some_and(|replication| replication.error_code == PURGED)
    };
    shard.tablets[1].until("too far behind", purged).await?;

    // Of anybody else it must not become a copy, nor while a change of primary is announced.
    let itself = shard.provision(1, 1, 1).await.unwrap_err();
    assert_eq!(itself.code(), Code::FailedPrecondition, "{itself}");
    assert!(itself.message().contains("lists zone1-102 as acker"), "{itself}");
    shard.announce(1, 2).await?;
    let announced = shard.provision(1, 1, 0).await.unwrap_err();
    assert_eq!(announced.code(), Code::FailedPrecondition, "{announced}");
    shard.end_transition().await?;
    shard.provision(1, 1, 0).await?;
    let copied = |status: &StatusResponse| status.activity() == Activity::None && replicates(status);
    let copy = shard.tablets[1].until("copied", copied).await?;
    assert!(!acknowledges(&copy), "under the record that it left: {copy:?}");
    assert!(!commit.is_finished(), "acknowledged by nobody");
    // Another record lists it.
    shard.name(0, 1, &[1]).await?;
    commit.await??;
    shard.until_settled().await?;
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
