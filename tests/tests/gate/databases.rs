//! CREATE DATABASE and DROP DATABASE through a gate.

use anyhow::{Result, ensure};
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;

use crate::{cluster, refusal, session, value, wait};

/// A host with two tablets, so that its primary can change.
const TWO: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: hosts}
spec:
  gates: {port: {gate_port}}
  users: [{name: app, password: app, role: admin}]
  keyspaces: [{name: main, tablets: 2}]
"#;

async fn databases(client: &mut Session) -> Result<Vec<String>> {
    let Outcome::Rows { rows, .. } = client.run("show databases").await? else { anyhow::bail!("no rows") };
    let text = |row: &Vec<Option<Vec<u8>>>| {
        String::from_utf8_lossy(row.first().and_then(|value| value.as_deref()).unwrap_or_default())
            .into_owned()
    };
    Ok(rows.iter().map(text).collect())
}

#[test]
fn databases_come_and_go() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "main").await?;
        let mut other = session(&cluster, "app", "main").await?;
        let Outcome::Done(done) = client.run("create database extra character set latin1").await? else {
            anyhow::bail!("not done")
        };
        ensure!(done.affected_rows == 1, "{done:?}");
        ensure!(databases(&mut other).await?.contains(&"extra".to_owned()));
        other.run_all(&["use extra", "create table t (id int primary key, v varchar(9))"]).await?;
        other.run_all(&["insert into t values (1, 'x')", "create view w as select v from t"]).await?;
        ensure!(value(&mut client, "select v from extra.w").await? == "x");
        ensure!(value(&mut other, "select @@collation_database").await? == "latin1_swedish_ci");
        let (code, _) = refusal(&mut client, "create database extra").await?;
        ensure!(code == 1007, "{code}");
        client
            .run_all(&["create database if not exists extra", "alter database extra collate latin1_bin"])
            .await?;
        // As in MySQL, `@@collation_database` of another session stays what it was when that chose the database.
        let collation =
            "select default_collation_name from information_schema.schemata where schema_name = 'extra'";
        ensure!(value(&mut other, collation).await? == "latin1_bin");
        for (statement, id) in [
            ("create database `with-dash`", "SH2027"),
            ("drop database main", "SH2028"),
            ("alter database extra read only = 1", "SH2011"),
        ] {
            let (code, text) = refusal(&mut client, statement).await?;
            ensure!(code == 1235 && text.ends_with(&format!("({id})")), "{statement}: {text}");
        }
        let mut reader = session(&cluster, "reader", "main").await?;
        let (code, _) = refusal(&mut reader, "create database more").await?;
        ensure!(code == 1044, "{code}");
        let Outcome::Done(done) = other.run("drop database extra").await? else { anyhow::bail!("not done") };
        ensure!(done.affected_rows == 2, "{done:?}");
        let (code, _) = refusal(&mut other, "select v from t").await?;
        ensure!(code == 1046, "who drops the default database has none: {code}");
        let (code, text) = refusal(&mut other, "drop database extra").await?;
        ensure!(
            (code, text.as_str()) == (1008, "Can't drop database 'extra'; database doesn't exist"),
            "{text}"
        );
        other.run_all(&["drop database if exists extra", "create database extra", "use extra"]).await?;
        let (code, _) = refusal(&mut other, "select v from t").await?;
        ensure!(code == 1146, "{code}");
        ensure!(cluster.complaints()?.is_empty(), "{:?}", cluster.complaints()?);
        Ok(())
    })
}

#[test]
fn a_refused_create_database_leaves_nothing() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "main").await?;
        let (code, _) = refusal(&mut client, "create database extra collate nonsense").await?;
        ensure!(code == 1273, "{code}");
        ensure!(!databases(&mut client).await?.contains(&"extra".to_owned()));
        client.run_all(&["create database extra"]).await?;
        Ok(())
    })
}

#[test]
fn a_database_outlives_its_hosts_primary_and_a_restart() -> Result<()> {
    let cluster = Cluster::start(TWO)?;
    wait(async {
        let mut client = session(&cluster, "app", "main").await?;
        client
            .run_all(&[
                "create database extra",
                "create table extra.t (id int primary key)",
                "insert into extra.t values (1)",
            ])
            .await?;
        cluster.shoal(&["reparent", "main/-"])?;
        client.run_all(&["use extra", "insert into t values (2)"]).await?;
        ensure!(value(&mut client, "select count(*) from t").await? == "2");
        Ok(())
    })?;
    cluster.down()?;
    cluster.up()?;
    wait(async {
        let mut client = session(&cluster, "app", "extra").await?;
        client.run_all(&["insert into t values (3)"]).await?;
        ensure!(value(&mut client, "select count(*) from t").await? == "3");
        let listed = cluster.shoal(&["get", "keyspaces"])?;
        ensure!(listed.lines().any(|line| line.starts_with("extra")), "{listed}");
        client.run_all(&["drop database extra"]).await
    })
}
