//! The program around the agent: built from its configuration, run until it is told to end.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use proto::account::{AGENT_SECRET_FILE, DATA_SECRET_FILE, Secret, SecretError};
use proto::ids::{ShardRef, TabletAlias};
use proto::program::readiness::Readiness;
use proto::rpc::tablet::StatusResponse;
use proto::rpc::tablet::tablet_server::TabletServer;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use topo::Topology;
use topo::records::TabletRecord;

use crate::accounts::{Secrets, Transport};
use crate::agent::{Agent, Parts};
use crate::dir::{DirError, Identity, TabletDir};
use crate::exposure;
use crate::hosting::Hosting;
use crate::limits::{BACKGROUND_DEADLINE, HEARTBEAT_PATIENCE, MAX_WAITING_REQUESTS};
use crate::mysqld::installation::{Installation, InstallationError, cache_dir};
use crate::mysqld::process::MysqldProcess;
use crate::mysqld::supervisor::{Recipe, StartError, Supervisor, stop_mysqld};
use crate::registration::{self, Awaited};
use crate::replication::Login;
use crate::service::Service;
use crate::session::AgentSession;
use crate::shard_reader::ShardReader;
use crate::term::TermError;

/// All that a tablet is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The cluster.
    pub cluster: String,
    /// Client URLs of its etcd.
    pub etcd: Vec<String>,
    /// The tablet.
    pub alias: TabletAlias,
    /// The shard whose data it holds.
    pub shard: ShardRef,
    /// Where everything of it is.
    pub dir: PathBuf,
    /// Where mysqld and the agent listen.
    pub host: IpAddr,
    /// mysqld's port.
    pub mysql_port: u16,
    /// Where the secrets are.
    pub secrets: PathBuf,
    /// Who it is towards the other parts of the cluster, if they talk over TLS.
    pub identity: Option<proto::tls::Identity>,
    /// What `/readyz` answers.
    pub readiness: Readiness,
    /// The mysqld to use; `None`: the first usable one.
    pub mysqld: Option<PathBuf>,
    /// This program, for the step that becomes mysqld.
    pub launcher: PathBuf,
}

/// Why a tablet ends other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum TabletError {
    /// The directory cannot be worked in.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There is no mysqld to start.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The accepted term cannot be read.
    #[error(transparent)]
    Term(#[from] TermError),
    /// mysqld does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The gRPC service cannot be set up.
    #[error("the gRPC service cannot be set up: {0}")]
    Rpc(#[from] tonic::transport::Error),
    /// Something on this machine failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A tablet that is ready to run.
pub struct Tablet {
    config: Config,
    dir: TabletDir,
    supervisor: Supervisor,
    secrets: Secrets,
}

impl Tablet {
    /// Takes the directory and finds what is needed. Starts nothing, and touches no mysqld that runs.
    pub async fn build(config: Config) -> Result<Self, TabletError> {
        let secrets = Secrets {
            data: Secret::read(&config.secrets, DATA_SECRET_FILE)?,
            agent: Secret::read(&config.secrets, AGENT_SECRET_FILE)?,
        };
        let cache = std::path::absolute(cache_dir())?;
        let installation = Installation::find(config.mysqld.as_deref(), &cache).await?;
        let identity = Identity {
            cluster: config.cluster.clone(),
            alias: config.alias.clone(),
            shard: config.shard.clone(),
            secrets: std::path::absolute(&config.secrets)?,
        };
        let dir = TabletDir::open(&config.dir, &identity)?;
        let recipe = Recipe {
            installation,
            cache,
            launcher: config.launcher.clone(),
            server_id: config.alias.uid,
            listen: SocketAddr::new(config.host, config.mysql_port),
            keyspace: config.shard.keyspace.clone(),
            secrets: secrets.clone(),
            tls: config.identity.as_ref().map(|identity| identity.dir().to_owned()),
        };
        let supervisor = Supervisor::new(recipe, &dir).await?;
        Ok(Self { config, dir, supervisor, secrets })
    }

    /// Runs until `shutdown`, then ends mysqld in order. gRPC is served on `listener`.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), TabletError> {
        let Self { config, dir, supervisor, secrets } = self;
        let agent_address = listener.local_addr()?.to_string();
        let (topology_tx, topology) = watch::channel(None);
        let (status_tx, status) = watch::channel(StatusResponse {
            alias: config.alias.to_string(),
            reason: "the agent is starting".into(),
            ..StatusResponse::default()
        });
        let (calls_tx, calls) = mpsc::channel(MAX_WAITING_REQUESTS);
        let hosting = Hosting {
            shard: config.shard.clone(),
            secret: secrets.data,
            transport: config.identity.as_ref().map_or(Transport::Plain, |_| Transport::Tls),
            session: AgentSession::new(dir.socket(), &secrets.agent).with_deadline(HEARTBEAT_PATIENCE),
            status: status.clone(),
        };
        let mut agent = Agent::new(Parts {
            alias: config.alias.clone(),
            shard: config.shard.clone(),
            dir,
            supervisor,
            login: Login::new(&secrets.agent, config.identity.as_ref().map(proto::tls::Identity::dir)),
            secret: secrets.agent,
            reader: ShardReader::new(config.shard.clone(), topology.clone()),
            status: status_tx,
        })?;

        let background = Background::default();
        let record = TabletRecord {
            alias: config.alias,
            shard: config.shard,
            mysql_address: SocketAddr::new(config.host, config.mysql_port).to_string(),
            agent_address,
            mysql_version: String::new(),
        };
        let awaited = Awaited { topology: topology.clone(), status: status.clone() };
        background.tasks.spawn(registration::keep(awaited, record, background.end.clone()));
        background.until_the_end(hosting.keep(topology.clone()));
        background.until_the_end(exposure::follow(status.clone(), config.readiness));
        background.until_the_end(registration::connect(
            config.etcd,
            config.cluster,
            config.identity.clone(),
            topology_tx,
        ));
        background.serve(listener, config.identity, Service::new(status, calls_tx))?;
        let begun = Box::pin(shutdown.run_until_cancelled(agent.begin())).await.transpose();
        if begun.is_ok() {
            shutdown.run_until_cancelled(Box::pin(agent.work(calls))).await;
        }
        let stopped = agent.stop().await;
        let reached = topology.borrow().clone();
        background.end(reached).await;
        begun?;
        Ok(stopped?)
    }
}

/// Everything beside the loop; it ends after mysqld has.
#[derive(Default)]
struct Background {
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Background {
    fn until_the_end(&self, work: impl Future<Output = ()> + Send + 'static) {
        let end = self.end.clone();
        self.tasks.spawn(async move {
            end.run_until_cancelled(work).await;
        });
    }

    fn serve(
        &self,
        listener: TcpListener,
        identity: Option<proto::tls::Identity>,
        service: Service,
    ) -> Result<(), tonic::transport::Error> {
        let end = self.end.clone();
        let mut server = tonic::transport::Server::builder();
        if let Some(identity) = identity {
            server = server.tls_config(identity.tonic_server())?;
        }
        self.tasks.spawn(async move {
            let served = server
                .add_service(TabletServer::new(service))
                .serve_with_incoming_shutdown(TcpListenerStream::new(listener), end.cancelled_owned())
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the gRPC service ended");
            }
        });
        Ok(())
    }

    async fn end(self, topology: Option<Topology>) {
        self.end.cancel();
        self.tasks.close();
        let ended = async {
            self.tasks.wait().await;
            if let Some(topology) = topology {
                topology.close().await;
            }
        };
        if timeout(BACKGROUND_DEADLINE, ended).await.is_err() {
            tracing::warn!("a client or the topology keeps the agent waiting; ending all the same");
        }
    }
}

/// Ends the mysqld of a directory in which no agent runs, in order. Tells whether one ran.
pub async fn stop(dir: &Path) -> Result<bool, TabletError> {
    let (dir, identity) = TabletDir::open_existing(dir)?;
    let process = MysqldProcess::adopt(&dir.process_record()).await?;
    let ran = process.is_some();
    // Without the secret nobody can fence it, and what cannot be fenced is killed.
    let mut session = match Secret::read(&identity.secrets, AGENT_SECRET_FILE) {
        Ok(secret) => Some(AgentSession::new(dir.socket(), &secret)),
        Err(error) => {
            tracing::warn!(%error, "mysqld cannot be fenced");
            None
        }
    };
    stop_mysqld(process, &dir, session.as_mut()).await?;
    Ok(ran)
}
