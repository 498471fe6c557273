//! A cluster on this machine as somebody finds it who wants to use it: what it was started with, and a gate of it.

use super::greeting::greets;
use super::layout::Layout;
use super::ports::Ports;
use crate::spec::{BadFile, ShoalCluster, parse};

/// Why a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotReached {
    /// The folder holds none.
    #[error("there is no cluster in {0}; name its folder with --dir, or start one with `shoal local up`")]
    NoCluster(String),
    /// Its files cannot be read.
    #[error("{0}: {1}")]
    Unreadable(String, std::io::Error),
    /// Its cluster file is not good.
    #[error(transparent)]
    BadFile(#[from] BadFile),
    /// None of its gates takes clients.
    #[error(
        "no gate of the cluster in {0} takes clients; `shoal local status` tells what runs, `shoal local up` starts it"
    )]
    NoGate(String),
}

/// The cluster file that the cluster was last started with, and its ports.
pub fn stored(layout: &Layout) -> Result<(ShoalCluster, Ports), NotReached> {
    let shown = layout.dir().display().to_string();
    if !layout.cluster_file().exists() || !layout.ports_file().exists() {
        return Err(NotReached::NoCluster(shown));
    }
    let unreadable = |what: &str| {
        let what = format!("cannot read {what} of {shown}");
        move |error| NotReached::Unreadable(what, error)
    };
    let text = std::fs::read_to_string(layout.cluster_file()).map_err(unreadable("the cluster file"))?;
    let cluster = parse(&layout.cluster_file().display().to_string(), &text)?;
    let ports = std::fs::read(layout.ports_file()).map_err(unreadable("the ports"))?;
    let ports = serde_json::from_slice(&ports).map_err(|error| unreadable("the ports")(error.into()))?;
    Ok((cluster, ports))
}

/// The port of the first gate that takes clients.
pub async fn gate(layout: &Layout, ports: &Ports) -> Result<u16, NotReached> {
    for &port in ports.gates.values() {
        if greets(port).await {
            return Ok(port);
        }
    }
    Err(NotReached::NoGate(layout.dir().display().to_string()))
}
