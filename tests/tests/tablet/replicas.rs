//! A shard of three tablets, led by its record and by the calls that control makes.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use proto::account::DataRole;
use proto::rpc::tablet::{Activity, Role, StatusResponse, ThreadState};
use tests::ports::free_port;
use tonic::Code;
use topo::records::{SemiSyncPart, TabletLiveness, TabletState};

use super::bed::{Bed, PATIENCE, refusal, serves};
use super::shard::{Shard, replicates};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_tablets_follow_their_record() -> Result<()> {
    let mut shard = Shard::start(3).await?;
    let named = Instant::now();
    shard.name(0, 1, &[1, 2]).await?;
    let primary = shard.tablets[0].until_serving().await?;
    println!("serving, proven, {:?} after the record named it", named.elapsed());
    let semi_sync = primary.semi_sync.context("no semi-sync")?;
    assert!(semi_sync.source_enabled && semi_sync.proven && semi_sync.source_clients > 0, "{semi_sync:?}");
    assert_eq!((primary.activity(), primary.starts_in_a_row, primary.given_up), (Activity::None, 1, false));
    shard.until_settled().await?;
    println!("all settled after {:?}", named.elapsed());

    let mut admin = shard.with_table(0).await?;
    admin.query_drop("INSERT INTO shop.t VALUES (1), (2), (3)").await?;
    drop(admin);
    let written =
        shard.tablets[0].until("told", |status| status.gtid_executed != primary.gtid_executed).await?;
    for replica in 1..3 {
        let status = shard.until_executed(replica, &written.gtid_executed).await?;
        let replication = status.replication.clone().context("no replication")?;
        assert_eq!(replication.source, shard.tablets[0].mysql_address());
        assert_eq!(
            (replication.receiver(), replication.applier()),
            (ThreadState::Running, ThreadState::Running)
        );
        assert!(replication.lag_ms.is_some_and(|lag| lag < 60_000), "{replication:?}");
    }
    until_health(&shard.tablets[0], TabletState::Serving, SemiSyncPart::Source).await?;
    until_health(&shard.tablets[1], TabletState::Replicating, SemiSyncPart::Acker).await?;
    // One that is no acker replicates all the same, and acknowledges nothing.
    shard.name(0, 1, &[1]).await?;
    shard.until_settled().await?;
    until_health(&shard.tablets[2], TabletState::Replicating, SemiSyncPart::None).await?;
    shard.end()
}

async fn until_health(tablet: &Bed, state: TabletState, part: SemiSyncPart) -> Result<()> {
    let topology = tablet.topology().await?;
    let key = topology.keys().alive(Some(&tablet.alias.parse()?));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let health = topology.read::<TabletLiveness>(&key).await?.and_then(|alive| alive.value.health);
        if health.as_ref().is_some_and(|health| (health.state, health.semi_sync) == (state, part)) {
            return Ok(());
        }
        assert!(Instant::now() < deadline, "{} is not {state:?}: {health:?}", tablet.alias);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_changes_hands_and_loses_nothing() -> Result<()> {
    let mut shard = Shard::serving(3).await?;
    shard.with_table(0).await?;
    let mut at = 0;
    for (round, to) in [1, 2, 0].into_iter().enumerate() {
        let mut writer = shard.tablets[at].session(DataRole::Write).await?;
        for row in 0..20 {
            writer.query_drop(format!("INSERT INTO shop.t VALUES ({})", round * 20 + row)).await?;
        }
        let (demoted, gap) = shard.reparent(at, to).await?;
        println!("demoted after {demoted:?}, served elsewhere after {gap:?}");
        assert!(writer.query_drop("INSERT INTO shop.t VALUES (999)").await.is_err(), "it writes on");
        at = to;
        shard.until_settled().await?;
        let mut reader = shard.tablets[at].session(DataRole::Read).await?;
        let rows: Option<usize> = reader.query_first("SELECT COUNT(*) FROM shop.t").await?;
        assert_eq!(rows, Some((round + 1) * 20));
        let old = shard.tablets[(at + 2) % 3].status().await?;
        assert!(old.semi_sync.is_some_and(|semi_sync| !semi_sync.source_enabled), "{old:?}");
    }
    // What is over is refused, with the reason.
    let refused = shard.demote(0, 3).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::FailedPrecondition, "term 3 is lower than the accepted term 4")
    );
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_need_the_record_behind_them() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    let precondition = |refused: tonic::Status, says: &str| {
        assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
        assert!(refused.message().contains(says), "{refused}");
    };
    let named = "the record of shard shop/-80 does not say so: it names zone1-101 under term 1";
    precondition(shard.demote(0, 2).await.unwrap_err(), named);
    shard.announce(1, 2).await?;
    let announced = "it names zone1-101 under term 1, and announces zone1-102 under term 2";
    precondition(shard.demote(0, 3).await.unwrap_err(), announced);
    precondition(shard.demote(1, 2).await.unwrap_err(), announced);
    precondition(shard.tablets[1].assume(Role::Primary, 2).await.unwrap_err(), announced);
    precondition(shard.leave_ackers(0, 1).await.unwrap_err(), named);
    precondition(shard.provision(0, 1, 1).await.unwrap_err(), named);
    precondition(shard.provision(1, 1, 0).await.unwrap_err(), "a change of primary is under way");
    assert!(serves(&shard.tablets[0].status().await?), "none of that did anything");

    // Asked twice, it answers twice; and the term below is over for good, for a new agent as well.
    let first = shard.demote(0, 2).await?;
    assert_eq!(shard.demote(0, 2).await?, first);
    shard.end_transition().await?;
    shard.tablets[0].kill_agent()?;
    shard.tablets[0].start()?;
    let stale = |status: &StatusResponse| status.reason.contains("a new primaryship needs a higher term");
    shard.tablets[0].until("out of office", stale).await?;
    // The change was given up: the old primary is named again, above what it gave away.
    shard.name(0, 3, &[1]).await?;
    shard.until_settled().await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_to_stay_takes_the_next_term() -> Result<()> {
    // Commits of term 1 wait for nobody; those of term 2 for the replica.
    let mut shard = Shard::start(2).await?;
    shard.name(0, 1, &[]).await?;
    shard.until_settled().await?;
    let status = shard.tablets[0].status().await?;
    assert!(status.semi_sync.is_some_and(|semi_sync| !semi_sync.source_enabled), "{status:?}");
    shard.announce(0, 2).await?;
    shard.demote(0, 2).await?;
    shard.tablets[0].until_fenced().await?;
    shard.name(0, 2, &[1]).await?;
    shard.until_settled().await?;
    let status = shard.tablets[0].status().await?;
    assert!(
        status.semi_sync.is_some_and(|semi_sync| semi_sync.source_enabled && semi_sync.proven),
        "{status:?}"
    );
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_moves_is_followed() -> Result<()> {
    let mut shard = Shard::serving(2).await?;
    assert!(shard.tablets[0].end()?.success());
    shard.tablets[0].mysql_port = free_port()?;
    shard.tablets[0].start()?;
    let moved = Instant::now();
    shard.until_settled().await?;
    println!("followed to another port {:?} after the start there", moved.elapsed());
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_left_the_ackers_acknowledges_again_only_under_a_new_record() -> Result<()> {
    let mut shard = Shard::serving(3).await?;
    let silent = |status: &StatusResponse| {
        replicates(status) && status.semi_sync.is_some_and(|semi_sync| !semi_sync.replica_enabled)
    };
    shard.leave_ackers(2, 1).await?;
    // Its status is shown anew only after the answer.
    shard.tablets[2].until("silent", silent).await?;
    // The record lists it still, but is no other: reading it again changes nothing, and neither does a new agent.
    let stays_silent = async |shard: &Shard| {
        for _ in 0..5 {
            let answer = shard.tablets[2].assume(Role::Replica, 1).await?;
            ensure!(silent(&answer), "acknowledges before it is known whether it was taken out: {answer:?}");
        }
        Ok(())
    };
    stays_silent(&shard).await?;
    shard.tablets[2].kill_agent()?;
    shard.tablets[2].start()?;
    shard.tablets[2].until("replicating", silent).await?;
    stays_silent(&shard).await?;
    // Written again as it is, it has another revision.
    shard.name(0, 1, &[1, 2]).await?;
    shard.until_settled().await?;
    shard.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_leaves_the_ackers_and_becomes_a_copy() -> Result<()> {
    let mut shard = Shard::serving(3).await?;
    let mut admin = shard.with_table(0).await?;
    admin.query_drop("INSERT INTO shop.t VALUES (1), (2), (3)").await?;
    shard.leave_ackers(2, 1).await?;
    let left = Instant::now();
    let silent = |status: &StatusResponse| {
        replicates(status) && status.semi_sync.is_some_and(|semi_sync| !semi_sync.replica_enabled)
    };
    shard.tablets[2].until("no acker", silent).await?;
    // The record lists it still, and whoever asks for a copy now is refused.
    assert_eq!(shard.provision(2, 1, 1).await.unwrap_err().code(), Code::FailedPrecondition);
    shard.name(0, 1, &[1]).await?;
    shard.provision(2, 1, 1).await?;
    shard.provision(2, 1, 1).await?;
    shard.tablets[2].until("copying", |status| status.activity() == Activity::Provisioning).await?;
    shard.tablets[2].until("copied", |status| status.activity() == Activity::None).await?;
    println!("a copy after {:?}", left.elapsed());
    shard.until_settled().await?;
    admin.query_drop("INSERT INTO shop.t VALUES (4)").await?;
    let primary = shard.tablets[0].until_serving().await?;
    let copy = shard.until_executed(2, &primary.gtid_executed).await?;
    assert!(copy.starts_in_a_row <= 1, "the end of a copy is no crash: {copy:?}");
    shard.name(0, 1, &[1, 2]).await?;
    shard.until_settled().await?;
    // What was copied can serve.
    shard.reparent(0, 2).await?;
    let mut reader = shard.tablets[2].session(DataRole::Admin).await?;
    assert_eq!(reader.query_first::<u32, _>("SELECT COUNT(*) FROM shop.t").await?, Some(4));
    assert_eq!(refusal(&mut reader, "INSERT INTO shop.t VALUES (5)").await?, 0);
    shard.until_settled().await?;
    shard.end()
}
