//! Connections to the shards are inside TLS, as cluster files have it unless they say otherwise, and as good for
//! the next statement as plain ones.

use std::time::Instant;

use anyhow::{Result, ensure};
use tests::differential::session::Session;

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
    })
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
