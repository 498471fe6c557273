//! Connections to the shards are inside TLS and show the gate's certificate, as cluster files have it unless they
//! say otherwise, and are as good for the next statement as plain ones.

use std::process::{Command, Output};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::cluster::Cluster;
use tests::differential::session::Session;
use tests::programs;

use crate::faults::BACK_DEADLINE;
use crate::{cluster, session, value, wait};

/// Number of the newest connection of the gate to the shard.
const NUMBER: &str = "select coalesce(max(id), 0) from performance_schema.processlist \
     where user = 'main.admin'";

#[test]
fn connections_to_a_shard_are_inside_tls_and_serve_more_than_one_statement() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "main").await?;
        let mut watcher = Session::connect(&cluster.shards("main")?[0].address).await?;
        client.run_all(&["create table t (a int primary key, b longtext)"]).await?;
        let before = value(&mut watcher, NUMBER).await?;
        for number in 0..50 {
            client.run_all(&[&format!("insert into t values ({number}, repeat('x', 100000))")]).await?;
            let length = value(&mut client, &format!("select length(b) from t where a = {number}")).await?;
            ensure!(length == "100000", "{length}");
        }
        // One client, one statement after the other: one connection is enough for all of them.
        ensure!(value(&mut watcher, NUMBER).await? == before, "connections were not used again");
        // And there is none that is not inside TLS.
        ensure!(value(&mut watcher, "select @@require_secure_transport").await? == "1");
        Ok(())
    })?;
    // So is none that shows no certificate, also with the password that the gate has.
    let refused = past_the_gate(&cluster, &[])?;
    ensure!(String::from_utf8_lossy(&refused.stderr).contains("ERROR 1045 "), "{refused:?}");
    let as_the_gate = past_the_gate(&cluster, &["cert", "key"])?;
    ensure!(as_the_gate.stdout == b"50\n", "{as_the_gate:?}");
    Ok(())
}

/// What a client gets that goes to the shard itself, with the gate's account and these files of the gate besides
/// the authority's.
fn past_the_gate(cluster: &Cluster, files: &[&str]) -> Result<Output> {
    let shard = &cluster.shards("main")?[0].data;
    let mut command = Command::new(programs::foreign("mysql")?);
    command.args(["--no-defaults", "--host=127.0.0.1", "--protocol=tcp", "--ssl-mode=VERIFY_CA"]);
    command.arg(format!("--port={}", shard.port)).arg(format!("--user={}", shard.user));
    for file in [&["ca"], files].concat() {
        let path = cluster.dir().join("secrets/tls/gate").join(format!("{file}.pem"));
        command.arg(format!("--ssl-{file}={}", path.display()));
    }
    command.env("MYSQL_PWD", &shard.password).args(["--skip-column-names", "--batch"]);
    command.args(["--execute", "select count(*) from t", &shard.database]);
    command.output().context("mysql does not run")
}

#[test]
fn a_connection_that_ended_while_it_was_idle_gets_no_statement() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "main").await?;
        let mut watcher = Session::connect(&cluster.shards("main")?[0].address).await?;
        for round in 0..10 {
            ensure!(value(&mut client, &format!("select {round}")).await? == round.to_string());
            let number = value(&mut watcher, NUMBER).await?;
            watcher.run_all(&[&format!("kill {number}")]).await?;
            let deadline = Instant::now() + BACK_DEADLINE;
            while value(&mut watcher, NUMBER).await? == number {
                ensure!(Instant::now() < deadline, "connection {number} does not end");
            }
        }
        ensure!(value(&mut client, "select 'still there'").await? == "still there");
        Ok(())
    })?;
    ensure!(cluster.complaints()?.is_empty(), "{:?}", cluster.complaints()?);
    Ok(())
}
