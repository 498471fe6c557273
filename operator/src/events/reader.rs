//! Reading events: what there is, and what is added.

use std::collections::VecDeque;

use tokio::time::sleep;
use topo::keys::Keys;
use topo::records::{EventObject, EventRecord, decode};
use topo::store::{Revision, StoreError, Versioned, Watch};
use topo::{Topology, TopologyError};

use super::Event;
use crate::limits::EVENT_RETRY;

/// The newest events of an object (of all, if `None`), oldest first; at most `limit`.
pub async fn latest(
    topology: &Topology,
    object: Option<&EventObject>,
    limit: usize,
) -> Result<Vec<Event>, TopologyError> {
    let (found, _) = topology.store().list(&topology.keys().event(None)).await?;
    let mut events = read(topology.keys(), &found);
    events.retain(|event| object.is_none_or(|object| event.record.object == *object));
    let surplus = events.len().saturating_sub(limit);
    Ok(events.split_off(surplus))
}

/// The events among listed keys, oldest first. One that cannot be read is passed over: a newer control may
/// write what this one does not know.
pub(super) fn read(keys: &Keys, found: &[(String, Versioned)]) -> Vec<Event> {
    let events = found.iter().filter_map(|(key, value)| event(keys, key, &value.value));
    let mut events: Vec<Event> = events.collect();
    events.sort_by_key(|event| event.sequence);
    events
}

fn event(keys: &Keys, key: &str, value: &[u8]) -> Option<Event> {
    let sequence = keys.event_sequence(key)?;
    match decode::<EventRecord>(key, value) {
        Ok(record) => Some(Event { sequence, record }),
        Err(error) => {
            tracing::debug!(%error, "an event is passed over");
            None
        }
    }
}

/// Events as they are added, by whichever control, through outages of the store. An event is given once; a
/// reader that is away for more than the log holds misses the oldest.
pub struct Feed {
    topology: Topology,
    object: Option<EventObject>,
    /// Sequence of the last event that was given, or that is not wanted.
    given: u64,
    waiting: VecDeque<Event>,
    watch: Option<Watch>,
}

impl Feed {
    /// The newest `backlog` events of an object (of all, if `None`), and then each new one.
    pub async fn begin(
        topology: Topology,
        object: Option<EventObject>,
        backlog: usize,
    ) -> Result<Self, TopologyError> {
        let (found, _) = topology.store().list(&topology.keys().event(None)).await?;
        let events = read(topology.keys(), &found);
        let mut feed = Self { topology, object, given: 0, waiting: VecDeque::new(), watch: None };
        feed.take(events);
        let surplus = feed.waiting.len().saturating_sub(backlog);
        feed.waiting.drain(..surplus);
        Ok(feed)
    }

    /// The next event, however long it takes. Safe to cancel: nothing is lost then.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return event;
            }
            if let Err(error) = self.advance().await {
                tracing::debug!(%error, "events cannot be followed, trying again");
                self.watch = None;
                sleep(EVENT_RETRY).await;
            }
        }
    }

    async fn advance(&mut self) -> Result<(), StoreError> {
        let Some(watch) = &mut self.watch else {
            let (found, revision) = self.topology.store().list(&self.topology.keys().event(None)).await?;
            self.take(read(self.topology.keys(), &found));
            self.watch = Some(self.watch_after(revision).await?);
            return Ok(());
        };
        let batch = watch.recv().await.ok_or_else(|| StoreError::Unavailable("the watch ended".into()))??;
        let added = batch.changes.iter().filter_map(|change| {
            let value = change.value.as_ref()?;
            event(self.topology.keys(), &change.key, value)
        });
        let added = added.collect();
        self.take(added);
        Ok(())
    }

    async fn watch_after(&self, revision: Revision) -> Result<Watch, StoreError> {
        self.topology.store().watch(&self.topology.keys().event(None), revision).await
    }

    /// Keeps what is new and wanted.
    fn take(&mut self, events: Vec<Event>) {
        for event in events {
            if event.sequence > self.given {
                self.given = event.sequence;
                if self.object.as_ref().is_none_or(|object| event.record.object == *object) {
                    self.waiting.push_back(event);
                }
            }
        }
    }
}
