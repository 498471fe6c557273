//! What the gate does when etcd, a shard or its client goes away.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;
use tests::process::{pids_naming, wait_for};
use tests::signals::{self, Frozen};

use crate::{cluster, pid_of, refusal, session, value, wait};

/// How long a part that was killed may take to serve again.
pub(crate) const BACK_DEADLINE: Duration = Duration::from_secs(30);
/// The longest that a statement may take to fail when the topology is away.
const FAILURE_DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn a_gate_serves_from_its_last_snapshot_while_etcd_is_away() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        client
            .run_all(&[
                "create table items (id bigint primary key, a int)",
                "insert into items values (1, 1)",
            ])
            .await?;
        let frozen = Frozen::freeze(pid_of(&cluster, "etcd")?)?;
        for round in 0..20 {
            client.run_all(&[&format!("update items set a = {round} where id = 1")]).await?;
            ensure!(value(&mut client, "select a from items where id = 1").await? == round.to_string());
        }
        // New clients are let in, too.
        let mut newcomer = session(&cluster, "reader", "shop").await?;
        ensure!(value(&mut newcomer, "select a from items where id = 1").await? == "19");
        let started = Instant::now();
        let (code, text) = refusal(&mut client, "alter table items add column b int").await?;
        ensure!(code == 1105 && text.ends_with("(SH3003)"), "{code} {text}");
        ensure!(started.elapsed() < FAILURE_DEADLINE, "{:?} until the refusal", started.elapsed());
        drop(frozen);
        let mut changed = false;
        let deadline = Instant::now() + BACK_DEADLINE;
        while !changed && Instant::now() < deadline {
            changed = matches!(client.run("alter table items add column b int").await?, Outcome::Done(_));
        }
        ensure!(changed, "the schema could not be changed after etcd came back");
        Ok(())
    })
}

/// The mysqld that a shard's session talks to.
pub(crate) fn mysqld_of(cluster: &Cluster, port: u16) -> Result<u32> {
    let tablets = cluster.shoal(&["get", "tablets"])?;
    let line = tablets.lines().find(|line| line.contains(&format!(":{port}"))).context("no such tablet")?;
    let alias = line.split_whitespace().next().context("no alias")?;
    let servers = pids_naming(&cluster.dir().join("tablets").join(alias));
    let found = servers
        .into_iter()
        .find(|(_, command)| command.contains("mysqld") && !command.contains("shoal-tablet"));
    Ok(found.with_context(|| format!("no mysqld of {alias}"))?.0)
}

#[test]
fn a_killed_mysqld_is_an_error_then_serves_again() -> Result<()> {
    let cluster = cluster()?;
    let shards = cluster.shards("shop")?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        client.run_all(&["create table items (id bigint primary key, a int)"]).await?;
        for id in 0..40 {
            client.run_all(&[&format!("insert into items values ({id}, {id})")]).await?;
        }
        let mut direct = Session::connect(&shards[0].address).await?;
        let here: u32 = value(&mut direct, "select min(id) from items").await?.parse()?;
        let mut direct = Session::connect(&shards[1].address).await?;
        let there: u32 = value(&mut direct, "select min(id) from items").await?.parse()?;
        signals::kill(mysqld_of(&cluster, shards[0].address.port)?)?;
        // The other shard does not notice; this one is refused by name or lost, and then there again.
        ensure!(
            value(&mut client, &format!("select a from items where id = {there}")).await?
                == there.to_string()
        );
        let deadline = Instant::now() + BACK_DEADLINE;
        let mut refusals = 0;
        loop {
            match client.run(&format!("select a from items where id = {here}")).await? {
                Outcome::Rows { rows, .. } => {
                    ensure!(rows.len() == 1, "{rows:?}");
                    break;
                }
                Outcome::Failed(error) => {
                    refusals += 1;
                    let ours = error.text.ends_with("(SH3001)") || error.text.ends_with("(SH3002)");
                    ensure!(ours, "{} {}", error.code, error.text);
                    ensure!(Instant::now() < deadline, "still refused: {}", error.text);
                }
                Outcome::Done(_) => anyhow::bail!("a SELECT was answered with OK"),
            }
        }
        ensure!(refusals > 0, "nothing was noticed of a killed mysqld");
        Ok(())
    })
}

#[test]
fn a_client_that_leaves_in_the_middle_of_an_answer_spoils_nothing() -> Result<()> {
    let cluster = cluster()?;
    for _ in 0..5 {
        let mut client = tests::raw_client::RawClient::connect(cluster.gate_port())?;
        client.login("app", "app", "main")?;
        client.command(b"\x03select repeat('x', 10000000)")?;
        client.receive()?;
        drop(client);
    }
    wait(async {
        let mut client = session(&cluster, "app", "main").await?;
        for number in 0..20 {
            ensure!(value(&mut client, &format!("select {number}")).await? == number.to_string());
        }
        Ok(())
    })
}

#[test]
fn a_stopping_gate_lets_the_statement_end() -> Result<()> {
    let cluster = cluster()?;
    let gate = pid_of(&cluster, "gate-1")?;
    wait(async {
        let mut busy = session(&cluster, "app", "main").await?;
        let mut watcher = Session::connect(&cluster.shards("main")?[0].address).await?;
        let slow = tokio::spawn(async move { busy.run("select sleep(1)").await });
        let deadline = Instant::now() + BACK_DEADLINE;
        let running = "select count(*) from performance_schema.processlist where info = 'select sleep(1)'";
        while value(&mut watcher, running).await? == "0" {
            ensure!(Instant::now() < deadline, "the statement never ran");
        }
        signals::tell_to_end(gate)?;
        match slow.await?? {
            Outcome::Rows { rows, .. } => ensure!(rows == [vec![Some(b"0".to_vec())]], "{rows:?}"),
            other => anyhow::bail!("the statement was cut off: {other:?}"),
        }
        Ok(())
    })?;
    // The supervisor starts another one.
    wait_for("the gate serves again", BACK_DEADLINE, || {
        wait(async { value(&mut session(&cluster, "app", "main").await?, "select 1").await }).is_ok()
    })
}
