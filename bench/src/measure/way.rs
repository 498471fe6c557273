//! The ways, ready to be measured: on which cluster, where the load connects, and whose CPU time counts.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Programs, SHARDED, UNSHARDED, specs};
use crate::config::{Config, Way};
use crate::forward::Forwarder;
use crate::load::Order;
use crate::load::client::Endpoint;
use crate::load::rows::Rows;

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
        let plain = Cluster::start(programs, mysqld, &specs::point_selects()).await?;
        let tls = match config.through.contains(&Way::GateTls) {
            true => Some(Cluster::start(programs, mysqld, &specs::point_selects_tls()).await?),
            false => None,
        };
        Ok(Self { plain, tls })
    }

    /// Where a way leads.
    fn of(&self, way: Way) -> Result<&Cluster> {
        match way {
            Way::GateTls => self.tls.as_ref().context("the cluster with TLS was not started"),
            Way::Direct | Way::Forwarder | Way::GateUnsharded | Way::GateSharded => Ok(&self.plain),
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
    /// The mysqlds that answer.
    pub mysqlds: Vec<u32>,
}

impl Prepared {
    /// From the running processes.
    pub fn new(way: Way, clusters: &Clusters, forwarder: &Forwarder, loaded: &Loaded) -> Result<Self> {
        let (keyspace, rows) = match way {
            Way::GateSharded => (SHARDED, &loaded.sharded),
            Way::Direct | Way::Forwarder | Way::GateUnsharded | Way::GateTls => {
                (UNSHARDED, &loaded.unsharded)
            }
        };
        let cluster = clusters.of(way)?;
        let (endpoint, proxy) = match way {
            Way::Direct => (cluster.mysqld(keyspace)?, None),
            Way::Forwarder => {
                let endpoint = Endpoint { address: forwarder.address(), ..cluster.mysqld(keyspace)? };
                (endpoint, Some(forwarder.pid()?))
            }
            Way::GateUnsharded | Way::GateTls | Way::GateSharded => {
                (cluster.gate(keyspace), Some(cluster.gate_pid()))
            }
        };
        Ok(Self { way, endpoint, rows: rows.clone(), proxy, mysqlds: cluster.mysqld_pids(keyspace)? })
    }

    /// A load of this way.
    pub fn order(&self, connections: usize) -> Order {
        Order { endpoint: self.endpoint.clone(), rows: self.rows.clone(), connections }
    }
}
