//! Parts of a cluster break while clients write: nothing that was acknowledged is lost, nothing is there twice
//! or in a wrong place, and everything comes back.
//!
//! Every test prints its figures and the ledger's verdict; `--nocapture` shows them.

mod blocked;
mod control_dies;
mod copies;
mod crash_loop;
mod disk_full;
mod frozen;
mod kills;
mod one_way;
mod plants;
mod reparent;

use std::time::{Duration, Instant};

use anyhow::Result;
use mysql_async::prelude::Queryable;
use proto::ids::{ShardRef, TabletAlias};
use tests::faults::cluster::{Cluster, Design};
use tests::faults::ledger::{Ledger, Period};
use tests::process::wait_for;

/// How long writes may stay away where they ought to come back by themselves.
const PATIENCE: Duration = Duration::from_secs(60);
/// For how long nothing may be acknowledged before that counts as blocked.
const SILENCE: Duration = Duration::from_millis(1500);

/// One shard of three tablets.
fn three(design: Design) -> Result<(Cluster, ShardRef)> {
    let cluster = Cluster::start(Design { shards: 1, tablets: 3, ..design })?;
    let shard = cluster.shards().remove(0);
    Ok((cluster, shard))
}

/// Waits until every writer writes again, and tells how it went since a moment.
fn back(ledger: &Ledger, what: &str, from: Instant) -> Result<Period> {
    ledger.wait_for_life(PATIENCE)?;
    let period = ledger.period_since(from);
    println!("{what}: {period}");
    Ok(period)
}

/// A number that a mysqld gives for a question.
fn number(cluster: &Cluster, alias: &TabletAlias, sql: &str) -> Result<u64> {
    cluster.wait(async {
        let mut conn = cluster.session(alias).await?;
        let found: Option<u64> = conn.query_first(sql).await?;
        Ok(found.unwrap_or_default())
    })
}

/// Waits until so many commits of a mysqld wait for an acknowledgement.
fn wait_for_waiting_commits(cluster: &Cluster, alias: &TabletAlias, least: u64) -> Result<()> {
    let sql = "SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM performance_schema.global_status \
               WHERE VARIABLE_NAME = 'Rpl_semi_sync_source_wait_sessions'";
    wait_for("commits wait for an acknowledgement", PATIENCE, || {
        number(cluster, alias, sql).is_ok_and(|waiting| waiting >= least)
    })
}

/// Whether a mysqld keeps all data sessions out.
fn is_fenced(cluster: &Cluster, alias: &TabletAlias) -> Result<bool> {
    Ok(number(cluster, alias, "SELECT @@GLOBAL.super_read_only AND @@GLOBAL.offline_mode")? == 1)
}
