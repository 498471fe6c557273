//! A primary whose commits wait for an acknowledgement that does not come: stopping it, demoting it and restarting it
//! acknowledges nothing that is on no replica.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use proto::ids::{ShardRef, TabletAlias};
use proto::rpc::tablet::DemoteRequest;
use tests::faults::cluster::{Cluster, Design};
use tests::faults::ledger::{Ledger, Load};
use tests::process::wait_for;
use tests::signals::Frozen;
use tonic::{Code, Status};
use topo::records::{ShardRecord, Transition};
use topo::store::Outcome;
use topo::topology::{Lock, Transaction};

use crate::{PATIENCE, SILENCE, back, is_fenced, three, wait_for_waiting_commits};

/// MySQL's code of the error that a client meets at a fenced mysqld.
const OFFLINE_MODE: u16 = 3032;
/// When the lock of a test that hangs is free again.
const LOCK_TTL: Duration = Duration::from_secs(5);

/// Freezes the mysqlds of all replicas of the shard and waits until commits of the primary wait for them.
fn block(cluster: &Cluster, ledger: &Ledger, primary: &TabletAlias) -> Result<Vec<Frozen>> {
    let shard = &cluster.site(primary)?.shard;
    let replicas = cluster.replicas(shard)?;
    let frozen: Result<Vec<Frozen>> =
        replicas.iter().map(|alias| Frozen::freeze(cluster.mysqld(alias)?)).collect();
    let frozen = frozen?;
    ledger.wait_for_silence(SILENCE, PATIENCE)?;
    wait_for_waiting_commits(cluster, primary, 1)?;
    Ok(frozen)
}

#[test]
fn a_primary_that_is_stopped_with_a_blocked_commit_acknowledges_nothing_more() -> Result<()> {
    let (mut cluster, shard) = three(Design::default())?;
    let primary = cluster.primary(&shard)?;
    let ledger = cluster.load(Load::default())?;
    let frozen = block(&cluster, &ledger, &primary)?;
    let (from, before) = (Instant::now(), ledger.acknowledged());
    let part = format!("tablet-{primary}");
    let mysqld = cluster.mysqld(&primary)?;
    // The order to end goes to the agent, which ends mysqld.
    cluster.part(&part)?.tell_to_end()?;
    cluster.part(&part)?.wait_for_end(PATIENCE)?;
    ensure!(!tests::signals::is_alive(mysqld), "mysqld outlived the order to end");
    ensure!(ledger.acknowledged() == before, "{} acknowledged in the end", ledger.acknowledged() - before);

    // It comes back while nobody can acknowledge: its waiting transactions are committed now, and it must not serve.
    cluster.start_part(&part)?;
    cluster.wait_for_status(&primary, "mysqld runs again", |status| status.mysqld_running)?;
    wait_for_waiting_commits(&cluster, &primary, 1)?;
    ensure!(cluster.wait(cluster.data_session_refusal(&primary))? == OFFLINE_MODE, "a client was let in");
    ensure!(ledger.acknowledged() == before, "{} acknowledged by nobody", ledger.acknowledged() - before);
    drop(frozen);
    back(&ledger, "stopped and started again with a blocked commit", from)?;
    cluster.wait_until_whole()?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}

#[test]
fn a_killed_mysqld_with_a_blocked_commit_stays_fenced_until_a_write_of_its_own_is_acknowledged() -> Result<()>
{
    let (cluster, shard) = three(Design::default())?;
    let primary = cluster.primary(&shard)?;
    let ledger = cluster.load(Load::default())?;
    let frozen = block(&cluster, &ledger, &primary)?;
    let (from, before) = (Instant::now(), ledger.acknowledged());
    let mysqld = cluster.mysqld(&primary)?;
    tests::signals::kill(mysqld)?;
    wait_for("another mysqld runs", PATIENCE, || cluster.mysqld(&primary).is_ok_and(|pid| pid != mysqld))?;
    wait_for_waiting_commits(&cluster, &primary, 1)?;
    let status = cluster.status(&primary)?;
    ensure!(!status.semi_sync.unwrap_or_default().proven, "proven by nobody");
    ensure!(cluster.wait(cluster.data_session_refusal(&primary))? == OFFLINE_MODE, "a client was let in");
    ensure!(ledger.acknowledged() == before, "{} acknowledged by nobody", ledger.acknowledged() - before);
    drop(frozen);
    back(&ledger, "killed with a blocked commit", from)?;
    cluster.wait_until_whole()?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}

/// Announces a change of primary and asks the primary's agent to carry out its part; what it answers. Control sees
/// that the replicas are silent and would not begin, so the test stands in for it.
async fn demote(cluster: &Cluster, shard: &ShardRef, to: TabletAlias) -> Result<(Lock, Result<(), Status>)> {
    let topology = cluster.topology()?;
    let lock = topology.lock(&topology.keys().shard_lock(shard), "a test", LOCK_TTL).await?;
    let key = topology.keys().shard(Some(shard));
    let record = topology.read::<ShardRecord>(&key).await?.context("no record")?;
    let primary = record.value.primary.clone().context("no primary")?;
    let term = record.value.term.next();
    let announced =
        ShardRecord { transition: Some(Transition { next_term: term, to }), ..record.value.clone() };
    let announce = Transaction::new().replace(&key, &announced, record.revision)?.while_locked(&lock);
    ensure!(matches!(topology.commit(announce).await?, Outcome::Committed(_)), "the record was overtaken");
    let mut agent = cluster.agent(&primary).await?;
    let answer = agent.demote(DemoteRequest { term: term.0 }).await;
    Ok((lock, answer.map(drop)))
}

#[test]
fn a_primary_with_a_blocked_commit_refuses_to_be_demoted_and_serves_on() -> Result<()> {
    let (cluster, shard) = three(Design::default())?;
    let (primary, to) = (cluster.primary(&shard)?, cluster.replicas(&shard)?.remove(0));
    let term = cluster.record(&shard)?.term;
    let ledger = cluster.load(Load::default())?;
    let frozen = block(&cluster, &ledger, &primary)?;
    let (from, before) = (Instant::now(), ledger.acknowledged());
    let (lock, answer) = cluster.wait(demote(&cluster, &shard, to))?;
    let refusal = answer.err().context("it was demoted with a blocked commit")?;
    println!("demotion of a blocked primary: {refusal}");
    ensure!(refusal.code() == Code::Aborted && refusal.message().contains("serves on"), "{refusal}");
    ensure!(refusal.message().contains("a commit that waits for a replica"), "{refusal}");
    ensure!(!is_fenced(&cluster, &primary)?, "it is fenced");
    ensure!(cluster.wait(cluster.data_session_refusal(&primary))? == 0, "no client is let in any more");
    ensure!(ledger.acknowledged() == before, "{} acknowledged by nobody", ledger.acknowledged() - before);

    // Whoever announced it does nothing more: control ends it, under a term above the one that was announced.
    cluster.wait(async {
        lock.release().await;
        Ok(())
    })?;
    drop(frozen);
    println!("{}", cluster.wait_for_event(&shard.to_string(), "TransitionEnded")?);
    back(&ledger, "not demoted with a blocked commit", from)?;
    cluster.wait_until_whole()?;
    let record = cluster.record(&shard)?;
    ensure!(record.primary.as_ref() == Some(&primary) && record.term > term.next(), "{record:?}");
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}
