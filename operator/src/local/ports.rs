//! Which port is whose, and which tablet holds which shard: chosen once and kept in `ports.json`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use proto::ids::{Cell, ShardRef, TabletAlias};
use serde::{Deserialize, Deserializer, Serialize};

use super::holder::Holder;
use crate::limits::{FIRST_PORT, PORT_ATTEMPTS};
use crate::spec::{CellSpec, ShoalCluster, Tls};

/// The uid of a cluster's first tablet.
const FIRST_UID: u32 = 101;

/// Everything that is chosen when a cluster first starts and stays so, and what it was last started with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// etcd, for its clients.
    pub etcd_client: u16,
    /// etcd, for other members; there are none on one machine.
    pub etcd_peer: u16,
    /// The control service.
    pub control: u16,
    /// What control tells of itself over HTTP.
    #[serde(default)]
    pub control_http: u16,
    /// MySQL protocol, by the gate's number.
    pub gates: BTreeMap<u16, u16>,
    /// What gates tell of themselves over HTTP, by the gate's number.
    #[serde(default)]
    pub gates_http: BTreeMap<u16, u16>,
    /// The tablets of each shard, in the order in which they were chosen.
    #[serde(deserialize_with = "tablets_of_shards")]
    pub tablets: BTreeMap<ShardRef, Vec<TabletPorts>>,
    /// Whether the parts were started to speak TLS with one another, so that lost certificates never turn it off.
    #[serde(default = "as_earlier_programs")]
    pub tls: Tls,
}

/// Earlier programs knew no TLS between parts.
fn as_earlier_programs() -> Tls {
    Tls::Off
}

impl Ports {
    fn all(&self) -> BTreeSet<u16> {
        let tablets =
            self.tablets.values().flatten().flat_map(|tablet| [tablet.mysql, tablet.rpc, tablet.http]);
        let others = [self.etcd_client, self.etcd_peer, self.control, self.control_http];
        let gates = self.gates.values().chain(self.gates_http.values()).copied();
        tablets.chain(others).chain(gates).collect()
    }
}

/// Reads a list of tablets for each shard, and also the one tablet that earlier programs stored.
fn tablets_of_shards<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ShardRef, Vec<TabletPorts>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        One(TabletPorts),
        Several(Vec<TabletPorts>),
    }
    let stored = BTreeMap::<ShardRef, Stored>::deserialize(deserializer)?;
    let tablets = |stored| match stored {
        Stored::One(tablet) => vec![tablet],
        Stored::Several(tablets) => tablets,
    };
    Ok(stored.into_iter().map(|(shard, stored)| (shard, tablets(stored))).collect())
}

/// A tablet's name and ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabletPorts {
    /// Its name.
    pub alias: TabletAlias,
    /// Its mysqld.
    pub mysql: u16,
    /// Its agent's gRPC service.
    pub rpc: u16,
    /// What its agent tells of itself over HTTP.
    #[serde(default)]
    pub http: u16,
}

/// Why no port could be had.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The cluster file names a port that somebody else has.
    #[error("port {port} ({what}) is in use{}; {advice}", holder_text(.holder.as_ref()))]
    InUse {
        /// The port.
        port: u16,
        /// What it is for.
        what: String,
        /// Who has it, if that can be seen.
        holder: Option<Holder>,
        /// What to do.
        advice: &'static str,
    },
    /// None of the tried ports was free.
    #[error("no free port was found from {FIRST_PORT} on; stop what uses them")]
    NoneFree,
    /// Tablets would have numbers that MySQL cannot take.
    #[error("tablet numbers are used up")]
    NoUid,
}

fn holder_text(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |h| format!(" by process {} ({})", h.pid, h.command))
}

/// The machine's ports, as far as choosing needs to know them.
pub trait Machine {
    /// Whether a program could listen on the port now, and nobody else is about to start one that will.
    fn is_free(&mut self, port: u16) -> bool;
    /// Who listens on it, if that can be seen.
    fn holder(&self, port: u16) -> Option<Holder>;
    /// Another port to try; need not be free.
    fn candidate(&mut self) -> u16;
}

/// What a cluster's folder shows beside the stored ports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Names of parts that run already, whose ports are theirs and not somebody else's.
    pub running: BTreeSet<String>,
    /// Tablets that have data, also those of a start that failed.
    pub tablets: Vec<TabletAlias>,
}

/// A wanted choice, and what is worth telling the user about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Allotment {
    /// The ports.
    pub ports: Ports,
    /// Such as a stored port that was in use and replaced.
    pub notes: Vec<String>,
}

/// The ports of a cluster: named ones as named, stored ones as stored, others free ones.
pub fn allot(
    stored: Option<Ports>,
    cluster: &ShoalCluster,
    found: &Found,
    machine: &mut dyn Machine,
) -> Result<Allotment, PortError> {
    let stored = stored.unwrap_or_default();
    let (running, reserved) = (&found.running, stored.all());
    let mut choice = Choice { machine, running, taken: BTreeSet::new(), reserved, notes: Vec::new() };
    for number in 1..=cluster.spec.gates.replicas.get() {
        choice.taken.extend(cluster.spec.gates.named_port(number));
    }
    let mut ports = Ports { tls: cluster.spec.tls, ..Ports::default() };
    for number in 1..=cluster.spec.gates.replicas.get() {
        let part = format!("gate-{number}");
        let port = match cluster.spec.gates.named_port(number) {
            Some(port) => choice.named(port, number, &part)?,
            None => choice.kept(stored.gates.get(&number).copied(), &part)?,
        };
        ports.gates.insert(number, port);
        let http = choice.kept(stored.gates_http.get(&number).copied(), &part)?;
        ports.gates_http.insert(number, http);
    }
    ports.etcd_client = choice.kept(Some(stored.etcd_client), "etcd")?;
    ports.etcd_peer = choice.kept(Some(stored.etcd_peer), "etcd")?;
    ports.control = choice.kept(Some(stored.control), "control")?;
    ports.control_http = choice.kept(Some(stored.control_http), "control")?;
    let mut uids = Uids::after(&stored, &found.tablets);
    for keyspace in &cluster.spec.keyspaces {
        for (index, shard) in keyspace.shard_refs().into_iter().enumerate() {
            let mut tablets = Vec::new();
            for tablet in stored.tablets.get(&shard).into_iter().flatten() {
                tablets.push(choice.tablet(tablet.clone())?);
            }
            while tablets.len() < usize::from(keyspace.tablets.get()) {
                let cell = next_cell(&cluster.spec.cells, index, &tablets).clone();
                let alias = TabletAlias { cell, uid: uids.next()? };
                tablets.push(choice.tablet(TabletPorts { alias, mysql: 0, rpc: 0, http: 0 })?);
            }
            ports.tablets.insert(shard, tablets);
        }
    }
    Ok(Allotment { ports, notes: choice.notes })
}

/// The cell with the fewest tablets of a shard; among equals shards begin at different ones, in turn.
fn next_cell<'a>(cells: &'a [CellSpec], shard: usize, tablets: &[TabletPorts]) -> &'a Cell {
    let first = shard % cells.len();
    let in_turn = cells[first..].iter().chain(&cells[..first]).map(|cell| &cell.name);
    let has = |cell: &&Cell| tablets.iter().filter(|tablet| tablet.alias.cell == **cell).count();
    in_turn.min_by_key(has).unwrap_or(&cells[first].name)
}

/// Numbers for new tablets, above all that there are.
struct Uids(u32);

impl Uids {
    fn after(stored: &Ports, found: &[TabletAlias]) -> Self {
        let stored = stored.tablets.values().flatten().map(|tablet| &tablet.alias);
        Self(stored.chain(found).map(|alias| alias.uid).max().unwrap_or(FIRST_UID - 1))
    }

    fn next(&mut self) -> Result<u32, PortError> {
        self.0 = self.0.checked_add(1).ok_or(PortError::NoUid)?;
        Ok(self.0)
    }
}

struct Choice<'a> {
    machine: &'a mut dyn Machine,
    running: &'a BTreeSet<String>,
    /// Given to a part, or named by the file.
    taken: BTreeSet<u16>,
    /// Stored for some part, which has not had its turn yet.
    reserved: BTreeSet<u16>,
    notes: Vec<String>,
}

impl Choice<'_> {
    fn named(&mut self, port: u16, gate: u16, part: &str) -> Result<u16, PortError> {
        if self.running.contains(part) || self.machine.is_free(port) {
            return Ok(port);
        }
        Err(PortError::InUse {
            port,
            what: format!("spec.gates.port, for gate {gate}"),
            holder: self.machine.holder(port),
            advice: "stop that process, write another port in the cluster file, or none to have a free one chosen",
        })
    }

    /// The tablet with its ports as they are, or with other ones; 0 stands for none yet.
    fn tablet(&mut self, before: TabletPorts) -> Result<TabletPorts, PortError> {
        let part = format!("tablet-{}", before.alias);
        let mysql = self.kept(Some(before.mysql), &part)?;
        let rpc = self.kept(Some(before.rpc), &part)?;
        let http = self.kept(Some(before.http), &part)?;
        Ok(TabletPorts { alias: before.alias, mysql, rpc, http })
    }

    fn kept(&mut self, stored: Option<u16>, part: &str) -> Result<u16, PortError> {
        let Some(port) = stored.filter(|&p| p != 0) else { return self.free() };
        if self.running.contains(part) || (!self.taken.contains(&port) && self.machine.is_free(port)) {
            self.taken.insert(port);
            return Ok(port);
        }
        let new = self.free()?;
        let by = holder_text(self.machine.holder(port).as_ref());
        self.notes.push(format!("port {port} of {part} is in use{by}; {new} is used from now on"));
        Ok(new)
    }

    fn free(&mut self) -> Result<u16, PortError> {
        for _ in 0..PORT_ATTEMPTS {
            let port = self.machine.candidate();
            let spoken_for = self.taken.contains(&port) || self.reserved.contains(&port);
            if !spoken_for && self.machine.is_free(port) {
                self.taken.insert(port);
                return Ok(port);
            }
        }
        Err(PortError::NoneFree)
    }
}

/// Ports of the loopback interface of this machine.
///
/// Chosen are ports below the range from which the kernel serves outgoing connections. A port within it could
/// be given to any client while its owner restarts, even to one that is just trying to connect to it: on
/// loopback such a connection reaches itself and then keeps the owner out.
///
/// Between the choice of a port and the moment in which its program listens, somebody else could choose it, too. So a
/// chosen port is reserved as long as this value lives: by a Unix socket whose name, which is in no folder, one process
/// can have at a time.
#[derive(Debug)]
pub struct Loopback {
    end: u16,
    random: std::fs::File,
    reserved: BTreeMap<u16, UnixListener>,
}

impl Loopback {
    /// The ports as the kernel is set up now.
    pub fn new() -> std::io::Result<Self> {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
        let first_outgoing = range.split_whitespace().next().and_then(|p| p.parse().ok()).unwrap_or(32768);
        let end = if first_outgoing > FIRST_PORT + 1000 { first_outgoing } else { u16::MAX };
        Ok(Self { end, random: std::fs::File::open("/dev/urandom")?, reserved: BTreeMap::new() })
    }
}

impl Machine for Loopback {
    fn is_free(&mut self, port: u16) -> bool {
        if let Entry::Vacant(place) = self.reserved.entry(port) {
            let name = SocketAddr::from_abstract_name(format!("shoal-port-{port}"));
            match name.and_then(|name| UnixListener::bind_addr(&name)) {
                Ok(reservation) => {
                    place.insert(reservation);
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return false,
                // Without such sockets all are as careful as they can be.
                Err(_) => {}
            }
        }
        let is_free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if !is_free {
            self.reserved.remove(&port);
        }
        is_free
    }

    fn holder(&self, port: u16) -> Option<Holder> {
        super::holder::of_port(port)
    }

    fn candidate(&mut self) -> u16 {
        use std::io::Read as _;
        let mut bytes = [0; 4];
        // Without randomness the candidates are all the same, and the bounded search ends with an error.
        let _ = self.random.read_exact(&mut bytes);
        let span = u32::from(self.end - FIRST_PORT);
        FIRST_PORT + u16::try_from(u32::from_ne_bytes(bytes) % span).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
