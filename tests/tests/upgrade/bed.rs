//! A cluster of single programs, each of which may be of the previous version.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use proto::account::DataRole;
use proto::rpc::control::control_client::ControlClient;
use proto::rpc::control::{GetTabletsRequest, Tablet as Listed};
use tests::differential::outcome::Outcome;
use tests::differential::session::{Address, Session};
use tests::etcd::Etcd;
use tests::folder::Folder;
use tests::ports::free_port;
use tests::process::Running;
use tests::programs;
use tonic::transport::Channel;
use topo::Topology;
use topo::records::{
    KeyspaceRecord, KeyspaceRouting, RoutingRecord, TableVschema, UserRecord, VindexDefinition, VschemaRecord,
};

/// How long anything may take before a test fails; far more than it should.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);
/// The cluster.
const CLUSTER: &str = "test";
/// Its keyspace, and the user whose password is the name.
const KEYSPACE: &str = "shop";
/// The keyspace's only shard.
pub(crate) const SHARD: &str = "shop/-";
const USER: &str = "app";

/// Which build of a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// That of the version before.
    Previous,
    /// Today's.
    Today,
}

/// An etcd, today's control, a keyspace of one shard, and whatever the test starts.
pub(crate) struct Bed {
    gate: Option<Running>,
    tablets: Vec<Tablet>,
    control: Option<Running>,
    gate_port: u16,
    control_port: u16,
    logs: Vec<PathBuf>,
    etcd: Etcd,
    // Last: it checks that no process is left.
    folder: Folder,
}

struct Tablet {
    alias: String,
    mysql_port: u16,
    agent: Option<Running>,
}

impl Bed {
    /// Starts etcd and control, and writes the records of a cluster whose shard is to have so many tablets.
    pub(crate) async fn new(tablets: u16) -> Result<Self> {
        let folder = Folder::new()?;
        let secrets = folder.path().join("secrets");
        fs::create_dir(&secrets)?;
        fs::write(secrets.join("data.secret"), "the data secret of this test\n")?;
        fs::write(secrets.join("agent.secret"), "the agent secret of this test\n")?;
        let (gate_port, control_port) = (free_port()?, free_port()?);
        let mut bed = Self {
            gate: None,
            tablets: Vec::new(),
            control: None,
            gate_port,
            control_port,
            logs: Vec::new(),
            etcd: Etcd::start()?,
            folder,
        };
        bed.write_records(tablets).await?;
        let mut command = Command::new(programs::own("shoal-operator")?);
        command.args(["control", "--cluster", CLUSTER, "--etcd", &bed.etcd.url()]);
        command.args(["--listen", &format!("127.0.0.1:{control_port}")]);
        bed.control = Some(bed.launch("control", command)?);
        Ok(bed)
    }

    /// Rows of `notes` are found by a vindex, so that both versions have something to agree on.
    async fn write_records(&self, tablets: u16) -> Result<()> {
        let topology = Topology::connect(&[self.etcd.url()], CLUSTER, None).await?;
        let (keys, keyspace) = (topology.keys(), KEYSPACE.parse()?);
        let user = UserRecord::new(USER, DataRole::Admin)?;
        topology.put(&keys.user(USER), &user).await?;
        let record = KeyspaceRecord { tablets, ..KeyspaceRecord::sharded() };
        topology.put(&keys.keyspace(Some(&keyspace)), &record).await?;
        let mut vschema = VschemaRecord::default();
        vschema.vindexes.insert("by_id".into(), VindexDefinition::of("xxhash"));
        vschema.tables.insert("notes".into(), TableVschema::by("id", "by_id"));
        topology.put(&keys.vschema(&keyspace), &vschema).await?;
        let mut routing = RoutingRecord { version: 1, ..RoutingRecord::default() };
        routing.keyspaces.insert(keyspace, KeyspaceRouting { shards: vec!["-".parse()?] });
        topology.put(&keys.routing(), &routing).await?;
        Ok(())
    }

    fn launch(&mut self, name: &str, mut command: Command) -> Result<Running> {
        let log = self.folder.path().join(format!("{name}-{}.log", self.logs.len()));
        let running = Running::start(name, &mut command, &log)?;
        self.logs.push(log);
        Ok(running)
    }

    /// Starts a gate in place of the one that ran.
    pub(crate) fn gate(&mut self, age: Age) -> Result<()> {
        drop(self.gate.take());
        let port = self.gate_port;
        let mut command = Command::new(age.program("shoal-gate")?);
        command.args(["--cluster", CLUSTER, "--etcd", &self.etcd.url()]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--secrets").arg(self.folder.path().join("secrets"));
        let mut gate = self.launch("gate", command)?;
        gate.wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        self.gate = Some(gate);
        Ok(())
    }

    /// Starts the agent of a tablet, in place of the one that ran with this alias: it finds the mysqld of that
    /// one running.
    pub(crate) fn tablet(&mut self, alias: &str, age: Age) -> Result<()> {
        let known = self.tablets.iter().position(|tablet| tablet.alias == alias);
        let place = match known {
            Some(place) => place,
            None => {
                let mysql_port = free_port()?;
                self.tablets.push(Tablet { alias: alias.to_owned(), mysql_port, agent: None });
                self.tablets.len() - 1
            }
        };
        drop(self.tablets[place].agent.take());
        let mut command = Command::new(age.program("shoal-tablet")?);
        command.args(["run", "--cluster", CLUSTER, "--etcd", &self.etcd.url()]);
        command.args(["--alias", alias, "--shard", SHARD, "--rpc-port", "0"]);
        command.args(["--mysql-port", &self.tablets[place].mysql_port.to_string()]);
        command.arg("--dir").arg(self.dir(alias));
        command.arg("--secrets").arg(self.folder.path().join("secrets"));
        self.tablets[place].agent = Some(self.launch("tablet", command)?);
        Ok(())
    }

    /// Ends the agent of a tablet and then, by the command of a version, its mysqld.
    pub(crate) fn stop(&mut self, alias: &str, age: Age) -> Result<()> {
        for tablet in self.tablets.iter_mut().filter(|tablet| tablet.alias == alias) {
            drop(tablet.agent.take());
        }
        let mut command = Command::new(age.program("shoal-tablet")?);
        command.arg("stop").arg("--dir").arg(self.dir(alias)).stdin(Stdio::null());
        let output = command.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn dir(&self, alias: &str) -> PathBuf {
        self.folder.path().join(alias)
    }

    /// A session of the keyspace's user at the gate.
    pub(crate) async fn session(&self) -> Result<Session> {
        let (user, database) = (USER.to_owned(), KEYSPACE.to_owned());
        let password = user.clone();
        Session::connect(&Address { port: self.gate_port, user, password, database, socket: None }).await
    }

    /// Runs a statement, and again while the gate refuses it, as it may while nobody serves.
    pub(crate) async fn run(&self, statement: &str) -> Result<Outcome> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let failed = match self.session().await {
                Ok(mut session) => match session.run(statement).await {
                    Ok(Outcome::Failed(error)) => error.text,
                    Ok(outcome) => return Ok(outcome),
                    Err(error) => error.to_string(),
                },
                Err(error) => format!("{error:#}"),
            };
            ensure!(Instant::now() < deadline, "{statement}: still {failed}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// The first column of a statement's rows.
    pub(crate) async fn column(&self, statement: &str) -> Result<Vec<String>> {
        let Outcome::Rows { rows, .. } = self.run(statement).await? else { bail!("no rows: {statement}") };
        let values = rows.into_iter().filter_map(|row| row.into_iter().next().flatten());
        Ok(values.map(|value| String::from_utf8_lossy(&value).into_owned()).collect())
    }

    /// Control's service.
    pub(crate) async fn control(&self) -> Result<ControlClient<Channel>> {
        Ok(ControlClient::connect(format!("http://127.0.0.1:{}", self.control_port)).await?)
    }

    /// Waits until control lists a tablet as wanted.
    pub(crate) async fn until_listed(
        &self,
        alias: &str,
        what: &str,
        wanted: impl Fn(&Listed) -> bool,
    ) -> Result<Listed> {
        let (deadline, mut last) = (Instant::now() + PATIENCE, None);
        while Instant::now() < deadline {
            if let Ok(mut control) = self.control().await {
                let listed = control.get_tablets(GetTabletsRequest::default()).await?.into_inner().tablets;
                last = listed.into_iter().find(|tablet| tablet.alias == alias);
            }
            match last.take() {
                Some(tablet) if wanted(&tablet) => return Ok(tablet),
                other => last = other,
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("{alias} is still not {what}: {last:?}")
    }

    /// The warnings and errors that the programs logged.
    pub(crate) fn complaints(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for log in &self.logs {
            let text = fs::read_to_string(log).with_context(|| log.display().to_string())?;
            let bad =
                text.lines().filter(|line| line.split(' ').any(|word| matches!(word, "WARN" | "ERROR")));
            let name = log.file_stem().unwrap_or_default().to_string_lossy();
            found.extend(bad.map(|line| format!("{name}: {line}")));
        }
        Ok(found)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let aliases: Vec<String> = self.tablets.iter().map(|tablet| tablet.alias.clone()).collect();
        for alias in aliases {
            if let Err(error) = self.stop(&alias, Age::Today) {
                eprintln!("{alias} could not be stopped: {error:#}");
            }
        }
    }
}

impl Age {
    pub(crate) fn program(self, name: &str) -> Result<PathBuf> {
        match self {
            Self::Previous => programs::previous(name),
            Self::Today => programs::own(name),
        }
    }
}
