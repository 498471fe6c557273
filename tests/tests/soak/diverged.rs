//! Replicas whose rows are not their primary's, in shards where nobody sound can stand in for them at once.

use std::time::Duration;

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;
use proto::ids::TabletAlias;
use tests::faults::cluster::{Cluster, Design, KEYSPACE};
use tests::process::wait_for;

/// How long anything may take that ought to take some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A change on the primary that no replica can make: somebody added the rows where nobody is told of it.
fn diverge(cluster: &Cluster, primary: &TabletAlias) -> Result<()> {
    let table = format!("{KEYSPACE}.edited");
    cluster.wait(async {
        let mut conn = cluster.session(primary).await?;
        conn.query_drop(format!("CREATE TABLE {table} (id INT PRIMARY KEY, n INT)")).await?;
        conn.query_drop("SET sql_log_bin = OFF").await?;
        conn.query_drop(format!("INSERT INTO {table} VALUES (1, 1), (2, 2)")).await?;
        conn.query_drop("SET sql_log_bin = ON").await?;
        Ok(conn.query_drop(format!("UPDATE {table} SET n = n + 10")).await?)
    })
}

/// Waits until the replica was made anew and has what its primary has.
fn wait_until_equal(cluster: &Cluster, replica: &TabletAlias) -> Result<()> {
    println!("{}", cluster.wait_for_event(&replica.to_string(), "ProvisioningDone")?);
    let ask = async || -> Result<Option<u64>> {
        let mut conn = cluster.session(replica).await?;
        let sum = format!("SELECT CAST(SUM(n) AS UNSIGNED) FROM {KEYSPACE}.edited");
        Ok(conn.query_first(sum).await?)
    };
    wait_for("the rows are equal", PATIENCE, || cluster.wait(ask()).is_ok_and(|sum| sum == Some(23)))
}

#[test]
fn the_only_replica_that_commits_wait_for_is_rebuilt_once_there_is_another() -> Result<()> {
    let mut cluster = Cluster::start(Design { shards: 1, tablets: 2, ..Design::default() })?;
    let shard = cluster.shards().remove(0);
    let replica = cluster.replicas(&shard)?.remove(0);
    diverge(&cluster, &cluster.primary(&shard)?)?;
    println!("{}", cluster.wait_for_event(&replica.to_string(), "ProvisioningHindered")?);
    let told = String::from_utf8(cluster.try_shoal(&["doctor"])?.stdout)?;
    ensure!(told.contains("give the keyspace one more tablet a shard"), "{told}");
    let newcomer = cluster.add_tablet(&shard)?.alias;
    // It cannot make the change either.
    wait_until_equal(&cluster, &newcomer)?;
    wait_until_equal(&cluster, &replica)?;
    cluster.wait_until_whole()
}

#[test]
fn two_replicas_of_which_none_is_sound_are_rebuilt_one_after_the_other() -> Result<()> {
    let cluster = Cluster::start(Design { shards: 1, tablets: 3, ..Design::default() })?;
    let shard = cluster.shards().remove(0);
    diverge(&cluster, &cluster.primary(&shard)?)?;
    for replica in cluster.replicas(&shard)? {
        wait_until_equal(&cluster, &replica)?;
    }
    let events = cluster.shoal(&["events"])?;
    ensure!(!events.contains("ProvisioningHindered"), "{events}");
    cluster.wait_until_whole()
}
