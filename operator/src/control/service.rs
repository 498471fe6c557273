//! What control answers.

use std::collections::HashMap;

use futures::future::join_all;
use proto::ids::{KeyspaceName, TabletAlias};
use proto::rpc::control::control_server::Control;
use proto::rpc::control::{
    Event, GetEventsRequest, GetEventsResponse, GetKeyspacesRequest, GetKeyspacesResponse, GetShardsRequest,
    GetShardsResponse, GetTabletsRequest, GetTabletsResponse, Keyspace, ReparentProgress, ReparentRequest,
    Shard, Tablet,
};
use tonic::{Request, Response, Status};
use topo::records::{KeyspaceRecord, RoutingRecord, SchemaRecord, ShardRecord, TabletRecord};
use topo::{Topology, TopologyError};

use crate::agents::{SeenStatus, ask_status};

/// The gRPC service.
pub(super) struct Service {
    topology: Topology,
}

impl Service {
    pub(super) fn new(topology: Topology) -> Self {
        Self { topology }
    }

    /// Every tablet of the keyspace (of all, if `None`) with what its agent says; asked all at once.
    async fn tablets(&self, keyspace: Option<&KeyspaceName>) -> Result<Vec<SeenTablet>, Status> {
        let records = self.topology.list::<TabletRecord>(&self.topology.keys().tablet(None)).await;
        let records = records.map_err(unavailable)?.into_iter().map(|(_, stored)| stored.value);
        let wanted = records.filter(|record| keyspace.is_none_or(|name| record.shard.keyspace == *name));
        let asked = wanted.map(|record| async move {
            let status = ask_status(&record.agent_address).await;
            SeenTablet { status: status.map(|(seen, _)| seen), record }
        });
        Ok(join_all(asked).await)
    }

    async fn shards(&self, keyspace: Option<&KeyspaceName>) -> Result<Vec<Shard>, Status> {
        let keys = self.topology.keys();
        let routing = self.topology.read::<RoutingRecord>(&keys.routing()).await.map_err(unavailable)?;
        let routing = routing.map(|stored| stored.value).unwrap_or_default();
        if let Some(name) = keyspace
            && !routing.keyspaces.contains_key(name)
        {
            let known: Vec<&str> = routing.keyspaces.keys().map(KeyspaceName::as_str).collect();
            return Err(Status::not_found(format!(
                "there is no keyspace {name}; there are {}",
                known.join(", ")
            )));
        }
        let records = self.topology.list::<ShardRecord>(&keys.shard(None)).await.map_err(unavailable)?;
        let records: HashMap<String, ShardRecord> = records.into_iter().map(|(k, s)| (k, s.value)).collect();
        let tablets = self.tablets(keyspace).await?;
        let tablets: HashMap<&TabletAlias, &SeenTablet> =
            tablets.iter().map(|t| (&t.record.alias, t)).collect();
        let mut shards = Vec::new();
        for (name, part) in routing.keyspaces.iter().filter(|(name, _)| keyspace.is_none_or(|k| k == *name)) {
            for range in &part.shards {
                let shard = proto::ids::ShardRef { keyspace: name.clone(), range: range.clone() };
                let record = records.get(&keys.shard(Some(&shard))).cloned().unwrap_or_default();
                let primary = record.primary.as_ref().and_then(|alias| tablets.get(alias));
                let status = primary.and_then(|tablet| tablet.status.as_ref());
                shards.push(Shard {
                    keyspace: name.to_string(),
                    range: range.to_string(),
                    term: record.term.0,
                    serving: status.is_some_and(|s| s.serves_as_primary(record.term)),
                    primary: record.primary.map(|alias| alias.to_string()).unwrap_or_default(),
                    ..Shard::default()
                });
            }
        }
        Ok(shards)
    }
}

struct SeenTablet {
    record: TabletRecord,
    status: Option<SeenStatus>,
}

#[tonic::async_trait]
impl Control for Service {
    async fn get_keyspaces(
        &self,
        _: Request<GetKeyspacesRequest>,
    ) -> Result<Response<GetKeyspacesResponse>, Status> {
        let shards = self.shards(None).await?;
        let keys = self.topology.keys();
        let prefix = keys.keyspace(None);
        let records = self.topology.list::<KeyspaceRecord>(&prefix).await.map_err(unavailable)?;
        let mut keyspaces = Vec::new();
        for (key, record) in records {
            let name = key.strip_prefix(&prefix).unwrap_or(&key);
            let Ok(typed) = name.parse::<KeyspaceName>() else { continue };
            let schema =
                self.topology.read::<SchemaRecord>(&keys.schema(&typed)).await.map_err(unavailable)?;
            let tables = schema.map_or(0, |stored| stored.value.tables.len());
            let own = shards.iter().filter(|shard| shard.keyspace == name);
            let (all, serving) =
                own.fold((0, 0), |(all, up), shard| (all + 1, up + u32::from(shard.serving)));
            keyspaces.push(Keyspace {
                name: name.to_owned(),
                sharded: record.value.sharded,
                shards: all,
                serving,
                tables: u32::try_from(tables).unwrap_or(u32::MAX),
            });
        }
        Ok(Response::new(GetKeyspacesResponse { keyspaces }))
    }

    async fn get_shards(
        &self,
        request: Request<GetShardsRequest>,
    ) -> Result<Response<GetShardsResponse>, Status> {
        let keyspace = named(&request.into_inner().keyspace)?;
        Ok(Response::new(GetShardsResponse { shards: self.shards(keyspace.as_ref()).await? }))
    }

    async fn get_tablets(
        &self,
        request: Request<GetTabletsRequest>,
    ) -> Result<Response<GetTabletsResponse>, Status> {
        let keyspace = named(&request.into_inner().keyspace)?;
        let tablets = self.tablets(keyspace.as_ref()).await?;
        let answers = tablets.into_iter().map(|SeenTablet { record, status }| Tablet {
            alias: record.alias.to_string(),
            keyspace: record.shard.keyspace.to_string(),
            range: record.shard.range.to_string(),
            role: status.as_ref().and_then(|s| s.role).map(|role| role.to_string()).unwrap_or_default(),
            term: status.as_ref().map_or(0, |s| s.term.0),
            state: status.as_ref().map_or("unreachable", SeenStatus::word).to_owned(),
            mysql_address: record.mysql_address,
            agent_address: record.agent_address,
            mysql_version: record.mysql_version,
            ..Tablet::default()
        });
        Ok(Response::new(GetTabletsResponse { tablets: answers.collect() }))
    }

    type ReparentStream = tokio_stream::Empty<Result<ReparentProgress, Status>>;

    async fn reparent(&self, _: Request<ReparentRequest>) -> Result<Response<Self::ReparentStream>, Status> {
        Err(Status::unimplemented("reparent"))
    }

    async fn get_events(&self, _: Request<GetEventsRequest>) -> Result<Response<GetEventsResponse>, Status> {
        Err(Status::unimplemented("get_events"))
    }

    type WatchEventsStream = tokio_stream::Empty<Result<Event, Status>>;

    async fn watch_events(
        &self,
        _: Request<GetEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        Err(Status::unimplemented("watch_events"))
    }
}

/// A keyspace name of a request; empty: none.
fn named(name: &str) -> Result<Option<KeyspaceName>, Status> {
    if name.is_empty() {
        return Ok(None);
    }
    let typed = name.parse::<KeyspaceName>();
    typed.map(Some).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn unavailable(error: TopologyError) -> Status {
    match error {
        TopologyError::Store(error) => Status::unavailable(error.to_string()),
        TopologyError::Record(error) => Status::failed_precondition(error.to_string()),
    }
}
