use topo::records::{Durability, KeyspaceRecord};

use super::*;

const HEAD: &str = "apiVersion: shoal.dev/v1alpha1\nkind: ShoalCluster\nmetadata: {name: shop}\n";
const USERS: &str = "  users: [{name: app, password: app, role: admin}]\n";

/// A file whose `spec` holds the users line (line 5) and then the given lines, the first of which is line 6.
fn with(lines: &str) -> String {
    format!("{HEAD}spec:\n{USERS}{lines}")
}

fn good() -> ShoalCluster {
    let text = with(
        "  gates: {port: 15306, replicas: 2}
  keyspaces:
    - name: shop
      shards: [-80, \"80-\"]
      tablets: 3
      durability: async
      vschema:
        vindexes: {by_id: {type: xxhash}}
        tables:
          customers: {column_vindexes: [{column: id, name: by_id}]}
    - name: main
",
    );
    parse("good.yaml", &text).unwrap_or_else(|bad| panic!("{bad}"))
}

#[test]
fn a_good_file_is_read_with_its_defaults() {
    let cluster = good();
    let spec = &cluster.spec;
    assert_eq!(spec.cells[0].name.as_str(), "zone1");
    assert_eq!((spec.gates.named_port(1), spec.gates.named_port(2)), (Some(15306), Some(15307)));
    let shards: Vec<String> =
        spec.keyspaces.iter().flat_map(KeyspaceSpec::shard_refs).map(|s| s.to_string()).collect();
    assert_eq!(shards, ["shop/-80", "shop/80-", "main/-"]);
    assert!(spec.keyspaces[0].is_sharded() && !spec.keyspaces[1].is_sharded());
    let wanted: Vec<KeyspaceRecord> = spec.keyspaces.iter().map(keyspace_record).collect();
    let shop = KeyspaceRecord { sharded: true, durability: Durability::Async, tablets: 3, on: None };
    assert_eq!(wanted, [shop, KeyspaceRecord::unsharded()]);
    assert_eq!(spec.tls, Tls::On);
}

#[test]
fn tls_is_switched_with_whatever_yaml_makes_of_on_and_off() {
    let words =
        [("on", Tls::On), ("off", Tls::Off), ("true", Tls::On), ("no", Tls::Off), ("\"off\"", Tls::Off)];
    for (word, expected) in words {
        let text = with(&format!("  tls: {word}\n  keyspaces: [{{name: shop}}]\n"));
        let cluster = parse("c.yaml", &text).unwrap_or_else(|bad| panic!("{bad}"));
        assert_eq!(cluster.spec.tls, expected, "{word}");
        let json = serde_json::to_string(&cluster).unwrap();
        assert_eq!(serde_json::from_str::<ShoalCluster>(&json).unwrap(), cluster);
    }
}

#[test]
fn a_cluster_reads_back_from_the_json_it_is_written_as() {
    let cluster = good();
    let json = serde_json::to_string(&cluster).unwrap();
    assert!(json.contains(r#""apiVersion":"shoal.dev/v1alpha1""#), "{json}");
    assert_eq!(serde_json::from_str::<ShoalCluster>(&json).unwrap(), cluster);
    assert_eq!(parse("as.json", &json).unwrap(), cluster);
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_to_write() {
    let mut wrong = Vec::new();
    for block in include_str!("mistakes.txt").split("\n=== ").skip(1) {
        let (expected, text) = block.split_once('\n').unwrap_or((block, ""));
        let said = parse("c.yaml", text).map_or_else(|bad| bad.to_string(), |_| "taken as good".into());
        let wanted = format!("c.yaml:{expected}");
        if said != wanted {
            wrong.push(format!("said   {said}\nwanted {wanted}\nabout\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_text() {
    let text = format!(
        "{HEAD}spec:\n  keyspaces:\n    - {{name: a, shards: [\"-80\"]}}\n    - name: a\n  users: []\n"
    );
    let lines: Vec<usize> = parse("c.yaml", &text).unwrap_err().problems.iter().map(|p| p.line).collect();
    assert_eq!(lines, [6, 7, 8]);
}

#[test]
fn changes_that_need_data_to_move_are_refused_by_name() {
    let old = good();
    let good_text = |change: &dyn Fn(&mut ShoalCluster)| {
        let mut new = old.clone();
        change(&mut new);
        refused_changes(&old, &new, "new.yaml", "").map_err(|bad| bad.to_string())
    };
    let customers =
        |c: &mut ShoalCluster| c.spec.keyspaces[0].vschema.clone().unwrap().tables["customers"].clone();
    let applied: [&dyn Fn(&mut ShoalCluster); 7] = [
        &|c| c.spec.keyspaces[1].tablets = Tablets::try_from(9).unwrap(),
        &|c| c.spec.keyspaces[0].durability = Durability::SemiSync,
        &|c| c.spec.tls = Tls::Off,
        &|c| c.spec.users[0].password = "other".into(),
        &|c| c.spec.gates = GatesSpec::default(),
        &|c| {
            let mut extra = c.spec.keyspaces[1].clone();
            extra.name = "extra".parse().unwrap();
            c.spec.keyspaces.insert(0, extra);
        },
        &|c| {
            let table = customers(c);
            c.spec.keyspaces[0].vschema.as_mut().unwrap().tables.insert("orders".into(), table);
        },
    ];
    for change in applied {
        assert_eq!(good_text(change), Ok(()));
    }
    type Refused<'a> = (&'a dyn Fn(&mut ShoalCluster), &'a str);
    let refused: [Refused<'_>; 8] = [
        (
            &|c| c.spec.keyspaces[0].tablets = Tablets::try_from(2).unwrap(),
            "shop have 3 tablets, and none can be taken away yet; write `tablets: 3` or more",
        ),
        (
            &|c| c.metadata.name = String::from("other").try_into().unwrap(),
            "metadata.name: this folder holds cluster shop",
        ),
        (&|c| drop(c.spec.keyspaces.pop()), "spec.keyspaces: keyspace main is gone"),
        (
            &|c| c.spec.keyspaces[0].shards = Some(vec!["-".parse().unwrap()]),
            "shop has data on its shards; write `shards: [\"-80\", \"80-\"]` again",
        ),
        (
            &|c| c.spec.keyspaces[1].shards = Some(vec!["-".parse().unwrap()]),
            "main is unsharded; take shards out again",
        ),
        (&|c| c.spec.keyspaces[0].vschema = None, "vindex by_id of keyspace shop cannot be changed"),
        (
            &|c| {
                c.spec.keyspaces[0].vschema.as_mut().unwrap().vindexes.get_mut("by_id").unwrap().kind =
                    "hash".into()
            },
            "write `by_id: {type: xxhash}` again",
        ),
        (
            &|c| drop(c.spec.keyspaces[0].vschema.as_mut().unwrap().tables.remove("customers")),
            "the sharding of table shop.customers cannot be changed",
        ),
    ];
    for (change, expected) in refused {
        let said = good_text(change).unwrap_err();
        assert!(said.contains(expected), "{said}\nlacks {expected}");
    }
}

#[test]
fn routing_gains_keyspaces_and_keeps_what_has_moved_on() {
    let cluster = good();
    let first = merge_routing(&topo::records::RoutingRecord::default(), &cluster).unwrap();
    assert_eq!(first.version, 1);
    let names = |ks: &str| -> Vec<String> {
        first.keyspaces[&ks.parse().unwrap()].shards.iter().map(ToString::to_string).collect()
    };
    assert_eq!((names("shop"), names("main")), (vec!["-80".into(), "80-".into()], vec!["-".into()]));
    assert_eq!(merge_routing(&first, &cluster), None);

    let mut moved_on = first.clone();
    moved_on.version = 7;
    moved_on.keyspaces.get_mut(&"shop".parse().unwrap()).unwrap().shards = vec!["-".parse().unwrap()];
    moved_on.keyspaces.remove(&"main".parse().unwrap());
    let merged = merge_routing(&moved_on, &cluster).unwrap();
    assert_eq!(merged.version, 8);
    assert_eq!(merged.keyspaces[&"shop".parse().unwrap()].shards.len(), 1);
    assert!(merged.keyspaces.contains_key(&"main".parse().unwrap()));
}

#[test]
fn who_asks_is_somebody_who_may() {
    let file = |users: &str| {
        let text = format!(
            "apiVersion: shoal.dev/v1alpha1\nkind: ShoalCluster\nmetadata: {{name: c}}\nspec:\n  users: [{users}]\n  \
             keyspaces: [{{name: main}}, {{name: other}}]\n"
        );
        parse("c.yaml", &text).unwrap().spec
    };
    let name = |user: Option<&UserSpec>| user.map(|user| user.name.to_string()).unwrap_or_default();
    let (main, other) = ("main".parse().unwrap(), "other".parse().unwrap());
    let grant = "{name: g, password: g, grants: [{keyspace: main, role: write}]}";
    let reader = "{name: r, password: r, role: read}";
    let admin = "{name: a, password: a, role: admin}";
    let spec = file(&[grant, reader, admin].join(", "));
    assert_eq!((name(spec.usual_user()), name(spec.user_of(&main))), ("a".into(), "a".into()));
    assert_eq!(name(file(&[grant, reader].join(", ")).usual_user()), "r");
    let spec = file(grant);
    assert_eq!(
        (name(spec.usual_user()), name(spec.user_of(&main)), name(spec.user_of(&other))),
        ("g".into(), "g".into(), String::new())
    );
}
