use std::time::Duration;

use async_trait::async_trait;
use metrics::{Counter, Histogram};
use proto::program::metrics::{CounterId, DurationId};
use tokio::time::Instant;

use super::{Compare, LeaseId, Outcome, Revision, Store, StoreError, Versioned, Watch, Write};

const REQUESTS: CounterId =
    CounterId::new("shoal_topology_requests_total", "Calls to the topology store, by what became of them.");
const REQUEST: DurationId =
    DurationId::new("shoal_topology_request_seconds", "How long calls to the topology store took.");

/// A store whose calls are counted and timed, as its users see them: with what it tries again by itself.
pub struct Measured<S> {
    store: S,
    get: Calls,
    list: Calls,
    commit: Calls,
    watch: Calls,
    grant_lease: Calls,
    keep_alive: Calls,
    revoke_lease: Calls,
}

/// Calls of one kind.
struct Calls {
    done: Counter,
    conflict: Counter,
    unavailable: Counter,
    lease_ended: Counter,
    refused: Counter,
    compacted: Counter,
    seconds: Histogram,
}

impl Calls {
    fn named(operation: &str) -> Self {
        let counted = |outcome| REQUESTS.handle(&[("operation", operation), ("outcome", outcome)]);
        Self {
            done: counted("done"),
            conflict: counted("conflict"),
            unavailable: counted("unavailable"),
            lease_ended: counted("lease_ended"),
            refused: counted("refused"),
            compacted: counted("compacted"),
            seconds: REQUEST.handle(&[("operation", operation)]),
        }
    }

    async fn measure<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.measure_as(call, |_| &self.done).await
    }

    async fn measure_as<'a, T>(
        &'a self,
        call: impl Future<Output = Result<T, StoreError>>,
        of: impl FnOnce(&T) -> &'a Counter,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let outcome = call.await;
        self.seconds.record(begun.elapsed());
        let counter = match &outcome {
            Ok(value) => of(value),
            Err(StoreError::Unavailable(_)) => &self.unavailable,
            Err(StoreError::LeaseEnded) => &self.lease_ended,
            Err(StoreError::TooLarge { .. } | StoreError::Refused(_)) => &self.refused,
            Err(StoreError::Compacted(_)) => &self.compacted,
        };
        counter.increment(1);
        outcome
    }
}

impl<S> Measured<S> {
    /// Measures the calls to the store from now on.
    pub fn new(store: S) -> Self {
        Self {
            store,
            get: Calls::named("get"),
            list: Calls::named("list"),
            commit: Calls::named("commit"),
            watch: Calls::named("watch"),
            grant_lease: Calls::named("grant_lease"),
            keep_alive: Calls::named("keep_alive"),
            revoke_lease: Calls::named("revoke_lease"),
        }
    }
}

#[async_trait]
impl<S: Store> Store for Measured<S> {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.get.measure(self.store.get(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<(Vec<(String, Versioned)>, Revision), StoreError> {
        self.list.measure(self.store.list(prefix)).await
    }

    async fn commit(&self, compares: &[Compare], writes: &[Write]) -> Result<Outcome, StoreError> {
        let of = |outcome: &Outcome| match outcome {
            Outcome::Committed(_) => &self.commit.done,
            Outcome::Conflict => &self.commit.conflict,
        };
        self.commit.measure_as(self.store.commit(compares, writes), of).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, StoreError> {
        self.watch.measure(self.store.watch(prefix, after)).await
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.grant_lease.measure(self.store.grant_lease(ttl)).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.keep_alive.measure(self.store.keep_alive(lease)).await
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.revoke_lease.measure(self.store.revoke_lease(lease)).await
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn calls_are_counted_by_what_became_of_them() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let memory = MemoryStore::new();
        let store = metrics::with_local_recorder(&recorder, || Measured::new(memory.clone()));
        let absent = [Compare::Absent("/a".into())];
        let put = [Write::Put { key: "/a".into(), value: "1".into(), lease: None }];
        assert!(matches!(store.commit(&absent, &put).await, Ok(Outcome::Committed(_))));
        assert!(matches!(store.commit(&absent, &put).await, Ok(Outcome::Conflict)));
        assert!(store.get("/a").await.unwrap().is_some());
        assert!(matches!(store.keep_alive(LeaseId(7)).await, Err(StoreError::LeaseEnded)));
        memory.go_away();
        assert!(store.get("/a").await.is_err());

        let text = recorder.handle().render();
        for (operation, outcome, count) in [
            ("commit", "done", 1),
            ("commit", "conflict", 1),
            ("get", "done", 1),
            ("get", "unavailable", 1),
            ("get", "refused", 0),
            ("keep_alive", "lease_ended", 1),
        ] {
            let line = format!(
                "shoal_topology_requests_total{{operation=\"{operation}\",outcome=\"{outcome}\"}} {count}"
            );
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
        assert!(text.contains("shoal_topology_request_seconds_count{operation=\"get\"} 2"), "{text}");
    }
}
