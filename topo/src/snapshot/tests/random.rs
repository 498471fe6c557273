//! A random life of a cluster: a feed that followed it shows what a new one reads.

use super::*;

/// One random write of a cluster's life.
async fn random_step(cluster: &Cluster, below: &mut impl FnMut(u64) -> u64) {
    let keys = cluster.topology.keys();
    let name: KeyspaceName = format!("k{}", below(3)).parse().unwrap();
    let range: KeyRange = ["-80", "80-"][below(2) as usize].parse().unwrap();
    let shard = ShardRef { keyspace: name.clone(), range };
    let alias: TabletAlias = format!("zone1-{}", 1 + below(3)).parse().unwrap();
    let routing = || RoutingRecord {
        version: 1,
        keyspaces: BTreeMap::from([(name.clone(), ranges(&["-80", "80-"]))]),
        table_rules: Vec::new(),
    };
    let topology = &cluster.topology;
    let outcome = match below(8) {
        0 => topology.delete(&keys.keyspace(Some(&name))).await,
        1 => topology.delete(&keys.shard(Some(&shard))).await,
        2 => topology.put(&keys.routing(), &routing()).await.map(|_| ()),
        3 => {
            let record = tablet(&alias.to_string(), &shard, &format!("h:{}", below(9)));
            topology.put(&keys.tablet(Some(&alias)), &record).await.map(|_| ())
        }
        4 => {
            let record = ShardRecord { term: Term(below(9)), primary: Some(alias), ..ShardRecord::default() };
            topology.put(&keys.shard(Some(&shard)), &record).await.map(|_| ())
        }
        5 => {
            let record = vschema(&[("x", "xxhash")], &[(&format!("t{}", below(3)), "k", "x")]);
            topology.put(&keys.vschema(&name), &record).await.map(|_| ())
        }
        6 => topology.delete(&keys.vschema(&name)).await,
        _ => {
            let record = KeyspaceRecord { sharded: below(2) == 0, ..KeyspaceRecord::unsharded() };
            topology.put(&keys.keyspace(Some(&name)), &record).await.map(|_| ())
        }
    };
    outcome.unwrap();
}

/// Everything that a snapshot shows, but for the numbers that differ from feed to feed.
fn shown(snapshot: &Snapshot) -> String {
    let keyspace = |k: &Arc<Keyspace>| format!("{:?}", (&k.name, k.sharded, &k.shards, &k.tables));
    let keyspaces: Vec<String> = snapshot.keyspaces().map(keyspace).collect();
    format!("{:?} {keyspaces:#?} {:?}", snapshot.revision, snapshot.routing())
}

#[tokio::test(start_paused = true)]
async fn a_feed_through_outages_ends_where_a_new_one_begins() {
    let seed: u64 = std::env::var("SHOAL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_260_103);
    println!("SHOAL_SEED={seed}");
    let mut state = seed;
    let mut below = |end: u64| {
        // Knuth's MMIX constants; the high bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    for round in 0..20 {
        let cluster = Cluster::new().await;
        let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
        for _ in 0..30 {
            random_step(&cluster, &mut below).await;
            match below(12) {
                0 => {
                    cluster.store.go_away();
                    tokio::time::sleep(Duration::from_millis(below(5000))).await;
                    cluster.store.come_back();
                }
                1 => cluster.store.compact(),
                2 => tokio::time::sleep(Duration::from_millis(below(5000))).await,
                _ => {}
            }
        }
        let last = cluster.put_schema(&[]).await;
        let followed = feed.at_least(last, PATIENCE).await.unwrap();
        let fresh = SnapshotFeed::start(&cluster.topology).await.unwrap().snapshot();
        assert_eq!(shown(&followed), shown(&fresh), "seed {seed}, round {round}");
    }
}
