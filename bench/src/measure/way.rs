//! The ways, ready to be measured: where the load connects, and whose CPU time counts.

use std::sync::Arc;

use anyhow::Result;

use crate::cluster::{Cluster, SHARDED, UNSHARDED};
use crate::config::Way;
use crate::forward::Forwarder;
use crate::load::Order;
use crate::load::client::Endpoint;
use crate::load::rows::Rows;

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
    pub fn new(way: Way, cluster: &Cluster, forwarder: &Forwarder, loaded: &Loaded) -> Result<Self> {
        let (keyspace, rows) = match way {
            Way::GateSharded => (SHARDED, &loaded.sharded),
            Way::Direct | Way::Forwarder | Way::GateUnsharded => (UNSHARDED, &loaded.unsharded),
        };
        let (endpoint, proxy) = match way {
            Way::Direct => (cluster.mysqld(keyspace)?, None),
            Way::Forwarder => {
                let endpoint = Endpoint { address: forwarder.address(), ..cluster.mysqld(keyspace)? };
                (endpoint, Some(forwarder.pid()?))
            }
            Way::GateUnsharded | Way::GateSharded => (cluster.gate(keyspace), Some(cluster.gate_pid())),
        };
        Ok(Self { way, endpoint, rows: rows.clone(), proxy, mysqlds: cluster.mysqld_pids(keyspace)? })
    }

    /// A load of this way.
    pub fn order(&self, connections: usize) -> Order {
        Order { endpoint: self.endpoint.clone(), rows: self.rows.clone(), connections }
    }
}
