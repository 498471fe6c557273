use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics::Counter;
use proto::program::metrics::CounterId;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::{FIRST_RETRY_DELAY, KEEP_ALIVES_PER_TTL, MIN_LEASE_TTL, STORE_TIMEOUT};
use crate::store::{LeaseId, Store, StoreError};

/// A lease that a task keeps alive. Dropped or closed, it is revoked, and the keys under it go away.
///
/// It counts as lost once the store says so, or once no call to keep it alive has succeeded for its ttl,
/// counted from the *sending* of the last one that did: so it is never believed to hold longer here than it
/// holds in the store.
pub struct Lease {
    id: LeaseId,
    lost: CancellationToken,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Lease {
    pub(super) async fn start(
        store: Arc<dyn Store>,
        tasks: &TaskTracker,
        ttl: Duration,
    ) -> Result<Self, StoreError> {
        let ttl = ttl.max(MIN_LEASE_TTL);
        let asked = Instant::now();
        let id = store.grant_lease(ttl).await?;
        let (lost, stop) = (CancellationToken::new(), CancellationToken::new());
        let keeper = Keeper { store, id, ttl, lost: lost.clone(), losses: LOST.handle(&[]) };
        let task = tasks.spawn(keeper.run(asked, stop.clone()));
        Ok(Self { id, lost, stop, task: Some(task) })
    }

    /// The store's name for it.
    pub fn id(&self) -> LeaseId {
        self.id
    }

    /// Cancelled when the lease is lost; it does not come back.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Ends the lease and waits until the store knows (at most `STORE_TIMEOUT`; after that it runs out).
    pub async fn close(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // The task does not panic and nobody else can abort it.
            let _ = task.await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("id", &self.id).field("lost", &self.lost.is_cancelled()).finish()
    }
}

const LOST: CounterId =
    CounterId::new("shoal_topology_leases_lost_total", "Leases that ended before their holder let them go.");

struct Keeper {
    store: Arc<dyn Store>,
    id: LeaseId,
    ttl: Duration,
    lost: CancellationToken,
    losses: Counter,
}

impl Keeper {
    async fn run(self, granted: Instant, stop: CancellationToken) {
        tokio::select! {
            () = self.keep(granted) => {
                tracing::warn!(lease = self.id.0, "the lease is lost");
                self.losses.increment(1);
                self.lost.cancel();
            }
            () = stop.cancelled() => {
                self.lost.cancel();
                let revoked = self.store.revoke_lease(self.id);
                match tokio::time::timeout(STORE_TIMEOUT, revoked).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::info!(lease = self.id.0, %error, "the lease was left to run out"),
                    Err(_) => tracing::info!(lease = self.id.0, "the lease was left to run out: no answer"),
                }
            }
        }
    }

    /// Returns when the lease is lost.
    async fn keep(&self, granted: Instant) {
        let mut holds_until = granted + self.ttl;
        let pause = self.ttl / KEEP_ALIVES_PER_TTL;
        loop {
            sleep(pause.min(holds_until.saturating_duration_since(Instant::now()))).await;
            loop {
                let sent = Instant::now();
                match timeout_at(holds_until, self.store.keep_alive(self.id)).await {
                    Ok(Ok(())) => {
                        holds_until = sent + self.ttl;
                        break;
                    }
                    Err(_) | Ok(Err(StoreError::LeaseEnded)) => return,
                    Ok(Err(error)) => {
                        tracing::debug!(lease = self.id.0, %error, "cannot keep the lease alive, trying again");
                        if timeout_at(holds_until, sleep(FIRST_RETRY_DELAY)).await.is_err() {
                            return;
                        }
                    }
                }
            }
        }
    }
}
