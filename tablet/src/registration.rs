//! Telling the topology where this tablet is, and that its agent lives.

use std::time::{SystemTime, UNIX_EPOCH};

use proto::rpc::tablet::StatusResponse;
use proto::tls::Identity;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use topo::records::{TabletLiveness, TabletRecord};
use topo::topology::{Lease, Transaction};
use topo::{Topology, TopologyError};

use crate::limits::{LIVENESS_TTL, TOPOLOGY_RETRY};

/// Connects to the topology, however long it is away, and shows it to everybody who waits for it.
pub async fn connect(
    etcd: Vec<String>,
    cluster: String,
    identity: Option<Identity>,
    found: watch::Sender<Option<Topology>>,
) {
    loop {
        match Topology::connect(&etcd, &cluster, identity.as_ref()).await {
            Ok(topology) => {
                found.send_replace(Some(topology));
                return;
            }
            Err(error) => tracing::warn!(%error, "cannot reach the topology, trying again"),
        }
        sleep(TOPOLOGY_RETRY).await;
    }
}

/// What a registration needs to know before it can be written.
pub struct Awaited {
    /// The topology, once it was reached.
    pub topology: watch::Receiver<Option<Topology>>,
    /// The agent's status, for the version of mysqld once it was up.
    pub status: watch::Receiver<StatusResponse>,
}

impl Awaited {
    async fn both(mut self) -> Option<(Topology, String)> {
        let up = self.status.wait_for(|status| !status.mysql_version.is_empty()).await;
        let version = up.ok()?.mysql_version.clone();
        let topology = self.topology.wait_for(Option::is_some).await.ok()?.clone()?;
        Some((topology, version))
    }
}

/// Keeps the tablet registered until `stop`, then takes its liveness away. The record of where it is stays:
/// it is true of the tablet, also while it is down. The record's version is filled in here.
pub async fn keep(awaited: Awaited, mut record: TabletRecord, stop: CancellationToken) {
    let known = stop.run_until_cancelled(Box::pin(awaited.both())).await;
    let Some(Some((topology, version))) = known else { return };
    record.mysql_version = version;
    let liveness = TabletLiveness { alias: record.alias.clone(), incarnation: incarnation(), health: None };
    let mut failing = false;
    while !stop.is_cancelled() {
        match stop.run_until_cancelled(register(&topology, &record, &liveness)).await {
            Some(Ok(lease)) => {
                failing = false;
                tracing::info!(alias = %record.alias, "registered");
                stop.run_until_cancelled(lease.lost().cancelled()).await;
                if stop.is_cancelled() {
                    lease.close().await;
                }
            }
            Some(Err(error)) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "cannot register, trying again");
                }
                stop.run_until_cancelled(sleep(TOPOLOGY_RETRY)).await;
            }
            None => {}
        }
    }
}

async fn register(
    topology: &Topology,
    record: &TabletRecord,
    liveness: &TabletLiveness,
) -> Result<Lease, TopologyError> {
    let lease = topology.lease(LIVENESS_TTL).await?;
    let keys = topology.keys();
    let both = Transaction::new().put(&keys.tablet(Some(&record.alias)), record)?.put_under(
        &keys.alive(Some(&record.alias)),
        liveness,
        &lease,
    )?;
    topology.commit(both).await?;
    Ok(lease)
}

/// A number that no earlier start of this agent had. Nothing is ordered by it, so a clock will do.
fn incarnation() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}
