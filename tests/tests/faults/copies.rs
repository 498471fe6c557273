//! Replicas get their data from others, unattended: one with a transaction of its own, and one that is new.

use std::time::Instant;

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;
use proto::ids::TabletAlias;
use tests::faults::cluster::{Cluster, Design, KEYSPACE};
use tests::faults::ledger::Load;
use tests::process::wait_for;

use crate::{PATIENCE, back, number, three};

#[test]
fn a_replica_with_a_transaction_of_its_own_is_rebuilt_from_a_copy() -> Result<()> {
    let (cluster, shard) = three(Design::default())?;
    let ledger = cluster.load(Load::default())?;
    let replica = cluster.replicas(&shard)?.remove(0);
    let from = Instant::now();
    cluster.wait(async {
        let mut conn = cluster.session(&replica).await?;
        // Somebody in a hurry opens a replica and changes something.
        conn.query_drop("SET GLOBAL super_read_only = OFF").await?;
        conn.query_drop(format!("CREATE TABLE {KEYSPACE}.errant (id INT PRIMARY KEY)")).await?;
        Ok(conn.query_drop("SET GLOBAL super_read_only = ON").await?)
    })?;
    let object = replica.to_string();
    println!("{}", cluster.wait_for_event(&object, "ErrantTransactions")?);
    println!("{}", cluster.wait_for_event(&object, "ProvisioningDone")?);
    let errant = format!(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{KEYSPACE}' AND table_name = 'errant'"
    );
    wait_for("the errant table is gone", PATIENCE, || {
        number(&cluster, &replica, &errant).is_ok_and(|n| n == 0)
    })?;
    let period = back(&ledger, "a replica was rebuilt", from)?;
    ensure!(period.failed() == 0, "{period}");
    cluster.wait_until_whole()?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}

#[test]
fn a_new_tablet_joins_a_loaded_shard_by_a_copy() -> Result<()> {
    let mut cluster = Cluster::start(Design { shards: 1, tablets: 2, ..Design::default() })?;
    let shard = cluster.shards().remove(0);
    let primary = cluster.primary(&shard)?;
    let ledger = cluster.load(Load { writers: 4, ..Load::default() })?;
    // What the newcomer would have to read is no longer there.
    cluster.wait(async {
        let mut conn = cluster.session(&primary).await?;
        Ok(conn.query_drop("SET GLOBAL binlog_expire_logs_seconds = 1").await?)
    })?;
    wait_for("the primary has purged what is old", PATIENCE, || {
        let flushed = number(&cluster, &primary, "FLUSH BINARY LOGS").is_ok();
        flushed && number(&cluster, &primary, "SELECT LENGTH(@@GLOBAL.gtid_purged)").is_ok_and(|n| n > 0)
    })?;
    let from = Instant::now();
    let site = cluster.add_tablet(&shard)?;
    println!("{}", cluster.wait_for_event(&site.alias.to_string(), "ProvisioningDone")?);
    let period = back(&ledger, "a new tablet joined", from)?;
    ensure!(period.failed() == 0, "{period}");
    cluster.wait_until_whole()?;
    ensure!(cluster.record(&shard)?.ackers.contains(&site.alias), "it is no acker");
    let verdict = cluster.assert_nothing_lost(&ledger.stop()?)?;
    ensure!(verdict.tablets == 3, "{verdict}");
    Ok(())
}

/// A table on all tablets, of which the replica has lost a row that the primary then changes.
fn diverge(cluster: &Cluster, primary: &TabletAlias, replica: &TabletAlias) -> Result<()> {
    let table = format!("{KEYSPACE}.edited");
    cluster.wait(async {
        let mut conn = cluster.session(primary).await?;
        conn.query_drop(format!("CREATE TABLE {table} (id INT PRIMARY KEY, n INT)")).await?;
        Ok(conn.query_drop(format!("INSERT INTO {table} VALUES (1, 1), (2, 2)")).await?)
    })?;
    let rows = format!("SELECT COUNT(*) FROM {table}");
    wait_for("the rows are there", PATIENCE, || number(cluster, replica, &rows).is_ok_and(|n| n == 2))?;
    cluster.wait(async {
        let mut conn = cluster.session(replica).await?;
        conn.query_drop("SET GLOBAL super_read_only = OFF").await?;
        conn.query_drop("SET sql_log_bin = OFF").await?;
        conn.query_drop(format!("DELETE FROM {table} WHERE id = 1")).await?;
        Ok(conn.query_drop("SET GLOBAL super_read_only = ON").await?)
    })?;
    cluster.wait(async {
        let mut conn = cluster.session(primary).await?;
        Ok(conn.query_drop(format!("UPDATE {table} SET n = n + 10")).await?)
    })
}

/// Waits until the replica has what its primary changed.
fn wait_until_equal(cluster: &Cluster, replica: &TabletAlias) -> Result<()> {
    let sum = format!("SELECT CAST(SUM(n) AS UNSIGNED) FROM {KEYSPACE}.edited");
    wait_for("the rows are equal", PATIENCE, || number(cluster, replica, &sum).is_ok_and(|n| n == 23))?;
    cluster.wait_until_whole()
}

#[test]
fn a_replica_whose_rows_are_not_its_primarys_is_rebuilt_from_a_copy() -> Result<()> {
    let (cluster, shard) = three(Design::default())?;
    let replica = cluster.replicas(&shard)?.remove(0);
    diverge(&cluster, &cluster.primary(&shard)?, &replica)?;
    let object = replica.to_string();
    println!("{}", cluster.wait_for_event(&object, "ReplicaDiverged")?);
    println!("{}", cluster.wait_for_event(&object, "ProvisioningDone")?);
    wait_until_equal(&cluster, &replica)
}
