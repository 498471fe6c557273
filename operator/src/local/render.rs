//! From what is wanted and what is known to the processes that ought to run. Pure.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::ports::Ports;
use super::programs::Programs;
use crate::spec::ShoalCluster;

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
    for keyspace in &cluster.spec.keyspaces {
        for shard in keyspace.shard_refs() {
            if let Some(tablet) = observed.ports.tablets.get(&shard) {
                let mut part = Part {
                    name: format!("tablet-{}", tablet.alias),
                    program: observed.programs.tablet.clone(),
                    arguments: arguments("run", name, observed),
                    folder: observed.layout.tablet(&tablet.alias),
                    port: tablet.mysql,
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
                parts.push(part);
            }
        }
    }
    for (&number, &port) in &observed.ports.gates {
        let mut part = Part {
            name: format!("gate-{number}"),
            program: observed.programs.gate.clone(),
            arguments: arguments("", name, observed),
            folder: observed.layout.gate(number),
            port,
        };
        part.add("--listen", format!("127.0.0.1:{port}"));
        part.add("--secrets", observed.layout.gate_secrets().display().to_string());
        parts.push(part);
    }
    parts
}

impl Part {
    fn add(&mut self, option: &str, value: String) {
        self.arguments.extend([option.to_owned(), value]);
    }
}

/// Where a client of this machine reaches etcd.
pub(super) fn etcd_url(ports: &Ports) -> String {
    format!("http://127.0.0.1:{}", ports.etcd_client)
}

fn arguments(command: &str, cluster: &str, observed: &Observed<'_>) -> Vec<String> {
    let words = [command, "--cluster", cluster, "--etcd", &etcd_url(observed.ports)].map(str::to_owned);
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

fn control(cluster: &str, observed: &Observed<'_>) -> Part {
    let mut part = Part {
        name: "control".into(),
        program: observed.programs.operator.clone(),
        arguments: arguments("control", cluster, observed),
        folder: observed.layout.dir().to_owned(),
        port: observed.ports.control,
    };
    part.add("--listen", format!("127.0.0.1:{}", part.port));
    part
}

fn etcd(observed: &Observed<'_>) -> Part {
    let peer = format!("http://127.0.0.1:{}", observed.ports.etcd_peer);
    let client = etcd_url(observed.ports);
    let folder = observed.layout.etcd();
    let mut part = Part {
        name: "etcd".into(),
        program: observed.programs.etcd.clone(),
        arguments: Vec::new(),
        folder,
        port: observed.ports.etcd_client,
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
    part
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::ports::TabletPorts;
    use super::*;
    use crate::local::DEFAULT_CLUSTER;
    use crate::spec::parse;

    fn rendered(topology: TopologyState, mysqld: Option<&Path>) -> String {
        let cluster = parse("default-cluster.yaml", DEFAULT_CLUSTER).unwrap_or_else(|bad| panic!("{bad}"));
        let layout = Layout::new(Path::new("/nowhere/c")).unwrap();
        let mut ports = Ports {
            etcd_client: 1,
            etcd_peer: 2,
            control: 3,
            gates: BTreeMap::from([(1, 4)]),
            ..Ports::default()
        };
        for (shard, uid) in [("shop/-80", 101), ("shop/80-", 102), ("main/-", 103)] {
            let alias = format!("zone1-{uid}").parse().unwrap();
            let tablet = TabletPorts { alias, mysql: uid * 10, rpc: uid * 10 + 1 };
            ports.tablets.insert(shard.parse().unwrap(), tablet);
        }
        let program = |name: &str| Path::new("/bin").join(name);
        let programs = Programs {
            etcd: program("etcd"),
            operator: program("shoal-operator"),
            tablet: program("shoal-tablet"),
            gate: program("shoal-gate"),
        };
        let observed = Observed { layout: &layout, ports: &ports, programs: &programs, mysqld, topology };
        let mut text = String::new();
        for part in render(&cluster, &observed) {
            text += &format!(
                "{} (port {}, in {})\n  {}",
                part.name,
                part.port,
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
        let text = rendered(TopologyState::Written, Some(Path::new("/opt/mysqld")));
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/local/default-cluster.golden");
        if std::env::var_os("SHOAL_WRITE_GOLDEN").is_some() {
            std::fs::write(golden, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(golden).unwrap(), "set SHOAL_WRITE_GOLDEN=1 to accept");
    }

    #[test]
    fn only_etcd_runs_until_the_topology_is_written() {
        let text = rendered(TopologyState::Behind, None);
        let names: Vec<&str> = text.lines().filter(|l| !l.starts_with(' ')).collect();
        assert_eq!(names, ["etcd (port 1, in /nowhere/c/etcd)"]);
    }
}
