use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use metrics::Gauge;
use proto::program::metrics::GaugeId;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Snapshot;
use super::build::build;
use super::records::Records;
use crate::limits::FIRST_CONTACT_TIMEOUT;
use crate::store::{Revision, StoreError};
use crate::topology::{Tail, TailEvent, Topology, TopologyError};

/// The newest snapshot, kept up to date by a task until the last clone of this is dropped.
///
/// While the store is away the last snapshot stays, and the task tries again for as long as it takes.
#[derive(Clone)]
pub struct SnapshotFeed {
    current: Arc<ArcSwap<Snapshot>>,
    reached: watch::Receiver<Revision>,
    _stop: Arc<DropGuard>,
}

/// The feed did not get to a revision in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the topology is at revision {}, and has not reached {} in time", .reached.0, .wanted.0)]
pub struct Behind {
    /// Where it is.
    pub reached: Revision,
    /// Where it should be.
    pub wanted: Revision,
}

impl SnapshotFeed {
    /// Reads the whole cluster once, then follows it; an error if the store does not answer within
    /// `FIRST_CONTACT_TIMEOUT`.
    pub async fn start(topology: &Topology) -> Result<Self, TopologyError> {
        let mut tail = Tail::new(topology.store().clone(), topology.keys().root());
        let first = timeout(FIRST_CONTACT_TIMEOUT, tail.next()).await.map_err(|_| {
            let seconds = FIRST_CONTACT_TIMEOUT.as_secs();
            StoreError::Unavailable(format!("the topology could not be read within {seconds} s"))
        })?;
        let current = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let (tx, reached) = watch::channel(Revision::default());
        let mut writer = Writer {
            records: Records::new(topology.keys().clone()),
            current: current.clone(),
            reached: tx,
            revision: REVISION.handle(&[]),
        };
        writer.take(first);
        let stop = CancellationToken::new();
        topology.tasks().spawn(stop.clone().run_until_cancelled_owned(writer.run(tail)));
        Ok(Self { current, reached, _stop: Arc::new(stop.drop_guard()) })
    }

    /// The newest snapshot; cheap. The guard is for a moment: use `snapshot` to keep it.
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// The newest snapshot, to keep.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// A receiver of the revision that the newest snapshot has.
    pub fn subscribe(&self) -> watch::Receiver<Revision> {
        self.reached.clone()
    }

    /// Waits until the snapshot has the effects of the revision, which a write under the cluster's root gave.
    pub async fn at_least(&self, wanted: Revision, patience: Duration) -> Result<Arc<Snapshot>, Behind> {
        let mut reached = self.reached.clone();
        match timeout(patience, reached.wait_for(|reached| *reached >= wanted)).await {
            Ok(Ok(_)) => Ok(self.snapshot()),
            Ok(Err(_)) | Err(_) => Err(Behind { reached: *self.reached.borrow(), wanted }),
        }
    }
}

const REVISION: GaugeId = GaugeId::new(
    "shoal_topology_snapshot_revision",
    "The revision of the topology that this process works with; compare it between processes.",
);

struct Writer {
    records: Records,
    current: Arc<ArcSwap<Snapshot>>,
    reached: watch::Sender<Revision>,
    revision: Gauge,
}

impl Writer {
    async fn run(mut self, mut tail: Tail) {
        loop {
            let event = tail.next().await;
            self.take(event);
        }
    }

    fn take(&mut self, event: TailEvent) {
        let revision = match event {
            TailEvent::Listed(found, revision) => {
                self.records.list(found);
                revision
            }
            TailEvent::Changed(batch) => {
                self.records.change(&batch);
                batch.revision
            }
        };
        let next = build(&self.records, revision, &self.current.load());
        // First the picture, then its revision: whoever was told of the revision finds it there.
        self.current.store(Arc::new(next));
        self.reached.send_replace(revision);
        self.revision.set(revision.0 as f64);
    }
}
