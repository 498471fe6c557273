//! The cluster that is measured: started by the command that people use, in a folder of its own, and ended.

mod listing;
mod programs;
pub mod specs;

pub use programs::Programs;
pub use specs::{SHARDED, SHARDS, UNSHARDED};

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use proto::account::{AGENT_ACCOUNT, AGENT_SECRET_FILE, DATA_SECRET_FILE, DataRole, Secret, data_account};
use proto::ids::KeyspaceName;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::limits::CLUSTER_TIMEOUT;
use crate::load::client::Endpoint;
use listing::{Process, Tablet};

/// The user of the gate, who is also the password; every cluster file has it.
const USER: &str = "bench";
const GATE: &str = "gate-1";

/// A running cluster; it is ended and its folder removed when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    shoal: PathBuf,
    folder: Option<TempDir>,
    dir: PathBuf,
    tablets: Vec<Tablet>,
    gate: Process,
}

impl Cluster {
    /// Starts what the cluster file says and waits until it takes SQL. Not to be dropped before it is done: a
    /// command that is killed in the middle cannot end what it has begun.
    pub async fn start(programs: &Programs, mysqld: Option<&Path>, spec: &str) -> Result<Self> {
        let folder = TempDir::with_prefix("shoal-bench-")?;
        let dir = folder.path().join("cluster");
        let file = folder.path().join("cluster.yaml");
        fs::write(&file, spec)?;
        let gate = Process { pid: 0, port: 0 };
        // From here on whatever was started is ended by the drop.
        let mut cluster =
            Self { shoal: programs.shoal.clone(), folder: Some(folder), dir, tablets: Vec::new(), gate };
        let mut up = vec!["local".into(), "up".into(), "-f".into(), file.into_os_string()];
        if let Some(mysqld) = mysqld {
            up.extend(["--mysqld".into(), mysqld.into()]);
        }
        cluster.ask(up).await?;
        cluster.tablets = cluster.list_tablets().await?;
        cluster.gate = listing::process(&cluster.ask(["local", "status"].map(Into::into)).await?, GATE)?;
        Ok(cluster)
    }

    /// The gate, with a keyspace as default database.
    pub fn gate(&self, keyspace: &str) -> Endpoint {
        Endpoint {
            address: format!("127.0.0.1:{}", self.gate.port),
            user: USER.to_owned(),
            password: USER.to_owned(),
            database: keyspace.to_owned(),
        }
    }

    /// The gate's process id.
    pub fn gate_pid(&self) -> u32 {
        self.gate.pid
    }

    /// The mysqld of an unsharded keyspace, as the account that the gate uses there.
    pub fn mysqld(&self, keyspace: &str) -> Result<Endpoint> {
        let name: KeyspaceName = keyspace.parse().with_context(|| format!("no keyspace name: {keyspace}"))?;
        let user = data_account(&name, DataRole::Admin);
        let password = Secret::read(&self.dir.join("secrets/gate"), DATA_SECRET_FILE)?.password(&user);
        let tablet = self.tablets_of(keyspace).next().with_context(|| format!("no tablet of {keyspace}"))?;
        Ok(Endpoint { address: tablet.mysql.clone(), user, password, database: keyspace.to_owned() })
    }

    /// The process ids of the mysqlds of a keyspace.
    pub fn mysqld_pids(&self, keyspace: &str) -> Result<Vec<u32>> {
        let pids = self.tablets_of(keyspace).map(|tablet| {
            let file = self.dir.join("tablets").join(&tablet.alias).join("mysqld.json");
            let text =
                fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let pid =
                serde_json::from_str::<Value>(&text)?["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
            pid.with_context(|| format!("no pid in {}", file.display()))
        });
        let pids: Vec<u32> = pids.collect::<Result<_>>()?;
        ensure!(!pids.is_empty(), "no tablet of {keyspace}");
        Ok(pids)
    }

    /// Moves the primary of a shard to the best of its replicas, and waits until that is done; the steps, as they
    /// were told.
    pub async fn reparent(&self, shard: &str) -> Result<Vec<String>> {
        let output = self.run(["reparent", shard].map(Into::into)).await?;
        let lines =
            |said: &[u8]| String::from_utf8_lossy(said).lines().map(str::to_owned).collect::<Vec<_>>();
        // Progress, and then the outcome.
        Ok([lines(&output.stderr), lines(&output.stdout)].concat())
    }

    /// Whether the shard has a serving primary, and all of its other tablets replicate.
    pub async fn is_whole(&self, shard: &str) -> Result<bool> {
        let tablets = self.list_tablets().await?;
        Ok(tablets.iter().filter(|tablet| tablet.shard == shard).all(Tablet::does_its_part))
    }

    /// What a query gives on the primary of the shard, past the gate: the first column of its rows.
    pub async fn on_primary(&self, shard: &str, query: &str) -> Result<Vec<String>> {
        let tablets = self.list_tablets().await?;
        let primary = tablets.iter().find(|tablet| tablet.shard == shard && tablet.is_primary());
        let primary = primary.with_context(|| format!("{shard} has no primary that serves"))?;
        // As its agent, by the socket: there mysqld asks for no TLS.
        let agent = Secret::read(&self.dir.join("secrets/tablet"), AGENT_SECRET_FILE)?;
        let socket = self.dir.join("tablets").join(&primary.alias).join("mysql.sock");
        let mut command = Command::new("mysql");
        command.args(["--no-defaults", "--batch", "--skip-column-names", "--quick", "--user", AGENT_ACCOUNT]);
        command.arg("--socket").arg(socket).args(["--execute", query, primary.keyspace()]);
        command.env("MYSQL_PWD", agent.password(AGENT_ACCOUNT)).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(CLUSTER_TIMEOUT, command.output()).await.context("mysql does not end")?;
        let output = output.context("the client program mysql does not run")?;
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "on the primary of {shard}: {}", complained.trim_end());
        Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
    }

    /// The process ids of all that runs in the cluster.
    pub fn pids(&self) -> Result<Vec<u32>> {
        let dir = self.dir.to_string_lossy().into_owned();
        let mut pids = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // One that has ended since the folder was read is not of interest.
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains(&dir) {
                pids.push(pid);
            }
        }
        ensure!(!pids.is_empty(), "no process of the cluster is found");
        Ok(pids)
    }

    /// The version of MySQL that runs.
    pub fn mysql_version(&self) -> &str {
        self.tablets.first().map_or("unknown", |tablet| &tablet.version)
    }

    async fn list_tablets(&self) -> Result<Vec<Tablet>> {
        listing::tablets(&self.ask(["get", "tablets"].map(Into::into)).await?)
    }

    fn tablets_of(&self, keyspace: &str) -> impl Iterator<Item = &Tablet> {
        self.tablets.iter().filter(move |tablet| tablet.keyspace() == keyspace)
    }

    /// What `shoal` prints of this cluster.
    async fn ask(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.run(arguments).await?.stdout).into_owned())
    }

    /// Runs `shoal` on this cluster, where that has to work.
    async fn run(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<Output> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let mut command = Command::new(&self.shoal);
        command.args(&arguments).arg("--dir").arg(&self.dir).stdin(Stdio::null());
        let running = command.kill_on_drop(true).output();
        let name = arguments.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let output = timeout(CLUSTER_TIMEOUT, running)
            .await
            .with_context(|| format!("`shoal {name}` does not end"))?;
        let output = output.with_context(|| format!("`shoal {name}` does not run"))?;
        if !output.status.success() {
            bail!(
                "`shoal {name}` failed ({}):\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim_end()
            );
        }
        Ok(output)
    }

    fn down(&self) -> Result<()> {
        use std::os::unix::process::CommandExt as _;
        if !self.dir.exists() {
            // A start that fails leaves nothing behind.
            return Ok(());
        }
        let mut command = std::process::Command::new(&self.shoal);
        command.args(["local", "down", "--dir"]).arg(&self.dir).stdin(Stdio::null());
        // Another Ctrl-C is not for this command.
        let output = command.process_group(0).output().context("`shoal local down` does not run")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim_end());
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(folder) = self.folder.take() else { return };
        if let Err(error) = self.down() {
            let kept = folder.keep();
            eprintln!("the cluster could not be ended and stays in {}: {error:#}", kept.display());
            return;
        }
        if let Err(error) = folder.close() {
            eprintln!("the cluster's folder could not be removed: {error}");
        }
    }
}
