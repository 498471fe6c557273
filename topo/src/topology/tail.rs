use std::sync::Arc;
use std::time::Duration;

use metrics::Counter;
use proto::program::metrics::CounterId;
use tokio::time::{Instant, sleep};

use crate::limits::{FIRST_RETRY_DELAY, MAX_RETRY_DELAY};
use crate::store::{ChangeBatch, Revision, Store, StoreError, Versioned, Watch};

const BREAKS: CounterId = CounterId::new(
    "shoal_topology_follow_breaks_total",
    "Times that following the topology broke off and began anew.",
);

/// What a tail tells.
pub(crate) enum TailEvent {
    /// Everything under the prefix as of the revision; forget what was known before.
    Listed(Vec<(String, Versioned)>, Revision),
    /// What the next revision changed.
    Changed(ChangeBatch),
}

/// The keys under a prefix, for ever: lists, then watches, and lists again whenever the watch ends. It waits
/// longer after each failure in a row, up to `MAX_RETRY_DELAY`; a watch that lasted longer than that ends the row.
pub(crate) struct Tail {
    store: Arc<dyn Store>,
    prefix: String,
    state: State,
    delay: Duration,
    breaks: Counter,
}

enum State {
    MustList,
    Listed(Revision),
    Watching(Watch, Instant),
}

impl Tail {
    pub(crate) fn new(store: Arc<dyn Store>, prefix: &str) -> Self {
        Self {
            store,
            prefix: prefix.to_owned(),
            state: State::MustList,
            delay: Duration::ZERO,
            breaks: BREAKS.handle(&[]),
        }
    }

    /// The next event, however long it takes. Safe to cancel: nothing is lost then.
    pub(crate) async fn next(&mut self) -> TailEvent {
        loop {
            match self.advance().await {
                Ok(Some(event)) => return event,
                Ok(None) => {}
                Err(error) => {
                    self.breaks.increment(1);
                    if matches!(self.state, State::Watching(_, since) if since.elapsed() > MAX_RETRY_DELAY) {
                        self.delay = Duration::ZERO;
                    }
                    self.state = State::MustList;
                    if self.delay >= MAX_RETRY_DELAY {
                        tracing::debug!(prefix = self.prefix, %error, "still cannot follow the topology");
                    } else {
                        tracing::info!(prefix = self.prefix, %error, "cannot follow the topology, trying again");
                    }
                    self.delay = (self.delay * 2).clamp(FIRST_RETRY_DELAY, MAX_RETRY_DELAY);
                    sleep(self.delay).await;
                }
            }
        }
    }

    async fn advance(&mut self) -> Result<Option<TailEvent>, StoreError> {
        match &mut self.state {
            State::MustList => {
                let (found, revision) = self.store.list(&self.prefix).await?;
                self.state = State::Listed(revision);
                Ok(Some(TailEvent::Listed(found, revision)))
            }
            State::Listed(revision) => {
                let watch = self.store.watch(&self.prefix, *revision).await?;
                self.state = State::Watching(watch, Instant::now());
                Ok(None)
            }
            State::Watching(watch, _) => match watch.recv().await {
                Some(Ok(batch)) => Ok(Some(TailEvent::Changed(batch))),
                Some(Err(error)) => Err(error),
                None => Err(StoreError::Unavailable("the watch ended".into())),
            },
        }
    }
}
