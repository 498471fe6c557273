//! Stores that break one promise each, to see the suite notice.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use topo::store::{
    ChangeBatch, Compare, LeaseId, MemoryStore, Outcome, Revision, Store, StoreError, Versioned, Watch, Write,
};

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    LosesCompares,
    ComparesOnlyTheFirst,
    WritesBeforeItCompares,
    ReadsTheWriteBefore,
    ListsNeighbours,
    SplitsBatches,
    SkipsTheFirstBatch,
    RepeatsBatches,
    HidesCompaction,
    ForgetsLeases,
    KeepsEndedLeasesAlive,
    RevokesTomorrow,
    LosesLargeWrites,
}

impl Fault {
    /// Each fault with the check that must notice it (others may as well).
    pub(crate) const ALL: [(Self, &'static str); 13] = [
        (Self::LosesCompares, "a_key_is_created_once"),
        (Self::ComparesOnlyTheFirst, "a_transaction_is_all_or_nothing"),
        (Self::WritesBeforeItCompares, "a_transaction_is_all_or_nothing"),
        (Self::ReadsTheWriteBefore, "reads_see_the_newest_write"),
        (Self::ListsNeighbours, "lists_have_the_prefix_and_are_in_order"),
        (Self::SplitsBatches, "a_revision_is_one_batch"),
        (Self::SkipsTheFirstBatch, "a_watch_may_begin_in_the_past"),
        (Self::RepeatsBatches, "a_watch_tells_all_changes_in_order"),
        (Self::HidesCompaction, "a_watch_of_forgotten_changes_says_so"),
        (Self::ForgetsLeases, "keys_end_with_their_lease"),
        (Self::KeepsEndedLeasesAlive, "a_revoked_lease_ends_at_once"),
        (Self::RevokesTomorrow, "a_revoked_lease_ends_at_once"),
        (Self::LosesLargeWrites, "bounds_are_kept"),
    ];
}

/// A memory store with a fault.
pub(crate) struct Broken {
    inner: MemoryStore,
    fault: Fault,
    before: Mutex<HashMap<String, Versioned>>,
}

impl Broken {
    pub(crate) fn new(inner: MemoryStore, fault: Fault) -> Self {
        Self { inner, fault, before: Mutex::new(HashMap::new()) }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn tampered(&self, batch: ChangeBatch, count: usize) -> Vec<ChangeBatch> {
        match self.fault {
            Fault::SkipsTheFirstBatch if count == 0 => Vec::new(),
            Fault::RepeatsBatches => vec![batch.clone(), batch],
            Fault::SplitsBatches => {
                let revision = batch.revision;
                batch.changes.into_iter().map(|c| ChangeBatch { revision, changes: vec![c] }).collect()
            }
            _ => vec![batch],
        }
    }
}

#[async_trait]
impl Store for Broken {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let found = self.inner.get(key).await?;
        if self.has(Fault::ReadsTheWriteBefore)
            && let Some(found) = &found
        {
            let before = self.before.lock().unwrap().insert(key.to_owned(), found.clone());
            return Ok(before.or_else(|| Some(found.clone())));
        }
        Ok(found)
    }

    async fn list(&self, prefix: &str) -> Result<(Vec<(String, Versioned)>, Revision), StoreError> {
        let prefix = if self.has(Fault::ListsNeighbours) { prefix.trim_end_matches('/') } else { prefix };
        self.inner.list(prefix).await
    }

    async fn commit(&self, compares: &[Compare], writes: &[Write]) -> Result<Outcome, StoreError> {
        let compares = match self.fault {
            Fault::LosesCompares => &[],
            Fault::ComparesOnlyTheFirst => &compares[..compares.len().min(1)],
            _ => compares,
        };
        if self.has(Fault::WritesBeforeItCompares) && writes.len() > 1 {
            self.inner.commit(&[], &writes[..1]).await?;
        }
        let mut writes = writes.to_vec();
        if self.has(Fault::ForgetsLeases) {
            for write in &mut writes {
                if let Write::Put { lease, .. } = write {
                    *lease = None;
                }
            }
        }
        match self.inner.commit(compares, &writes).await {
            Err(StoreError::TooLarge { .. }) if self.has(Fault::LosesLargeWrites) => {
                Ok(Outcome::Committed(self.inner.list("").await?.1))
            }
            outcome => outcome,
        }
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, StoreError> {
        let mut watch = self.inner.watch(prefix, after).await?;
        let (tx, rx) = mpsc::channel(1000);
        let tampering = Self::new(self.inner.clone(), self.fault);
        let prefix = prefix.to_owned();
        tokio::spawn(async move {
            let mut count = 0;
            while let Some(item) = watch.recv().await {
                let items = match item {
                    Err(StoreError::Compacted(_)) if tampering.has(Fault::HidesCompaction) => {
                        let Ok((_, now)) = tampering.inner.list(&prefix).await else { return };
                        let Ok(later) = tampering.inner.watch(&prefix, now).await else { return };
                        watch = later;
                        continue;
                    }
                    Err(error) => vec![Err(error)],
                    Ok(batch) => tampering.tampered(batch, count).into_iter().map(Ok).collect(),
                };
                count += 1;
                for item in items {
                    if tx.send(item).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(rx)
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.inner.grant_lease(ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        match self.inner.keep_alive(lease).await {
            Err(StoreError::LeaseEnded) if self.has(Fault::KeepsEndedLeasesAlive) => Ok(()),
            outcome => outcome,
        }
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError> {
        if self.has(Fault::RevokesTomorrow) {
            return Ok(());
        }
        self.inner.revoke_lease(lease).await
    }
}
