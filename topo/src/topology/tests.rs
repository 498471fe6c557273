use super::*;

use proto::ids::{ShardRef, Term};

use crate::limits::{MAX_RETRY_DELAY, MIN_LEASE_TTL};
use crate::records::{KeyspaceRecord, ShardRecord, TabletLiveness};
use crate::store::{MemoryStore, Write};

const TTL: Duration = Duration::from_secs(6);

fn memory() -> (MemoryStore, Topology) {
    let store = MemoryStore::new();
    (store.clone(), Topology::new(Arc::new(store), "shop"))
}

fn keyspace_key(topology: &Topology, name: &str) -> String {
    topology.keys().keyspace(Some(&name.parse().unwrap()))
}

const SHARDED: KeyspaceRecord = KeyspaceRecord::sharded();
const UNSHARDED: KeyspaceRecord = KeyspaceRecord::unsharded();

fn committed(outcome: Outcome) -> Revision {
    match outcome {
        Outcome::Committed(revision) => revision,
        Outcome::Conflict => panic!("a conflict"),
    }
}

#[tokio::test]
async fn records_are_created_replaced_and_listed_by_type() {
    let (_, topology) = memory();
    let key = keyspace_key(&topology, "shop");
    assert_eq!(topology.read::<KeyspaceRecord>(&key).await.unwrap(), None);
    let first = committed(topology.create(&key, &SHARDED).await.unwrap());
    assert_eq!(topology.create(&key, &UNSHARDED).await.unwrap(), Outcome::Conflict);
    let second = committed(topology.replace(&key, &UNSHARDED, first).await.unwrap());
    assert_eq!(topology.replace(&key, &SHARDED, first).await.unwrap(), Outcome::Conflict);
    let stored = topology.read::<KeyspaceRecord>(&key).await.unwrap().unwrap();
    assert_eq!(stored, Stored { value: UNSHARDED, revision: second });

    let other = keyspace_key(&topology, "main");
    let third = topology.put(&other, &UNSHARDED).await.unwrap();
    let all = topology.list::<KeyspaceRecord>(&topology.keys().keyspace(None)).await.unwrap();
    let listed: Vec<(String, Revision)> = all.into_iter().map(|(key, s)| (key, s.revision)).collect();
    assert_eq!(listed, [(other.clone(), third), (key, second)]);
    topology.delete(&other).await.unwrap();
    assert_eq!(topology.read::<KeyspaceRecord>(&other).await.unwrap(), None);
}

#[tokio::test]
async fn a_transaction_is_one_revision_or_nothing() {
    let (_, topology) = memory();
    let (a, b) = (keyspace_key(&topology, "a"), keyspace_key(&topology, "b"));
    let both = Transaction::new().create(&a, &SHARDED).unwrap().create(&b, &UNSHARDED).unwrap();
    let revision = committed(topology.commit(both.clone()).await.unwrap());
    for key in [&a, &b] {
        assert_eq!(topology.read::<KeyspaceRecord>(key).await.unwrap().unwrap().revision, revision);
    }
    topology.delete(&a).await.unwrap();
    assert_eq!(topology.commit(both).await.unwrap(), Outcome::Conflict);
    assert_eq!(topology.read::<KeyspaceRecord>(&a).await.unwrap(), None);
}

#[tokio::test]
async fn unreadable_records_are_errors_that_name_them() {
    let (store, topology) = memory();
    let key = keyspace_key(&topology, "shop");
    let cases = [
        (r#"{"format":2,"sharded":true}"#, "newer version"),
        ("{}", "format"),
        ("not json", "cannot be read"),
    ];
    for (text, part) in cases {
        store.commit(&[], &[Write::Put { key: key.clone(), value: text.into(), lease: None }]).await.unwrap();
        for error in [
            topology.read::<KeyspaceRecord>(&key).await.map(|_| ()).unwrap_err(),
            topology.list::<KeyspaceRecord>(&topology.keys().keyspace(None)).await.map(|_| ()).unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(error.contains(&key) && error.contains(part), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_lives_until_it_is_closed() {
    let (_, topology) = memory();
    let alias = "zone1-101".parse().unwrap();
    let key = topology.keys().alive(Some(&alias));
    let lease = topology.lease(TTL).await.unwrap();
    let record = TabletLiveness { alias, incarnation: 1, health: None };
    topology.commit(Transaction::new().put_under(&key, &record, &lease).unwrap()).await.unwrap();
    tokio::time::sleep(TTL * 20).await;
    assert!(topology.read::<TabletLiveness>(&key).await.unwrap().is_some());
    assert!(!lease.lost().is_cancelled());
    let lost = lease.lost().clone();
    lease.close().await;
    assert!(topology.read::<TabletLiveness>(&key).await.unwrap().is_none());
    assert!(lost.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_lease_is_revoked() {
    let (store, topology) = memory();
    let lease = topology.lease(TTL * 100).await.unwrap();
    let id = lease.id();
    drop(lease);
    topology.close().await;
    assert!(matches!(store.keep_alive(id).await, Err(StoreError::LeaseEnded)));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_lost_no_later_than_the_store_ends_it() {
    let (store, topology) = memory();
    let lease = topology.lease(TTL).await.unwrap();
    tokio::time::sleep(TTL * 3).await;
    store.go_away();
    let away = tokio::time::Instant::now();
    lease.lost().cancelled().await;
    let held = away.elapsed();
    assert!(held <= TTL && held >= TTL / 2, "lost {held:?} after the store went away");
    // To end the lease has no answer now, and must not hang.
    tokio::time::timeout(TTL, lease.close()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_costs_no_lease() {
    let (store, topology) = memory();
    let lease = topology.lease(TTL).await.unwrap();
    for _ in 0..10 {
        store.go_away();
        tokio::time::sleep(TTL / 3).await;
        store.come_back();
        tokio::time::sleep(TTL / 3).await;
    }
    assert!(!lease.lost().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_else_ends_is_lost() {
    let (store, topology) = memory();
    let lease = topology.lease(MIN_LEASE_TTL).await.unwrap();
    store.revoke_lease(lease.id()).await.unwrap();
    tokio::time::timeout(MIN_LEASE_TTL, lease.lost().cancelled()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lock_has_one_holder_who_is_named() {
    let (_, topology) = memory();
    let key = topology.keys().schema_change_lock(&"shop".parse().unwrap());
    let lock = topology.lock(&key, "gate 7: ALTER TABLE t", TTL).await.unwrap();
    let refused = topology.lock(&key, "gate 8", TTL).await.unwrap_err().to_string();
    assert!(refused.contains(&key) && refused.contains("gate 7: ALTER TABLE t"), "{refused}");
    let patience = topology.lock_within(&key, "gate 8", TTL, TTL * 2).await.unwrap_err();
    assert!(matches!(patience, LockError::Held { .. }), "{patience}");

    let waiter = tokio::spawn({
        let (topology, key) = (topology.clone(), key.clone());
        async move { topology.lock_within(&key, "gate 8", TTL, TTL * 2).await }
    });
    tokio::task::yield_now().await;
    lock.release().await;
    let second = waiter.await.unwrap().unwrap();
    let held = topology.lock(&key, "gate 9", TTL).await.unwrap_err();
    assert!(matches!(&held, LockError::Held { owner, .. } if owner == "gate 8"), "{held}");
    drop(second);
    topology.lock_within(&key, "gate 9", TTL, TTL).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_no_longer_lets_its_holder_write() {
    let (store, topology) = memory();
    let key = topology.keys().schema_change_lock(&"shop".parse().unwrap());
    let keyspace = keyspace_key(&topology, "shop");
    let write = |lock: &Lock| Transaction::new().put(&keyspace, &SHARDED).unwrap().while_locked(lock);
    let lock = topology.lock(&key, "first", TTL).await.unwrap();
    committed(topology.commit(write(&lock)).await.unwrap());
    store.go_away();
    lock.lost().cancelled().await;
    tokio::time::sleep(TTL).await;
    store.come_back();
    let second = topology.lock(&key, "second", TTL).await.unwrap();
    assert_eq!(topology.commit(write(&lock)).await.unwrap(), Outcome::Conflict);
    committed(topology.commit(write(&second)).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_asked_for_is_an_error_and_not_held() {
    let (store, topology) = memory();
    store.go_away();
    let error = topology.lock("/lock", "me", TTL).await.unwrap_err();
    assert!(
        matches!(error, LockError::Topology(TopologyError::Store(StoreError::Unavailable(_)))),
        "{error}"
    );
}

fn term(seen: Seen<ShardRecord>) -> Option<Term> {
    match seen {
        Seen::Record(stored) => Some(stored.value.term),
        Seen::Absent => None,
        Seen::Unknown => panic!("nothing is known yet"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_followed_record_is_seen_change_by_change() {
    let (store, topology) = memory();
    let shard: ShardRef = "shop/-80".parse().unwrap();
    let key = topology.keys().shard(Some(&shard));
    let record = |term| ShardRecord { term: Term(term), primary: None, ..ShardRecord::default() };
    store.go_away();
    let mut following = topology.follow::<ShardRecord>(&key);
    tokio::time::sleep(TTL).await;
    assert_eq!(following.current(), Seen::Unknown);
    store.come_back();
    assert_eq!(term(following.changed().await), None);
    // A key that begins with ours is another's.
    topology.put(&format!("{key}00"), &record(9)).await.unwrap();
    topology.put(&key, &record(1)).await.unwrap();
    assert_eq!(term(following.changed().await), Some(Term(1)));

    store.go_away();
    tokio::time::sleep(TTL).await;
    assert_eq!(term(following.current()), Some(Term(1)), "forgotten with the store away");
    store.come_back();
    topology.put(&key, &record(2)).await.unwrap();
    store.compact();
    assert_eq!(term(following.changed().await), Some(Term(2)));

    let garbage = Write::Put { key: key.clone(), value: "?".into(), lease: None };
    store.commit(&[], &[garbage]).await.unwrap();
    tokio::time::sleep(MAX_RETRY_DELAY * 2).await;
    assert_eq!(term(following.current()), Some(Term(2)), "an unreadable record took the good one away");
    topology.delete(&key).await.unwrap();
    assert_eq!(term(following.changed().await), None);
    drop(following);
    topology.close().await;
}
