//! One direction of the network between a primary and its replicas is lost: commits block, and nothing is lost after
//! it has healed.

use std::time::Instant;

use anyhow::{Result, ensure};
use proto::ids::TabletAlias;
use tests::faults::cluster::{Cluster, Design, Location};
use tests::faults::ledger::{Ledger, Load};
use tests::faults::network::{End, Network};

use crate::{PATIENCE, SILENCE, back, three};

/// What is done to the way between the primary and one replica.
type Way = fn(&Network, primary: End, replica: End) -> Result<()>;

fn block_and_heal(cluster: &Cluster, ledger: &Ledger, lose: Way, heal: Way) -> Result<()> {
    let shard = cluster.shards().remove(0);
    let primary = cluster.primary(&shard)?;
    let all = |way: Way| -> Result<()> {
        let replica =
            |alias: &TabletAlias| way(cluster.network()?, cluster.end(&primary)?, cluster.end(alias)?);
        cluster.replicas(&shard)?.iter().try_for_each(replica)
    };
    let from = Instant::now();
    all(lose)?;
    ledger.wait_for_silence(SILENCE, PATIENCE)?;
    all(heal)?;
    back(ledger, "one way was lost", from)?;
    cluster.wait_until_whole()?;
    ensure!(cluster.primary(&shard)? == primary, "nobody asked for another primary");
    Ok(())
}

#[test]
fn nothing_is_lost_when_what_the_primary_sends_is_lost_or_what_replicas_acknowledge() -> Result<()> {
    let (cluster, _) = three(Design { location: Location::Hosts, ..Design::default() })?;
    let ledger = cluster.load(Load::default())?;
    block_and_heal(&cluster, &ledger, |net, p, r| net.lose(p, r), |net, p, r| net.heal(p, r))?;
    ledger.at_rest(|history| cluster.assert_nothing_lost(history))?;
    block_and_heal(&cluster, &ledger, |net, p, r| net.lose(r, p), |net, p, r| net.heal(r, p))?;
    ledger.at_rest(|history| cluster.assert_nothing_lost(history))?;
    ledger.stop()?;
    Ok(())
}

#[test]
fn a_replica_that_is_cut_off_from_everybody_stops_no_writes() -> Result<()> {
    let (cluster, shard) = three(Design { location: Location::Hosts, ..Design::default() })?;
    let ledger = cluster.load(Load::default())?;
    let replica = cluster.replicas(&shard)?.remove(0);
    let End::Host(host) = cluster.end(&replica)? else { anyhow::bail!("it is on no host of its own") };
    let from = Instant::now();
    cluster.network()?.isolate(host)?;
    let period = back(&ledger, "a replica is cut off", from)?;
    ensure!(period.failed() == 0, "{period}");
    cluster.wait_for_event(&replica.to_string(), "TabletUnreachable")?;
    cluster.network()?.reconnect(host)?;
    cluster.wait_until_whole()?;
    cluster.assert_nothing_lost(&ledger.stop()?)?;
    Ok(())
}
