//! What the store and the layers above it do while a real etcd is away.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::ids::{KeyspaceName, ShardRef, Term};
use topo::limits::{FIRST_CONTACT_TIMEOUT, STORE_TIMEOUT};
use topo::records::{KeyspaceRecord, ShardRecord};
use topo::snapshot::SnapshotFeed;
use topo::store::{EtcdStore, Outcome, Store, StoreError};
use topo::topology::{LockError, Seen};
use topo::{Topology, TopologyError};

use crate::etcd_server::EtcdServer;

/// Room for a busy machine on top of a bound that is checked.
const SLACK: Duration = Duration::from_secs(5);
/// Longest wait for a layer to find its way back.
const BACK_WITHIN: Duration = Duration::from_secs(30);

async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| panic!("{what} takes over {limit:?}"))
}

/// A write that is tried until the store takes it.
async fn put_keyspace(topology: &Topology, name: &str) -> topo::store::Revision {
    let name: KeyspaceName = name.parse().unwrap();
    let key = topology.keys().keyspace(Some(&name));
    let deadline = Instant::now() + BACK_WITHIN;
    loop {
        match topology.put(&key, &KeyspaceRecord::unsharded()).await {
            Ok(revision) => return revision,
            Err(TopologyError::Store(StoreError::Unavailable(_))) if Instant::now() < deadline => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_first_contact_that_fails_is_an_error_in_time() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let connecting = Topology::connect(std::slice::from_ref(&endpoint), "shop", None);
    let error =
        within(FIRST_CONTACT_TIMEOUT + SLACK, "connecting", connecting).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains(&endpoint), "{error}");
    for nonsense in ["", "http://", "not a url"] {
        let error = EtcdStore::connect(&[nonsense.to_owned()], None).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
}

#[tokio::test]
async fn a_dead_member_is_passed_over() {
    let mut server = EtcdServer::start();
    server.store().await;
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut endpoints = vec![format!("http://127.0.0.1:{dead}")];
    endpoints.extend(server.endpoints());
    let topology = Topology::connect(&endpoints, "shop", None).await.unwrap();
    for round in 0..20 {
        let name: KeyspaceName = format!("k{round}").parse().unwrap();
        let key = topology.keys().keyspace(Some(&name));
        topology.put(&key, &KeyspaceRecord::unsharded()).await.unwrap();
    }
    let snapshot = SnapshotFeed::start(&topology).await.unwrap().snapshot();
    assert_eq!(snapshot.keyspaces().count(), 20);
    assert!(EtcdStore::connect(&[], None).await.is_err());
}

#[tokio::test]
async fn every_call_to_a_frozen_etcd_ends_in_time() {
    let mut server = EtcdServer::start();
    let store = server.store().await;
    let lease = store.grant_lease(Duration::from_secs(600)).await.unwrap();
    server.freeze().await;
    let calls = async {
        let outcomes = tokio::join!(
            async { store.get("/a").await.map(|_| ()) },
            async { store.list("/a").await.map(|_| ()) },
            async { store.commit(&[], &[]).await.map(|_| ()) },
            async { store.watch("/a", topo::store::Revision(1)).await.map(|_| ()) },
            async { store.grant_lease(Duration::from_secs(9)).await.map(|_| ()) },
            store.keep_alive(lease),
            store.revoke_lease(lease),
        );
        let (a, b, c, d, e, f, g) = outcomes;
        [a, b, c, d, e, f, g]
    };
    let outcomes = within(STORE_TIMEOUT + SLACK, "a call to a frozen etcd", calls).await;
    server.thaw();
    for (index, outcome) in outcomes.iter().enumerate() {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "call {index}: {outcome:?}");
    }
    let deadline = Instant::now() + BACK_WITHIN;
    while let Err(error) = store.get("/a").await {
        assert!(Instant::now() < deadline, "etcd goes on, its store does not: {error}");
    }
}

#[tokio::test]
async fn a_snapshot_outlives_etcd_and_catches_up() {
    let mut server = EtcdServer::start();
    server.store().await;
    let topology = Topology::connect(&server.endpoints(), "shop", None).await.unwrap();
    let first = put_keyspace(&topology, "one").await;
    let feed = SnapshotFeed::start(&topology).await.unwrap();
    assert!(feed.at_least(first, SLACK).await.unwrap().keyspace("one").is_some());

    for round in 0..2 {
        server.kill();
        assert!(topology.read::<KeyspaceRecord>("/shoal/shop/x").await.is_err());
        assert!(feed.load().keyspace("one").is_some(), "the last snapshot is gone with etcd");
        server.restart();
        let name = format!("later{round}");
        let written = put_keyspace(&topology, &name).await;
        assert!(feed.at_least(written, BACK_WITHIN).await.unwrap().keyspace(&name).is_some());
    }
}

#[tokio::test]
async fn a_followed_record_outlives_etcd_and_catches_up() {
    let mut server = EtcdServer::start();
    server.store().await;
    let topology = Topology::connect(&server.endpoints(), "shop", None).await.unwrap();
    let shard: ShardRef = "shop/-80".parse().unwrap();
    let key = topology.keys().shard(Some(&shard));
    let mut following = topology.follow::<ShardRecord>(&key);
    assert_eq!(within(SLACK, "the first look", following.changed()).await, Seen::Absent);
    topology
        .put(&key, &ShardRecord { term: Term(1), primary: None, ..ShardRecord::default() })
        .await
        .unwrap();
    let term = |seen: Seen<ShardRecord>| match seen {
        Seen::Record(stored) => stored.value.term,
        other => panic!("{other:?}"),
    };
    assert_eq!(term(within(SLACK, "the first change", following.changed()).await), Term(1));
    server.kill();
    server.restart();
    put_keyspace(&topology, "back").await;
    topology
        .put(&key, &ShardRecord { term: Term(2), primary: None, ..ShardRecord::default() })
        .await
        .unwrap();
    assert_eq!(term(within(BACK_WITHIN, "the change after the outage", following.changed()).await), Term(2));
}

#[tokio::test]
async fn a_lease_is_lost_while_etcd_is_frozen_and_a_lock_with_it() {
    let mut server = EtcdServer::start();
    let store = server.store().await;
    let ttl = Duration::from_secs(2);
    let topology = Topology::new(Arc::new(store), "shop");
    let key = topology.keys().schema_change_lock(&"shop".parse().unwrap());
    let lock = topology.lock(&key, "the first", ttl).await.unwrap();
    let refused = topology.lock(&key, "the second", ttl).await.unwrap_err();
    assert!(matches!(&refused, LockError::Held { owner, .. } if owner == "the first"), "{refused}");
    // Longer than the ttl: it is being kept alive.
    let lost = tokio::time::timeout(ttl * 2, lock.lost().cancelled()).await;
    assert!(lost.is_err(), "a lock that is kept alive is lost");

    server.freeze().await;
    within(ttl + SLACK, "the loss of the lock", lock.lost().cancelled()).await;
    server.thaw();
    let second = loop {
        match within(
            BACK_WITHIN,
            "the second lock",
            topology.lock_within(&key, "the second", ttl, BACK_WITHIN),
        )
        .await
        {
            Ok(lock) => break lock,
            Err(LockError::Topology(TopologyError::Store(StoreError::Unavailable(_)))) => {}
            Err(error) => panic!("{error}"),
        }
    };
    let name: KeyspaceName = "shop".parse().unwrap();
    let key = topology.keys().keyspace(Some(&name));
    let write = |lock| {
        let record = KeyspaceRecord::sharded();
        topology.commit(topo::topology::Transaction::new().put(&key, &record).unwrap().while_locked(lock))
    };
    assert_eq!(write(&lock).await.unwrap(), Outcome::Conflict, "whoever lost the lock still writes");
    assert!(matches!(write(&second).await.unwrap(), Outcome::Committed(_)));
    second.release().await;
    drop(lock);
    within(SLACK, "the end of all tasks", topology.close()).await;
}
