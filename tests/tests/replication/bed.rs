//! Real mysqlds, each kept by a tablet's supervisor, with no agent and no topology above.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use proto::account::{DataRole, Secret, data_account};
use proto::ids::{KeyspaceName, TabletAlias};
use rustix::process::{Pid, Signal, WaitOptions};
use tablet::accounts::Secrets;
use tablet::dir::{Identity, TabletDir};
use tablet::fence;
use tablet::heartbeat::Heartbeat;
use tablet::look::{Look, look};
use tablet::mysqld::installation::cache_dir;
use tablet::mysqld::process::Ending;
use tablet::mysqld::supervisor::{Recipe, Supervisor};
use tablet::replication::{self, Acks, Login, Source, Switch, ThreadState};
use tablet::session::AgentSession;
use tests::folder::Folder;
use tests::ports::free_port;
use tests::programs;
use tokio::time::sleep;

/// How long anything may take before a test fails; far more than it should.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);
/// The keyspace of every tablet here.
pub(crate) const KEYSPACE: &str = "shop";

/// One mysqld and what a tablet has to act on it; killed when dropped.
pub(crate) struct Node {
    pub(crate) dir: TabletDir,
    pub(crate) supervisor: Supervisor,
    pub(crate) session: AgentSession,
    pub(crate) port: u16,
    recipe: Recipe,
    uid: u32,
}

impl Node {
    /// Starts the mysqld with the number, in the folder; it is fenced.
    pub(crate) async fn start(folder: &Folder, uid: u32, tls: Option<&Path>) -> Result<Self> {
        let secrets = Secrets {
            data: Secret::new(b"the data secret of this test"),
            agent: Secret::new(b"the agent secret of this test"),
        };
        let identity = Identity {
            cluster: "test".into(),
            alias: alias(uid)?,
            shard: "shop/-".parse()?,
            secrets: folder.path().to_owned(),
        };
        let dir = TabletDir::open(&folder.path().join(format!("tablet-{uid}")), &identity)?;
        let port = free_port()?;
        let recipe = Recipe {
            installation: programs::mysqld()?,
            cache: cache_dir(),
            launcher: programs::own("shoal-tablet")?,
            server_id: uid,
            listen: ([127, 0, 0, 1], port).into(),
            keyspace: keyspace()?,
            secrets,
            tls: tls.map(Path::to_owned),
        };
        let supervisor = Supervisor::new(recipe.clone(), &dir).await?;
        let session = AgentSession::new(dir.socket(), &recipe.secrets.agent);
        let mut node = Self { dir, supervisor, session, port, recipe, uid };
        node.restart().await?;
        Ok(node)
    }

    /// Starts mysqld again after it ended.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        Ok(self.supervisor.start(&self.dir, &mut self.session).await?)
    }

    /// Starts mysqld anew as an agent does that is started with other certificates, or with none.
    pub(crate) async fn switch_tls(&mut self, tls: Option<&Path>) -> Result<()> {
        self.recipe.tls = tls.map(Path::to_owned);
        // It ends a mysqld that runs with other settings.
        self.change_agents().await?;
        self.session.reset();
        self.restart().await
    }

    /// What another agent would have after this one was killed.
    pub(crate) async fn change_agents(&mut self) -> Result<()> {
        self.supervisor = Supervisor::new(self.recipe.clone(), &self.dir).await?;
        Ok(())
    }

    /// Waits until mysqld has ended, and takes note of it.
    pub(crate) async fn ended(&mut self) -> Result<Ending> {
        let ending = tokio::time::timeout(PATIENCE, self.supervisor.ended()).await?;
        self.supervisor.note_end(ending, &self.dir);
        self.session.reset();
        Ok(ending)
    }

    /// Kills mysqld and starts it again.
    pub(crate) async fn crash(&mut self) -> Result<()> {
        self.supervisor.kill(&self.dir).await?;
        self.session.reset();
        self.restart().await
    }

    /// Where it is, for others.
    pub(crate) fn source(&self) -> Source {
        Source { host: "127.0.0.1".into(), port: self.port }
    }

    pub(crate) fn login(&self) -> Login {
        Login::new(&self.recipe.secrets.agent, self.recipe.tls.as_deref())
    }

    /// Serves as a primary.
    pub(crate) async fn serve(&mut self, semi_sync: Switch) -> Result<()> {
        replication::set_source_semi_sync(&mut self.session, semi_sync).await?;
        fence::open_writes(&mut self.session, &keyspace()?).await?;
        Ok(fence::admit(&mut self.session).await?)
    }

    /// Follows another one and waits until the receiver runs.
    pub(crate) async fn follow(&mut self, source: &Source, acks: Acks) -> Result<()> {
        let login = self.login();
        replication::follow(&mut self.session, source, acks, &login).await?;
        until("the receiver runs", async || {
            let look = self.look().await?;
            Ok(look.replication.is_some_and(|found| found.receiver == ThreadState::Running))
        })
        .await
    }

    pub(crate) async fn look(&mut self) -> Result<Look> {
        Ok(look(&mut self.session).await?)
    }

    /// Another session of the agent.
    pub(crate) fn another_session(&self) -> AgentSession {
        AgentSession::new(self.dir.socket(), &self.recipe.secrets.agent)
    }

    pub(crate) fn heartbeat(&self) -> Result<Heartbeat> {
        Ok(Heartbeat::start(self.another_session(), alias(self.uid)?))
    }

    /// A session of a client with the role.
    pub(crate) async fn client(&self, role: DataRole) -> mysql_async::Result<Conn> {
        let opts = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.port)
            .user(Some(self.account(role)))
            .pass(Some(self.password(role)))
            .db_name(Some(KEYSPACE))
            .prefer_socket(Some(false))
            .max_allowed_packet(Some(1 << 20))
            .wait_timeout(Some(3600));
        Conn::new(opts).await
    }

    pub(crate) fn account(&self, role: DataRole) -> String {
        keyspace().map(|keyspace| data_account(&keyspace, role)).unwrap_or_default()
    }

    pub(crate) fn password(&self, role: DataRole) -> String {
        self.recipe.secrets.data.password(&self.account(role))
    }

    /// Whether the applier holds back what is received, and runs all the same.
    pub(crate) async fn hold_applier(&mut self, hold: Switch) -> Result<()> {
        let seconds = if hold == Switch::On { 3600 } else { 0 };
        self.session.run("STOP REPLICA SQL_THREAD").await?;
        self.session.run(&format!("CHANGE REPLICATION SOURCE TO SOURCE_DELAY = {seconds}")).await?;
        Ok(self.session.run("START REPLICA SQL_THREAD").await?)
    }

    /// Waits until everything that the other has executed is executed here.
    pub(crate) async fn catch_up(&mut self, with: &mut Node) -> Result<()> {
        let wanted = with.look().await?.gtid_executed;
        let reached = replication::wait_executed(&mut self.session, &wanted, PATIENCE).await?;
        ensure!(reached, "{wanted} is not reached: {:?}", self.look().await?);
        Ok(())
    }

    /// The ids in table `t`, read after all fences were lifted.
    pub(crate) async fn ids(&mut self) -> Result<Vec<u32>> {
        self.serve(Switch::Off).await?;
        let mut client = self.client(DataRole::Read).await?;
        let ids = client.query("SELECT id FROM t ORDER BY id").await?;
        client.disconnect().await?;
        Ok(ids)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let Some(pid) = self.supervisor.process().and_then(|process| Pid::from_raw(process.pid())) else {
            return;
        };
        // It may just have ended.
        let _ = rustix::process::kill_process(pid, Signal::KILL);
        let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
    }
}

/// A primary that serves, with table `t`, and replicas that follow it and acknowledge.
pub(crate) async fn shard(folder: &Folder, replicas: u32) -> Result<(Node, Vec<Node>)> {
    shard_with(folder, replicas, None).await
}

/// The same with TLS.
pub(crate) async fn shard_with(
    folder: &Folder,
    replicas: u32,
    tls: Option<&PathBuf>,
) -> Result<(Node, Vec<Node>)> {
    let tls = tls.map(PathBuf::as_path);
    let mut primary = Node::start(folder, 101, tls).await?;
    let mut others = Vec::new();
    for uid in 102..102 + replicas {
        let mut replica = Node::start(folder, uid, tls).await?;
        replica.follow(&primary.source(), Acks::Yes).await?;
        others.push(replica);
    }
    primary.serve(if replicas > 0 { Switch::On } else { Switch::Off }).await?;
    Ok((primary, others))
}

/// A client that has made table `t`.
pub(crate) async fn client_with_table(primary: &Node) -> Result<Conn> {
    let mut client = primary.client(DataRole::Admin).await?;
    client.query_drop("CREATE TABLE t (id INT PRIMARY KEY)").await?;
    Ok(client)
}

pub(crate) async fn insert(client: &mut Conn, ids: impl IntoIterator<Item = u32>) -> Result<()> {
    for id in ids {
        client.query_drop(format!("INSERT INTO t VALUES ({id})")).await?;
    }
    Ok(())
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await.context(what.to_owned())? {
        ensure!(Instant::now() < deadline, "it never comes true that {what}");
        sleep(POLL).await;
    }
    Ok(())
}

pub(crate) fn keyspace() -> Result<KeyspaceName> {
    Ok(KEYSPACE.parse()?)
}

fn alias(uid: u32) -> Result<TabletAlias> {
    Ok(format!("zone1-{uid}").parse()?)
}
