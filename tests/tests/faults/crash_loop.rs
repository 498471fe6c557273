//! A mysqld that dies again and again is left down, and somebody is told.

use std::fs;
use std::time::Instant;

use anyhow::{Result, ensure};
use tests::faults::cluster::Design;
use tests::faults::ledger::Load;
use tests::signals::{self, Frozen};

use crate::{back, three};

#[test]
fn a_mysqld_that_cannot_start_is_given_up_told_and_taken_back_when_its_agent_restarts() -> Result<()> {
    let (mut cluster, shard) = three(Design::default())?;
    let ledger = cluster.load(Load::default())?;
    let replica = cluster.replicas(&shard)?.remove(0);
    let ibdata = cluster.site(&replica)?.dir.join("data/ibdata1");
    let part = format!("tablet-{replica}");
    let from = Instant::now();
    // Its agent looks away while its system tablespace turns into zeros.
    let agent = Frozen::freeze(cluster.part(&part)?.pid()?)?;
    signals::kill(cluster.mysqld(&replica)?)?;
    let good = fs::read(&ibdata)?;
    fs::write(&ibdata, vec![0; good.len()])?;
    agent.thaw();
    let status = cluster.wait_for_status(&replica, "mysqld is given up", |status| status.given_up)?;
    ensure!(status.starts_in_a_row > 1, "{status:?}");
    let event = cluster.wait_for_event(&replica.to_string(), "MysqldGivenUp")?;
    println!("{event}\n{}", status.reason.lines().next().unwrap_or_default());
    let period = back(&ledger, "the mysqld of a replica is given up", from)?;
    ensure!(period.failed() == 0, "{period}");
    fs::write(&ibdata, good)?;
    cluster.restart_with(&part, "")?;
    // It has to catch up with what was written meanwhile.
    ledger.at_rest(|_| cluster.wait_until_whole())?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}
