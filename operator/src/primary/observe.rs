//! What there is to know of a shard now.

use futures::future::join_all;
use proto::ids::{ShardRef, TabletAlias};
use topo::records::{ShardRecord, TabletRecord};
use topo::{Stored, Topology, TopologyError};

use crate::agents::{SeenStatus, ask_status};

/// A shard as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observation {
    /// Its record with the revision that wrote it, if there is one.
    pub(super) record: Option<Stored<ShardRecord>>,
    /// Its registered tablets, by alias.
    pub(super) tablets: Vec<SeenTablet>,
}

/// A registered tablet of the shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenTablet {
    /// Its name.
    pub(super) alias: TabletAlias,
    /// Where its agent is.
    pub(super) agent_address: String,
    /// What its agent says; `None`: it does not answer.
    pub(super) status: Option<SeenStatus>,
}

/// Asks the shard's tablets, all at once, and then reads its record: a term is in the record before any tablet
/// accepts it, so a record read last is never behind what the tablets said.
pub(super) async fn observe(topology: &Topology, shard: &ShardRef) -> Result<Observation, TopologyError> {
    let keys = topology.keys();
    let all = topology.list::<TabletRecord>(&keys.tablet(None)).await?;
    let own = all.into_iter().map(|(_, stored)| stored.value).filter(|tablet| tablet.shard == *shard);
    let asked = own.map(|tablet| async move {
        let status = ask_status(&tablet.agent_address).await.map(|(seen, _)| seen);
        SeenTablet { alias: tablet.alias, agent_address: tablet.agent_address, status }
    });
    let mut tablets = join_all(asked).await;
    tablets.sort_by(|a, b| a.alias.cmp(&b.alias));
    let record = topology.read::<ShardRecord>(&keys.shard(Some(shard))).await?;
    Ok(Observation { record, tablets })
}
