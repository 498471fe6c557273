//! Schema changes that not every shard makes: left in a state that can be gone on with, and taken back.

use anyhow::{Result, ensure};
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;
use tests::process::wait_for;
use tests::signals;

use crate::faults::BACK_DEADLINE;
use crate::{cluster, pid_of, refusal, session, value, wait};

/// A value of `id` whose rows lie on the second shard.
async fn id_of_second_shard(cluster: &Cluster, client: &mut Session) -> Result<i64> {
    client.run_all(&["create table items (id bigint, b int, a int, primary key (id, b))"]).await?;
    for id in 1..20 {
        client.run_all(&[&format!("insert into items values ({id}, 1, 1)")]).await?;
    }
    let mut second = Session::connect(&cluster.shards("shop")?[1].address).await?;
    Ok(value(&mut second, "select min(id) from items").await?.parse()?)
}

/// How many of the shards have an index of this name.
async fn having(cluster: &Cluster, index: &str) -> Result<usize> {
    let mut having = 0;
    for shard in cluster.shards("shop")? {
        let mut direct = Session::connect(&shard.address).await?;
        let asked = format!("show index from items where key_name = '{index}'");
        let Outcome::Rows { rows, .. } = direct.run(&asked).await? else { anyhow::bail!("no rows") };
        having += usize::from(!rows.is_empty());
    }
    Ok(having)
}

async fn is_refused(client: &mut Session, statement: &str, id: &str) -> Result<String> {
    let (_, text) = refusal(client, statement).await?;
    ensure!(text.ends_with(&format!("({id})")), "{statement}: {text}");
    Ok(text)
}

#[test]
fn a_change_that_one_shard_refuses_is_gone_on_with_or_taken_back() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        let id = id_of_second_shard(&cluster, &mut client).await?;
        // Two rows of one shard that a unique key does not allow together; the other shard has no such rows.
        let twice = format!("insert into items values ({id}, 2, 1)");
        client.run_all(&[&twice]).await?;
        let change = "alter table items add unique key u (id, a)";
        let text = is_refused(&mut client, change, "SH3005").await?;
        let said = format!("shop/80- (MySQL's error 1062: Duplicate entry '{id}-1' for key 'items.u')");
        ensure!(text.contains(&said), "{text}");
        ensure!(having(&cluster, "u").await? == 1);
        // Nothing else passes it by; the rows are served.
        let text = is_refused(&mut client, "alter table items add column c int", "SH2030").await?;
        ensure!(text.contains(change), "{text}");
        ensure!(value(&mut client, &format!("select count(*) from items where id = {id}")).await? == "2");
        is_refused(&mut client, change, "SH3005").await?;
        // The cause is repaired, and the same statement goes on where it stopped.
        client.run_all(&[&format!("delete from items where id = {id} and b = 2"), change]).await?;
        ensure!(having(&cluster, "u").await? == 2);
        client
            .run_all(&["alter table items add column c int", "alter table items drop index u, drop column c"])
            .await?;

        client.run_all(&[&twice]).await?;
        is_refused(&mut client, change, "SH3005").await?;
        let text = is_refused(&mut client, "abandon schema change", "SH2031").await?;
        ensure!(text.contains("shop/-80"), "{text}");
        // What does not undo it is found out.
        is_refused(&mut client, "abandon schema change by alter table items comment 'x'", "SH3014").await?;
        client.run_all(&["abandon schema change by alter table items comment '', drop index u"]).await?;
        ensure!(having(&cluster, "u").await? == 0);
        client.run_all(&["alter table items add column c int"]).await?;
        is_refused(&mut client, "abandon schema change", "SH2032").await?;
        Ok(())
    })
}

#[test]
fn a_new_table_that_one_shard_refuses_is_nowhere() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        let shards = cluster.shards("shop")?;
        // In the way on the second shard only.
        let mut second = Session::connect(&shards[1].address).await?;
        second.run_all(&["create table others (id bigint primary key)"]).await?;
        let (code, _) = refusal(&mut client, "create table others (id bigint primary key, a int)").await?;
        ensure!(code == 1050, "{code}");
        let mut first = Session::connect(&shards[0].address).await?;
        let Outcome::Rows { rows, .. } = first.run("show tables").await? else { anyhow::bail!("no rows") };
        ensure!(rows.is_empty(), "{rows:?}");
        Ok(())
    })
}

#[test]
fn a_gate_that_is_killed_in_the_midst_leaves_what_another_goes_on_with() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        id_of_second_shard(&cluster, &mut client).await?;
        // A reader of the second shard keeps its change waiting, while the first shard makes it.
        let shards = cluster.shards("shop")?;
        let mut reader = Session::connect(&shards[1].address).await?;
        reader.run_all(&["begin"]).await?;
        value(&mut reader, "select count(*) from items").await?;
        let change = "alter table items add column c int";
        let changing = tokio::spawn(async move { client.run(change).await.map(|_| ()) });
        let mut first = Session::connect(&shards[0].address).await?;
        let made = "select count(*) from information_schema.columns where table_name = 'items' and column_name = 'c'";
        let deadline = std::time::Instant::now() + BACK_DEADLINE;
        while value(&mut first, made).await? != "1" {
            ensure!(std::time::Instant::now() < deadline, "the first shard never made the change");
        }
        let gate = pid_of(&cluster, "gate")?;
        signals::kill(gate)?;
        ensure!(changing.await?.is_err(), "the killed gate has answered");
        reader.run_all(&["rollback"]).await?;
        wait_for("another gate runs", BACK_DEADLINE, || {
            pid_of(&cluster, "gate").is_ok_and(|pid| pid != gate)
        })?;
        let mut client = reconnected(&cluster).await?;
        client.run_all(&[change, "insert into items values (100, 1, 1, 7)"]).await?;
        ensure!(value(&mut client, "select c from items where id = 100").await? == "7");
        client.run_all(&["alter table items drop column c"]).await?;
        Ok(())
    })
}

async fn reconnected(cluster: &Cluster) -> Result<Session> {
    let deadline = std::time::Instant::now() + BACK_DEADLINE;
    loop {
        match session(cluster, "app", "shop").await {
            Ok(session) => return Ok(session),
            Err(error) => ensure!(std::time::Instant::now() < deadline, "{error:#}"),
        }
    }
}

#[test]
fn two_changes_at_once_are_made_one_after_the_other() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut one = session(&cluster, "app", "shop").await?;
        let mut other = session(&cluster, "app", "shop").await?;
        one.run_all(&["create table items (id bigint primary key)"]).await?;
        for round in 0..5 {
            let add = |name: &str| format!("alter table items add column {name}{round} int");
            let (first, second) = (add("a"), add("b"));
            let (first, second) = ([first.as_str()], [second.as_str()]);
            let (first, second) = tokio::join!(one.run_all(&first), other.run_all(&second));
            first.and(second)?;
        }
        for shard in cluster.shards("shop")? {
            let mut direct = Session::connect(&shard.address).await?;
            let count = "select count(*) from information_schema.columns where table_name = 'items'";
            ensure!(value(&mut direct, count).await? == "11");
        }
        Ok(())
    })
}
