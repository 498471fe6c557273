//! Control, or the old primary's agent, dies in the middle of a change of primary: whoever comes next ends it, writes go
//! on within a bound, nothing is lost, and never are two mysqlds of the shard writable.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Result, ensure};
use proto::ids::ShardRef;
use tests::faults::cluster::{Cluster, Design};
use tests::faults::ledger::{Ledger, Load, Watch};

use crate::{PATIENCE, back, three};

/// The steps of a change of primary after which control is killed.
const STEPS: [&str; 5] =
    ["reparent::held", "reparent::demoted", "reparent::caught_up", "reparent::recorded", "reparent::serving"];

fn die_at(cluster: &mut Cluster, shard: &ShardRef, ledger: &Ledger, step: &str) -> Result<()> {
    cluster.restart_with("control", &format!("{step}=return"))?;
    cluster.wait_until_whole()?;
    ledger.wait_for_life(PATIENCE)?;
    let from = Instant::now();
    let said = cluster.try_shoal(&["reparent", &shard.to_string()])?;
    ensure!(!said.status.success(), "{step}: {}", String::from_utf8_lossy(&said.stdout));
    let ended = cluster.part("control")?.wait_for_end(PATIENCE)?;
    ensure!(!ended.success(), "{step}: control ended well");
    ensure!(cluster.record(shard)?.transition.is_some(), "{step}: nothing was left for the next control");
    cluster.start_part("control")?;
    back(ledger, &format!("control died at {step}"), from)?;
    cluster.wait_until_whole()?;
    ledger.at_rest(|history| cluster.assert_nothing_lost(history))?;
    Ok(())
}

#[test]
fn a_reparent_whose_control_dies_at_any_step_is_ended_by_the_next_one() -> Result<()> {
    let (mut cluster, shard) = three(Design::default())?;
    let ledger = cluster.load(Load::default())?;
    let watch = Watch::start(cluster.places()?);
    for step in STEPS {
        die_at(&mut cluster, &shard, &ledger, step)?;
    }
    println!("{} looks at each tablet, never two writable", watch.stop()?);
    ledger.stop()?;
    Ok(())
}

#[test]
fn a_reparent_whose_old_primary_s_agent_dies_after_demoting_ends_well() -> Result<()> {
    let (mut cluster, shard) = three(Design::default())?;
    let ledger = cluster.load(Load::default())?;
    let watch = Watch::start(cluster.places()?);
    let part = format!("tablet-{}", cluster.primary(&shard)?);
    cluster.restart_with(&part, "tablet::after_demote=return")?;
    cluster.wait_until_whole()?;
    let from = Instant::now();
    let mut reparent = cluster.command(&["reparent", &shard.to_string()])?;
    let reparent = reparent.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let ended = cluster.part(&part)?.wait_for_end(PATIENCE)?;
    ensure!(!ended.success(), "the agent ended well");
    cluster.start_part(&part)?;
    let said = reparent.wait_with_output()?;
    println!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    back(&ledger, "the old primary's agent died after it demoted", from)?;
    cluster.wait_until_whole()?;
    println!("{} looks at each tablet, never two writable", watch.stop()?);
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}
