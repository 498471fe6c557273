//! The control service: the program that chooses primaries and answers what the command line asks.
//!
//! It holds nothing that a restart would lose: decisions are in the topology before they are acted on, and
//! every answer is read from the topology and the tablets when it is asked for, but for what the loops make of
//! replicas that are not in order.

pub mod client;

mod service;
mod view;
mod vschema;

use std::net::SocketAddr;

use proto::rpc::control::control_server::ControlServer;
use proto::tls::Identity;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use topo::{Topology, TopologyError};

use crate::agents::Agents;
use crate::events::EventLog;
use crate::limits::LAST_TASKS_PATIENCE;
use crate::reach::Reach;
use crate::repairs::Repairs;
use crate::shard;

/// What control is told on its command line.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the cluster.
    pub cluster: String,
    /// Client URLs of etcd.
    pub etcd: Vec<String>,
    /// Who control is towards the other parts of the cluster, if they talk over TLS.
    pub identity: Option<Identity>,
}

/// Why control could not be started or go on.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The topology store does not answer.
    #[error("{0}; is etcd running, and are the URLs of --etcd right?")]
    Topology(#[from] TopologyError),
    /// The gRPC server failed.
    #[error("the gRPC service of control failed: {0}")]
    Rpc(#[from] tonic::transport::Error),
    /// The listener failed.
    #[error("the listener of control failed: {0}")]
    Listener(#[from] std::io::Error),
}

/// Control, connected and ready to run.
pub struct Control {
    topology: Topology,
    identity: Option<Identity>,
}

impl Control {
    /// Connects to the topology.
    pub async fn build(config: &Config) -> Result<Self, ControlError> {
        let identity = config.identity.clone();
        let topology = Topology::connect(&config.etcd, &config.cluster, identity.as_ref()).await?;
        Ok(Self { topology, identity })
    }

    /// Control on a topology that is there already.
    pub fn new(topology: Topology) -> Self {
        Self { topology, identity: None }
    }

    /// Serves on the listener and looks after every shard, until `shutdown`.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), ControlError> {
        let address: SocketAddr = listener.local_addr()?;
        tracing::info!(%address, "control serves");
        let mut server = tonic::transport::Server::builder();
        if let Some(identity) = &self.identity {
            server = server.tls_config(identity.tonic_server())?;
        }
        let agents = Agents::new(self.identity);
        let (events, writing) = EventLog::start(self.topology.clone(), shutdown.clone());
        let reach = Reach { topology: self.topology, agents, events, repairs: Repairs::default() };
        let shards = tokio::spawn(shard::look_after_shards(reach.clone(), shutdown.clone()));
        let tasks = TaskTracker::new();
        let served = server
            .add_service(ControlServer::new(service::Service::new(reach, tasks.clone(), shutdown.clone())))
            .serve_with_incoming_shutdown(
                TcpListenerStream::new(listener),
                shutdown.clone().cancelled_owned(),
            )
            .await;
        shutdown.cancel();
        tasks.close();
        if tokio::time::timeout(LAST_TASKS_PATIENCE, tasks.wait()).await.is_err() {
            tracing::info!("a change of primary is cut off; the next control ends it");
        }
        if let Err(error) = shards.await {
            tracing::error!(%error, "the shard loops failed");
        }
        if let Err(error) = writing.await {
            tracing::error!(%error, "the log of events failed");
        }
        Ok(served?)
    }
}

#[cfg(test)]
mod tests;
