//! Telling the topology where this tablet is, that its agent lives, and how it is.

use std::time::{SystemTime, UNIX_EPOCH};

use proto::ids::Term;
use proto::rpc::tablet::{Activity, Role, SemiSync, StatusResponse};
use proto::tls::Identity;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use topo::records::{SemiSyncPart, TabletHealth, TabletLiveness, TabletRecord, TabletState};
use topo::topology::{Lease, Transaction};
use topo::{Topology, TopologyError};

use crate::limits::{HEALTH_INTERVAL, HEALTH_MIN_PAUSE, LIVENESS_TTL, TOPOLOGY_RETRY};

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
    /// The agent's status, for the version of mysqld once it was up, and for the tablet's health.
    pub status: watch::Receiver<StatusResponse>,
}

impl Awaited {
    async fn both(&mut self) -> Option<(Topology, String)> {
        let up = self.status.wait_for(|status| !status.mysql_version.is_empty()).await;
        let version = up.ok()?.mysql_version.clone();
        let topology = self.topology.wait_for(Option::is_some).await.ok()?.clone()?;
        Some((topology, version))
    }
}

/// Keeps the tablet registered until `stop`, then takes its liveness away. The record of where it is stays:
/// it is true of the tablet, also while it is down. The record's version is filled in here.
pub async fn keep(mut awaited: Awaited, mut record: TabletRecord, stop: CancellationToken) {
    let known = stop.run_until_cancelled(Box::pin(awaited.both())).await;
    let Some(Some((topology, version))) = known else { return };
    record.mysql_version = version;
    let mut registration =
        Registration { topology, record, incarnation: incarnation(), status: awaited.status };
    let mut failing = false;
    while !stop.is_cancelled() {
        match stop.run_until_cancelled(registration.register()).await {
            Some(Ok(lease)) => {
                failing = false;
                tracing::info!(alias = %registration.record.alias, "registered");
                stop.run_until_cancelled(registration.renew(&lease)).await;
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

struct Registration {
    topology: Topology,
    record: TabletRecord,
    incarnation: u64,
    status: watch::Receiver<StatusResponse>,
}

impl Registration {
    async fn register(&mut self) -> Result<Lease, TopologyError> {
        let lease = self.topology.lease(LIVENESS_TTL).await?;
        let liveness = self.liveness();
        let keys = self.topology.keys();
        let both = Transaction::new().put(&keys.tablet(Some(&self.record.alias)), &self.record)?.put_under(
            &keys.alive(Some(&self.record.alias)),
            &liveness,
            &lease,
        )?;
        self.topology.commit(both).await?;
        Ok(lease)
    }

    /// Keeps the tablet's health up to date until the lease is lost.
    async fn renew(&mut self, lease: &Lease) {
        let mut written = health(&self.status.borrow());
        loop {
            let due = Instant::now() + HEALTH_INTERVAL;
            let status = &mut self.status;
            let changed = async { status.wait_for(|now| differs(&health(now), &written)).await.is_ok() };
            tokio::select! {
                () = lease.lost().cancelled() => return,
                () = sleep_until(due) => {}
                shown = changed => if !shown {
                    // The loop that shows it has ended, and the agent with it.
                    return lease.lost().cancelled().await;
                }
            }
            let liveness = self.liveness();
            if let Err(error) = self.write(&liveness, lease).await {
                tracing::info!(%error, "the tablet's health could not be written");
            } else if let Some(health) = liveness.health {
                written = health;
            }
            tokio::select! {
                () = lease.lost().cancelled() => return,
                () = sleep(HEALTH_MIN_PAUSE) => {}
            }
        }
    }

    async fn write(&self, liveness: &TabletLiveness, lease: &Lease) -> Result<(), TopologyError> {
        let key = self.topology.keys().alive(Some(&self.record.alias));
        self.topology.commit(Transaction::new().put_under(&key, liveness, lease)?).await?;
        Ok(())
    }

    fn liveness(&mut self) -> TabletLiveness {
        let health = health(&self.status.borrow_and_update());
        TabletLiveness {
            alias: self.record.alias.clone(),
            incarnation: self.incarnation,
            health: Some(health),
        }
    }
}

/// Whether others should know at once.
fn differs(now: &TabletHealth, written: &TabletHealth) -> bool {
    let told = |health: &TabletHealth| (health.state, health.term, health.semi_sync, health.reads);
    told(now) != told(written)
}

fn health(status: &StatusResponse) -> TabletHealth {
    let state = match status.role() {
        _ if status.given_up => TabletState::GivenUp,
        _ if status.activity() == Activity::Provisioning => TabletState::Provisioning,
        // A mysqld that does not answer does not tell its version.
        _ if !status.mysqld_running || status.mysql_version.is_empty() => TabletState::MysqldDown,
        Role::Primary if status.reason.is_empty() => TabletState::Serving,
        Role::Replica if status.reason.is_empty() => TabletState::Replicating,
        _ => TabletState::Fenced,
    };
    let semi_sync = match &status.semi_sync {
        Some(SemiSync { source_enabled: true, .. }) => SemiSyncPart::Source,
        Some(SemiSync { replica_enabled: true, .. }) => SemiSyncPart::Acker,
        _ => SemiSyncPart::None,
    };
    TabletHealth {
        state,
        term: Term(status.term),
        lag_ms: status.replication.as_ref().and_then(|replication| replication.lag_ms),
        gtid_executed: status.gtid_executed.clone(),
        semi_sync,
        reads: status.reads,
    }
}

/// A number that no earlier start of this agent had. Nothing is ordered by it, so a clock will do.
fn incarnation() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(role: Role, reason: &str) -> StatusResponse {
        StatusResponse {
            role: role.into(),
            term: 3,
            mysqld_running: true,
            mysql_version: "9.7.0".into(),
            reason: reason.into(),
            ..StatusResponse::default()
        }
    }

    #[test]
    fn a_tablet_is_well_only_without_a_reason() {
        let silent = StatusResponse { mysql_version: String::new(), ..status(Role::Primary, "frozen") };
        let down = StatusResponse { mysqld_running: false, ..silent.clone() };
        let given_up = StatusResponse { given_up: true, ..down.clone() };
        let copying = |status| StatusResponse { activity: Activity::Provisioning.into(), ..status };
        let table = [
            (status(Role::Primary, ""), TabletState::Serving),
            (status(Role::Replica, ""), TabletState::Replicating),
            (status(Role::Primary, "not yet"), TabletState::Fenced),
            (status(Role::Replica, "cannot connect"), TabletState::Fenced),
            (status(Role::Unspecified, "no primary"), TabletState::Fenced),
            (copying(status(Role::Replica, "copying")), TabletState::Provisioning),
            (copying(down.clone()), TabletState::Provisioning),
            (silent, TabletState::MysqldDown),
            (down, TabletState::MysqldDown),
            (given_up, TabletState::GivenUp),
        ];
        for (status, state) in table {
            assert_eq!(health(&status).state, state, "{status:?}");
        }
    }

    #[test]
    fn positions_alone_do_not_hurry() {
        let mut later = status(Role::Primary, "");
        let written = health(&later);
        later.gtid_executed = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5".into();
        assert!(!differs(&health(&later), &written));
        later.semi_sync = Some(SemiSync { source_enabled: true, ..SemiSync::default() });
        assert!(differs(&health(&later), &written));
        later.semi_sync = None;
        later.reads = true;
        assert!(differs(&health(&later), &written));
        (later.reads, later.term) = (false, 4);
        assert!(differs(&health(&later), &written));
    }
}
