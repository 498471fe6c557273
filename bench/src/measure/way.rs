//! The ways, ready to be measured: on which cluster, where the load connects, and whose CPU time counts.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Programs, SHARDED, UNSHARDED, specs};
use crate::config::{Config, Way};
use crate::load::client::Endpoint;
use crate::load::rows::Rows;
use crate::load::{Case, Order};
use crate::proxies::{Program, Proxy};

/// The clusters of a run; they are ended when this is dropped.
#[derive(Debug)]
pub struct Clusters {
    /// With plain connections.
    pub plain: Cluster,
    /// With TLS behind its gate, if it is to be measured.
    pub tls: Option<Cluster>,
}

impl Clusters {
    /// Starts those that are needed. To be awaited to its end, as [`Cluster::start`].
    pub async fn start(programs: &Programs, config: &Config) -> Result<Self> {
        let mysqld = config.mysqld.as_deref();
        let plain = Cluster::start(programs, mysqld, &specs::statements()).await?;
        let tls = match config.through.contains(&Way::GateTls) {
            true => Some(Cluster::start(programs, mysqld, &specs::statements_tls()).await?),
            false => None,
        };
        Ok(Self { plain, tls })
    }

    /// Where a way leads.
    fn of(&self, way: Way) -> Result<&Cluster> {
        match way {
            Way::GateTls => self.tls.as_ref().context("the cluster with TLS was not started"),
            _ => Ok(&self.plain),
        }
    }
}

/// What was loaded into the two keyspaces.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The unsharded one.
    pub unsharded: Arc<Rows>,
    /// The sharded one.
    pub sharded: Arc<Rows>,
}

/// The proxies of others, as far as they are measured; they end when this is dropped.
#[derive(Debug)]
pub struct Proxies {
    haproxy: Option<Proxy>,
    router: Option<Proxy>,
}

impl Proxies {
    /// Starts them before the unsharded keyspace's mysqld.
    pub async fn start(config: &Config, clusters: &Clusters) -> Result<Self> {
        let to = clusters.plain.mysqld(UNSHARDED)?.address;
        let wanted = async |way, program| match config.through.contains(&way) {
            true => Proxy::start(&program).await.map(Some),
            false => Ok(None),
        };
        let haproxy = wanted(Way::Haproxy, Program::Haproxy(to.clone())).await?;
        Ok(Self { haproxy, router: wanted(Way::Router, Program::Router(to.clone())).await? })
    }

    fn of(&self, way: Way) -> Result<&Proxy> {
        let proxy = if way == Way::Router { &self.router } else { &self.haproxy };
        proxy.as_ref().with_context(|| format!("{way} was not started"))
    }
}

/// A way, ready to be measured.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Which.
    pub way: Way,
    /// Where the load connects.
    pub endpoint: Endpoint,
    /// What it finds there.
    pub rows: Arc<Rows>,
    /// The process between, if there is one.
    pub proxy: Option<u32>,
    /// How another one like it is started.
    pub program: Option<Program>,
    /// The mysqlds that answer.
    pub mysqlds: Vec<u32>,
}

impl Prepared {
    /// From the running processes.
    pub fn new(way: Way, clusters: &Clusters, proxies: &Proxies, loaded: &Loaded) -> Result<Self> {
        let (keyspace, rows) = match way {
            Way::GateSharded => (SHARDED, &loaded.sharded),
            _ => (UNSHARDED, &loaded.unsharded),
        };
        let cluster = clusters.of(way)?;
        let (endpoint, proxy) = match way {
            Way::Direct => (cluster.mysqld(keyspace)?, None),
            Way::Haproxy | Way::Router => {
                let proxy = proxies.of(way)?;
                let endpoint = Endpoint { address: proxy.address(), ..cluster.mysqld(keyspace)? };
                (endpoint, Some(proxy.pid()?))
            }
            Way::GateUnsharded | Way::GateTls | Way::GateSharded => {
                (cluster.gate(keyspace), Some(cluster.gate_pid()))
            }
        };
        let program = match way {
            Way::Direct => None,
            Way::Haproxy => Some(Program::Haproxy(cluster.mysqld(keyspace)?.address)),
            Way::Router => Some(Program::Router(cluster.mysqld(keyspace)?.address)),
            Way::GateUnsharded | Way::GateTls | Way::GateSharded => Some(Program::gate(cluster.gate_pid())?),
        };
        let mysqlds = cluster.mysqld_pids(keyspace)?;
        Ok(Self { way, endpoint, rows: rows.clone(), proxy, program, mysqlds })
    }

    /// A load of this way.
    pub fn order(&self, case: Case) -> Order {
        Order { endpoint: self.endpoint.clone(), case, rows: self.rows.clone() }
    }
}
