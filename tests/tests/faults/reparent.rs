//! Planned changes of primary under writers.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::faults::cluster::Design;
use tests::faults::ledger::{Load, Watch};

use crate::{PATIENCE, back, three};

/// Changes of primary in a row.
const ROUNDS: usize = 6;

#[test]
fn writers_notice_a_planned_reparent_by_a_pause_only() -> Result<()> {
    let (cluster, shard) = three(Design { gates: 2, ..Design::default() })?;
    let ledger = cluster.load(Load { writers: 16, ..Load::default() })?;
    let watch = Watch::start(cluster.places()?);
    let mut gaps = Vec::new();
    for round in 1..=ROUNDS {
        ledger.wait_for_life(PATIENCE)?;
        cluster.wait_until_whole()?;
        let (from, before) = (Instant::now(), cluster.primary(&shard)?);
        let said =
            cluster.shoal(&["reparent", &shard.to_string()]).with_context(|| cluster.log_end("control"))?;
        let period = back(&ledger, &format!("reparent {round}"), from)?;
        ensure!(cluster.primary(&shard)? != before, "{said}");
        ensure!(period.failed() == 0, "round {round}: {period}\n{said}");
        gaps.push(period.longest_gap);
    }
    gaps.sort();
    println!("longest gaps of {ROUNDS} reparents: {gaps:?}");
    println!("{} looks at each tablet, never two writable", watch.stop()?);
    cluster.wait_until_whole()?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}

#[test]
fn a_reparent_to_a_named_tablet_makes_it_primary() -> Result<()> {
    let (cluster, shard) = three(Design::default())?;
    let ledger = cluster.load(Load::default())?;
    let to = cluster.replicas(&shard)?.remove(1);
    let from = Instant::now();
    cluster.shoal(&["reparent", &shard.to_string(), "--to", &to.to_string()])?;
    let period = back(&ledger, "reparent to a named tablet", from)?;
    ensure!(cluster.primary(&shard)? == to && period.failed() == 0, "{period}");
    let done = cluster.wait_for_event(&shard.to_string(), "ReparentDone")?;
    ensure!(done.contains(&to.to_string()), "{done}");
    let refused = cluster.try_shoal(&["reparent", &shard.to_string(), "--to", &to.to_string()])?;
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(!refused.status.success() && complaint.contains("is the primary already"), "{complaint}");
    cluster.wait_until_whole()?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}
