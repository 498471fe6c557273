//! A store in the memory of one process, for tests.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::{
    Change, ChangeBatch, Compare, LeaseId, Outcome, Revision, Store, StoreError, Versioned, Watch, Write,
    check_bounds,
};
use crate::limits::{MEMORY_HISTORY, MIN_LEASE_TTL, WATCH_QUEUE};

/// Keeps the same promises as etcd, checked by the same suite, until the process ends.
///
/// It can be made unreachable and it can forget its history, so that tests see what their subject does then.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Tells watches that there is a new revision, or that reachability changed.
    moved: watch::Sender<()>,
}

struct Entry {
    value: Bytes,
    modified: Revision,
    lease: Option<LeaseId>,
}

struct LeaseState {
    ttl: Duration,
    ends: Instant,
}

struct State {
    entries: BTreeMap<String, Entry>,
    revision: Revision,
    history: VecDeque<ChangeBatch>,
    /// Changes up to and with this revision are no longer kept.
    forgotten: Revision,
    leases: HashMap<LeaseId, LeaseState>,
    next_lease: i64,
    reachable: bool,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        let state = State {
            entries: BTreeMap::new(),
            // etcd begins with 1, too; 0 is before everything.
            revision: Revision(1),
            history: VecDeque::new(),
            forgotten: Revision(0),
            leases: HashMap::new(),
            next_lease: 1,
            reachable: true,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), moved: watch::Sender::new(()) }) }
    }

    /// From now on every call and every watch fails, until `come_back`; leases go on running out.
    pub fn go_away(&self) {
        self.lock().reachable = false;
        self.shared.moved.send_replace(());
    }

    /// Ends what `go_away` began.
    pub fn come_back(&self) {
        self.lock().reachable = true;
    }

    /// Forgets all changes so far: a watch that has not seen them yet ends with `Compacted`.
    pub fn compact(&self) {
        let mut state = self.lock();
        state.history.clear();
        state.forgotten = state.revision;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is made by one call that cannot panic half way.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with the keys of ended leases removed.
    fn current(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.lock();
        if state.end_leases(Instant::now()) {
            self.shared.moved.send_replace(());
        }
        if !state.reachable {
            return Err(StoreError::Unavailable("the memory store was told to be away".into()));
        }
        Ok(state)
    }

    /// What a watch that has seen everything up to `seen` has to be told next, and when to look again at the
    /// latest because a lease may have ended by then.
    fn after(&self, prefix: &str, seen: Revision) -> Result<(Vec<ChangeBatch>, Option<Instant>), StoreError> {
        let state = self.current()?;
        if seen < state.forgotten {
            return Err(StoreError::Compacted(seen));
        }
        let batches = state.history.iter().filter(|b| b.revision > seen).filter_map(|b| b.under(prefix));
        Ok((batches.collect(), state.leases.values().map(|l| l.ends).min()))
    }

    async fn feed(
        self,
        prefix: String,
        mut seen: Revision,
        tx: mpsc::Sender<Result<ChangeBatch, StoreError>>,
    ) {
        let mut moved = self.shared.moved.subscribe();
        loop {
            moved.mark_unchanged();
            let (batches, look_again) = match self.after(&prefix, seen) {
                Ok(found) => found,
                Err(error) => {
                    // The reader may be gone, which ends the watch just as well.
                    let _ = tx.send(Err(error)).await;
                    return;
                }
            };
            for batch in batches {
                seen = batch.revision;
                if tx.send(Ok(batch)).await.is_err() {
                    return;
                }
            }
            let lease_end = async {
                match look_again {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = moved.changed() => {}
                () = lease_end => {}
                () = tx.closed() => return,
            }
        }
    }
}

impl ChangeBatch {
    /// The part of the batch under the prefix, if there is one.
    fn under(&self, prefix: &str) -> Option<Self> {
        let changes: Vec<Change> =
            self.changes.iter().filter(|c| c.key.starts_with(prefix)).cloned().collect();
        (!changes.is_empty()).then_some(Self { revision: self.revision, changes })
    }
}

impl State {
    fn holds(&self, compare: &Compare) -> bool {
        match compare {
            Compare::Absent(key) => !self.entries.contains_key(key),
            Compare::Unchanged(key, revision) => {
                self.entries.get(key).is_some_and(|entry| entry.modified == *revision)
            }
        }
    }

    fn apply(&mut self, writes: &[Write]) -> Revision {
        let revision = Revision(self.revision.0 + 1);
        let mut changes = Vec::new();
        for write in writes {
            match write {
                Write::Put { key, value, lease } => {
                    let entry = Entry { value: value.clone(), modified: revision, lease: *lease };
                    self.entries.insert(key.clone(), entry);
                    changes.push(Change { key: key.clone(), value: Some(value.clone()) });
                }
                Write::Delete { key } => {
                    if self.entries.remove(key).is_some() {
                        changes.push(Change { key: key.clone(), value: None });
                    }
                }
            }
        }
        if changes.is_empty() {
            return self.revision;
        }
        self.revision = revision;
        self.history.push_back(ChangeBatch { revision, changes });
        if self.history.len() > MEMORY_HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.revision;
        }
        revision
    }

    /// Whether keys went away.
    fn end_leases(&mut self, now: Instant) -> bool {
        let ended: Vec<LeaseId> =
            self.leases.iter().filter(|(_, lease)| lease.ends <= now).map(|(id, _)| *id).collect();
        let before = self.revision;
        for lease in ended {
            self.end_lease(lease);
        }
        self.revision > before
    }

    fn end_lease(&mut self, lease: LeaseId) {
        self.leases.remove(&lease);
        let keys = self.entries.iter().filter(|(_, entry)| entry.lease == Some(lease));
        let removals: Vec<Write> = keys.map(|(key, _)| Write::Delete { key: key.clone() }).collect();
        self.apply(&removals);
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let state = self.current()?;
        Ok(state.entries.get(key).map(|e| Versioned { value: e.value.clone(), modified: e.modified }))
    }

    async fn list(&self, prefix: &str) -> Result<(Vec<(String, Versioned)>, Revision), StoreError> {
        let state = self.current()?;
        let found = state
            .entries
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, e)| (key.clone(), Versioned { value: e.value.clone(), modified: e.modified }))
            .collect();
        Ok((found, state.revision))
    }

    async fn commit(&self, compares: &[Compare], writes: &[Write]) -> Result<Outcome, StoreError> {
        check_bounds(compares, writes)?;
        let mut state = self.current()?;
        if !compares.iter().all(|compare| state.holds(compare)) {
            return Ok(Outcome::Conflict);
        }
        for write in writes {
            if let Write::Put { lease: Some(lease), .. } = write
                && !state.leases.contains_key(lease)
            {
                return Err(StoreError::LeaseEnded);
            }
        }
        let revision = state.apply(writes);
        drop(state);
        self.shared.moved.send_replace(());
        Ok(Outcome::Committed(revision))
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, StoreError> {
        drop(self.current()?);
        let (tx, rx) = mpsc::channel(WATCH_QUEUE);
        // The task ends with its reader or its first error, whichever comes first.
        tokio::spawn(self.clone().feed(prefix.to_owned(), after, tx));
        Ok(rx)
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let mut state = self.current()?;
        let ttl = ttl.max(MIN_LEASE_TTL);
        let lease = LeaseId(state.next_lease);
        state.next_lease += 1;
        state.leases.insert(lease, LeaseState { ttl, ends: Instant::now() + ttl });
        drop(state);
        self.shared.moved.send_replace(());
        Ok(lease)
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        let mut state = self.current()?;
        let lease = state.leases.get_mut(&lease).ok_or(StoreError::LeaseEnded)?;
        lease.ends = Instant::now() + lease.ttl;
        Ok(())
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.current()?.end_lease(lease);
        self.shared.moved.send_replace(());
        Ok(())
    }
}
