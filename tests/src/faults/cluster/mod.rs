//! A cluster whose every program is a child of the test: nobody starts anything again but the test.
//!
//! For what `shoal local` cannot give: failpoints in one process, a network or a disk of its own for one tablet,
//! a part that stays down. Without TLS.

mod part;
mod records;
mod wait;

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use mysql_async::{Conn, OptsBuilder};
use proto::account::{AGENT_SECRET_FILE, DATA_SECRET_FILE, DataRole, Secret, data_account};
use proto::ids::{ShardRef, TabletAlias};
use tokio::runtime::Runtime;
use topo::Topology;
use topo::vindex::Vindex;

pub use part::Part;

use super::disk::SmallDisk;
use super::ledger::{Content, History, Ledger, Load, TabletPlace, Verdict, judge, read_truth};
use super::network::{End, Network};
use crate::differential::session::Address;
use crate::folder::Folder;
use crate::ports::free_port;
use crate::process::{pids_naming, wait_for};
use crate::programs;
use crate::signals;

/// The keyspace that the cluster has.
pub const KEYSPACE: &str = "shop";
/// By which its tables are sharded.
pub const VINDEX: Vindex = Vindex::XxHash;
/// Who may log in at the gates; the password is the name.
const USER: &str = "app";
/// The cluster's name.
const CLUSTER: &str = "faults";
/// etcd's port on a network of the cluster's own.
const ETCD_PORT: u16 = 2379;
/// mysqld's and the agent's ports on a network of the cluster's own.
const MYSQL_PORT: u16 = 3306;
const AGENT_PORT: u16 = 15_000;

/// What a cluster is to be made of.
#[derive(Debug, Clone)]
pub struct Design {
    /// Shards of the keyspace: 1, 2 or 4.
    pub shards: u16,
    /// Tablets of each shard.
    pub tablets: u16,
    /// Gates.
    pub gates: u16,
    /// Where the tablets are.
    pub location: Location,
    /// Tablets whose directory is a small disk of so many mebibytes, by their place in the shard from 1.
    pub small_disks: BTreeMap<u16, u32>,
}

/// Where the tablets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// All on 127.0.0.1.
    Loopback,
    /// Each on a host of its own, which can be cut off.
    Hosts,
}

impl Default for Design {
    fn default() -> Self {
        Self { shards: 1, tablets: 3, gates: 1, location: Location::Loopback, small_disks: BTreeMap::new() }
    }
}

/// One tablet, as it was made.
#[derive(Debug, Clone)]
pub struct TabletSite {
    /// Its name.
    pub alias: TabletAlias,
    /// The shard whose data it holds.
    pub shard: ShardRef,
    /// Its host, on a network of the cluster's own.
    pub host: Option<usize>,
    /// Its directory.
    pub dir: PathBuf,
    /// Where mysqld and the agent listen.
    pub address: IpAddr,
    /// mysqld's port.
    pub mysql_port: u16,
    /// The agent's port.
    pub agent_port: u16,
}

/// A running cluster; everything ends and is removed when it is dropped.
pub struct Cluster {
    runtime: Runtime,
    topology: Option<Topology>,
    parts: BTreeMap<String, Part>,
    sites: Vec<TabletSite>,
    gates: Vec<Address>,
    control: u16,
    design: Design,
    network: Option<Network>,
    disks: BTreeMap<String, SmallDisk>,
    // Last: it checks that no process is left.
    folder: Folder,
}

impl Cluster {
    /// Starts everything and waits until the shards serve, each with all its replicas acknowledging.
    pub fn start(design: Design) -> Result<Self> {
        let mut cluster = Self::describe(design)?;
        cluster.start_part("etcd")?;
        cluster.wait_for_etcd()?;
        let url = cluster.etcd_url()?;
        let topology = cluster.runtime.block_on(async {
            let topology = Topology::connect(&[url], CLUSTER, None).await?;
            records::write(&topology, &cluster.design).await?;
            anyhow::Ok(topology)
        })?;
        cluster.topology = Some(topology);
        let names: Vec<String> = cluster.parts.keys().filter(|name| *name != "etcd").cloned().collect();
        names.iter().try_for_each(|name| cluster.start_part(name))?;
        cluster.wait_until_whole()?;
        Ok(cluster)
    }

    /// All parts, none started.
    fn describe(design: Design) -> Result<Self> {
        let tablets = usize::from(design.shards * design.tablets);
        let network = match design.location {
            Location::Loopback => None,
            // A spare host for a tablet that comes later.
            Location::Hosts => Some(Network::new(tablets + 1)?),
        };
        let folder = Folder::new()?;
        for dir in ["logs", "tablets", "secrets/gate", "secrets/tablet"] {
            fs::create_dir_all(folder.path().join(dir))?;
        }
        for (file, secret) in [
            (DATA_SECRET_FILE, "the data secret of this test"),
            (AGENT_SECRET_FILE, "the agent secret of it"),
        ] {
            fs::write(folder.path().join("secrets/tablet").join(file), secret)?;
        }
        fs::write(folder.path().join("secrets/gate").join(DATA_SECRET_FILE), "the data secret of this test")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut cluster = Self {
            runtime,
            topology: None,
            parts: BTreeMap::new(),
            sites: Vec::new(),
            gates: Vec::new(),
            control: free_port()?,
            design,
            network,
            disks: BTreeMap::new(),
            folder,
        };
        cluster.describe_etcd()?;
        cluster.describe_control()?;
        for range in records::ranges(cluster.design.shards)? {
            let shard = ShardRef { keyspace: KEYSPACE.parse()?, range };
            for _ in 0..cluster.design.tablets {
                cluster.describe_tablet(&shard)?;
            }
        }
        for _ in 0..cluster.design.gates {
            cluster.describe_gate()?;
        }
        Ok(cluster)
    }

    fn add(&mut self, name: &str, part: Part) {
        self.parts.insert(name.to_owned(), part);
    }

    fn part_of(&self, name: &str, program: PathBuf) -> Part {
        Part::new(name, program, &self.folder.path().join("logs"))
    }

    /// An address of this machine that every host reaches.
    fn outside(&self) -> Ipv4Addr {
        self.network.as_ref().map_or(Ipv4Addr::LOCALHOST, |network| network.address(End::Outside))
    }

    fn etcd_url(&self) -> Result<String> {
        let path = self.folder.path().join("etcd.url");
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    fn describe_etcd(&mut self) -> Result<()> {
        let port = if self.network.is_some() { ETCD_PORT } else { free_port()? };
        let (client, peer) =
            (format!("http://{}:{port}", self.outside()), format!("http://127.0.0.1:{}", free_port()?));
        fs::write(self.folder.path().join("etcd.url"), &client)?;
        let part = self
            .part_of("etcd", programs::foreign("etcd")?)
            .option("--name", "test")
            .option("--log-level", "warn")
            .option("--data-dir", self.folder.path().join("etcd"))
            .option("--listen-client-urls", &client)
            .option("--advertise-client-urls", &client)
            .option("--listen-peer-urls", &peer)
            .option("--initial-advertise-peer-urls", &peer)
            .option("--initial-cluster", format!("test={peer}"))
            .option("--heartbeat-interval", "50")
            .option("--election-timeout", "250")
            .word("--unsafe-no-fsync");
        self.add("etcd", part);
        Ok(())
    }

    fn describe_control(&mut self) -> Result<()> {
        let part = self
            .part_of("control", programs::own("shoal-operator")?)
            .word("control")
            .option("--cluster", CLUSTER)
            .option("--etcd", self.etcd_url()?)
            .option("--listen", format!("127.0.0.1:{}", self.control));
        self.add("control", part);
        Ok(())
    }

    fn describe_gate(&mut self) -> Result<()> {
        let port = free_port()?;
        let name = format!("gate-{}", self.gates.len() + 1);
        let part = self
            .part_of(&name, programs::own("shoal-gate")?)
            .option("--cluster", CLUSTER)
            .option("--etcd", self.etcd_url()?)
            .option("--listen", format!("127.0.0.1:{port}"))
            .option("--secrets", self.folder.path().join("secrets/gate"))
            .option("--threads", "1");
        self.gates.push(Address {
            port,
            user: USER.to_owned(),
            password: USER.to_owned(),
            database: KEYSPACE.to_owned(),
            socket: None,
        });
        self.add(&name, part);
        Ok(())
    }

    fn describe_tablet(&mut self, shard: &ShardRef) -> Result<TabletSite> {
        let uid = 101 + u32::try_from(self.sites.len())?;
        let alias: TabletAlias = format!("zone1-{uid}").parse()?;
        let host = self.network.as_ref().map(|_| self.sites.len());
        let address = match (&self.network, host) {
            (Some(network), Some(host)) => network.address(End::Host(host)),
            _ => Ipv4Addr::LOCALHOST,
        };
        let (mysql_port, agent_port) =
            if host.is_some() { (MYSQL_PORT, AGENT_PORT) } else { (free_port()?, free_port()?) };
        let dir = self.folder.path().join("tablets").join(alias.to_string());
        let place = 1 + u16::try_from(self.sites.iter().filter(|site| site.shard == *shard).count())?;
        if let Some(mebibytes) = self.design.small_disks.get(&place) {
            self.disks.insert(alias.to_string(), SmallDisk::mount(&dir, *mebibytes)?);
        }
        let name = format!("tablet-{alias}");
        let part = self
            .part_of(&name, programs::own("shoal-tablet")?)
            .word("run")
            .option("--cluster", CLUSTER)
            .option("--etcd", self.etcd_url()?)
            .option("--alias", alias.to_string())
            .option("--shard", shard.to_string())
            .option("--dir", &dir)
            .option("--host", address.to_string())
            .option("--mysql-port", mysql_port.to_string())
            .option("--rpc-port", agent_port.to_string())
            .option("--secrets", self.folder.path().join("secrets/tablet"))
            .on(host);
        self.add(&name, part);
        let site = TabletSite {
            alias,
            shard: shard.clone(),
            host,
            dir,
            address: address.into(),
            mysql_port,
            agent_port,
        };
        self.sites.push(site.clone());
        Ok(site)
    }

    /// Adds a tablet to a shard and starts it, with nothing on its disk.
    pub fn add_tablet(&mut self, shard: &ShardRef) -> Result<TabletSite> {
        let site = self.describe_tablet(shard)?;
        self.start_part(&format!("tablet-{}", site.alias))?;
        Ok(site)
    }

    // ---- the parts ---------------------------------------------------------------------

    /// A part by its name: `etcd`, `control`, `gate-1`, `tablet-zone1-101`.
    pub fn part(&mut self, name: &str) -> Result<&mut Part> {
        self.parts.get_mut(name).with_context(|| format!("no part {name}"))
    }

    /// Starts a part that does not run.
    pub fn start_part(&mut self, name: &str) -> Result<()> {
        self.start_with(name, "")
    }

    /// Starts a part that does not run, with failpoints such as `reparent::held=panic`.
    pub fn start_with(&mut self, name: &str, failpoints: &str) -> Result<()> {
        let network = self.network.as_ref();
        self.parts.get_mut(name).with_context(|| format!("no part {name}"))?.start(network, failpoints)
    }

    /// Kills a part and starts it again, with failpoints.
    pub fn restart_with(&mut self, name: &str, failpoints: &str) -> Result<()> {
        self.part(name)?.kill()?;
        self.start_with(name, failpoints)
    }

    /// The process of a tablet's mysqld.
    pub fn mysqld(&self, alias: &TabletAlias) -> Result<u32> {
        let path = self.site(alias)?.dir.join("mysqld.json");
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).with_context(|| path.display().to_string())?)?;
        let pid = json["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        pid.with_context(|| format!("no pid in {}", path.display()))
    }

    /// A tablet's site.
    pub fn site(&self, alias: &TabletAlias) -> Result<&TabletSite> {
        self.sites.iter().find(|site| site.alias == *alias).with_context(|| format!("no tablet {alias}"))
    }

    /// All tablets, by shard.
    pub fn sites(&self) -> &[TabletSite] {
        &self.sites
    }

    /// The small disk of a tablet.
    pub fn disk(&self, alias: &TabletAlias) -> Result<&SmallDisk> {
        self.disks.get(&alias.to_string()).with_context(|| format!("{alias} has no small disk"))
    }

    /// The network between the hosts.
    pub fn network(&self) -> Result<&Network> {
        self.network.as_ref().context("the tablets are not on hosts of their own")
    }

    /// Where on the network a tablet is.
    pub fn end(&self, alias: &TabletAlias) -> Result<End> {
        Ok(End::Host(self.site(alias)?.host.context("it is on no host of its own")?))
    }

    /// The gates, as the user of the cluster.
    pub fn gates(&self) -> &[Address] {
        &self.gates
    }

    /// Everything of the cluster is in here.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The command line against control, to be run.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(programs::own("shoal")?);
        command.args(arguments).arg(format!("--control=127.0.0.1:{}", self.control)).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs the command line against control, whatever comes out.
    pub fn try_shoal(&self, arguments: &[&str]) -> Result<Output> {
        self.command(arguments)?
            .output()
            .with_context(|| format!("shoal {} does not run", arguments.join(" ")))
    }

    /// Runs the command line against control; what it printed, or an error with it.
    pub fn shoal(&self, arguments: &[&str]) -> Result<String> {
        let output = self.try_shoal(arguments)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "shoal {}: {}\n{said}{complained}",
            arguments.join(" "),
            output.status
        );
        Ok(said)
    }

    // ---- what is there -----------------------------------------------------------------

    /// Runs a future to its end.
    pub fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(future)
    }

    /// Where the mysqlds are asked.
    pub fn places(&self) -> Result<Vec<TabletPlace>> {
        TabletPlace::find(&self.folder.path().join("tablets"), KEYSPACE)
    }

    /// A session of the agent's account on a tablet's mysqld.
    pub async fn session(&self, alias: &TabletAlias) -> Result<Conn> {
        let places = self.places()?;
        let place = places.iter().find(|place| place.alias == *alias).with_context(|| alias.to_string())?;
        place.session().await
    }

    /// A session past the gates with all that a client's account may do; only a serving primary lets it in.
    pub async fn data_session(&self, alias: &TabletAlias) -> Result<Conn> {
        let site = self.site(alias)?;
        let user = data_account(&site.shard.keyspace, DataRole::Admin);
        let password =
            Secret::read(&self.folder.path().join("secrets/gate"), DATA_SECRET_FILE)?.password(&user);
        let options = OptsBuilder::default()
            .ip_or_hostname(site.address.to_string())
            .tcp_port(site.mysql_port)
            .prefer_socket(false)
            .user(Some(user))
            .pass(Some(password))
            .db_name(Some(KEYSPACE));
        Conn::new(options).await.with_context(|| format!("{alias} lets no client in"))
    }

    /// MySQL's code of the error that a client meets when it comes in past the gates; 0: none.
    pub async fn data_session_refusal(&self, alias: &TabletAlias) -> Result<u16> {
        let Err(error) = self.data_session(alias).await else { return Ok(0) };
        match error.downcast_ref::<mysql_async::Error>() {
            Some(mysql_async::Error::Server(server)) => Ok(server.code),
            _ => Err(error),
        }
    }

    /// Writers through all gates.
    pub fn load(&self, load: Load) -> Result<Ledger> {
        Ledger::start(&self.gates, load)
    }

    /// What is there now that the writers have ended, held against what they were told; printed with the logs.
    pub fn verdict(&self, history: &History) -> Result<Verdict> {
        let contents: Vec<Content> = self.runtime.block_on(read_truth(&self.places()?))?;
        let verdict = judge(history, VINDEX, &contents);
        println!("verdict: {verdict}");
        Ok(verdict)
    }

    /// The verdict must have no findings.
    pub fn assert_nothing_lost(&self, history: &History) -> Result<Verdict> {
        let verdict = self.verdict(history)?;
        ensure!(verdict.findings.is_empty(), "{verdict}");
        ensure!(verdict.acknowledged > 0, "no write was acknowledged");
        Ok(verdict)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Agents and control first: they start others.
        self.parts.clear();
        for (pid, _) in pids_naming(self.folder.path()) {
            // What names the test's own folder are the mysqlds that outlive their agents.
            let _ = signals::kill(pid);
        }
        // The folder judges what is left.
        let _ = wait_for("all processes are gone", wait::GONE_DEADLINE, || {
            pids_naming(self.folder.path()).is_empty()
        });
        for alias in self.disks.keys() {
            // Kept with the other logs when the disk is gone; where there is none yet, nothing has happened.
            let (dir, kept) = (self.folder.path(), format!("logs/mysqld-{alias}.log"));
            let _ = fs::copy(dir.join(format!("tablets/{alias}/mysqld.log")), dir.join(kept));
        }
        self.disks.clear();
        drop(self.network.take());
    }
}
