use std::sync::Arc;

use proto::ids::TabletRole;
use proto::rpc::tablet::Role;
use tokio_util::sync::CancellationToken;
use topo::records::{
    Durability, EventReason as Reason, KeyspaceRecord, KeyspaceRouting, ShardRecord, Transition,
};
use topo::store::MemoryStore;
use topo::topology::LockOwner;
use topo::{Topology, TopologyError};

use super::*;
use crate::agents::Agents;
use crate::agents::fake::{FakeTablet, Mood};
use crate::events::{EventLog, latest};
use crate::repairs::Repairs;
use crate::sight::sample::{alias, foreign, gtids, record};

const DEADLINE: Duration = Duration::from_secs(10);

/// A shard of fake tablets, `a-1` its primary under term 1, over a topology in memory.
struct Bed {
    store: MemoryStore,
    reach: Reach,
    shard: ShardRef,
    tablets: Vec<FakeTablet>,
}

impl Bed {
    /// With so many tablets; under semi-sync all replicas are ackers.
    async fn new(count: u16, durability: Durability) -> Self {
        let store = MemoryStore::new();
        let topology = Topology::new(Arc::new(store.clone()), "c");
        let shard: ShardRef = "ks/-80".parse().unwrap();
        let keys = topology.keys().clone();
        let mut routing = RoutingRecord { version: 1, ..RoutingRecord::default() };
        let ranges = ["-80", "80-"].iter().map(|range| range.parse().unwrap()).collect();
        routing.keyspaces.insert(shard.keyspace.clone(), KeyspaceRouting { shards: ranges });
        topology.put(&keys.routing(), &routing).await.unwrap();
        let keyspace = KeyspaceRecord { sharded: true, durability, tablets: count, on: None };
        topology.put(&keys.keyspace(Some(&shard.keyspace)), &keyspace).await.unwrap();
        let names: Vec<String> = (1..=count).map(|number| format!("a-{number}")).collect();
        let ackers: Vec<&str> = names.iter().skip(1).map(String::as_str).collect();
        let first = record(1, if durability == Durability::SemiSync { &ackers } else { &[] });
        topology.put(&keys.shard(Some(&shard)), &first).await.unwrap();
        let agents = Agents::new(None);
        let mut tablets = Vec::new();
        for name in &names {
            let tablet = FakeTablet::register(&topology, &shard, name).await;
            tablet.execute(&gtids("1-100")).await;
            let role = if name == "a-1" { TabletRole::Primary } else { TabletRole::Replica };
            agents.assume_role(&tablet.address, role, Term(1), DEADLINE).await.unwrap();
            tablet.set(|state| state.calls.clear()).await;
            tablets.push(tablet);
        }
        let (events, _) = EventLog::start(topology.clone(), CancellationToken::new());
        Self { store, reach: Reach { topology, agents, events, repairs: Repairs::default() }, shard, tablets }
    }

    async fn reparent(&self, to: &str) -> (Result<Done, ReparentError>, Vec<String>) {
        let (tell, mut told) = mpsc::channel(64);
        let done = reparent(&self.reach, &self.shard, Some(&alias(to)), tell).await;
        let mut steps = Vec::new();
        while let Some(progress) = told.recv().await {
            steps.push(progress.step);
        }
        (done, steps)
    }

    fn tablet(&self, name: &str) -> &FakeTablet {
        self.tablets.iter().find(|tablet| tablet.alias == alias(name)).unwrap()
    }

    async fn record(&self) -> ShardRecord {
        let key = self.reach.topology.keys().shard(Some(&self.shard));
        self.reach.topology.read::<ShardRecord>(&key).await.unwrap().unwrap().value
    }

    async fn write(&self, record: &ShardRecord) {
        let key = self.reach.topology.keys().shard(Some(&self.shard));
        self.reach.topology.put(&key, record).await.unwrap();
    }

    /// Who is primary, under which term, and whose acknowledgement its commits wait for; nothing is under way,
    /// the primary serves, and nobody holds the lock.
    async fn settled(&self) -> (String, u64, Vec<String>) {
        let ShardRecord { term, primary, ackers, transition } = self.record().await;
        assert_eq!(transition, None);
        let primary = primary.unwrap();
        let status = self.reach.agents.status(&self.tablet(&primary.to_string()).address).await.unwrap();
        assert!(status.serves_as_primary(term), "{primary} under {term}: {status:?}");
        let lock = self.reach.topology.keys().shard_lock(&self.shard);
        assert_eq!(self.reach.topology.read::<LockOwner>(&lock).await.unwrap(), None);
        (primary.to_string(), term.0, ackers.iter().map(ToString::to_string).collect())
    }

    /// The reasons of the events so far, once there are so many.
    async fn events(&self, count: usize) -> Vec<Reason> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let events = latest(&self.reach.topology, None, usize::MAX).await.unwrap();
            if events.len() >= count {
                return events.iter().map(|event| event.record.reason).collect();
            }
            assert!(Instant::now() < deadline, "{events:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What a failed reparent said went wrong.
fn failed(done: Result<Done, ReparentError>) -> (&'static str, String, String) {
    match done {
        Err(ReparentError::Failed { step, reason, now }) => (step, reason, now),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_primary_hands_over_to_another_tablet() {
    let bed = Bed::new(3, Durability::SemiSync).await;
    bed.tablet("a-1").execute(&gtids("1-120")).await;
    let (done, steps) = bed.reparent("a-2").await;
    let Done { from, to, term, .. } = done.unwrap();
    assert_eq!((from, to, term), (alias("a-1"), alias("a-2"), Term(2)));
    assert_eq!(bed.settled().await, ("a-2".into(), 2, names(&["a-1", "a-3"])));
    assert_eq!(bed.tablet("a-2").status().await.gtid_executed, gtids("1-120").to_string());
    assert_eq!(bed.tablet("a-1").calls().await[0], "demote 2");
    assert_eq!(bed.tablet("a-2").calls().await[..2], ["catch_up 2", "assume ROLE_PRIMARY 2"]);
    let expected = [
        "a-2 is 20 ms behind a-1",
        "gates hold ks/-80",
        "a-1 takes no more writes",
        "a-2 has everything that was committed",
        "a-2 is named primary under term 2",
        "a-2 serves",
    ];
    assert_eq!(steps[..6], expected);
    assert!(steps[6].starts_with("gates go on, after "), "{steps:?}");
    assert_eq!(bed.events(2).await, [Reason::ReparentStarted, Reason::ReparentDone]);
    // And back, by the choice of control: both others have its data, and the old one is of use as any other.
    let (tell, _told) = mpsc::channel(1);
    let done = reparent(&bed.reach, &bed.shard, None, tell).await.unwrap();
    assert_eq!(
        bed.settled().await,
        (
            done.to.to_string(),
            3,
            names(match done.to.uid {
                1 => &["a-2", "a-3"],
                _ => &["a-1", "a-2"],
            })
        )
    );
}

#[tokio::test]
async fn a_shard_of_two_and_one_that_waits_for_nobody_change_hands_as_well() {
    let bed = Bed::new(2, Durability::SemiSync).await;
    bed.reparent("a-2").await.0.unwrap();
    assert_eq!(bed.settled().await, ("a-2".into(), 2, names(&["a-1"])));
    let bed = Bed::new(2, Durability::Async).await;
    bed.reparent("a-2").await.0.unwrap();
    assert_eq!(bed.settled().await, ("a-2".into(), 2, names(&[])));
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused_and_nothing_happens() {
    let bed = Bed::new(2, Durability::SemiSync).await;
    let other = FakeTablet::register(&bed.reach.topology, &"ks/80-".parse().unwrap(), "b-1").await;
    let refused = async |shard: &str, to: &str| {
        let (tell, _told) = mpsc::channel(8);
        let to = (!to.is_empty()).then(|| alias(to));
        reparent(&bed.reach, &shard.parse().unwrap(), to.as_ref(), tell).await.unwrap_err().to_string()
    };
    assert_eq!(refused("ks/-", "").await, "there is no shard ks/-; there are ks/-80, ks/80-");
    assert_eq!(refused("ks/-80", "a-9").await, "there is no tablet a-9; the shard's tablets are a-1, a-2");
    assert_eq!(
        refused("ks/-80", "b-1").await,
        "b-1 is a tablet of ks/80-; name a tablet of the shard, as `shoal get tablets` shows them"
    );
    assert_eq!(
        refused("ks/-80", "a-1").await,
        "a-1 is the primary already; name another tablet, or none to have one chosen"
    );
    let key = bed.reach.topology.keys().shard_lock(&bed.shard);
    let lock = bed.reach.topology.lock(&key, "a reparent by a colleague", DEADLINE).await.unwrap();
    assert_eq!(
        refused("ks/-80", "").await,
        "a reparent by a colleague is under way; try again when it is done"
    );
    lock.release().await;
    bed.store.go_away();
    let away = refused("ks/-80", "").await;
    assert!(away.ends_with("; see that etcd runs and can be reached, then try again"), "{away}");
    bed.store.come_back();
    drop(other);
    assert_eq!(bed.settled().await, ("a-1".into(), 1, names(&["a-2"])));
    for tablet in &bed.tablets {
        assert_eq!(tablet.calls().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_errant_replica_is_refused_before_anything_happens() {
    let bed = Bed::new(2, Durability::SemiSync).await;
    bed.tablet("a-2").execute(&gtids("1-100").union(&foreign("1"))).await;
    let refusal = bed.reparent("a-2").await.0.unwrap_err();
    assert!(
        matches!(&refusal, ReparentError::Refused(Refusal::Unfit { why: crate::sight::Unfit::Errant(set), .. }) if *set == foreign("1")),
        "{refusal}"
    );
    assert_eq!(bed.settled().await, ("a-1".into(), 1, names(&["a-2"])));
}

#[tokio::test]
async fn a_primary_that_refuses_serves_on_under_its_term() {
    let bed = Bed::new(3, Durability::SemiSync).await;
    bed.tablet("a-1").mood("demote", Mood::Refuses).await;
    let (step, reason, now) = failed(bed.reparent("a-2").await.0);
    assert_eq!((step, reason.as_str()), ("demoting the primary", "a-1: it does not"));
    assert_eq!(now, "a-1 is primary under term 1");
    assert_eq!(bed.settled().await, ("a-1".into(), 1, names(&["a-2", "a-3"])));
    assert_eq!(bed.events(2).await, [Reason::ReparentStarted, Reason::ReparentFailed]);
    bed.tablet("a-1").mood("demote", Mood::Obeys).await;
    bed.reparent("a-2").await.0.unwrap();
    assert_eq!(bed.settled().await.0, "a-2");
}

#[tokio::test]
async fn a_primary_that_may_be_demoted_serves_again_under_a_term_of_its_own() {
    let bed = Bed::new(3, Durability::SemiSync).await;
    bed.tablet("a-1").mood("demote", Mood::LosesAnswer).await;
    let (step, reason, now) = failed(bed.reparent("a-2").await.0);
    assert_eq!((step, reason.as_str()), ("demoting the primary", "a-1: the connection broke"));
    assert_eq!(now, "a-1 is primary under term 3");
    assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&["a-2", "a-3"])));
}

#[tokio::test]
async fn a_replica_that_does_not_catch_up_does_not_become_primary() {
    for mood in [Mood::Pretends, Mood::Refuses, Mood::LosesAnswer] {
        let bed = Bed::new(3, Durability::SemiSync).await;
        bed.tablet("a-1").execute(&gtids("1-120")).await;
        bed.tablet("a-2").mood("catch_up", mood).await;
        let (step, reason, now) = failed(bed.reparent("a-2").await.0);
        assert_eq!(step, "waiting until the next primary has everything", "{reason}");
        assert_eq!(now, "a-1 is primary under term 3");
        if mood == Mood::Pretends {
            let lacks = format!("a-2 still lacks {} after 2000 ms", gtids("101-120"));
            assert_eq!(reason, lacks);
        }
        assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&["a-2", "a-3"])));
    }
}

#[tokio::test]
async fn positions_must_be_equal_at_the_hand_over() {
    let bed = Bed::new(3, Durability::SemiSync).await;
    // What the primary shows when it is asked for its status is not what it says once it is demoted.
    bed.tablet("a-2").execute(&gtids("1-101")).await;
    bed.tablet("a-1").execute(&gtids("1-101")).await;
    bed.tablet("a-1").set(|state| state.demoted_to = Some(gtids("1-100"))).await;
    let (_, reason, now) = failed(bed.reparent("a-2").await.0);
    assert_eq!(reason, format!("a-2 has transactions that a-1 never committed: {}", gtids("101")));
    assert_eq!(now, "a-1 is primary under term 3");
}

#[tokio::test]
async fn a_new_primary_that_does_not_serve_is_told_and_the_gates_are_let_go() {
    let bed = Bed::new(2, Durability::SemiSync).await;
    bed.tablet("a-2").mood("assume_role", Mood::Pretends).await;
    let (step, reason, now) = failed(bed.reparent("a-2").await.0);
    assert_eq!((step, reason.as_str()), ("waiting until the primary serves", "a-2 did not within 8 s"));
    assert_eq!(now, "a-2 is primary under term 2; see `shoal get tablets`");
    assert_eq!(bed.record().await, ShardRecord { primary: Some(alias("a-2")), ..record(2, &["a-1"]) });
}

#[tokio::test]
async fn a_store_that_is_away_for_a_moment_ends_a_reparent_at_the_primary_that_was() {
    let bed = Bed::new(3, Durability::SemiSync).await;
    let store = bed.store.clone();
    let outage = move || {
        store.go_away();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            store.come_back();
        });
    };
    bed.tablet("a-2").set(|state| state.before_catch_up = Some(Box::new(outage))).await;
    let (step, _, now) = failed(bed.reparent("a-2").await.0);
    assert_eq!((step, now.as_str()), ("naming the next primary", "a-1 is primary under term 3"));
    assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&["a-2", "a-3"])));
}

#[tokio::test]
async fn a_reparent_without_its_lock_stops_and_is_ended_by_the_shards_loop() {
    let bed = Bed::new(3, Durability::SemiSync).await;
    bed.tablet("a-1").mood("demote", Mood::Hangs).await;
    let store = bed.store.clone();
    bed.tablet("a-1").set(|state| state.before_demote = Some(Box::new(move || store.go_away()))).await;
    let (step, _, _) = failed(bed.reparent("a-2").await.0);
    assert_eq!(step, "keeping the shard's lock");
    bed.store.come_back();
    let held = Transition { next_term: Term(2), to: alias("a-2") };
    assert_eq!(bed.record().await.transition, Some(held), "nothing was written without the lock");
    end_until(&bed, async || bed.record().await.transition.is_none()).await;
    assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&["a-2", "a-3"])));
    assert!(bed.events(3).await.contains(&Reason::TransitionEnded));
}

/// Ends abandoned changes, as the shard's loop does, until something is so.
async fn end_until(bed: &Bed, so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !so().await {
        assert!(Instant::now() < deadline);
        end_abandoned(&bed.reach, &bed.shard).await.unwrap();
    }
}

#[tokio::test]
async fn a_control_that_died_is_followed_by_one_that_ends_what_it_began() {
    let held = |term| Some(Transition { next_term: Term(term), to: alias("a-2") });
    // It died while the gates held: nobody knows whether the primary was demoted.
    let bed = Bed::new(3, Durability::SemiSync).await;
    bed.write(&ShardRecord { transition: held(2), ..record(1, &["a-2", "a-3"]) }).await;
    end_abandoned(&bed.reach, &bed.shard).await.unwrap();
    assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&["a-2", "a-3"])));
    // It died after it had demoted the primary.
    let bed = Bed::new(3, Durability::SemiSync).await;
    bed.write(&ShardRecord { transition: held(2), ..record(1, &["a-2", "a-3"]) }).await;
    bed.reach.agents.demote(&bed.tablet("a-1").address, Term(2), DEADLINE).await.unwrap();
    end_abandoned(&bed.reach, &bed.shard).await.unwrap();
    assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&["a-2", "a-3"])));
    // It died after it had named the next primary, which goes on.
    let bed = Bed::new(3, Durability::SemiSync).await;
    let named =
        ShardRecord { primary: Some(alias("a-2")), transition: held(2), ..record(2, &["a-1", "a-3"]) };
    bed.write(&named).await;
    end_abandoned(&bed.reach, &bed.shard).await.unwrap();
    assert_eq!(bed.settled().await, ("a-2".into(), 2, names(&["a-1", "a-3"])));
    assert_eq!(bed.tablet("a-1").status().await.role(), Role::Replica);
    assert_eq!(bed.events(1).await, [Reason::TransitionEnded]);
    // Nothing happens where nothing is under way, or where somebody is at it.
    end_abandoned(&bed.reach, &bed.shard).await.unwrap();
    let key = bed.reach.topology.keys().shard_lock(&bed.shard);
    let lock = bed.reach.topology.lock(&key, "a reparent", DEADLINE).await.unwrap();
    let under_way = ShardRecord { transition: held(4), ..named };
    bed.write(&under_way).await;
    end_abandoned(&bed.reach, &bed.shard).await.unwrap();
    assert_eq!(bed.record().await, under_way);
    lock.release().await;
}

#[tokio::test]
async fn commits_begin_to_wait_with_a_new_term_of_the_same_primary() {
    let bed = Bed::new(3, Durability::SemiSync).await;
    bed.write(&record(1, &[])).await;
    // Only replicas that have everything count: one acker at least must have every earlier commit.
    bed.tablet("a-1").execute(&gtids("1-120")).await;
    bed.tablet("a-2").execute(&gtids("1-120")).await;
    let done = renew(&bed.reach, &bed.shard).await.unwrap();
    assert_eq!((done.to, done.term), (alias("a-1"), Term(3)));
    assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&["a-2"])));
    assert_eq!(bed.tablet("a-1").calls().await[0], "demote 2");
}

#[tokio::test]
async fn commits_wait_as_before_when_no_replica_has_everything() {
    let bed = Bed::new(2, Durability::SemiSync).await;
    bed.write(&record(1, &[])).await;
    bed.tablet("a-1").execute(&gtids("1-120")).await;
    let error = renew(&bed.reach, &bed.shard).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "waiting for replicas: no replica received everything in time; a-1 is primary under term 3"
    );
    assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&[])));
}

#[tokio::test]
async fn no_term_is_spent_where_commits_could_not_wait_for_anybody() {
    let bed = Bed::new(2, Durability::SemiSync).await;
    bed.write(&record(1, &[])).await;
    bed.tablet("a-2").set(|state| state.status.mysqld_running = false).await;
    let error = renew(&bed.reach, &bed.shard).await.unwrap_err();
    assert!(matches!(error, ReparentError::Refused(Refusal::NobodyFit(_))), "{error}");
    assert_eq!(bed.settled().await, ("a-1".into(), 1, names(&[])));
    // Nor where they wait, or do not, as asked for.
    for durability in [Durability::SemiSync, Durability::Async] {
        let bed = Bed::new(2, durability).await;
        let before = bed.record().await;
        let error = renew(&bed.reach, &bed.shard).await.unwrap_err();
        assert!(matches!(error, ReparentError::Refused(Refusal::Overtaken)), "{error}");
        assert_eq!(bed.record().await, before);
    }
}

#[tokio::test]
async fn commits_stop_waiting_with_a_new_term_of_the_same_primary() {
    let bed = Bed::new(2, Durability::Async).await;
    bed.write(&record(1, &["a-2"])).await;
    renew(&bed.reach, &bed.shard).await.unwrap();
    assert_eq!(bed.settled().await, ("a-1".into(), 3, names(&[])));
}

#[test]
fn what_goes_wrong_is_told_with_how_things_are_then() {
    let error = ReparentError::from(TopologyError::from(topo::store::StoreError::LeaseEnded));
    assert_eq!(
        error.to_string(),
        "the lease has ended; see that etcd runs and can be reached, then try again"
    );
    assert_eq!(
        lock_lost().to_string(),
        "keeping the shard's lock: the topology store did not answer for too long; control ends the change as soon \
         as the store is back; then see `shoal get shards`"
    );
}
