//! A real cluster, started and ended by the command that people use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use proto::account::{AGENT_ACCOUNT, AGENT_SECRET_FILE, DATA_SECRET_FILE, DataRole, Secret, data_account};
use proto::ids::KeyspaceName;

use crate::differential::session::Address;
use crate::folder::Folder;
use crate::ports::free_ports;
use crate::process::{pids_naming, wait_for};
use crate::programs;

/// In a cluster file, the port that the gate gets; a second gate gets the next one.
pub const GATE_PORT: &str = "{gate_port}";
/// Ports that are kept free for gates.
const MOST_GATES: u16 = 2;
/// How long the processes of an ended cluster may still be seen.
const GONE_DEADLINE: std::time::Duration = std::time::Duration::from_secs(5);

/// A running cluster; `shoal local down` ends it when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    gate_port: u16,
    folder: Folder,
}

impl Cluster {
    /// Writes the cluster file, with a free port in place of [`GATE_PORT`], and waits until `up` says that the
    /// cluster takes SQL.
    pub fn start(file: &str) -> Result<Self> {
        let (folder, gate_port) = (Folder::new()?, free_ports(MOST_GATES)?);
        let cluster = Self { gate_port, folder };
        fs::write(cluster.file(), file.replace(GATE_PORT, &gate_port.to_string()))?;
        cluster.up()?;
        Ok(cluster)
    }

    /// `shoal local up` with the cluster's file.
    pub fn up(&self) -> Result<String> {
        self.shoal(&["local", "up", "-f", &self.file().to_string_lossy()])
    }

    /// `shoal local down`.
    pub fn down(&self) -> Result<String> {
        self.shoal(&["local", "down"])
    }

    /// Runs the command line on this cluster; what it printed, or an error with it.
    pub fn shoal(&self, arguments: &[&str]) -> Result<String> {
        let output = self.try_shoal(arguments)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        let name = arguments.join(" ");
        ensure!(output.status.success(), "shoal {name}: {}\n{said}{complained}", output.status);
        Ok(said)
    }

    /// Runs the command line on this cluster, whatever comes out.
    pub fn try_shoal(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(programs::own("shoal")?);
        command.args(arguments).arg("--dir").arg(self.dir()).stdin(Stdio::null());
        command.output().with_context(|| format!("shoal {} does not run", arguments.join(" ")))
    }

    /// The folder that the cluster keeps everything in.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("cluster")
    }

    /// The cluster file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("cluster.yaml")
    }

    /// The gate's port on 127.0.0.1.
    pub fn gate_port(&self) -> u16 {
        self.gate_port
    }

    /// The gate, as a user of the cluster file whose password is the name.
    pub fn gate(&self, user: &str, database: &str) -> Address {
        Address {
            port: self.gate_port,
            user: user.to_owned(),
            password: user.to_owned(),
            database: database.to_owned(),
            socket: None,
        }
    }

    /// The warnings and errors in the logs of Shoal's own programs: a run without faults has none.
    pub fn complaints(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.dir().join("logs"))? {
            let path = entry?.path();
            let log = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let bad = log.lines().filter(|line| line.split(' ').any(|word| matches!(word, "WARN" | "ERROR")));
            found.extend(bad.map(|line| format!("{name}: {line}")));
        }
        Ok(found)
    }

    /// The primaries of a keyspace's shards, past the gate.
    pub fn shards(&self, keyspace: &str) -> Result<Vec<Shard>> {
        let name: KeyspaceName = keyspace.parse().with_context(|| format!("no keyspace name: {keyspace}"))?;
        let secrets = self.dir().join("secrets/tablet");
        let (agent, data) =
            (Secret::read(&secrets, AGENT_SECRET_FILE)?, Secret::read(&secrets, DATA_SECRET_FILE)?);
        let user = data_account(&name, DataRole::Admin);
        let listed = self.shoal(&["get", "tablets", keyspace])?;
        let shards: Vec<Shard> = table(&listed)
            .into_iter()
            .filter(|tablet| tablet.get("ROLE") == Some(&"primary"))
            .filter_map(|tablet| {
                let (_, shard) = tablet.get("SHARD")?.split_once('/')?;
                let port = tablet.get("MYSQL")?.rsplit_once(':')?.1.parse().ok()?;
                let socket = self.dir().join("tablets").join(tablet.get("TABLET")?).join("mysql.sock");
                let database = keyspace.to_owned();
                let (user, password) = (user.clone(), data.password(&user));
                let data = Address { port, user, password, database: database.clone(), socket: None };
                let (user, password) = (AGENT_ACCOUNT.to_owned(), agent.password(AGENT_ACCOUNT));
                let address = Address { port, user, password, database, socket: Some(socket) };
                Some(Shard { name: shard.to_owned(), address, data })
            })
            .collect();
        ensure!(!shards.is_empty(), "no primary of {keyspace} in\n{listed}");
        Ok(shards)
    }
}

/// The rows of a table that `shoal` printed, as far as their cells are words, by the titles of the columns.
pub fn table(printed: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut lines = printed.lines();
    let titles: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    lines.map(|line| titles.iter().copied().zip(line.split_whitespace()).collect()).collect()
}

/// One shard's mysqld.
#[derive(Debug, Clone)]
pub struct Shard {
    /// Its key range.
    pub name: String,
    /// Where its agent reaches it, with the agent's account: it may read all of the keyspace.
    pub address: Address,
    /// Where gates reach it, with an account that may do all in the keyspace; only in clusters without TLS, or with
    /// the certificate of a part.
    pub data: Address,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.down() {
            eprintln!("the cluster could not be ended: {error:#}");
        }
        // The folder judges what is left.
        let _ = wait_for("all processes are gone", GONE_DEADLINE, || no_process_in(self.folder.path()));
    }
}

fn no_process_in(folder: &Path) -> bool {
    pids_naming(folder).is_empty()
}
