//! What control's loops and commands work with.

use proto::ids::ShardRef;
use topo::records::{KeyspaceRecord, ShardRecord, TabletRecord};
use topo::{Topology, TopologyError};

use crate::agents::Agents;
use crate::events::EventLog;
use crate::repairs::Repairs;
use crate::sight::ShardSight;

/// The topology, the agents, the log of events, and what is told of repairs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reach {
    /// What is decided is written here first.
    pub(crate) topology: Topology,
    /// Who is told then.
    pub(crate) agents: Agents,
    /// Where it is put down for people.
    pub(crate) events: EventLog,
    /// What the loops of the shards make of replicas that are not in order.
    pub(crate) repairs: Repairs,
}

impl Reach {
    /// Looks at a shard: asks its tablets, all at once, and then reads its record. A term is in the record
    /// before any tablet accepts it, so a record read last is never behind what the tablets said.
    pub(crate) async fn look(&self, shard: &ShardRef) -> Result<ShardSight, TopologyError> {
        let keys = self.topology.keys();
        let all = self.topology.list::<TabletRecord>(&keys.tablet(None)).await?;
        let own = all.into_iter().map(|(_, stored)| stored.value).filter(|tablet| tablet.shard == *shard);
        let mut tablets = self.agents.look_at(own).await;
        tablets.sort_by(|a, b| a.alias().cmp(b.alias()));
        let keyspace = self.topology.read::<KeyspaceRecord>(&keys.keyspace(Some(&shard.keyspace))).await?;
        let record = self.topology.read::<ShardRecord>(&keys.shard(Some(shard))).await?;
        Ok(ShardSight {
            keyspace: keyspace.map_or(KeyspaceRecord::unsharded(), |stored| stored.value),
            record,
            tablets,
        })
    }
}
