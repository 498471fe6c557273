//! A network of its own for some processes: one namespace for each host, joined by a bridge.
//!
//! ```text
//!   the test's own namespace: 10.213.N.1 ── veth ─┐ hub   ┌─ veth ── host 1: 10.213.N.11
//!                                                 └ bridge┴─ veth ── host 2: 10.213.N.12
//! ```
//!
//! The bridge is in a namespace of its own, the hub, because the machine's packet filter may drop what passes over
//! the bridges of its own namespace: where containers run, it often does.
//!
//! What is lost is lost silently, as on a broken wire: no reset, no unreachable. One direction is dropped by a
//! permanent neighbour entry on the sending side, whose hardware address nobody has; that needs no kernel module,
//! and also takes the acknowledgements that TCP sends that way, as a real one-way loss does.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};

use super::rights;
use crate::signals::is_alive;

/// Everything that is made has a name that begins so, followed by the process that made it.
const PREFIX: &str = "shoal";
/// Networks are `10.213.N.0/24`; one is taken whose addresses this machine does not use.
const NETWORKS: std::ops::RangeInclusive<u8> = 1..=250;
/// Last number of the first host's address.
const FIRST_HOST: u8 = 11;
/// Hosts of one network.
const MAX_HOSTS: usize = 40;
/// A hardware address that nobody has.
const NOWHERE: &str = "02:00:00:00:00:00";
/// Held while a network is made or leftovers are removed.
const LOCK_FILE: &str = "/run/shoal-test-networks.lock";
/// The bridge's name in the hub.
const BRIDGE: &str = "bridge";

static COUNTER: AtomicU32 = AtomicU32::new(1);

/// A hub and its hosts; all of it is removed when this is dropped, also when the test fails.
#[derive(Debug)]
pub struct Network {
    /// Such as `shoal4711x1`; the names of hosts begin with it.
    name: String,
    number: u8,
    hosts: usize,
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The test's own namespace.
    Outside,
    /// A host, counted from 0.
    Host(usize),
}

impl Network {
    /// A network with so many hosts.
    pub fn new(hosts: usize) -> Result<Self> {
        ensure!(hosts <= MAX_HOSTS, "at most {MAX_HOSTS} hosts");
        rights::check(&["ip", "nsenter"])?;
        let lock = File::create(LOCK_FILE).context(LOCK_FILE)?;
        flock(&lock, FlockOperation::LockExclusive)?;
        sweep()?;
        let name = format!("{PREFIX}{}x{}", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let used = ip(&["-4", "-o", "address", "show"])? + &ip(&["-4", "route", "show"])?;
        let free = |number: &u8| !used.contains(&format!("10.213.{number}."));
        let number = NETWORKS.into_iter().find(free).context("no free network")?;
        // From here on a failure removes what was made.
        let network = Self { name, number, hosts };
        network.make()?;
        Ok(network)
    }

    fn make(&self) -> Result<()> {
        let (hub, outside) = (self.hub(), self.outside());
        ip(&["netns", "add", &hub])?;
        ip(&["-n", &hub, "link", "add", BRIDGE, "type", "bridge"])?;
        ip(&["-n", &hub, "link", "set", BRIDGE, "up"])?;
        ip(&["link", "add", &outside, "type", "veth", "peer", "name", "outside", "netns", &hub])?;
        ip(&["-n", &hub, "link", "set", "outside", "master", BRIDGE, "up"])?;
        ip(&["address", "add", &format!("{}/24", self.address(End::Outside)), "dev", &outside])?;
        ip(&["link", "set", &outside, "address", &self.hardware(End::Outside), "up"])?;
        for host in 0..self.hosts {
            let (namespace, veth) = (self.namespace(host), veth(host));
            ip(&["netns", "add", &namespace])?;
            let peer = ["peer", "name", "eth0", "netns", &namespace];
            ip(&[&["-n", &hub, "link", "add", &veth, "type", "veth"], &peer[..]].concat())?;
            ip(&["-n", &hub, "link", "set", &veth, "master", BRIDGE, "up"])?;
            let address = format!("{}/24", self.address(End::Host(host)));
            ip(&["-n", &namespace, "address", "add", &address, "dev", "eth0"])?;
            ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
            ip(&["-n", &namespace, "link", "set", "eth0", "address", &self.hardware(End::Host(host)), "up"])?;
        }
        Ok(())
    }

    /// An end's address.
    pub fn address(&self, end: End) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, self.last(end))
    }

    fn last(&self, end: End) -> u8 {
        match end {
            End::Outside => 1,
            // There are no more hosts than fit.
            End::Host(host) => FIRST_HOST.saturating_add(u8::try_from(host).unwrap_or(u8::MAX)),
        }
    }

    fn hardware(&self, end: End) -> String {
        format!("02:00:0a:d5:{:02x}:{:02x}", self.number, self.last(end))
    }

    /// The link of the test's own namespace.
    fn outside(&self) -> String {
        self.name.clone()
    }

    /// The namespace of the bridge.
    fn hub(&self) -> String {
        format!("{}hub", self.name)
    }

    fn namespace(&self, host: usize) -> String {
        format!("{}h{host}", self.name)
    }

    /// A command that runs the program on a host. The process is a child of the caller as any other.
    pub fn command(&self, host: usize, program: &std::path::Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.namespace(host))).arg(program);
        command
    }

    /// From now on nothing that one end sends to the other arrives, and nobody is told.
    pub fn lose(&self, from: End, to: End) -> Result<()> {
        self.set_neighbour(from, to, &[NOWHERE, "permanent"])
    }

    /// What one end sends to the other arrives again.
    pub fn heal(&self, from: End, to: End) -> Result<()> {
        self.set_neighbour(from, to, &[&self.hardware(to), "stale"])
    }

    /// Nothing passes between the two ends any more.
    pub fn cut(&self, one: End, other: End) -> Result<()> {
        self.lose(one, other)?;
        self.lose(other, one)
    }

    /// Everything passes between the two ends again.
    pub fn join(&self, one: End, other: End) -> Result<()> {
        self.heal(one, other)?;
        self.heal(other, one)
    }

    /// Takes a host off the bridge: it reaches nobody.
    pub fn isolate(&self, host: usize) -> Result<()> {
        ip(&["-n", &self.hub(), "link", "set", &veth(host), "nomaster"]).map(|_| ())
    }

    /// Puts it back.
    pub fn reconnect(&self, host: usize) -> Result<()> {
        ip(&["-n", &self.hub(), "link", "set", &veth(host), "master", BRIDGE]).map(|_| ())
    }

    fn set_neighbour(&self, from: End, to: End, entry: &[&str; 2]) -> Result<()> {
        let address = self.address(to).to_string();
        let (namespace, device) = match from {
            End::Outside => (None, self.outside()),
            End::Host(host) => (Some(self.namespace(host)), "eth0".to_owned()),
        };
        let mut words: Vec<&str> = Vec::new();
        if let Some(namespace) = &namespace {
            words.extend(["-n", namespace]);
        }
        words.extend(["neigh", "replace", &address, "lladdr", entry[0], "nud", entry[1], "dev", &device]);
        ip(&words).map(|_| ())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Where making it failed half-way, some are not there. A namespace lives on while a process is in it, so
        // links are removed by name.
        let hub = self.hub();
        for host in 0..self.hosts {
            let _ = ip(&["-n", &hub, "link", "delete", &veth(host)]);
            let _ = ip(&["netns", "delete", &self.namespace(host)]);
        }
        let _ = ip(&["link", "delete", &self.outside()]);
        let _ = ip(&["netns", "delete", &hub]);
    }
}

/// A host's link to the bridge, in the hub.
fn veth(host: usize) -> String {
    format!("host{host}")
}

/// Removes the networks of processes that are no more.
fn sweep() -> Result<()> {
    let namespaces = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    for name in namespaces.map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        if name.strip_prefix(PREFIX).is_some_and(is_left) {
            ip(&["netns", "delete", &name])?;
        }
    }
    for entry in fs::read_dir("/sys/class/net")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_prefix(PREFIX).is_some_and(is_left) {
            // A veth goes with its namespace, at a moment of the kernel's choice.
            let _ = ip(&["link", "delete", &name]);
        }
    }
    Ok(())
}

/// Whether what follows the prefix names a process that is no more.
fn is_left(rest: &str) -> bool {
    rest.split_once('x').and_then(|(pid, _)| pid.parse().ok()).is_some_and(|pid| !is_alive(pid))
}

fn ip(arguments: &[&str]) -> Result<String> {
    let output = Command::new("ip").args(arguments).output().context("no program ip (iproute2)")?;
    if !output.status.success() {
        bail!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests;
