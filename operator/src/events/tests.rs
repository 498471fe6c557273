use std::time::Duration;

use topo::records::encode;
use topo::store::MemoryStore;
use topo::topology::Transaction;

use super::*;
use crate::limits::{MAX_EVENTS, MAX_OBSERVATION};

const DEADLINE: Duration = Duration::from_secs(10);

fn topology() -> Topology {
    Topology::new(Arc::new(MemoryStore::new()), "c")
}

fn object(text: &str) -> EventObject {
    text.parse().unwrap()
}

fn started(topology: &Topology) -> (EventLog, CancellationToken, JoinHandle<()>) {
    let shutdown = CancellationToken::new();
    let (log, writing) = EventLog::start(topology.clone(), shutdown.clone());
    (log, shutdown, writing)
}

/// The events once the log's task has written everything and ended.
async fn finished(
    topology: &Topology,
    (log, shutdown, writing): (EventLog, CancellationToken, JoinHandle<()>),
) -> Vec<Event> {
    drop(log);
    shutdown.cancel();
    writing.await.unwrap();
    latest(topology, None, usize::MAX).await.unwrap()
}

fn told(events: &[Event]) -> Vec<(u64, String)> {
    events.iter().map(|e| (e.sequence, format!("{} {}", e.record.object, e.record.observation))).collect()
}

#[tokio::test]
async fn events_are_kept_in_order_and_found_by_their_object() {
    let topology = topology();
    let started = started(&topology);
    let log = &started.0;
    log.record(object("a-1"), EventReason::MysqldDown, "one".into());
    log.record(object("ks/-80"), EventReason::ReparentStarted, "two".into());
    log.record(object("a-1"), EventReason::MysqldUp, "three".into());
    let events = finished(&topology, started).await;
    let expected = [(1, "a-1 one"), (2, "ks/-80 two"), (3, "a-1 three")].map(|(n, t)| (n, t.to_owned()));
    assert_eq!(told(&events), expected);
    let of_tablet = latest(&topology, Some(&object("a-1")), usize::MAX).await.unwrap();
    assert_eq!(told(&of_tablet), [expected[0].clone(), expected[2].clone()]);
    assert_eq!(told(&latest(&topology, None, 1).await.unwrap()), expected[2..]);
    assert!(events[0].record.at_ms > 1_600_000_000_000);
}

#[tokio::test]
async fn what_is_said_of_an_object_already_is_not_repeated_also_after_a_restart() {
    let topology = topology();
    for _ in 0..2 {
        let started = started(&topology);
        for _ in 0..2 {
            for alias in ["a-1", "a-2"] {
                started.0.record(object(alias), EventReason::TabletUnreachable, "no answer".into());
            }
        }
        finished(&topology, started).await;
    }
    let started = started(&topology);
    started.0.record(object("a-1"), EventReason::TabletReachable, "answers".into());
    started.0.record(object("a-1"), EventReason::TabletUnreachable, "no answer".into());
    let events = finished(&topology, started).await;
    let objects: Vec<String> = events.iter().map(|e| e.record.object.to_string()).collect();
    assert_eq!(objects, ["a-1", "a-2", "a-1", "a-1"]);
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many_also_those_of_a_larger_bound() {
    let topology = topology();
    let record = |text: String| EventRecord {
        at_ms: 0,
        object: object("cluster"),
        reason: EventReason::MysqldUp,
        observation: text,
    };
    let key = |sequence| topology.keys().event(Some(sequence));
    for sequence in 1..=MAX_EVENTS + 250 {
        topology.put(&key(sequence), &record(format!("old {sequence}"))).await.unwrap();
    }
    let started = started(&topology);
    for number in 0..3 {
        started.0.record(object("cluster"), EventReason::MysqldUp, format!("new {number}"));
    }
    let events = finished(&topology, started).await;
    assert_eq!(events.len() as u64, MAX_EVENTS);
    assert_eq!((events[0].sequence, events.last().unwrap().sequence), (254, MAX_EVENTS + 253));
}

#[tokio::test]
async fn two_controls_write_one_log() {
    let topology = topology();
    let (one, two) = (started(&topology), started(&topology));
    for number in 0..100 {
        one.0.record(object("a-1"), EventReason::MysqldUp, format!("one {number}"));
        two.0.record(object("a-2"), EventReason::MysqldUp, format!("two {number}"));
        tokio::task::yield_now().await;
    }
    finished(&topology, one).await;
    let events = finished(&topology, two).await;
    let sequences: Vec<u64> = events.iter().map(|e| e.sequence).collect();
    assert_eq!(sequences, (1..=200).collect::<Vec<u64>>());
    for (alias, word) in [("a-1", "one"), ("a-2", "two")] {
        let own = events.iter().filter(|e| e.record.object == object(alias));
        let said: Vec<&str> = own.map(|e| e.record.observation.as_str()).collect();
        let expected: Vec<String> = (0..100).map(|number| format!("{word} {number}")).collect();
        assert_eq!(said, expected);
    }
}

#[tokio::test]
async fn what_the_queue_cannot_take_is_counted_and_told() {
    let topology = topology();
    let started = started(&topology);
    // On this test's one thread the writer has no turn until the queue has long been full.
    for number in 0..EVENT_QUEUE + 40 {
        started.0.record(object("a-1"), EventReason::MysqldUp, format!("{number}"));
    }
    let events = finished(&topology, started).await;
    assert_eq!(events.len(), EVENT_QUEUE + 1);
    let dropped: Vec<&Event> =
        events.iter().filter(|e| e.record.reason == EventReason::EventsDropped).collect();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].record.observation, "40 events came faster than they could be written");
}

#[tokio::test]
async fn a_long_observation_is_cut_between_characters() {
    let topology = topology();
    let started = started(&topology);
    started.0.record(object("a-1"), EventReason::MysqldUp, "ü".repeat(MAX_OBSERVATION));
    let events = finished(&topology, started).await;
    let text = &events[0].record.observation;
    assert!(text.len() <= MAX_OBSERVATION && text.ends_with("ü…"), "{} bytes", text.len());
}

#[tokio::test]
async fn a_feed_gives_the_newest_and_then_each_new_one_once() {
    let topology = topology();
    let record = |text: &str| EventRecord {
        at_ms: 0,
        object: object("a-1"),
        reason: EventReason::MysqldUp,
        observation: text.into(),
    };
    let key = |sequence| topology.keys().event(Some(sequence));
    for (sequence, text) in [(1, "one"), (2, "two"), (3, "three")] {
        topology.put(&key(sequence), &record(text)).await.unwrap();
    }
    let mut feed = Feed::begin(topology.clone(), Some(object("a-1")), 2).await.unwrap();
    topology.put(&key(4), &record("four")).await.unwrap();
    // What a newer control writes, and what is about something else, is passed over.
    let newer = encode(&key(5), &record("five")).unwrap();
    let newer = String::from_utf8(newer).unwrap().replace("\"format\":1", "\"format\":2");
    let write = topo::store::Write::Put { key: key(5), value: newer.into(), lease: None };
    topology.store().commit(&[], &[write]).await.unwrap();
    topology.put(&key(6), &EventRecord { object: object("cluster"), ..record("six") }).await.unwrap();
    let mut given = Vec::new();
    for _ in 0..3 {
        given.push(tokio::time::timeout(DEADLINE, feed.next()).await.unwrap().record.observation);
    }
    // In one revision with the removal of the oldest, as the writer does it.
    let both = Transaction::new().create(&key(7), &record("seven")).unwrap().delete(&key(1));
    topology.commit(both).await.unwrap();
    given.push(tokio::time::timeout(DEADLINE, feed.next()).await.unwrap().record.observation);
    assert_eq!(given, ["two", "three", "four", "seven"]);
}
