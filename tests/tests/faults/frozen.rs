//! A mysqld that stands still: it takes connections and says nothing.

use std::time::Instant;

use anyhow::{Result, ensure};
use tests::faults::cluster::Design;
use tests::faults::ledger::{Load, Watch};
use tests::signals::Frozen;

use crate::{PATIENCE, SILENCE, back, three};

#[test]
fn a_frozen_replica_stops_no_writes_and_catches_up_after_it() -> Result<()> {
    let (cluster, shard) = three(Design::default())?;
    let ledger = cluster.load(Load::default())?;
    let replica = cluster.replicas(&shard)?.remove(0);
    let from = Instant::now();
    let frozen = Frozen::freeze(cluster.mysqld(&replica)?)?;
    let period = back(&ledger, "a replica is frozen", from)?;
    ensure!(period.failed() == 0, "{period}");
    frozen.thaw();
    cluster.wait_until_whole()?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}

#[test]
fn a_frozen_primary_goes_on_when_it_is_thawed_and_loses_nothing() -> Result<()> {
    let (cluster, shard) = three(Design::default())?;
    let ledger = cluster.load(Load::default())?;
    let watch = Watch::start(cluster.places()?);
    let primary = cluster.primary(&shard)?;
    let from = Instant::now();
    let frozen = Frozen::freeze(cluster.mysqld(&primary)?)?;
    ledger.wait_for_silence(SILENCE, PATIENCE)?;
    frozen.thaw();
    back(&ledger, "the primary was frozen", from)?;
    ledger.wait_for_life(PATIENCE)?;
    cluster.wait_until_whole()?;
    println!("{} looks at each tablet, never two writable", watch.stop()?);
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}
