//! Real `shoal-tablet`s with their mysqlds, an etcd, and the means to look at all of them.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use proto::account::{DATA_SECRET_FILE, DataRole, Secret, data_account};
use proto::ids::{ShardRef, TabletAlias, Term};
use proto::rpc::tablet::tablet_client::TabletClient;
use proto::rpc::tablet::{AssumeRoleRequest, Role, StatusRequest, StatusResponse};
use tests::etcd::Etcd;
use tests::folder::Folder;
use tests::ports::free_port;
use tests::process::last_lines;
use tests::programs;
use tests::signals;
use tonic::transport::Channel;
use topo::Topology;
use topo::records::ShardRecord;

/// How long anything may take before a test fails; far more than it should.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);
/// The tablet under test.
pub(crate) const ALIAS: &str = "zone1-101";
/// Another one, which only the topology speaks of.
pub(crate) const OTHER: &str = "zone1-102";
/// The cluster.
pub(crate) const CLUSTER: &str = "test";

/// A tablet and its surroundings; ending the test ends what runs in it.
pub(crate) struct Bed {
    /// The tablet's name.
    pub(crate) alias: String,
    /// Its shard.
    pub(crate) shard: ShardRef,
    /// mysqld's port.
    pub(crate) mysql_port: u16,
    /// The agent's port.
    pub(crate) rpc_port: u16,
    /// The topology's store.
    pub(crate) etcd: Arc<Etcd>,
    agent: Option<Child>,
    dir: PathBuf,
    // Last: it checks that no process is left.
    folder: Arc<Folder>,
}

impl Bed {
    /// Surroundings in which nothing but etcd runs.
    pub(crate) fn new(shard: &str) -> Result<Self> {
        let folder = Folder::new()?;
        let secrets = folder.path().join("secrets");
        fs::create_dir(&secrets)?;
        fs::write(secrets.join("data.secret"), "the data secret of this test\n")?;
        fs::write(secrets.join("agent.secret"), "the agent secret of this test\n")?;
        Self::at(ALIAS, shard.parse()?, Arc::new(Etcd::start()?), Arc::new(folder))
    }

    /// Another tablet of the same shard in the same surroundings.
    pub(crate) fn another(&self, alias: &str) -> Result<Self> {
        Self::at(alias, self.shard.clone(), self.etcd.clone(), self.folder.clone())
    }

    fn at(alias: &str, shard: ShardRef, etcd: Arc<Etcd>, folder: Arc<Folder>) -> Result<Self> {
        let (mysql_port, rpc_port) = (free_port()?, free_port()?);
        let dir = folder.path().join(alias);
        Ok(Self { alias: alias.to_owned(), shard, mysql_port, rpc_port, etcd, agent: None, dir, folder })
    }

    /// Puts the tablet's directory elsewhere in the bed's folder.
    pub(crate) fn move_dir(&mut self, name: &str) {
        self.dir = self.folder.path().join(name);
    }

    /// The tablet's directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.clone()
    }

    /// Where files of the test may go.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command line that runs the tablet.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(programs::own("shoal-tablet")?);
        command.args(["run", "--cluster", CLUSTER, "--etcd", &self.etcd.url()]);
        command
            .args(["--alias", &self.alias])
            .arg("--shard")
            .arg(self.shard.to_string())
            .arg("--dir")
            .arg(self.dir());
        command.arg("--mysql-port").arg(self.mysql_port.to_string());
        command.arg("--rpc-port").arg(self.rpc_port.to_string());
        command.arg("--secrets").arg(self.folder.path().join("secrets"));
        Ok(command)
    }

    /// Starts the agent.
    pub(crate) fn start(&mut self) -> Result<()> {
        let command = self.command()?;
        self.start_as(command)
    }

    /// Starts the agent such that it dies when it comes to the failpoint.
    pub(crate) fn start_to_die_at(&mut self, failpoint: &str) -> Result<()> {
        self.start_with(&format!("{failpoint}=return"))
    }

    /// Starts the agent with these failpoints.
    pub(crate) fn start_with(&mut self, failpoints: &str) -> Result<()> {
        let mut command = self.command()?;
        command.env("FAILPOINTS", failpoints);
        self.start_as(command)
    }

    /// Waits until the agent has died by itself.
    pub(crate) fn until_dead(&mut self) -> Result<()> {
        let mut child = self.agent.take().context("no agent runs")?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        self.agent = Some(child);
        bail!("the agent lives on; was it built with failpoints?\n{}", last_lines(&self.log()))
    }

    fn start_as(&mut self, mut command: Command) -> Result<()> {
        ensure!(self.agent.is_none(), "the test has an agent already");
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        self.agent = Some(child);
        Ok(())
    }

    /// Runs another agent with the command line to its end; what it said.
    pub(crate) fn run_to_end(&self, mut command: Command) -> Result<(ExitStatus, String)> {
        let path = self.folder.path().join(format!("{}-other.log", self.alias));
        let log = File::create(&path)?;
        let mut child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait()? {
                return Ok((status, fs::read_to_string(&path)?));
            }
            std::thread::sleep(POLL);
        }
        child.kill()?;
        child.wait()?;
        bail!("it does not end: {}", last_lines(&path))
    }

    /// Kills the agent with no chance to clean up.
    pub(crate) fn kill_agent(&mut self) -> Result<()> {
        let mut child = self.agent.take().context("no agent runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Ends the agent in order.
    pub(crate) fn end(&mut self) -> Result<ExitStatus> {
        let mut child = self.agent.take().context("no agent runs")?;
        signals::tell_to_end(child.id())?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        child.kill()?;
        child.wait()?;
        bail!("the agent does not end:\n{}", last_lines(&self.log()))
    }

    /// Runs `shoal-tablet stop`; what it said.
    pub(crate) fn stop(&self) -> Result<(ExitStatus, String)> {
        let mut command = Command::new(programs::own("shoal-tablet")?);
        command.arg("stop").arg("--dir").arg(self.dir());
        self.run_to_end(command)
    }

    /// The agent's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join(format!("{}.log", self.alias))
    }

    /// mysqld's process id, as the agent wrote it down.
    pub(crate) fn mysqld_pid(&self) -> Result<u32> {
        let record: serde_json::Value = serde_json::from_slice(&fs::read(self.dir().join("mysqld.json"))?)?;
        let pid = record["pid"].as_u64().context("no pid in the record")?;
        Ok(u32::try_from(pid)?)
    }

    /// The topology.
    pub(crate) async fn topology(&self) -> Result<Topology> {
        Ok(Topology::connect(&[self.etcd.url()], CLUSTER, None).await?)
    }

    /// Writes the shard's record.
    pub(crate) async fn name_primary(&self, alias: &str, term: u64) -> Result<()> {
        let primary = Some(alias.parse::<TabletAlias>()?);
        self.write_record(&ShardRecord { term: Term(term), primary, ..ShardRecord::default() }).await
    }

    /// Writes the shard's record.
    pub(crate) async fn write_record(&self, record: &ShardRecord) -> Result<()> {
        let topology = self.topology().await?;
        topology.put(&topology.keys().shard(Some(&self.shard)), record).await?;
        Ok(())
    }

    /// Where mysqld listens.
    pub(crate) fn mysql_address(&self) -> String {
        format!("127.0.0.1:{}", self.mysql_port)
    }

    /// A client of the agent.
    pub(crate) async fn client(&self) -> Result<TabletClient<Channel>, tonic::Status> {
        let connected = TabletClient::connect(format!("http://127.0.0.1:{}", self.rpc_port)).await;
        connected.map_err(|error| tonic::Status::unavailable(error.to_string()))
    }

    /// What the agent says of itself.
    pub(crate) async fn status(&self) -> Result<StatusResponse> {
        let mut client = self.client().await?;
        Ok(client.status(StatusRequest {}).await?.into_inner())
    }

    /// Asks the agent to take a role.
    pub(crate) async fn assume(&self, role: Role, term: u64) -> Result<StatusResponse, tonic::Status> {
        let mut client = self.client().await?;
        let answer = client.assume_role(AssumeRoleRequest { term, role: role.into() }).await?;
        answer.into_inner().status.ok_or_else(|| tonic::Status::internal("no status"))
    }

    /// Waits until the agent's status is as wanted, and gives it.
    pub(crate) async fn until(
        &self,
        what: &str,
        wanted: impl Fn(&StatusResponse) -> bool,
    ) -> Result<StatusResponse> {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < deadline {
            match self.status().await {
                Ok(status) if wanted(&status) => return Ok(status),
                status => last = Some(status),
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("still not {what}: {last:?}\n{}", last_lines(&self.log()))
    }

    /// Waits until the tablet serves.
    pub(crate) async fn until_serving(&self) -> Result<StatusResponse> {
        self.until("serving", serves).await
    }

    /// Waits until mysqld runs behind its fence.
    pub(crate) async fn until_fenced(&self) -> Result<StatusResponse> {
        self.until("fenced", |status| status.mysqld_running && status.fenced).await
    }

    /// A session as a gate has it, over TCP with the account of a role.
    pub(crate) async fn session(&self, role: DataRole) -> Result<Conn> {
        let name = data_account(&self.shard.keyspace, role);
        Ok(self.log_in(&name, &self.secret(DATA_SECRET_FILE)?.password(&name)).await?)
    }

    /// MySQL's code of the error that a login of the write account meets; 0: none.
    pub(crate) async fn login_refusal(&self) -> Result<u16> {
        let name = data_account(&self.shard.keyspace, DataRole::Write);
        code(self.log_in(&name, &self.secret(DATA_SECRET_FILE)?.password(&name)).await)
    }

    /// A session over TCP with any account.
    pub(crate) async fn log_in(&self, user: &str, password: &str) -> mysql_async::Result<Conn> {
        let opts = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.mysql_port)
            .prefer_socket(false)
            .user(Some(user))
            .pass(Some(password));
        Conn::new(opts).await
    }

    /// A session over the Unix socket.
    pub(crate) async fn log_in_locally(&self, user: &str, password: &str) -> mysql_async::Result<Conn> {
        let opts = OptsBuilder::default()
            .socket(Some(self.dir().join("mysql.sock").display().to_string()))
            .user(Some(user))
            .pass(Some(password));
        Conn::new(opts).await
    }

    /// A secret of the cluster.
    pub(crate) fn secret(&self, file: &str) -> Result<Secret> {
        Ok(Secret::read(&self.folder.path().join("secrets"), file)?)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(child) = &mut self.agent {
            // Only a failed test leaves one. An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
        if self.dir().join("mysqld.json").exists() {
            let _ = self.stop();
        }
    }
}

/// Whether the status is that of a serving primary.
pub(crate) fn serves(status: &StatusResponse) -> bool {
    status.mysqld_running && !status.fenced && status.reason.is_empty()
}

/// MySQL's code of the error.
pub(crate) fn code<T>(result: mysql_async::Result<T>) -> Result<u16> {
    match result {
        Err(mysql_async::Error::Server(error)) => Ok(error.code),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(0),
    }
}

/// MySQL's code of the error that the statement meets; 0: none.
pub(crate) async fn refusal(conn: &mut Conn, sql: &str) -> Result<u16> {
    code(conn.query_drop(sql).await)
}
