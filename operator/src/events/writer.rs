//! Brings the queued events into the topology, one after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use topo::records::{EventObject, EventReason, EventRecord};
use topo::store::{Compare, Outcome, Revision};
use topo::topology::Transaction;
use topo::{Topology, TopologyError};

use super::{now_ms, reader};
use crate::limits::{EVENT_RETRY, EVENTS_LAST_WORDS, EVENTS_PER_COMMIT, MAX_EVENTS, MAX_OBSERVATION};

/// The one task of this control that writes events. Other controls may write beside it.
pub(super) struct Writer {
    topology: Topology,
    dropped: Arc<AtomicU64>,
    /// What the store held when it was last read or written; `None`: it must be read.
    known: Option<Known>,
}

/// The state of the stored log.
struct Known {
    newest: Option<Newest>,
    /// The last event of each object that has one.
    last: HashMap<EventObject, EventRecord>,
}

#[derive(Clone, Copy)]
struct Newest {
    sequence: u64,
    revision: Revision,
}

impl Known {
    /// Whether the event says of its object what the one before it said.
    fn repeats(&self, event: &EventRecord) -> bool {
        let same = |last: &EventRecord| last.reason == event.reason && last.observation == event.observation;
        self.last.get(&event.object).is_some_and(same)
    }
}

impl Writer {
    pub(super) fn new(topology: Topology, dropped: Arc<AtomicU64>) -> Self {
        Self { topology, dropped, known: None }
    }

    pub(super) async fn run(mut self, mut events: mpsc::Receiver<EventRecord>, shutdown: CancellationToken) {
        while let Some(Some(event)) = shutdown.run_until_cancelled(events.recv()).await {
            if shutdown.run_until_cancelled(self.write(event.clone())).await.is_none() {
                // A second attempt finds the event in the log if the first one came so far.
                let _ = timeout(EVENTS_LAST_WORDS, self.write(event)).await;
            }
        }
        events.close();
        let rest = async {
            while let Some(event) = events.recv().await {
                self.write(event).await;
            }
        };
        if timeout(EVENTS_LAST_WORDS, rest).await.is_err() {
            tracing::info!("the last events could not be written");
        }
    }

    /// Writes one event, however long the store takes, and after it how many were dropped in that time.
    async fn write(&mut self, event: EventRecord) {
        self.persist(event).await;
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(dropped, "events came faster than they could be written");
            let observation = format!("{dropped} events came faster than they could be written");
            let (object, reason) = (EventObject::Cluster, EventReason::EventsDropped);
            self.persist(EventRecord { at_ms: now_ms(), object, reason, observation }).await;
        }
    }

    async fn persist(&mut self, mut event: EventRecord) {
        event.observation = bounded(event.observation);
        loop {
            match self.append(&event).await {
                Ok(Outcome::Committed(_)) => return,
                Ok(Outcome::Conflict) => self.known = None,
                Err(TopologyError::Record(error)) => {
                    tracing::warn!(%error, "an event cannot be written");
                    return;
                }
                Err(TopologyError::Store(error)) => {
                    // It may have been written all the same; then the next look at the log finds it.
                    self.known = None;
                    tracing::debug!(%error, "events wait to be written");
                    sleep(EVENT_RETRY).await;
                }
            }
        }
    }

    /// Writes the event after the newest one that is known, in one transaction with the removal of the one that
    /// is too many. A conflict: another control was faster.
    async fn append(&mut self, event: &EventRecord) -> Result<Outcome, TopologyError> {
        let known = match self.known.take() {
            Some(known) => known,
            None => self.look().await?,
        };
        if known.repeats(event) {
            let unchanged = known.newest.map_or(Revision::default(), |newest| newest.revision);
            self.known = Some(known);
            return Ok(Outcome::Committed(unchanged));
        }
        let keys = self.topology.keys();
        let sequence = known.newest.map_or(0, |newest| newest.sequence) + 1;
        let mut transaction = Transaction::new().create(&keys.event(Some(sequence)), event)?;
        if let Some(newest) = known.newest {
            // With the newest one in its place nothing can have been written and aged away since.
            let key = keys.event(Some(newest.sequence));
            transaction = transaction.only_if(Compare::Unchanged(key, newest.revision));
        }
        if let Some(too_many) = sequence.checked_sub(MAX_EVENTS).filter(|&old| old > 0) {
            transaction = transaction.delete(&keys.event(Some(too_many)));
        }
        let outcome = self.topology.commit(transaction).await?;
        if let Outcome::Committed(revision) = outcome {
            let mut last = known.last;
            last.insert(event.object.clone(), event.clone());
            self.known = Some(Known { newest: Some(Newest { sequence, revision }), last });
        }
        Ok(outcome)
    }

    /// Reads the log, and takes out what a program with a larger bound left in it.
    async fn look(&self) -> Result<Known, TopologyError> {
        let keys = self.topology.keys();
        let (found, _) = self.topology.store().list(&keys.event(None)).await?;
        let numbered = found.iter().filter_map(|(key, value)| Some((keys.event_sequence(key)?, value)));
        let newest = numbered
            .max_by_key(|(sequence, _)| *sequence)
            .map(|(sequence, value)| Newest { sequence, revision: value.modified });
        let kept_from = newest.map_or(0, |newest| newest.sequence + 1).saturating_sub(MAX_EVENTS);
        let too_old = |key: &&String| keys.event_sequence(key).is_some_and(|sequence| sequence < kept_from);
        let surplus: Vec<&String> = found.iter().map(|(key, _)| key).filter(too_old).collect();
        for some in surplus.chunks(EVENTS_PER_COMMIT) {
            let removal = some.iter().fold(Transaction::new(), |removal, key| removal.delete(key));
            self.topology.commit(removal).await?;
        }
        let events = reader::read(keys, &found).into_iter();
        let last = events.map(|event| (event.record.object.clone(), event.record)).collect();
        Ok(Known { newest, last })
    }
}

/// The text, cut where it is longer than an observation may be.
fn bounded(mut text: String) -> String {
    if text.len() > MAX_OBSERVATION {
        let end = (0..=MAX_OBSERVATION - '…'.len_utf8()).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}
