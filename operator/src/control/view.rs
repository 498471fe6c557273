//! The cluster as control tells it: what the topology says, beside what the tablets say of themselves.

use std::collections::HashMap;

use proto::ids::{KeyspaceName, ShardRef};
use proto::rpc::control::{Keyspace, Shard, Tablet};
use tonic::Status;
use topo::TopologyError;
use topo::records::{KeyspaceRecord, RoutingRecord, SchemaRecord, ShardRecord, TabletRecord};

use crate::agents::SeenTablet;
use crate::reach::Reach;
use crate::repairs::Needed;
use crate::sight::ShardSight;

/// Looks at a cluster whenever it is asked.
#[derive(Clone)]
pub(super) struct View {
    reach: Reach,
}

impl View {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach }
    }

    /// Every keyspace, by name.
    pub(super) async fn keyspaces(&self) -> Result<Vec<Keyspace>, Status> {
        let shards = self.shards(None).await?;
        let mut keyspaces = Vec::new();
        for (name, record) in self.keyspace_records().await? {
            let key = self.reach.topology.keys().schema(&name);
            let schema = self.reach.topology.read::<SchemaRecord>(&key).await.map_err(unavailable)?;
            let tables = schema.map_or(0, |stored| stored.value.tables.len());
            let home = record.on.as_ref().map_or(&name, |on| &on.keyspace);
            let own = shards.iter().filter(|shard| shard.keyspace == home.as_str());
            let (all, serving) =
                own.fold((0, 0), |(all, up), shard| (all + 1, up + u32::from(shard.serving)));
            keyspaces.push(Keyspace {
                name: name.to_string(),
                sharded: record.sharded,
                shards: all,
                serving,
                tables: u32::try_from(tables).unwrap_or(u32::MAX),
            });
        }
        Ok(keyspaces)
    }

    /// Every shard of the keyspace (of all, if `None`), by keyspace and range. One that lives on the mysqlds of another
    /// one has the shard of that.
    pub(super) async fn shards(&self, keyspace: Option<&KeyspaceName>) -> Result<Vec<Shard>, Status> {
        let home = self.home(keyspace).await?;
        let keyspace = home.as_ref().or(keyspace);
        let keys = self.reach.topology.keys();
        let routing =
            self.reach.topology.read::<RoutingRecord>(&keys.routing()).await.map_err(unavailable)?;
        let routing = routing.map(|stored| stored.value).unwrap_or_default();
        check_known(keyspace, &routing)?;
        let keyspaces: HashMap<_, _> = self.keyspace_records().await?.into_iter().collect();
        let mut tablets: HashMap<ShardRef, Vec<SeenTablet>> = HashMap::new();
        for tablet in self.look(keyspace).await? {
            tablets.entry(tablet.record.shard.clone()).or_default().push(tablet);
        }
        // Read after the tablets were asked: a term is in the record before a tablet accepts it.
        let records =
            self.reach.topology.list::<ShardRecord>(&keys.shard(None)).await.map_err(unavailable)?;
        let mut records: HashMap<String, _> = records.into_iter().collect();
        let mut shards = Vec::new();
        for (name, part) in routing.keyspaces.iter().filter(|(name, _)| keyspace.is_none_or(|k| k == *name)) {
            let wanted = keyspaces.get(name).cloned().unwrap_or_else(KeyspaceRecord::unsharded);
            for range in &part.shards {
                let shard = ShardRef { keyspace: name.clone(), range: range.clone() };
                let record = records.remove(&keys.shard(Some(&shard)));
                let tablets = tablets.remove(&shard).unwrap_or_default();
                shards.push(told(&shard, &ShardSight { keyspace: wanted.clone(), record, tablets }));
            }
        }
        Ok(shards)
    }

    /// Every registered tablet of the keyspace (of all, if `None`), by shard and alias.
    pub(super) async fn tablets(&self, keyspace: Option<&KeyspaceName>) -> Result<Vec<Tablet>, Status> {
        let home = self.home(keyspace).await?;
        let keyspace = home.as_ref().or(keyspace);
        let mut tablets = self.look(keyspace).await?;
        tablets.sort_by(|a, b| {
            let key =
                |t: &SeenTablet| (t.record.shard.keyspace.clone(), t.record.shard.range.start().to_vec());
            key(a).cmp(&key(b)).then_with(|| a.alias().cmp(b.alias()))
        });
        Ok(tablets.into_iter().map(|seen| self.tablet(seen)).collect())
    }

    fn tablet(&self, SeenTablet { record, status }: SeenTablet) -> Tablet {
        let said = status.as_ref();
        let Needed { flaw, hindrance } = self.reach.repairs.of(&record.shard, &record.alias);
        Tablet {
            alias: record.alias.to_string(),
            keyspace: record.shard.keyspace.to_string(),
            range: record.shard.range.to_string(),
            role: said.and_then(|s| s.role).map(|role| role.to_string()).unwrap_or_default(),
            term: said.map_or(0, |s| s.term.0),
            state: said.map_or("unreachable", |s| s.word()).to_owned(),
            mysql_address: record.mysql_address,
            agent_address: record.agent_address,
            mysql_version: record.mysql_version,
            lag_ms: said.and_then(|s| s.lag_ms()),
            semi_sync: said.map(|s| s.semi_sync_word().to_owned()).unwrap_or_default(),
            gtid_executed: said.map(|s| s.executed.to_string()).unwrap_or_default(),
            reason: said.map(|s| s.reason.clone()).unwrap_or_default(),
            reads: said.is_some_and(|s| s.reads),
            flaw,
            hindrance,
        }
    }

    async fn look(&self, keyspace: Option<&KeyspaceName>) -> Result<Vec<SeenTablet>, Status> {
        let records =
            self.reach.topology.list::<TabletRecord>(&self.reach.topology.keys().tablet(None)).await;
        let records = records.map_err(unavailable)?.into_iter().map(|(_, stored)| stored.value);
        let wanted = records.filter(|record| keyspace.is_none_or(|name| record.shard.keyspace == *name));
        Ok(self.reach.agents.look_at(wanted).await)
    }

    /// On whose mysqlds a keyspace lives that has none of its own.
    async fn home(&self, keyspace: Option<&KeyspaceName>) -> Result<Option<KeyspaceName>, Status> {
        let Some(name) = keyspace else { return Ok(None) };
        let key = self.reach.topology.keys().keyspace(Some(name));
        let record = self.reach.topology.read::<KeyspaceRecord>(&key).await.map_err(unavailable)?;
        Ok(record.and_then(|stored| stored.value.on).map(|on| on.keyspace))
    }

    async fn keyspace_records(&self) -> Result<Vec<(KeyspaceName, KeyspaceRecord)>, Status> {
        let prefix = self.reach.topology.keys().keyspace(None);
        let records = self.reach.topology.list::<KeyspaceRecord>(&prefix).await.map_err(unavailable)?;
        let named = |(key, stored): (String, topo::Stored<KeyspaceRecord>)| {
            Some((key.strip_prefix(&prefix)?.parse().ok()?, stored.value))
        };
        Ok(records.into_iter().filter_map(named).collect())
    }
}

fn check_known(keyspace: Option<&KeyspaceName>, routing: &RoutingRecord) -> Result<(), Status> {
    match keyspace {
        Some(name) if !routing.keyspaces.contains_key(name) => {
            let known: Vec<&str> = routing.keyspaces.keys().map(KeyspaceName::as_str).collect();
            Err(Status::not_found(format!("there is no keyspace {name}; there are {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

fn told(shard: &ShardRef, sight: &ShardSight) -> Shard {
    let record = sight.record.as_ref().map(|stored| &stored.value);
    let ackers = record.map(|record| record.ackers.iter().map(ToString::to_string).collect());
    let risk = match sight.primary_alias() {
        Some(_) => sight.risk().map(|risk| risk.to_string()),
        None => Some("it has no primary yet".into()),
    };
    Shard {
        keyspace: shard.keyspace.to_string(),
        range: shard.range.to_string(),
        term: sight.term().0,
        serving: sight.serving().is_some(),
        primary: sight.primary_alias().map(ToString::to_string).unwrap_or_default(),
        ackers: ackers.unwrap_or_default(),
        risk: risk.unwrap_or_default(),
    }
}

/// What a caller is told when the topology cannot be read.
pub(super) fn unavailable(error: TopologyError) -> Status {
    match error {
        TopologyError::Store(error) => Status::unavailable(error.to_string()),
        TopologyError::Record(error) => Status::failed_precondition(error.to_string()),
    }
}
