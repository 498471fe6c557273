//! A replica whose disk is full acknowledges nothing that it cannot keep, and comes back when there is room.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::faults::cluster::Design;
use tests::faults::ledger::Load;
use tests::process::wait_for;

use crate::{back, three};

/// Room for a tablet with some load, in MiB.
const SMALL_DISK: u32 = 400;

/// How far behind a replica is that surely stands still, in milliseconds.
const LEFT_BEHIND_MS: u64 = 4000;
const ONE_MINUTE_AND_MORE: Duration = Duration::from_secs(100);

#[test]
fn a_replica_with_a_full_disk_stops_no_writes_and_heals_when_there_is_room() -> Result<()> {
    let small_disks = BTreeMap::from([(2, SMALL_DISK), (3, SMALL_DISK)]);
    let (cluster, shard) = three(Design { small_disks, ..Design::default() })?;
    let replica = cluster.replicas(&shard)?.into_iter().find(|alias| cluster.disk(alias).is_ok());
    let replica = replica.context("no replica has a small disk")?;
    let ledger = cluster.load(Load::default())?;
    let from = Instant::now();
    cluster.disk(&replica)?.fill()?;
    let period = back(&ledger, "the disk of a replica is full", from)?;
    ensure!(period.failed() == 0, "{period}");
    cluster.wait_for_status(&replica, "it is left behind", |status| {
        let lag = status.replication.as_ref().and_then(|replication| replication.lag_ms);
        // Where mysqld has ended, it was started again and could not stay.
        let cannot_run = !status.mysqld_running && status.starts_in_a_row > 1;
        lag.is_some_and(|ms| ms > LEFT_BEHIND_MS) || cannot_run
    })?;
    cluster.disk(&replica)?.free()?;
    ledger.at_rest(|history| {
        // mysqld looks once a minute whether there is room again.
        wait_for("it has caught up", ONE_MINUTE_AND_MORE, || cluster.is_whole())
            .with_context(|| cluster.log_end("control"))?;
        cluster.assert_nothing_lost(history)
    })?;
    ledger.stop()?;
    Ok(())
}
