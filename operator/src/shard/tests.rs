use proto::gtid::GtidSet;
use proto::ids::{TabletAlias, Term};
use proto::rpc::tablet::{Activity, Role};
use topo::Topology;
use topo::records::{
    Durability, EventReason as Reason, KeyspaceRecord, KeyspaceRouting, ShardRecord, Transition,
};
use topo::store::MemoryStore;

use super::*;
use crate::agents::Agents;
use crate::agents::fake::FakeTablet;
use crate::events::{EventLog, latest};
use crate::repairs::Repairs;
use crate::sight::sample::{alias, foreign, gtids, record};

/// Longer than every patience of the loop.
const DEADLINE: Duration = Duration::from_secs(30);

/// A shard of fake tablets that nobody has told anything, and its loop.
struct Bed {
    topology: Topology,
    shard: ShardRef,
    tablets: Vec<FakeTablet>,
    shutdown: CancellationToken,
    repairs: Repairs,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Bed {
    async fn new(count: u16) -> Self {
        let topology = Topology::new(Arc::new(MemoryStore::new()), "c");
        let shard: ShardRef = "ks/-".parse().unwrap();
        let keys = topology.keys().clone();
        let mut routing = RoutingRecord { version: 1, ..RoutingRecord::default() };
        routing
            .keyspaces
            .insert(shard.keyspace.clone(), KeyspaceRouting { shards: vec![shard.range.clone()] });
        topology.put(&keys.routing(), &routing).await.unwrap();
        let keyspace =
            KeyspaceRecord { sharded: false, durability: Durability::SemiSync, tablets: count, on: None };
        topology.put(&keys.keyspace(Some(&shard.keyspace)), &keyspace).await.unwrap();
        let (shutdown, repairs) = (CancellationToken::new(), Repairs::default());
        let mut bed = Self { topology, shard, tablets: Vec::new(), shutdown, repairs };
        for number in 1..=count {
            bed.add(&format!("a-{number}")).await;
        }
        bed
    }

    async fn add(&mut self, name: &str) {
        self.tablets.push(FakeTablet::register(&self.topology, &self.shard, name).await);
    }

    /// Starts the loop.
    fn go(&self) {
        let (events, _) = EventLog::start(self.topology.clone(), self.shutdown.clone());
        let reach = Reach {
            topology: self.topology.clone(),
            agents: Agents::new(None),
            events,
            repairs: self.repairs.clone(),
        };
        tokio::spawn(look_after_shards(reach, self.shutdown.clone()));
    }

    fn tablet(&self, name: &str) -> &FakeTablet {
        self.tablets.iter().find(|tablet| tablet.alias == alias(name)).unwrap()
    }

    async fn record(&self) -> ShardRecord {
        let found = self.topology.read::<ShardRecord>(&self.topology.keys().shard(Some(&self.shard))).await;
        found.unwrap().map(|stored| stored.value).unwrap_or_default()
    }

    async fn revision(&self) -> Option<topo::store::Revision> {
        let key = self.topology.keys().shard(Some(&self.shard));
        self.topology.read::<ShardRecord>(&key).await.unwrap().map(|stored| stored.revision)
    }

    async fn write(&self, record: &ShardRecord) {
        self.topology.put(&self.topology.keys().shard(Some(&self.shard)), record).await.unwrap();
    }

    /// Waits for a record.
    async fn until_record(&self, so: impl Fn(&ShardRecord) -> bool) {
        self.until(async || so(&self.record().await)).await;
    }

    /// Waits for an event.
    async fn until_event(&self, object: &str, reason: Reason) {
        self.until(async || self.observation(object, reason).await.is_some()).await;
    }

    /// Waits until a tablet was asked so.
    async fn until_asked(&self, name: &str, call: &str) {
        self.until(async || self.tablet(name).calls().await.iter().any(|asked| asked == call)).await;
    }

    async fn observation(&self, object: &str, reason: Reason) -> Option<String> {
        let object = object.parse().unwrap();
        let events = latest(&self.topology, Some(&object), usize::MAX).await.unwrap();
        events
            .into_iter()
            .map(|event| event.record)
            .find(|record| record.reason == reason)
            .map(|r| r.observation)
    }

    async fn until(&self, so: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !so().await {
            let events = latest(&self.topology, None, usize::MAX).await.unwrap();
            assert!(Instant::now() < deadline, "{:?} {events:?}", self.record().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn names(ackers: &std::collections::BTreeSet<TabletAlias>) -> Vec<String> {
    ackers.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_shard_of_three_gets_a_primary_whose_commits_wait_for_the_others() {
    let mut bed = Bed::new(3).await;
    bed.go();
    bed.until_record(|record| *record == self::record(1, &["a-2", "a-3"])).await;
    bed.until(async || bed.tablet("a-3").status().await.role() == Role::Replica).await;
    assert_eq!(bed.tablet("a-1").status().await.role(), Role::Primary);
    bed.until_event("ks/-", Reason::PrimaryAppointed).await;
    let told = bed.observation("ks/-", Reason::PrimaryAppointed).await.unwrap();
    assert_eq!(told, "a-1 under term 1; commits wait for one of a-2, a-3");
    // One that comes later takes part as soon as it replicates.
    bed.add("a-4").await;
    bed.until_record(|record| names(&record.ackers) == ["a-2", "a-3", "a-4"]).await;
    bed.until_event("a-4", Reason::AckerAdded).await;
}

#[tokio::test]
async fn an_errant_acker_is_taken_out_and_gets_a_copy() {
    let bed = Bed::new(3).await;
    bed.go();
    bed.until_record(|record| record.ackers.len() == 2).await;
    bed.tablet("a-2").execute(&foreign("1-3")).await;
    // The primary's own writes show that it is looked at.
    let mut beats = 0;
    while bed.observation("a-2", Reason::ErrantTransactions).await.is_none() {
        beats += 1;
        assert!(beats < 3_000);
        bed.tablet("a-1").execute(&gtids(&format!("1-{beats}"))).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // It may be the only one with what it acknowledged, and is asked again and again.
    let asked =
        async || bed.tablet("a-2").calls().await.iter().filter(|call| *call == "leave_ackers 1").count();
    bed.until(async || asked().await >= 2).await;
    assert_eq!(names(&bed.record().await.ackers), ["a-2", "a-3"]);
    bed.tablet("a-3").execute(&gtids(&format!("1-{beats}"))).await;
    bed.until_record(|record| names(&record.ackers) == ["a-3"]).await;
    bed.until_event("a-2", Reason::AckerRemoved).await;
    bed.until_asked("a-2", "provision 1 a-3.test:3306").await;
    bed.until_event("a-2", Reason::ProvisioningStarted).await;
    bed.tablet("a-2").execute(&GtidSet::EMPTY).await;
    bed.tablet("a-2").set(|state| state.status.set_activity(Activity::None)).await;
    bed.until_event("a-2", Reason::ProvisioningDone).await;
    bed.until_record(|record| names(&record.ackers) == ["a-2", "a-3"]).await;
}

#[tokio::test]
async fn an_acker_that_was_asked_to_leave_in_vain_is_listed_anew() {
    let bed = Bed::new(3).await;
    bed.go();
    bed.until_record(|record| record.ackers.len() == 2).await;
    let (asked, before) = (bed.record().await, bed.revision().await);
    // As a control leaves it that dies before it writes the record.
    bed.tablet("a-2").set(|state| state.status.semi_sync = None).await;
    bed.until(async || bed.revision().await > before).await;
    assert_eq!(bed.record().await, asked);
}

#[tokio::test]
async fn the_only_acker_gets_a_copy_of_the_primarys_data_and_is_listed_anew() {
    let bed = Bed::new(2).await;
    bed.go();
    bed.until_record(|record| record.ackers.len() == 1).await;
    let mut replication = bed.tablet("a-2").status().await.replication;
    bed.tablet("a-2").set(|state| state.status.replication = None).await;
    bed.tablet("a-1")
        .set(|state| {
            state.status.gtid_executed = gtids("1-9").to_string();
            state.status.gtid_purged = gtids("1-5").to_string();
        })
        .await;
    bed.until_asked("a-2", "provision 1 a-1.test:3306").await;
    let (asked, before) = (bed.record().await, bed.revision().await);
    assert_eq!(names(&asked.ackers), ["a-2"]);
    // It receives what waits, no heartbeat among it, and acknowledges nothing under the record that it left.
    replication.as_mut().unwrap().lag_ms = None;
    bed.tablet("a-2")
        .set(|state| {
            state.status.gtid_executed = gtids("1-9").to_string();
            state.status.replication = replication;
            state.status.semi_sync = None;
            state.status.set_activity(Activity::None);
        })
        .await;
    bed.until(async || bed.revision().await > before).await;
    assert_eq!(bed.record().await, asked);
}

#[tokio::test]
async fn a_loop_that_panics_is_begun_again() {
    let begun = std::sync::atomic::AtomicU32::new(0);
    let work = async || {
        let times = begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        assert!(times > 0, "the first time it panics");
        times
    };
    assert_eq!(begun_again("it", work).await, 1);
}

#[tokio::test]
async fn a_change_of_primary_that_nobody_carries_out_is_ended() {
    let bed = Bed::new(3).await;
    let transition = Some(Transition { next_term: Term(5), to: alias("a-2") });
    bed.write(&ShardRecord { transition, ..record(4, &["a-2", "a-3"]) }).await;
    bed.go();
    bed.until_record(|found| *found == record(6, &["a-2", "a-3"])).await;
    bed.until_event("ks/-", Reason::TransitionEnded).await;
}

#[tokio::test]
async fn commits_wait_once_there_is_a_replica_to_wait_for() {
    let mut bed = Bed::new(1).await;
    bed.go();
    bed.until_record(|found| *found == record(1, &[])).await;
    bed.until_event("ks/-", Reason::CannotFailOver).await;
    bed.tablet("a-1").execute(&gtids("1-9")).await;
    bed.add("a-2").await;
    bed.tablet("a-2").execute(&gtids("1-9")).await;
    bed.until_record(|found| *found == record(3, &["a-2"])).await;
    bed.until_event("ks/-", Reason::CanFailOver).await;
}

#[tokio::test]
async fn what_happens_to_tablets_is_told() {
    let mut bed = Bed::new(2).await;
    bed.go();
    bed.until(async || bed.tablet("a-2").status().await.role() == Role::Replica).await;
    bed.until_event("ks/-", Reason::PrimaryAppointed).await;
    bed.tablet("a-2").set(|state| state.status.mysqld_running = false).await;
    bed.until_event("a-2", Reason::MysqldDown).await;
    bed.tablet("a-2").set(|state| state.status.mysqld_running = true).await;
    bed.until_event("a-2", Reason::MysqldUp).await;
    bed.tablets[1].stop().await;
    bed.until_event("a-2", Reason::TabletUnreachable).await;
    bed.tablets[1].restart().await;
    bed.until_event("a-2", Reason::TabletReachable).await;
}

#[tokio::test]
async fn terms_that_the_topology_lost_are_told_and_nobody_is_appointed() {
    let bed = Bed::new(2).await;
    bed.tablet("a-1").set(|state| state.status.term = 7).await;
    bed.go();
    bed.until_event("ks/-", Reason::TopologyBehind).await;
    assert_eq!(bed.record().await, ShardRecord::default());
}

#[tokio::test]
async fn a_loop_is_nudged_by_what_concerns_its_shard_only() {
    let bed = Bed::new(1).await;
    let nudges = Nudges::default();
    let (own, other) = (nudges.of(&bed.shard), nudges.of(&"ks/-80".parse().unwrap()));
    let following = tokio::spawn(nudges.clone().follow(bed.topology.clone()));
    let nudged = async |notify: &Notify| tokio::time::timeout(DEADLINE, notify.notified()).await.unwrap();
    // At first it cannot be known what has changed.
    nudged(&own).await;
    nudged(&other).await;
    bed.write(&record(1, &[])).await;
    nudged(&own).await;
    let liveness = topo::records::TabletLiveness { alias: alias("a-1"), incarnation: 1, health: None };
    bed.topology.put(&bed.topology.keys().alive(Some(&alias("a-1"))), &liveness).await.unwrap();
    nudged(&own).await;
    // What was nudged for so far concerned this shard only.
    assert!(futures::poll!(std::pin::pin!(other.notified())).is_pending());
    let keyspace = KeyspaceRecord::unsharded();
    bed.topology.put(&bed.topology.keys().keyspace(Some(&bed.shard.keyspace)), &keyspace).await.unwrap();
    nudged(&own).await;
    nudged(&other).await;
    following.abort();
}
