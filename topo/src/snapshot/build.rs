use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proto::ids::{KeyspaceName, ShardRef};
use proto::key_range::KeyRange;

use super::records::Records;
use super::{Endpoint, Keyspace, Replica, Shard, Sharding, Snapshot, Table};
use crate::records::{SchemaRecord, TableRule, TableSchema, TabletRecord, ViewSchema, VschemaRecord};
use crate::store::Revision;

/// All that plans over a keyspace depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    sharded: bool,
    /// The shard that it lives on, without tablets of its own.
    pub(super) host: Option<ShardRef>,
    /// Full names of its shards, in the order of their ranges; those of its host, if it lives on one.
    shards: Vec<ShardRef>,
    rules: Vec<TableRule>,
    pub(super) vschema: Arc<VschemaRecord>,
    schema: Option<Arc<SchemaRecord>>,
}

/// The snapshot of the records, sharing with the previous one what is still the same.
pub(super) fn build(records: &Records, revision: Revision, previous: &Snapshot) -> Snapshot {
    let mut last_plan_version = previous.last_plan_version;
    let mut keyspaces = BTreeMap::new();
    for name in records.keyspaces.keys() {
        let facts = facts_of(records, name);
        let shards = shards_of(records, &facts.shards);
        let incarnations = records.incarnations.get(name).cloned().unwrap_or_default();
        let keyspace = match previous.keyspaces.get(name.as_str()) {
            Some(old) if old.facts == facts && old.shards == shards && old.incarnations == incarnations => {
                old.clone()
            }
            Some(old) if old.facts == facts => Arc::new(Keyspace {
                name: name.clone(),
                sharded: facts.sharded,
                has_stored_programs: old.has_stored_programs,
                plan_version: old.plan_version,
                shards,
                tables: old.tables.clone(),
                incarnations,
                facts,
            }),
            _ => {
                last_plan_version += 1;
                Arc::new(Keyspace {
                    name: name.clone(),
                    sharded: facts.sharded,
                    has_stored_programs: facts.schema.as_ref().is_some_and(|s| s.stored_programs > 0),
                    plan_version: last_plan_version,
                    shards,
                    tables: Arc::new(tables_of(&facts)),
                    incarnations,
                    facts,
                })
            }
        };
        keyspaces.insert(name.to_string(), keyspace);
    }
    let users_changed = !Arc::ptr_eq(&records.users, &previous.users);
    Snapshot {
        revision,
        keyspaces,
        users_version: previous.users_version + u64::from(users_changed),
        users: records.users.clone(),
        routing: records.routing.clone(),
        last_plan_version,
    }
}

fn facts_of(records: &Records, name: &KeyspaceName) -> Facts {
    let record = records.keyspaces.get(name);
    let concern = |rule: &&TableRule| rule.from == *name || rule.to == *name;
    Facts {
        sharded: record.is_some_and(|record| record.sharded),
        host: record.and_then(|record| record.on.clone()),
        shards: match record.and_then(|record| record.on.as_ref()) {
            // A host that has moved on takes nobody along by itself: better no shard than a wrong one.
            Some(host) => routed(records, &host.keyspace).into_iter().filter(|shard| shard == host).collect(),
            None => routed(records, name),
        },
        rules: records.routing.table_rules.iter().filter(concern).cloned().collect(),
        vschema: records.vschemas.get(name).cloned().unwrap_or_default(),
        schema: records.schemas.get(name).cloned(),
    }
}

/// The shards that the routing record gives a keyspace, in the order of their ranges.
fn routed(records: &Records, keyspace: &KeyspaceName) -> Vec<ShardRef> {
    let mut ranges: Vec<&KeyRange> =
        records.routing.keyspaces.get(keyspace).into_iter().flat_map(|routing| &routing.shards).collect();
    ranges.sort_by(|a, b| a.start().cmp(b.start()));
    ranges.into_iter().map(|range| ShardRef { keyspace: keyspace.clone(), range: range.clone() }).collect()
}

fn shards_of(records: &Records, shards: &[ShardRef]) -> Vec<Shard> {
    let shard = |shard: &ShardRef| {
        let shard = shard.clone();
        let record = records.shards.get(&shard).cloned().unwrap_or_default();
        let tablet = record.primary.as_ref().and_then(|alias| records.tablets.get(alias));
        let others = records.tablets.values().filter(|tablet| tablet.shard == shard);
        let others = others.filter(|tablet| record.primary.as_ref() != Some(&tablet.alias));
        let replicas = others.map(|tablet| Replica {
            endpoint: endpoint(tablet),
            health: records.alive.get(&tablet.alias).and_then(|alive| alive.health.clone()),
        });
        let replicas = replicas.collect();
        let held = record.transition.as_ref().and_then(|_| records.shard_revision(&shard));
        Shard { shard, term: record.term, primary: tablet.map(endpoint), held, replicas }
    };
    shards.iter().map(shard).collect()
}

fn endpoint(tablet: &TabletRecord) -> Endpoint {
    Endpoint {
        alias: tablet.alias.clone(),
        mysql_address: tablet.mysql_address.clone(),
        mysql_version: tablet.mysql_version.clone(),
    }
}

fn tables_of(facts: &Facts) -> BTreeMap<String, Table> {
    let no_vschema = VschemaRecord::default();
    let vschema = if facts.sharded { &*facts.vschema } else { &no_vschema };
    let no_schema = SchemaRecord::default();
    let schema = facts.schema.as_deref().unwrap_or(&no_schema);
    let names: BTreeSet<&String> = schema.tables.keys().chain(vschema.tables.keys()).collect();
    let table = |name: &String| {
        let schema = schema.tables.get(name);
        let sharding = vschema.tables.get(name).map(|table| Sharding::of(vschema, table, schema));
        Table { name: name.clone(), schema: schema.cloned(), sharding, view_of: None }
    };
    let mut tables: BTreeMap<String, Table> =
        names.into_iter().map(|name| (name.clone(), table(name))).collect();
    let views = schema.views.iter().filter(|(name, _)| !tables.contains_key(*name));
    let views: Vec<(String, Table)> =
        views.map(|(name, view)| (name.clone(), view_as_table(name, view, &tables))).collect();
    tables.extend(views);
    tables
}

/// A view as the table that statements take it for.
fn view_as_table(name: &str, view: &ViewSchema, tables: &BTreeMap<String, Table>) -> Table {
    let schema = TableSchema { columns: view.columns.clone(), indexes: Vec::new() };
    let of = tables.get(&view.table).and_then(|table| table.sharding.as_ref());
    let sharding = Sharding::of_view(view, &schema, of);
    Table {
        name: name.to_owned(),
        schema: Some(schema),
        sharding: Some(sharding),
        view_of: Some(view.table.clone()),
    }
}
