//! A replica whose disk is full acknowledges nothing that it cannot keep, and comes back when there is room.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::faults::cluster::Design;
use tests::faults::ledger::Load;

use crate::{back, three};

/// Room for a tablet with some load, in MiB.
const SMALL_DISK: u32 = 400;

#[test]
fn a_replica_with_a_full_disk_stops_no_writes_and_heals_when_there_is_room() -> Result<()> {
    let small_disks = BTreeMap::from([(2, SMALL_DISK), (3, SMALL_DISK)]);
    let (cluster, shard) = three(Design { small_disks, ..Design::default() })?;
    let primary = cluster.primary(&shard)?;
    let replica = cluster.replicas(&shard)?.into_iter().find(|alias| cluster.disk(alias).is_ok());
    let replica = replica.context("no replica has a small disk")?;
    ensure!(replica != primary);
    let ledger = cluster.load(Load::default())?;
    let from = Instant::now();
    cluster.disk(&replica)?.fill()?;
    let period = back(&ledger, "the disk of a replica is full", from)?;
    ensure!(period.failed() == 0, "{period}");
    // It is left behind while it has no room.
    ledger.wait_for_life(crate::PATIENCE)?;
    cluster.disk(&replica)?.free()?;
    cluster.wait_until_whole()?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}
