//! The log of what happened: bounded, kept in the topology, written by control and read by whoever asks.
//!
//! ```text
//!   loops, reparents ─ record ─► bounded queue ─ writer ─► events/<sequence> (etcd), the oldest go
//!                                                              │ list, then watch
//!                               `shoal events`, notifiers ◄────┴── latest, Feed
//! ```
//!
//! Nothing waits for the log: whoever records goes on at once, and what the queue cannot take is counted and
//! told. Nothing is decided by it either.

mod reader;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use topo::Topology;
use topo::records::{EventObject, EventReason, EventRecord};

pub use reader::{Feed, latest};

use crate::limits::EVENT_QUEUE;
use crate::measures::{dropped_events, saw_event};

/// An event with its place in the order of all events of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Grows by one with every event.
    pub sequence: u64,
    /// What happened.
    pub record: EventRecord,
}

/// Takes events; cheap to clone.
#[derive(Debug, Clone)]
pub struct EventLog {
    queue: mpsc::Sender<EventRecord>,
    dropped: Arc<AtomicU64>,
}

impl EventLog {
    /// A log that is written to the topology by a task, which ends some time after `shutdown`: it first tries
    /// to write what is queued.
    pub fn start(topology: Topology, shutdown: CancellationToken) -> (Self, JoinHandle<()>) {
        let (queue, events) = mpsc::channel(EVENT_QUEUE);
        let dropped = Arc::<AtomicU64>::default();
        let writer = writer::Writer::new(topology, dropped.clone());
        (Self { queue, dropped }, tokio::spawn(writer.run(events, shutdown)))
    }

    /// Takes note of what happened, and never waits. An event that is the same as the last one of its object
    /// is not repeated.
    pub fn record(&self, object: EventObject, reason: EventReason, observation: String) {
        tracing::info!(%object, %reason, observation, "event");
        saw_event(reason);
        if self.queue.try_send(EventRecord { at_ms: now_ms(), object, reason, observation }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            dropped_events().increment(1);
        }
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
