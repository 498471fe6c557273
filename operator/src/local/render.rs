//! From what is wanted and what is known to the processes that ought to run. Pure.

use std::path::{Path, PathBuf};

use proto::ids::ShardRef;
use proto::tls::{CA_FILE, CERTIFICATE_FILE, KEY_FILE, Part as TlsPart};

use super::layout::Layout;
use super::ports::{Ports, TabletPorts};
use super::programs::Programs;
use crate::spec::{ShoalCluster, Tls};

/// What rendering needs to know of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// Where everything lies.
    pub layout: &'a Layout,
    /// The chosen ports and tablet names.
    pub ports: &'a Ports,
    /// Where the programs are.
    pub programs: &'a Programs,
    /// The mysqld that the user named, if any.
    pub mysqld: Option<&'a Path>,
    /// How far the topology is.
    pub topology: TopologyState,
    /// Whether the parts speak TLS with one another.
    pub tls: Tls,
}

/// How far the topology is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopologyState {
    /// etcd may not answer yet, or lacks records of the cluster file.
    Behind,
    /// It holds every record of the cluster file.
    Written,
}

/// One process that ought to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Unique in the cluster; also the name of its log.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder that it runs in.
    pub folder: PathBuf,
    /// The port that its users connect to.
    pub port: u16,
    /// The port where monitoring finds it; 0: nowhere.
    pub http: u16,
}

/// The processes that ought to run now, in the order in which they are started.
///
/// Everything but etcd waits until the topology is written: a tablet must never see a cluster half described.
pub fn render(cluster: &ShoalCluster, observed: &Observed<'_>) -> Vec<Part> {
    let mut parts = vec![etcd(observed)];
    if observed.topology == TopologyState::Behind {
        return parts;
    }
    let name = cluster.metadata.name.as_str();
    parts.push(control(name, observed));
    let tablets = observed.ports.tablets.iter();
    parts.extend(
        tablets.flat_map(|(shard, own)| own.iter().map(|tablet| self::tablet(name, shard, tablet, observed))),
    );
    for (&number, &port) in &observed.ports.gates {
        let mut part = Part {
            name: format!("gate-{number}"),
            program: observed.programs.gate.clone(),
            arguments: arguments("", name, TlsPart::Gate, observed),
            folder: observed.layout.gate(number),
            port,
            http: observed.ports.gates_http.get(&number).copied().unwrap_or(0),
        };
        part.add("--listen", format!("127.0.0.1:{port}"));
        part.add("--secrets", observed.layout.gate_secrets().display().to_string());
        part.show_to_monitoring();
        parts.push(part);
    }
    parts
}

impl Part {
    fn add(&mut self, option: &str, value: String) {
        self.arguments.extend([option.to_owned(), value]);
    }

    fn show_to_monitoring(&mut self) {
        if self.http != 0 {
            self.add("--http", format!("127.0.0.1:{}", self.http));
        }
    }
}

fn tablet(cluster: &str, shard: &ShardRef, tablet: &TabletPorts, observed: &Observed<'_>) -> Part {
    let mut part = Part {
        name: format!("tablet-{}", tablet.alias),
        program: observed.programs.tablet.clone(),
        arguments: arguments("run", cluster, TlsPart::Tablet, observed),
        folder: observed.layout.tablet(&tablet.alias),
        port: tablet.mysql,
        http: tablet.http,
    };
    let dir = part.folder.display().to_string();
    part.add("--alias", tablet.alias.to_string());
    part.add("--shard", shard.to_string());
    part.add("--dir", dir);
    part.add("--host", "127.0.0.1".into());
    part.add("--mysql-port", tablet.mysql.to_string());
    part.add("--rpc-port", tablet.rpc.to_string());
    part.add("--secrets", observed.layout.tablet_secrets().display().to_string());
    if let Some(mysqld) = observed.mysqld {
        part.add("--mysqld", mysqld.display().to_string());
    }
    part.show_to_monitoring();
    part
}

/// Where a client of this machine reaches etcd.
pub(crate) fn etcd_url(ports: &Ports, tls: Tls) -> String {
    local_url(ports.etcd_client, tls)
}

fn local_url(port: u16, tls: Tls) -> String {
    let scheme = match tls {
        Tls::On => "https",
        Tls::Off => "http",
    };
    format!("{scheme}://127.0.0.1:{port}")
}

/// What control, tablets and gates are all told.
fn arguments(command: &str, cluster: &str, who: TlsPart, observed: &Observed<'_>) -> Vec<String> {
    let etcd = etcd_url(observed.ports, observed.tls);
    let words = [command, "--cluster", cluster, "--etcd", &etcd].map(str::to_owned);
    let mut words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if observed.tls == Tls::On {
        words.extend(["--tls".into(), observed.layout.tls(who).display().to_string()]);
    }
    words
}

fn control(cluster: &str, observed: &Observed<'_>) -> Part {
    let mut part = Part {
        name: "control".into(),
        program: observed.programs.operator.clone(),
        arguments: arguments("control", cluster, TlsPart::Control, observed),
        folder: observed.layout.dir().to_owned(),
        port: observed.ports.control,
        http: observed.ports.control_http,
    };
    part.add("--listen", format!("127.0.0.1:{}", part.port));
    part.show_to_monitoring();
    part
}

fn etcd(observed: &Observed<'_>) -> Part {
    let peer = local_url(observed.ports.etcd_peer, observed.tls);
    let client = etcd_url(observed.ports, observed.tls);
    let folder = observed.layout.etcd();
    let mut part = Part {
        name: "etcd".into(),
        program: observed.programs.etcd.clone(),
        arguments: Vec::new(),
        folder,
        port: observed.ports.etcd_client,
        http: 0,
    };
    let data = part.folder.display().to_string();
    part.add("--name", "local".into());
    part.add("--data-dir", data);
    part.add("--listen-client-urls", client.clone());
    part.add("--advertise-client-urls", client);
    part.add("--listen-peer-urls", peer.clone());
    part.add("--initial-advertise-peer-urls", peer.clone());
    part.add("--initial-cluster", format!("local={peer}"));
    // Alone, a member waits for nobody but itself: a shorter timeout brings it back sooner after a restart.
    part.add("--heartbeat-interval", "50".into());
    part.add("--election-timeout", "250".into());
    part.add("--auto-compaction-mode", "periodic".into());
    part.add("--auto-compaction-retention", "1h".into());
    part.add("--log-level", "warn".into());
    if observed.tls == Tls::On {
        let dir = observed.layout.tls(TlsPart::Etcd);
        let file = |name: &str| dir.join(name).display().to_string();
        for side in ["", "peer-"] {
            part.add(&format!("--{side}cert-file"), file(CERTIFICATE_FILE));
            part.add(&format!("--{side}key-file"), file(KEY_FILE));
            part.add(&format!("--{side}trusted-ca-file"), file(CA_FILE));
            part.arguments.push(format!("--{side}client-cert-auth"));
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::ports::TabletPorts;
    use super::*;
    use crate::local::DEFAULT_CLUSTER;
    use crate::spec::parse;

    fn rendered(topology: TopologyState, mysqld: Option<&Path>, tls: Tls) -> String {
        let cluster = parse("default-cluster.yaml", DEFAULT_CLUSTER).unwrap_or_else(|bad| panic!("{bad}"));
        let layout = Layout::new(Path::new("/nowhere/c")).unwrap();
        let mut ports = Ports {
            etcd_client: 1,
            etcd_peer: 2,
            control: 3,
            control_http: 5,
            gates: BTreeMap::from([(1, 4)]),
            gates_http: BTreeMap::from([(1, 6)]),
            ..Ports::default()
        };
        for (shard, uid) in [("shop/-80", 101), ("shop/-80", 102), ("shop/80-", 103), ("main/-", 104)] {
            let alias = format!("zone1-{uid}").parse().unwrap();
            let tablet = TabletPorts { alias, mysql: uid * 10, rpc: uid * 10 + 1, http: uid * 10 + 2 };
            ports.tablets.entry(shard.parse().unwrap()).or_default().push(tablet);
        }
        let program = |name: &str| Path::new("/bin").join(name);
        let programs = Programs {
            etcd: program("etcd"),
            operator: program("shoal-operator"),
            tablet: program("shoal-tablet"),
            gate: program("shoal-gate"),
        };
        let observed =
            Observed { layout: &layout, ports: &ports, programs: &programs, mysqld, topology, tls };
        let mut text = String::new();
        for part in render(&cluster, &observed) {
            text += &format!(
                "{} (port {}, http {}, in {})\n  {}",
                part.name,
                part.port,
                part.http,
                part.folder.display(),
                part.program.display()
            );
            for word in &part.arguments {
                text += if word.starts_with("--") { "\n   " } else { "" };
                text += &format!(" {word}");
            }
            text.push('\n');
        }
        text
    }

    #[test]
    fn the_default_cluster_renders_as_in_the_golden_file() {
        let text = rendered(TopologyState::Written, Some(Path::new("/opt/mysqld")), Tls::On);
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/local/default-cluster.golden");
        if std::env::var_os("SHOAL_WRITE_GOLDEN").is_some() {
            std::fs::write(golden, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(golden).unwrap(), "set SHOAL_WRITE_GOLDEN=1 to accept");
    }

    #[test]
    fn without_tls_nothing_of_it_is_said() {
        let text = rendered(TopologyState::Written, None, Tls::Off);
        assert!(text.contains("--etcd http://127.0.0.1:1") && !text.contains("tls"), "{text}");
        assert!(!text.contains("https") && !text.contains("cert"), "{text}");
    }

    #[test]
    fn only_etcd_runs_until_the_topology_is_written() {
        let text = rendered(TopologyState::Behind, None, Tls::On);
        let names: Vec<&str> = text.lines().filter(|l| !l.starts_with(' ')).collect();
        assert_eq!(names, ["etcd (port 1, http 0, in /nowhere/c/etcd)"]);
    }
}
