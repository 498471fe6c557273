//! The gate: speaks the MySQL protocol to applications and sends every statement to where its rows are.
//!
//! ```text
//!   server ─► session ─► sql (fingerprint) ─► plan cache ──────────────► executor ─► backend ─► mysqld
//!             login       │ miss: kind, parse      ▲                     route, relay  pools
//!             commands    └──────► planner ─► plan ┘                     schema change
//! ```
//!
//! One thread per core, each with a runtime, connections and plans of its own; the topology's snapshot is
//! shared. This crate never writes routing, and keeps nothing whose loss would lose anything.

pub mod accounts;
pub mod aim;
pub mod backend;
pub mod clients;
pub mod config;
pub mod executor;
pub mod hold;
pub mod limits;
pub mod listing;
pub mod measures;
pub mod numbers;
pub mod plan;
pub mod plan_cache;
pub mod planner;
pub mod server;
pub mod session;
pub mod sql;
pub mod tls;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use anyhow::Context;
use proto::account::{DATA_SECRET_FILE, DataRole, Secret};
use proto::wire::auth::{ServerKey, new_nonce};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use topo::Topology;
use topo::records::UserRecord;
use topo::snapshot::SnapshotFeed;

use config::Config;
use hold::{Bounds, Holding};
use measures::Measures;
use numbers::{Keeper, Numbers};
use session::credentials::Credentials;
use worker::Shared;

/// A gate that is ready to accept clients.
pub struct App {
    shared: Arc<Shared>,
    secret: Arc<Secret>,
    threads: usize,
    keeper: Keeper,
}

impl App {
    /// Reads secrets and topology; an error when either is not to be had.
    pub async fn build(config: &Config) -> anyhow::Result<Self> {
        let secret = Secret::read(&config.secrets, DATA_SECRET_FILE)?;
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(certificate), Some(key)) => tls::from_files(certificate, key)?,
            _ => tls::self_signed()?,
        };
        let identity = config.program.identity()?;
        let topology = Topology::connect(&config.etcd, &config.cluster, identity.as_ref()).await?;
        let feed = SnapshotFeed::start(&topology).await?;
        let random = String::from_utf8_lossy(&new_nonce()?).into_owned();
        let draining = CancellationToken::new();
        let (numbers, keeper) = Numbers::new(&topology);
        let shared = Shared {
            name: format!("shoal-gate at {}", config.listen),
            topology,
            holding: Holding::new(feed.clone(), draining.clone(), Bounds::default()),
            feed,
            credentials: Credentials::default(),
            nobody: UserRecord::new(&random, DataRole::Read).context("cannot hash a password")?,
            identity,
            server_key: ServerKey::generate()?,
            tls,
            clients: Arc::default(),
            last_connection: AtomicU32::new(0),
            numbers,
            measures: Measures::default(),
            draining,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            shared: Arc::new(shared),
            secret: Arc::new(secret),
            threads: config.threads.unwrap_or(cores).max(1),
            keeper,
        })
    }

    /// Serves clients until `shutdown`.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
        // Clients may still need numbers for their last statements.
        let served = CancellationToken::new();
        let keeping = tokio::spawn(self.keeper.run(served.clone()));
        let ended = server::run(listener, self.shared, self.secret, self.threads, shutdown).await;
        served.cancel();
        keeping.await.context("the keeper of numbers")?;
        ended.context("serving clients")
    }
}
