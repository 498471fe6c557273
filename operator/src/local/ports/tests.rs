use super::*;
use crate::spec::parse;

struct Fake {
    used: BTreeSet<u16>,
    next: u16,
}

impl Machine for Fake {
    fn is_free(&mut self, port: u16) -> bool {
        !self.used.contains(&port)
    }

    fn holder(&self, port: u16) -> Option<Holder> {
        self.used.contains(&port).then(|| Holder { pid: 77, command: "other".into() })
    }

    fn candidate(&mut self) -> u16 {
        self.next += 1;
        self.next
    }
}

fn fake(used: &[u16]) -> Fake {
    Fake { used: used.iter().copied().collect(), next: 20000 }
}

fn cluster(spec: &str) -> ShoalCluster {
    let text = format!(
        "apiVersion: shoal.dev/v1alpha1\nkind: ShoalCluster\nmetadata: {{name: c}}\nspec:\n  \
         users: [{{name: a, password: a, role: read}}]\n{spec}"
    );
    parse("c.yaml", &text).unwrap()
}

const TWO_SHARDS: &str =
    "  cells: [{name: a}, {name: b}]\n  keyspaces: [{name: ks, shards: [\"-80\", \"80-\"]}]\n";

/// The names of each shard's tablets.
fn aliases(ports: &Ports) -> Vec<Vec<String>> {
    let names = |tablets: &Vec<TabletPorts>| tablets.iter().map(|t| t.alias.to_string()).collect();
    ports.tablets.values().map(names).collect()
}

#[test]
fn tablets_of_a_shard_are_dealt_over_cells_and_more_of_them_leave_the_others_as_they_are() {
    let with = |tablets: &str| {
        let cells = "  cells: [{name: a}, {name: b}, {name: c}]\n";
        cluster(&format!("{cells}  keyspaces: [{{name: ks, shards: [\"-80\", \"80-\"]{tablets}}}]\n"))
    };
    let two = allot(None, &with(", tablets: 2"), &Found::default(), &mut fake(&[])).unwrap().ports;
    assert_eq!(aliases(&two), [["a-101", "b-102"], ["b-103", "c-104"]]);
    let four =
        allot(Some(two.clone()), &with(", tablets: 4"), &Found::default(), &mut fake(&[])).unwrap().ports;
    assert_eq!(aliases(&four), [["a-101", "b-102", "c-105", "a-106"], ["b-103", "c-104", "a-107", "b-108"]]);
    for (shard, tablets) in &two.tablets {
        assert_eq!(four.tablets[shard][..2], tablets[..]);
    }
    // A file that says less takes none away.
    let again = allot(Some(four.clone()), &with(""), &Found::default(), &mut fake(&[])).unwrap().ports;
    assert_eq!(again, four);
}

#[test]
fn ports_of_earlier_programs_are_read_and_kept() {
    let stored = r#"{"etcd_client": 101, "etcd_peer": 102, "control": 103, "gates": {"1": 104}, "tablets":
        {"ks/-80": {"alias": "a-101", "mysql": 105, "rpc": 106}, "ks/80-": {"alias": "b-102", "mysql": 107, "rpc": 108}}}"#;
    let stored: Ports = serde_json::from_str(stored).unwrap();
    let now = allot(Some(stored), &cluster(TWO_SHARDS), &Found::default(), &mut fake(&[])).unwrap();
    assert_eq!(now.notes, Vec::<String>::new());
    let ports = now.ports;
    assert_eq!((ports.etcd_client, ports.etcd_peer, ports.control, ports.gates[&1]), (101, 102, 103, 104));
    let kept: Vec<_> =
        ports.tablets.values().map(|t| (t[0].alias.to_string(), t[0].mysql, t[0].rpc)).collect();
    assert_eq!(kept, [("a-101".into(), 105, 106), ("b-102".into(), 107, 108)]);
    assert!(ports.control_http > 20000 && ports.tablets.values().all(|t| t[0].http > 20000), "{ports:?}");
    let text = serde_json::to_string(&ports).unwrap();
    assert_eq!(serde_json::from_str::<Ports>(&text).unwrap(), ports);
}

#[test]
fn everything_gets_a_port_of_its_own_and_keeps_it() {
    let cluster = cluster(TWO_SHARDS);
    let first = allot(None, &cluster, &Found::default(), &mut fake(&[20001, 20003])).unwrap();
    assert_eq!(first.notes, Vec::<String>::new());
    let ports = &first.ports;
    let mut all = vec![ports.etcd_client, ports.etcd_peer, ports.control, ports.control_http];
    all.extend([ports.gates[&1], ports.gates_http[&1]]);
    all.extend(ports.tablets.values().flatten().flat_map(|t| [t.mysql, t.rpc, t.http]));
    assert_eq!(BTreeSet::from_iter(all.clone()).len(), 12, "{all:?}");
    assert!(!all.contains(&20001) && !all.contains(&20003));
    assert_eq!(aliases(ports), [["a-101"], ["b-102"]]);
    let again = allot(Some(first.ports.clone()), &cluster, &Found::default(), &mut fake(&[])).unwrap();
    assert_eq!(again, first);
}

#[test]
fn a_new_keyspace_before_others_renames_no_tablet() {
    let stored = allot(None, &cluster(TWO_SHARDS), &Found::default(), &mut fake(&[])).unwrap().ports;
    let wider = cluster("  keyspaces: [{name: aa}, {name: ks, shards: [\"-80\", \"80-\"]}]\n");
    let ports = allot(Some(stored.clone()), &wider, &Found::default(), &mut fake(&[])).unwrap().ports;
    for (shard, tablet) in &stored.tablets {
        assert_eq!(&ports.tablets[shard], tablet);
    }
    assert_eq!(ports.tablets[&"aa/-".parse().unwrap()][0].alias.to_string(), "zone1-103");
}

#[test]
fn the_data_of_a_failed_start_never_becomes_that_of_another_tablet() {
    let stored = allot(None, &cluster(TWO_SHARDS), &Found::default(), &mut fake(&[])).unwrap().ports;
    let found = Found { tablets: vec!["b-104".parse().unwrap()], ..Found::default() };
    let wider = cluster("  keyspaces: [{name: aa}, {name: ks, shards: [\"-80\", \"80-\"]}]\n");
    let ports = allot(Some(stored), &wider, &found, &mut fake(&[])).unwrap().ports;
    assert_eq!(aliases(&ports), [["zone1-105"], ["a-101"], ["b-102"]]);
}

#[test]
fn whether_the_parts_speak_tls_is_stored_and_earlier_programs_did_not() {
    for tls in [Tls::On, Tls::Off] {
        let mut cluster = cluster(TWO_SHARDS);
        cluster.spec.tls = tls;
        let ports = allot(None, &cluster, &Found::default(), &mut fake(&[])).unwrap().ports;
        let mut stored = serde_json::to_value(&ports).unwrap();
        assert_eq!(serde_json::from_value::<Ports>(stored.clone()).unwrap().tls, tls);
        stored.as_object_mut().unwrap().remove("tls");
        assert_eq!(serde_json::from_value::<Ports>(stored).unwrap().tls, Tls::Off);
    }
}

#[test]
fn a_stored_port_in_use_is_replaced_with_a_note_unless_its_own_part_has_it() {
    let cluster = cluster(TWO_SHARDS);
    let stored = allot(None, &cluster, &Found::default(), &mut fake(&[])).unwrap().ports;
    let used = [stored.control];
    let moved = allot(Some(stored.clone()), &cluster, &Found::default(), &mut fake(&used)).unwrap();
    assert_ne!(moved.ports.control, stored.control);
    assert_eq!(moved.ports.tablets, stored.tablets);
    let expected = format!(
        "port {} of control is in use by process 77 (other); {} is used from now on",
        stored.control, moved.ports.control
    );
    assert_eq!(moved.notes, [expected]);
    let own = Found { running: BTreeSet::from(["control".to_owned()]), ..Found::default() };
    assert_eq!(allot(Some(stored.clone()), &cluster, &own, &mut fake(&used)).unwrap().ports, stored);
}

#[test]
fn a_named_port_in_use_is_an_error_that_names_it_and_its_holder() {
    let cluster = cluster("  gates: {port: 20001, replicas: 2}\n  keyspaces: [{name: ks}]\n");
    let refused = allot(None, &cluster, &Found::default(), &mut fake(&[20002])).unwrap_err().to_string();
    assert_eq!(
        refused,
        "port 20002 (spec.gates.port, for gate 2) is in use by process 77 (other); stop that process, write \
         another port in the cluster file, or none to have a free one chosen"
    );
    let ports = allot(None, &cluster, &Found::default(), &mut fake(&[])).unwrap().ports;
    assert_eq!(ports.gates, BTreeMap::from([(1, 20001), (2, 20002)]));
    assert!(ports.etcd_client > 20002, "named ports are not given to others: {ports:?}");
}

#[test]
fn the_machine_tells_who_listens() {
    let mut machine = Loopback::new().unwrap();
    // None that the kernel gives to an outgoing connection meanwhile.
    let listen = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
    let listener = (0..PORT_ATTEMPTS).find_map(|_| listen(machine.candidate())).unwrap();
    let port = listener.local_addr().unwrap().port();
    assert!(!machine.is_free(port));
    assert_eq!(machine.holder(port).map(|h| h.pid), Some(std::process::id()));
    drop(listener);
    assert!(machine.is_free(port) && machine.holder(port).is_none());
    assert_ne!(machine.candidate(), machine.candidate());
    let mut other = Loopback::new().unwrap();
    assert!(!other.is_free(port), "whoever chose it may be about to start the program");
    drop(machine);
    assert!(other.is_free(port));
}
