//! Reads from replicas, chosen by USE.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;

use crate::{refusal, session, value, wait};

/// Two shards, each with a replica; there is nothing else.
const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: replicas}
spec:
  gates: {port: {gate_port}}
  users:
    - {name: app, password: app, role: admin}
    - {name: reader, password: reader, role: read}
  keyspaces:
    - name: shop
      shards: ["-80", "80-"]
      tablets: 2
      vschema:
        vindexes: {spread: {type: xxhash}}
        tables:
          items: {column_vindexes: [{column: id, name: spread}]}
"#;
const PATIENCE: Duration = Duration::from_secs(60);
const ROWS: u32 = 20;

/// Asks until the one value is this.
async fn until(session: &mut Session, statement: &str, expected: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = value(session, statement).await;
        if answer.as_ref().is_ok_and(|answer| answer == expected) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{statement} is not {expected}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn count(session: &mut Session, statement: &str) -> Result<usize> {
    match session.run(statement).await? {
        Outcome::Rows { rows, .. } => Ok(rows.len()),
        other => anyhow::bail!("{statement} gave no rows: {other:?}"),
    }
}

#[test]
fn replicas_are_read_and_primaries_written() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let mut app = session(&cluster, "app", "shop").await?;
        app.run_all(&["create table items (id bigint primary key, owner varchar(40))"]).await?;
        for id in 1..=ROWS {
            app.run_all(&[&format!("insert into items values ({id}, 'x')")]).await?;
        }
        let mut read = session(&cluster, "reader", "shop@replica").await?;
        for shard in ["shop:-80@replica", "shop:80-@rdonly"] {
            read.run_all(&[&format!("use {shard}")]).await?;
            until(&mut read, "select @@global.super_read_only", "1").await?;
        }
        // Each row is there once the replica of its shard has come to it.
        app.run_all(&["use shop@replica"]).await?;
        for id in 1..=ROWS {
            until(&mut app, &format!("select id from items where id = {id}"), &id.to_string()).await?;
        }
        // From both shards at once.
        for session in [&mut app, &mut read] {
            session.run_all(&["use shop@replica"]).await?;
            ensure!(count(session, "select id, owner from items").await? == ROWS as usize);
            let servers = count(session, "select @@port, id from items where id in (1, 2, 3, 4, 5)").await?;
            ensure!(servers == 5, "{servers}");
            ensure!(value(session, "select @@super_read_only from items where id = 1").await? == "1");
        }
        for write in ["update items set owner = 'y' where id = 1", "delete from items", "truncate items"] {
            let (_, text) = refusal(&mut app, write).await?;
            ensure!(text.contains("SH2043"), "{write}: {text}");
        }
        let primary = "select @@super_read_only from items where id = 1";
        app.run_all(&["use shop@primary", "update items set owner = 'y' where id = 1"]).await?;
        ensure!(value(&mut app, primary).await? == "0");
        ensure!(value(&mut app, "select owner from items where id = 1").await? == "y");
        until(&mut read, "select owner from items where id = 1", "y").await
    })
}

#[test]
fn replicas_are_read_before_and_after_a_change_of_primary() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let mut app = session(&cluster, "app", "shop").await?;
        let mut read = session(&cluster, "app", "shop:-80@replica").await?;
        let mut lead = session(&cluster, "app", "shop:-80").await?;
        app.run_all(&["create table items (id bigint primary key, owner varchar(40))"]).await?;
        until(&mut read, "select @@super_read_only", "1").await?;
        let (primary, replica) =
            (value(&mut lead, "select @@port").await?, value(&mut read, "select @@port").await?);
        ensure!(primary != replica, "{primary} is both");
        cluster.shoal(&["reparent", "shop/-80"])?;
        // Who reads from the primary is at the new one at once, and never at what is a replica now.
        ensure!(value(&mut lead, "select @@port").await? == replica);
        until(&mut read, "select @@port", &primary).await?;
        ensure!(value(&mut read, "select @@super_read_only").await? == "1");
        ensure!(value(&mut lead, "select @@super_read_only").await? == "0");
        let listed = cluster.shoal(&["get", "tablets", "-o", "wide"])?;
        ensure!(listed.contains("READS"), "{listed}");
        Ok(())
    })
}

/// What a foreign key does to the children of a row that is replaced, a replica does, too.
#[test]
fn replicas_follow_what_foreign_keys_do() -> Result<()> {
    const UNSHARDED: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: keys}
spec:
  gates: {port: {gate_port}}
  users: [{name: app, password: app, role: admin}]
  keyspaces: [{name: main, tablets: 2}]
"#;
    let cluster = Cluster::start(UNSHARDED)?;
    wait(async {
        let mut app = session(&cluster, "app", "main").await?;
        app.run_all(&[
            "create table parents (id int primary key, v int)",
            "create table children (id int primary key, parent int, foreign key (parent) references parents (id) \
             on delete cascade on update cascade)",
            "insert into parents values (1, 1), (2, 2)",
            "insert into children values (1, 1), (2, 1), (3, 2)",
            "replace into parents values (1, 5)",
            "update children set id = id + 10",
        ])
        .await?;
        ensure!(value(&mut app, "select group_concat(id) from children").await? == "13");
        let mut reader = session(&cluster, "app", "main").await?;
        reader.run_all(&["use main@replica"]).await?;
        until(&mut reader, "select group_concat(id) from children", "13").await
    })
}
