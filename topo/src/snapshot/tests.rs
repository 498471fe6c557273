use super::*;

mod random;
mod users;

use std::time::Duration;

use proto::account::DataRole;
use proto::key_range::KeyRange;

use crate::records::{
    Column, ColumnType, Grants, KeyspaceRecord, KeyspaceRouting, SchemaRecord, SemiSyncPart, ShardRecord,
    TableRule, TableVschema, TabletHealth, TabletLiveness, TabletRecord, TabletState, Transition, UserOrigin,
    VindexDefinition, Visibility, VschemaRecord,
};
use crate::store::{MemoryStore, Outcome, Store, StoreError, Write};
use crate::topology::{Topology, TopologyError, Transaction};
use crate::vindex::Vindex;

const PATIENCE: Duration = Duration::from_secs(60);

struct Cluster {
    store: MemoryStore,
    topology: Topology,
    name: KeyspaceName,
}

fn ranges(names: &[&str]) -> KeyspaceRouting {
    KeyspaceRouting { shards: names.iter().map(|name| name.parse().unwrap()).collect() }
}

fn column(name: &str, kind: ColumnType) -> Column {
    Column {
        name: name.into(),
        sql_type: format!("{kind:?}"),
        kind,
        nullable: false,
        auto_increment: false,
        visibility: Visibility::Visible,
    }
}

fn table(columns: Vec<Column>) -> TableSchema {
    TableSchema { columns, indexes: Vec::new() }
}

fn vschema(vindexes: &[(&str, &str)], tables: &[(&str, &str, &str)]) -> VschemaRecord {
    VschemaRecord {
        vindexes: vindexes.iter().map(|(name, kind)| ((*name).into(), VindexDefinition::of(kind))).collect(),
        tables: tables
            .iter()
            .map(|(name, column, by)| ((*name).into(), TableVschema::by(column, by)))
            .collect(),
        ..VschemaRecord::default()
    }
}

fn tablet(alias: &str, shard: &ShardRef, mysql_address: &str) -> TabletRecord {
    TabletRecord {
        alias: alias.parse().unwrap(),
        shard: shard.clone(),
        mysql_address: mysql_address.into(),
        agent_address: String::new(),
        mysql_version: String::new(),
    }
}

impl Cluster {
    /// Two shards `-80` and `80-` of keyspace shop, table t sharded by column id with xxhash.
    async fn new() -> Self {
        let store = MemoryStore::new();
        let topology = Topology::new(Arc::new(store.clone()), "test");
        let cluster = Self { store, topology, name: "shop".parse().unwrap() };
        let keys = cluster.topology.keys();
        let routing = RoutingRecord {
            version: 1,
            keyspaces: BTreeMap::from([(cluster.name.clone(), ranges(&["80-", "-80"]))]),
            table_rules: Vec::new(),
        };
        let vschema = vschema(&[("by_id", "xxhash")], &[("t", "ID", "by_id")]);
        let transaction = Transaction::new()
            .create(&keys.keyspace(Some(&cluster.name)), &KeyspaceRecord::sharded())
            .and_then(|t| t.create(&keys.routing(), &routing))
            .and_then(|t| t.create(&keys.vschema(&cluster.name), &vschema));
        cluster.topology.commit(transaction.unwrap()).await.unwrap();
        cluster
    }

    fn shard(&self, range: &str) -> ShardRef {
        ShardRef { keyspace: self.name.clone(), range: range.parse().unwrap() }
    }

    async fn put_schema(&self, tables: &[(&str, TableSchema)]) -> Revision {
        let tables = tables.iter().map(|(name, table)| ((*name).to_owned(), table.clone())).collect();
        let key = self.topology.keys().schema(&self.name);
        self.topology.put(&key, &SchemaRecord { tables, ..SchemaRecord::default() }).await.unwrap()
    }

    async fn put_raw(&self, key: &str, text: &'static str) -> Revision {
        let write = Write::Put { key: key.into(), value: text.into(), lease: None };
        match self.store.commit(&[], &[write]).await.unwrap() {
            Outcome::Committed(revision) => revision,
            Outcome::Conflict => panic!("a conflict"),
        }
    }
}

async fn keyspace_at(feed: &SnapshotFeed, revision: Revision) -> Arc<Keyspace> {
    feed.at_least(revision, PATIENCE).await.unwrap().keyspace("shop").unwrap().clone()
}

fn bigint() -> ColumnType {
    ColumnType::Integer { bits: 64, unsigned: false }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_seen_whole_from_the_first_moment() {
    let cluster = Cluster::new().await;
    let user = UserRecord {
        password_hash: "x".into(),
        grants: Grants::everywhere(DataRole::Admin),
        origin: UserOrigin::File,
    };
    cluster.topology.put(&cluster.topology.keys().user("app"), &user).await.unwrap();
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let snapshot = feed.snapshot();
    let keyspace = snapshot.keyspace("shop").unwrap();
    assert!(keyspace.sharded);
    let names: Vec<String> = keyspace.shards.iter().map(|s| s.shard.to_string()).collect();
    assert_eq!(names, ["shop/-80", "shop/80-"]);
    assert!(keyspace.shards.iter().all(|s| s.primary.is_none() && s.term == Term(0)));
    let declared = Sharding::Declared { column: "ID".into(), vindex: Vindex::XxHash };
    let t = keyspace.table("t").unwrap();
    assert_eq!((t.schema.as_ref(), t.sharding.as_ref()), (None, Some(&declared)));
    assert_eq!(snapshot.user("app"), Some(&user));
    assert!(
        snapshot.user("App").is_none()
            && snapshot.keyspace("Shop").is_none()
            && keyspace.table("T").is_none()
    );
    assert_eq!(snapshot.keyspaces().count(), 1);
    assert_eq!(snapshot.routing().version, 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_primary_moves_no_plan_and_a_change_of_schema_does() {
    let cluster = Cluster::new().await;
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let keys = cluster.topology.keys();
    let before = feed.snapshot().keyspace("shop").unwrap().clone();

    let shard = cluster.shard("80-");
    let alias: TabletAlias = "zone1-101".parse().unwrap();
    let record = tablet("zone1-101", &shard, "127.0.0.1:3001");
    cluster.topology.put(&keys.tablet(Some(&alias)), &record).await.unwrap();
    let primary = ShardRecord { term: Term(3), primary: Some(alias.clone()), ..ShardRecord::default() };
    let revision = cluster.topology.put(&keys.shard(Some(&shard)), &primary).await.unwrap();
    let after = keyspace_at(&feed, revision).await;
    let endpoint = Endpoint {
        alias: alias.clone(),
        mysql_address: record.mysql_address.clone(),
        mysql_version: record.mysql_version.clone(),
    };
    assert_eq!((after.shards[1].term, &after.shards[1].primary), (Term(3), &Some(endpoint)));
    assert_eq!(after.shards[0], before.shards[0]);
    assert_eq!(after.plan_version, before.plan_version);
    assert!(Arc::ptr_eq(&after.tables, &before.tables));

    let moved = tablet("zone1-101", &shard, "127.0.0.1:3002");
    let revision = cluster.topology.put(&keys.tablet(Some(&alias)), &moved).await.unwrap();
    let moved = keyspace_at(&feed, revision).await;
    assert_eq!(moved.shards[1].primary.as_ref().unwrap().mysql_address, "127.0.0.1:3002");
    assert_eq!(moved.plan_version, before.plan_version);

    let to: TabletAlias = "zone2-102".parse().unwrap();
    let replica = tablet("zone2-102", &shard, "127.0.0.1:3003");
    cluster.topology.put(&keys.tablet(Some(&to)), &replica).await.unwrap();
    let transition = Some(Transition { next_term: Term(4), to: to.clone() });
    let announced = ShardRecord { transition, ..primary };
    let since = cluster.topology.put(&keys.shard(Some(&shard)), &announced).await.unwrap();
    let health = TabletHealth {
        state: TabletState::Replicating,
        term: Term(3),
        lag_ms: Some(20),
        gtid_executed: String::new(),
        semi_sync: SemiSyncPart::Acker,
        reads: true,
    };
    let alive = TabletLiveness { alias: to.clone(), incarnation: 1, health: Some(health.clone()) };
    let revision = cluster.topology.put(&keys.alive(Some(&to)), &alive).await.unwrap();
    let held = keyspace_at(&feed, revision).await;
    assert_eq!(
        (held.shards[0].held, held.shards[1].held, announced.highest_term()),
        (None, Some(since), Term(4))
    );
    let [seen] = held.shards[1].replicas.as_slice() else { panic!("{:?}", held.shards[1]) };
    assert_eq!((&seen.endpoint.alias, &seen.health), (&to, &Some(health)));
    assert_eq!(held.plan_version, before.plan_version);

    let revision = cluster.put_schema(&[("t", table(vec![column("id", bigint())]))]).await;
    let created = keyspace_at(&feed, revision).await;
    assert!(created.plan_version > before.plan_version);
    let key = ShardingKey { column: "id".into(), column_index: 0, kind: bigint(), vindex: Vindex::XxHash };
    assert_eq!(created.table("t").unwrap().sharding, Some(Sharding::By(key)));

    // The same schema written again is no change.
    let revision = cluster.put_schema(&[("t", table(vec![column("id", bigint())]))]).await;
    assert!(Arc::ptr_eq(&keyspace_at(&feed, revision).await, &created));
}

#[tokio::test(start_paused = true)]
async fn everything_that_plans_depend_on_gives_a_new_version() {
    let cluster = Cluster::new().await;
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let keys = cluster.topology.keys().clone();
    let keyspace_key = keys.keyspace(Some(&cluster.name));
    let routing = |ranges: KeyspaceRouting, table_rules| RoutingRecord {
        version: 2,
        keyspaces: BTreeMap::from([(cluster.name.clone(), ranges)]),
        table_rules,
    };
    let rule = TableRule { from: cluster.name.clone(), table: "t".into(), to: "other".parse().unwrap() };
    let (four, t) = (["-40", "40-80", "80-"], &cluster.topology);
    let changes = [
        t.put(&keys.routing(), &routing(ranges(&four), Vec::new())).await.unwrap(),
        t.put(&keys.routing(), &routing(ranges(&four), vec![rule])).await.unwrap(),
        t.put(&keys.vschema(&cluster.name), &VschemaRecord::default()).await.unwrap(),
        cluster.put_schema(&[]).await,
        t.put(&keyspace_key, &KeyspaceRecord::unsharded()).await.unwrap(),
    ];
    // Each on its own: a feed of another's that starts late sees the sum only, so versions are compared by the
    // steps of one feed.
    let last = feed.at_least(changes[4], PATIENCE).await.unwrap();
    assert_eq!(last.keyspace("shop").unwrap().plan_version, 1 + changes.len() as u64);

    // Deleted and made again as it was, it still is not the one that old plans were made for.
    t.delete(&keyspace_key).await.unwrap();
    let revision = t.put(&keyspace_key, &KeyspaceRecord::unsharded()).await.unwrap();
    let again = keyspace_at(&feed, revision).await;
    assert!(again.plan_version > last.keyspace("shop").unwrap().plan_version);
}

#[tokio::test(start_paused = true)]
async fn sharding_keys_that_cannot_be_used_say_why() {
    let cluster = Cluster::new().await;
    let keys = cluster.topology.keys();
    let text = |character_set: &str, collation: &str| ColumnType::Text {
        length: 20,
        fixed: false,
        character_set: character_set.into(),
        collation: collation.into(),
    };
    let cases = [
        ("good_int", "h", column("k", bigint()), ""),
        ("good_text", "x", column("k", text("utf8mb4", "utf8mb4_0900_bin")), ""),
        ("good_bytes", "x", column("k", ColumnType::Binary { length: 16, fixed: true }), ""),
        ("no_vindex", "nowhere", column("k", bigint()), "does not define vindex \"nowhere\""),
        ("odd_vindex", "u", column("k", bigint()), "no vindex type \"lookup\""),
        ("no_column", "h", column("other", bigint()), "no such column"),
        ("odd_type", "x", column("k", ColumnType::Other), "neither an integer"),
        (
            "collation",
            "x",
            column("k", text("utf8mb4", "utf8mb4_sv_0900_ai_ci")),
            "collation utf8mb4_sv_0900_ai_ci",
        ),
        ("charset", "x", column("k", text("utf16", "utf16_bin")), "character set utf16"),
        ("loose_text", "l", column("k", text("utf8mb4", "utf8mb4_0900_ai_ci")), ""),
        (
            "loose_latin1",
            "l",
            column("k", text("latin1", "latin1_bin")),
            "maps text of utf8mb4, utf8mb3 and ascii",
        ),
        ("hash_of_text", "h", column("k", text("ascii", "ascii_bin")), "vindex hash maps integers only"),
    ];
    let vindexes = [("h", "hash"), ("x", "xxhash"), ("u", "lookup"), ("l", "unicode_loose_md5")];
    let entries: Vec<(&str, &str, &str)> = cases.iter().map(|(name, by, ..)| (*name, "k", *by)).collect();
    let mut vschema = vschema(&vindexes, &entries);
    vschema.tables.insert("no_key".into(), TableVschema::default());
    cluster.topology.put(&keys.vschema(&cluster.name), &vschema).await.unwrap();
    let tables: Vec<(&str, TableSchema)> =
        cases.iter().map(|(name, _, column, _)| (*name, table(vec![column.clone()]))).collect();
    cluster.put_schema(&tables).await;
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let keyspace = feed.snapshot().keyspace("shop").unwrap().clone();
    let why = |name: &str| match keyspace.table(name).and_then(|t| t.sharding.clone()).unwrap() {
        Sharding::Unusable { why, .. } => why.to_string(),
        Sharding::By(_) => String::new(),
        Sharding::Declared { .. } => "only declared".into(),
    };
    for (name, _, _, part) in &cases {
        let why = why(name);
        assert!(if part.is_empty() { why.is_empty() } else { why.contains(part) }, "{name}: {why}");
    }
    assert!(why("no_key").contains("no column_vindexes"));
}

#[tokio::test(start_paused = true)]
async fn an_unsharded_keyspace_has_one_shard_and_no_sharding_keys() {
    let cluster = Cluster::new().await;
    let main: KeyspaceName = "main".parse().unwrap();
    let keys = cluster.topology.keys();
    let routing = RoutingRecord {
        version: 2,
        keyspaces: BTreeMap::from([(main.clone(), KeyspaceRouting { shards: vec![KeyRange::full()] })]),
        table_rules: Vec::new(),
    };
    let transaction = Transaction::new()
        .create(&keys.keyspace(Some(&main)), &KeyspaceRecord::unsharded())
        .and_then(|t| t.put(&keys.routing(), &routing))
        .and_then(|t| t.put(&keys.vschema(&main), &vschema(&[("x", "xxhash")], &[("t", "k", "x")])))
        .and_then(|t| {
            let tables = BTreeMap::from([("t".to_owned(), table(vec![column("k", bigint())]))]);
            t.put(&keys.schema(&main), &SchemaRecord { tables, ..SchemaRecord::default() })
        });
    cluster.topology.commit(transaction.unwrap()).await.unwrap();
    let snapshot = SnapshotFeed::start(&cluster.topology).await.unwrap().snapshot();
    let keyspace = snapshot.keyspace("main").unwrap();
    assert_eq!(keyspace.shards.len(), 1);
    assert!(keyspace.table("t").unwrap().sharding.is_none());
    // Shop is no longer in the routing record.
    let shop = snapshot.keyspace("shop").unwrap();
    assert_eq!((shop.shards.len(), shop.shard_for(&KeyspaceId(vec![1]))), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_hosted_keyspace_has_the_shard_of_its_host() {
    let cluster = Cluster::new().await;
    let (main, guest): (KeyspaceName, KeyspaceName) = ("main".parse().unwrap(), "guest".parse().unwrap());
    let keys = cluster.topology.keys();
    let host = ShardRef { keyspace: main.clone(), range: KeyRange::full() };
    let routing = RoutingRecord {
        version: 2,
        keyspaces: BTreeMap::from([(main.clone(), KeyspaceRouting { shards: vec![KeyRange::full()] })]),
        table_rules: Vec::new(),
    };
    let tablet = tablet("zone1-9", &host, "127.0.0.1:3309");
    let transaction = Transaction::new()
        .create(&keys.keyspace(Some(&main)), &KeyspaceRecord::unsharded())
        .and_then(|t| t.create(&keys.keyspace(Some(&guest)), &KeyspaceRecord::hosted(host.clone())))
        .and_then(|t| t.put(&keys.routing(), &routing))
        .and_then(|t| t.create(&keys.tablet(Some(&tablet.alias)), &tablet));
    cluster.topology.commit(transaction.unwrap()).await.unwrap();
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let version = feed.snapshot().keyspace("guest").unwrap().plan_version;
    let primary =
        ShardRecord { term: Term(1), primary: Some(tablet.alias.clone()), ..ShardRecord::default() };
    let revision = cluster.topology.put(&keys.shard(Some(&host)), &primary).await.unwrap();
    let snapshot = feed.at_least(revision, PATIENCE).await.unwrap();
    let (main, guest) = (snapshot.keyspace("main").unwrap(), snapshot.keyspace("guest").unwrap());
    assert_eq!((&guest.shards, guest.sharded, guest.plan_version), (&main.shards, false, version));
    assert_eq!((&guest.shards[0].shard, guest.host(), main.host()), (&host, Some(&host), None));
    assert!(guest.shards[0].primary.is_some());

    // A host that is no longer routed to leaves its guests without a shard.
    let gone = RoutingRecord { version: 3, ..RoutingRecord::default() };
    let revision = cluster.topology.put(&keys.routing(), &gone).await.unwrap();
    let snapshot = feed.at_least(revision, PATIENCE).await.unwrap();
    assert!(snapshot.keyspace("guest").unwrap().shards.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_record_keeps_its_last_good_value_and_hurts_no_other() {
    let cluster = Cluster::new().await;
    let keys = cluster.topology.keys().clone();
    let bad_from_the_start = keys.keyspace(Some(&"later".parse().unwrap()));
    cluster.put_raw(&bad_from_the_start, r#"{"format":9}"#).await;
    cluster.put_raw(&format!("{}keyspaces/not-a-name", keys.root()), "{}").await;
    cluster.put_raw(&format!("{}rooms/of/later/versions", keys.root()), "{}").await;
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    assert_eq!(feed.load().keyspaces().count(), 1);
    let good = feed.load().keyspace("shop").unwrap().clone();

    let mut revision = Revision(0);
    for (key, text) in [
        (keys.routing(), r#"{"format":2,"version":2,"keyspaces":{},"table_rules":[]}"#),
        (
            keys.routing(),
            r#"{"format":1,"version":2,"keyspaces":{"shop":{"shards":["-80"]}},"table_rules":[]}"#,
        ),
        (keys.vschema(&cluster.name), "garbage"),
        (keys.keyspace(Some(&cluster.name)), "{"),
    ] {
        revision = cluster.put_raw(&key, text).await;
    }
    assert!(Arc::ptr_eq(&keyspace_at(&feed, revision).await, &good));
    // A list after an outage does not lose it either.
    cluster.store.go_away();
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster.store.come_back();
    let revision = cluster.put_schema(&[("new", table(Vec::new()))]).await;
    let after = keyspace_at(&feed, revision).await;
    assert!(after.table("new").is_some() && after.table("t").is_some() && after.shards == good.shards);
}

#[tokio::test(start_paused = true)]
async fn the_last_snapshot_serves_while_the_store_is_away() {
    let cluster = Cluster::new().await;
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let good = feed.load().keyspace("shop").unwrap().clone();
    cluster.store.go_away();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(Arc::ptr_eq(feed.load().keyspace("shop").unwrap(), &good));
    let behind = feed.at_least(Revision(1000), Duration::from_secs(1)).await.unwrap_err();
    assert!(behind.to_string().contains("1000"), "{behind}");
    cluster.store.come_back();
    let keys = cluster.topology.keys();
    let next = keys.keyspace(Some(&"next".parse().unwrap()));
    let revision = cluster.topology.put(&next, &KeyspaceRecord::unsharded()).await.unwrap();
    cluster.topology.delete(&keys.vschema(&cluster.name)).await.unwrap();
    cluster.store.compact();
    let snapshot = feed.at_least(Revision(revision.0 + 1), PATIENCE).await.unwrap();
    assert!(snapshot.keyspace("next").is_some());
    assert!(
        snapshot.keyspace("shop").unwrap().table("t").is_none(),
        "what was removed meanwhile is still there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_is_an_error() {
    let store = MemoryStore::new();
    store.go_away();
    let topology = Topology::new(Arc::new(store), "test");
    let error = SnapshotFeed::start(&topology).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, TopologyError::Store(StoreError::Unavailable(_))), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_feed_ends_with_its_last_handle() {
    let cluster = Cluster::new().await;
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let other = feed.clone();
    drop(feed);
    let revision = cluster.put_schema(&[]).await;
    assert!(other.at_least(revision, PATIENCE).await.is_ok());
    drop(other);
    tokio::time::timeout(PATIENCE, cluster.topology.close()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn all_keys_of_one_revision_appear_at_once() {
    let cluster = Cluster::new().await;
    let keys = cluster.topology.keys().clone();
    let names: Vec<KeyspaceName> = ["a", "b", "c"].iter().map(|n| n.parse().unwrap()).collect();
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let mut reached = feed.subscribe();
    let mut last = Revision(0);
    for sharded in [true, false, true, false] {
        let transaction = names.iter().try_fold(Transaction::new(), |t, name| {
            t.put(&keys.keyspace(Some(name)), &KeyspaceRecord { sharded, ..KeyspaceRecord::unsharded() })
        });
        let Outcome::Committed(revision) = cluster.topology.commit(transaction.unwrap()).await.unwrap()
        else {
            panic!("a conflict");
        };
        last = revision;
        tokio::task::yield_now().await;
        let snapshot = feed.snapshot();
        let seen: Vec<bool> =
            snapshot.keyspaces().filter(|k| k.name != cluster.name).map(|k| k.sharded).collect();
        assert!(seen.is_empty() || seen.len() == 3 && seen.iter().all(|s| *s == seen[0]), "half: {seen:?}");
    }
    reached.wait_for(|r| *r == last).await.unwrap();
    assert_eq!(feed.load().revision, last);
}

#[tokio::test(start_paused = true)]
async fn every_keyspace_id_has_the_shard_that_holds_it() {
    let cluster = Cluster::new().await;
    let key = cluster.topology.keys().routing();
    for names in [&["-"][..], &["-80", "80-"], &["-4000", "40-80", "80-c0", "c0-c0a0", "c0a000-"]] {
        let routing = RoutingRecord {
            version: 1,
            keyspaces: BTreeMap::from([(cluster.name.clone(), ranges(names))]),
            table_rules: Vec::new(),
        };
        cluster.topology.put(&key, &routing).await.unwrap();
        let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
        let keyspace = feed.snapshot().keyspace("shop").unwrap().clone();
        assert_eq!(keyspace.shards.len(), names.len());
        let ids = (0..=0xffff_u16).step_by(7).map(|n| n.to_be_bytes().to_vec());
        let short = [
            vec![],
            vec![0],
            vec![0x40],
            vec![0x80],
            vec![0xc0, 0xa0, 0, 0],
            vec![0xc0, 0xa0],
            vec![0xff; 16],
        ];
        for id in ids.chain(short).map(KeyspaceId) {
            let holders: Vec<usize> =
                (0..names.len()).filter(|i| keyspace.shards[*i].shard.range.contains(&id)).collect();
            assert_eq!(holders, [keyspace.shard_for(&id).unwrap()], "{id:?} in {names:?}");
        }
    }
}
