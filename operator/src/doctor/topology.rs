//! The topology store.

use std::time::Instant;

use proto::tls::Part;
use tokio::time::timeout;
use topo::Topology;
use topo::records::RoutingRecord;

use super::{Finding, Level, answered_in};
use crate::limits::CONTROL_TIMEOUT;
use crate::local::layout::Layout;
use crate::local::ports::Ports;
use crate::local::render::etcd_url;
use crate::spec::ShoalCluster;

const CURE: &str = "read `shoal local logs etcd`; gates go on serving without it, but nothing can change";

/// Asks etcd.
pub(super) async fn examine(layout: &Layout, cluster: &ShoalCluster, ports: &Ports) -> Vec<Finding> {
    let began = Instant::now();
    match timeout(CONTROL_TIMEOUT, read(layout, cluster, ports)).await {
        Ok(Ok(keyspaces)) => {
            let what = format!("{}, knows {keyspaces} keyspaces", answered_in(began.elapsed()));
            vec![Finding::good("etcd", what)]
        }
        Ok(Err(why)) => vec![Finding::bad("etcd", Level::Error, why, CURE)],
        Err(_) => {
            let what = format!("no answer in {} s", CONTROL_TIMEOUT.as_secs());
            vec![Finding::bad("etcd", Level::Error, what, CURE)]
        }
    }
}

async fn read(layout: &Layout, cluster: &ShoalCluster, ports: &Ports) -> Result<usize, String> {
    let identity = layout.identity(Part::Control, ports.tls).map_err(|error| error.to_string())?;
    let url = etcd_url(ports, ports.tls);
    let topology = Topology::connect(&[url], cluster.metadata.name.as_str(), identity.as_ref()).await;
    let topology = topology.map_err(|error| error.to_string())?;
    let routing = topology.read::<RoutingRecord>(&topology.keys().routing()).await;
    let routing = routing.map_err(|error| error.to_string())?;
    Ok(routing.map_or(0, |stored| stored.value.keyspaces.len()))
}
