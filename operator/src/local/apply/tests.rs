use std::sync::Arc;

use proto::account::DataRole;
use topo::records::{Durability, ShardRecord};
use topo::store::MemoryStore;

use super::*;
use crate::local::DEFAULT_CLUSTER;
use crate::spec::parse;

fn cluster(change: impl Fn(&str) -> String) -> ShoalCluster {
    parse("c.yaml", &change(DEFAULT_CLUSTER)).unwrap_or_else(|bad| panic!("{bad}"))
}

fn unchanged(text: &str) -> String {
    text.to_owned()
}

async fn revision(topology: &Topology) -> topo::store::Revision {
    topology.store().list("/").await.unwrap().1
}

#[tokio::test]
async fn a_cluster_file_becomes_records_once() {
    let topology = Topology::new(Arc::new(MemoryStore::new()), "shop");
    let cluster = cluster(unchanged);
    apply_to(&cluster, &topology).await.unwrap();
    let keys = topology.keys();
    let routing = topology.read::<RoutingRecord>(&keys.routing()).await.unwrap().unwrap().value;
    assert_eq!((routing.version, routing.keyspaces.len()), (1, 2));
    let shop = "shop".parse().unwrap();
    let vschema = topology.read::<VschemaRecord>(&keys.vschema(&shop)).await.unwrap().unwrap().value;
    assert_eq!(vschema.tables["orders"].column_vindexes[0].column, "customer_id");
    let keyspace = topology.read::<KeyspaceRecord>(&keys.keyspace(Some(&shop))).await.unwrap().unwrap().value;
    assert!(keyspace.sharded);
    let main = "main".parse().unwrap();
    assert!(topology.read::<VschemaRecord>(&keys.vschema(&main)).await.unwrap().is_none());
    let user = topology.read::<UserRecord>(&keys.user("app")).await.unwrap().unwrap().value;
    assert!(user.verify(b"app"));

    let before = revision(&topology).await;
    apply_to(&cluster, &topology).await.unwrap();
    assert_eq!(revision(&topology).await, before, "a second time writes nothing");
}

#[tokio::test]
async fn additions_are_applied_and_the_rest_is_left_alone() {
    let topology = Topology::new(Arc::new(MemoryStore::new()), "shop");
    apply_to(&cluster(unchanged), &topology).await.unwrap();
    let keys = topology.keys();
    let shard = ShardRecord { term: proto::ids::Term(3), primary: None, ..ShardRecord::default() };
    let shard_key = keys.shard(Some(&"shop/-80".parse().unwrap()));
    topology.put(&shard_key, &shard).await.unwrap();

    let wider = cluster(|text| {
        text.replace("password: app", "password: other").replace("name: app", "name: boss")
            + "    - name: extra\n      shards: [\"-\"]\n      vschema: {vindexes: {v: {type: hash}}}\n"
    });
    apply_to(&wider, &topology).await.unwrap();
    let routing = topology.read::<RoutingRecord>(&keys.routing()).await.unwrap().unwrap().value;
    assert_eq!((routing.version, routing.keyspaces.len()), (2, 3));
    assert!(topology.read::<UserRecord>(&keys.user("app")).await.unwrap().is_none());
    let boss = topology.read::<UserRecord>(&keys.user("boss")).await.unwrap().unwrap().value;
    assert!(boss.verify(b"other"));
    let extra = topology.read::<VschemaRecord>(&keys.vschema(&"extra".parse().unwrap())).await.unwrap();
    assert_eq!(extra.unwrap().value.vindexes["v"].kind, "hash");
    assert_eq!(topology.read::<ShardRecord>(&shard_key).await.unwrap().unwrap().value, shard);
}

#[tokio::test]
async fn tablets_and_durability_follow_the_file_but_a_tablet_that_is_there_stays() {
    let topology = Topology::new(Arc::new(MemoryStore::new()), "shop");
    let stored = async || {
        let key = topology.keys().keyspace(Some(&"main".parse().unwrap()));
        topology.read::<KeyspaceRecord>(&key).await.unwrap().unwrap().value
    };
    apply_to(&cluster(unchanged), &topology).await.unwrap();
    assert_eq!(stored().await, KeyspaceRecord::unsharded());
    let steps = [
        ("tablets: 3", Durability::SemiSync, 3),
        ("tablets: 4\n      durability: async", Durability::Async, 4),
        ("durability: semi_sync", Durability::SemiSync, 4),
    ];
    for (lines, durability, tablets) in steps {
        apply_to(&cluster(|text| format!("{text}      {lines}\n")), &topology).await.unwrap();
        assert_eq!(
            stored().await,
            KeyspaceRecord { durability, tablets, ..KeyspaceRecord::unsharded() },
            "{lines}"
        );
    }
}

#[tokio::test]
async fn what_contradicts_the_topology_is_refused_by_name_and_nothing_is_written() {
    type Change = fn(&str) -> String;
    let cases: [(Change, &str); 3] = [
        (
            |text| text.replace("type: xxhash", "type: hash"),
            "vindex by_id of keyspace shop is of type xxhash",
        ),
        (|text| text.replace("column: id", "column: uid"), "table shop.customers is sharded otherwise"),
        (|text| format!("{text}      shards: [\"-\"]\n"), "keyspace main is unsharded in the topology"),
    ];
    for (change, expected) in cases {
        let topology = Topology::new(Arc::new(MemoryStore::new()), "shop");
        apply_to(&cluster(unchanged), &topology).await.unwrap();
        let before = revision(&topology).await;
        let Err(ApplyError::Refused(why)) = apply_to(&cluster(change), &topology).await else {
            panic!("not refused: {expected}")
        };
        assert!(why.starts_with(expected), "{why}");
        assert_eq!(revision(&topology).await, before);
    }
}

#[tokio::test]
async fn the_files_users_follow_the_file_and_those_of_sql_are_left_alone() {
    let topology = Topology::new(Arc::new(MemoryStore::new()), "shop");
    let keys = topology.keys();
    let stored = async |name: &str| {
        topology.read::<UserRecord>(&keys.user(name)).await.unwrap().map(|stored| stored.value)
    };
    apply_to(&cluster(unchanged), &topology).await.unwrap();
    let of_sql = UserRecord { origin: UserOrigin::Sql, ..UserRecord::new("x", DataRole::Read).unwrap() };
    for name in ["made", "taken"] {
        topology.put(&keys.user(name), &of_sql).await.unwrap();
    }
    let file = |grants: &str| {
        let user = format!("{{name: taken, password: y, grants: [{{keyspace: main, role: {grants}}}]}}");
        cluster(|text| text.replace("  users:\n", &format!("  users:\n    - {user}\n")))
    };
    apply_to(&file("write"), &topology).await.unwrap();
    assert_eq!(stored("made").await, Some(of_sql.clone()));
    let taken = stored("taken").await.unwrap();
    let main = "main".parse().unwrap();
    assert_eq!((taken.grants.everywhere, taken.grants.role(&main)), (None, Some(DataRole::Write)));
    assert!(taken.verify(b"y") && taken.origin == UserOrigin::File);

    let before = revision(&topology).await;
    apply_to(&file("write"), &topology).await.unwrap();
    assert_eq!(revision(&topology).await, before, "a second time writes nothing");
    apply_to(&file("read"), &topology).await.unwrap();
    let weaker = stored("taken").await.unwrap();
    assert_eq!(
        (weaker.grants.role(&main), weaker.password_hash),
        (Some(DataRole::Read), taken.password_hash)
    );
    apply_to(&cluster(unchanged), &topology).await.unwrap();
    assert_eq!((stored("taken").await, stored("made").await), (None, Some(of_sql)));
}
