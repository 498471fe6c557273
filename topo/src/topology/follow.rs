use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::{Stored, Tail, TailEvent, stored};
use crate::records::Record;
use crate::store::{Store, Versioned};

/// What is known of a followed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<R> {
    /// The store has not answered yet.
    Unknown,
    /// There is no such record.
    Absent,
    /// The record as it was last seen. While the store is away this is its last known state.
    Record(Stored<R>),
}

/// A record that a task follows until this is dropped.
///
/// A record that cannot be read (too new, malformed) is logged, and the last good one stays.
pub struct Following<R> {
    seen: watch::Receiver<Seen<R>>,
    _stop: DropGuard,
}

impl<R: Record + Clone> Following<R> {
    pub(super) fn start(store: Arc<dyn Store>, tasks: &TaskTracker, key: &str) -> Self {
        let (tx, seen) = watch::channel(Seen::Unknown);
        let stop = CancellationToken::new();
        let follower = Follower { key: key.to_owned(), tx };
        let tail = Tail::new(store, key);
        tasks.spawn(stop.clone().run_until_cancelled_owned(follower.run(tail)));
        Self { seen, _stop: stop.drop_guard() }
    }

    /// What is known now; this counts as having looked.
    pub fn current(&mut self) -> Seen<R> {
        self.seen.borrow_and_update().clone()
    }

    /// Waits until something else is known than at the last look. Safe to cancel.
    pub async fn changed(&mut self) -> Seen<R> {
        if self.seen.changed().await.is_err() {
            // The task ends with this value only, unless its runtime is being torn down.
            std::future::pending::<()>().await;
        }
        self.current()
    }
}

struct Follower<R> {
    key: String,
    tx: watch::Sender<Seen<R>>,
}

impl<R: Record + Clone> Follower<R> {
    async fn run(self, mut tail: Tail) {
        loop {
            match tail.next().await {
                TailEvent::Listed(found, _) => {
                    // Keys that merely begin with ours are others' records.
                    let ours = found.into_iter().find(|(key, _)| *key == self.key);
                    self.show(ours.map(|(_, value)| value));
                }
                TailEvent::Changed(batch) => {
                    let ours = batch.changes.into_iter().find(|change| change.key == self.key);
                    if let Some(change) = ours {
                        self.show(change.value.map(|value| Versioned { value, modified: batch.revision }));
                    }
                }
            }
        }
    }

    fn show(&self, found: Option<Versioned>) {
        let next = match found.map(|found| stored::<R>(&self.key, &found)) {
            None => Seen::Absent,
            Some(Ok(record)) => Seen::Record(record),
            Some(Err(error)) => {
                tracing::error!(%error, "the last good value stays in use");
                return;
            }
        };
        self.tx.send_if_modified(|seen| {
            let same = match (&*seen, &next) {
                (Seen::Record(old), Seen::Record(new)) => old.revision == new.revision,
                (Seen::Absent, Seen::Absent) => true,
                _ => false,
            };
            if !same {
                *seen = next;
            }
            !same
        });
    }
}
