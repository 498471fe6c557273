use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::{Tail, TailEvent};
use crate::records::{Record, decode};
use crate::store::Store;

/// The records by what stands in their keys after the prefix.
type ByName<R> = BTreeMap<String, R>;

/// All records under a prefix, which a task follows until this is dropped.
///
/// A record that cannot be read (too new, malformed) is logged, and the last good one stays.
pub struct FollowingAll<R> {
    seen: watch::Receiver<Option<Arc<ByName<R>>>>,
    _stop: DropGuard,
}

impl<R: Record + Clone> FollowingAll<R> {
    pub(super) fn start(store: Arc<dyn Store>, tasks: &TaskTracker, prefix: &str) -> Self {
        let (tx, seen) = watch::channel(None);
        let stop = CancellationToken::new();
        let follower = Follower { prefix: prefix.to_owned(), known: ByName::new(), tx };
        let tail = Tail::new(store, prefix);
        tasks.spawn(stop.clone().run_until_cancelled_owned(follower.run(tail)));
        Self { seen, _stop: stop.drop_guard() }
    }

    /// What is known now, `None` until the store has answered; this counts as having looked.
    pub fn current(&mut self) -> Option<Arc<ByName<R>>> {
        self.seen.borrow_and_update().clone()
    }

    /// Waits until something else may be known than at the last look. Safe to cancel.
    pub async fn changed(&mut self) {
        if self.seen.changed().await.is_err() {
            // The task ends with this value only, unless its runtime is being torn down.
            std::future::pending::<()>().await;
        }
    }
}

struct Follower<R> {
    prefix: String,
    known: ByName<R>,
    tx: watch::Sender<Option<Arc<ByName<R>>>>,
}

impl<R: Record + Clone> Follower<R> {
    async fn run(mut self, mut tail: Tail) {
        loop {
            match tail.next().await {
                TailEvent::Listed(found, _) => {
                    let mut before = std::mem::take(&mut self.known);
                    for (key, value) in found {
                        let old = self.name(&key).and_then(|name| before.remove(name));
                        self.note(&key, &value.value, old);
                    }
                }
                TailEvent::Changed(batch) => {
                    for change in batch.changes {
                        let Some(name) = self.name(&change.key) else { continue };
                        let old = self.known.remove(name);
                        if let Some(value) = &change.value {
                            self.note(&change.key, value, old);
                        }
                    }
                }
            }
            self.tx.send_replace(Some(Arc::new(self.known.clone())));
        }
    }

    fn name<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&self.prefix)
    }

    fn note(&mut self, key: &str, value: &[u8], old: Option<R>) {
        let Some(name) = self.name(key) else { return };
        let record = decode::<R>(key, value).map_err(|error| {
            tracing::error!(%error, "the last good value stays in use");
        });
        if let Some(record) = record.ok().or(old) {
            self.known.insert(name.to_owned(), record);
        }
    }
}
