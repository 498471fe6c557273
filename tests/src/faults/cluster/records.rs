//! What the topology of a test cluster holds before its tablets start, as the local platform writes it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use proto::account::DataRole;
use proto::ids::KeyspaceName;
use proto::key_range::KeyRange;
use topo::Topology;
use topo::records::{
    Durability, KeyspaceRecord, KeyspaceRouting, RoutingRecord, TableVschema, UserRecord, VindexDefinition,
    VschemaRecord,
};
use topo::store::Outcome;
use topo::topology::Transaction;

use super::{Design, KEYSPACE, USER, VINDEX};
use crate::faults::ledger::{SHARDING_COLUMNS, TABLES};

/// Name of the vindex in the vschema.
const VINDEX_NAME: &str = "spread";

/// The ranges of so many equal shards.
pub(super) fn ranges(shards: u16) -> Result<Vec<KeyRange>> {
    let texts: &[&str] = match shards {
        1 => &["-"],
        2 => &["-80", "80-"],
        4 => &["-40", "40-80", "80-c0", "c0-"],
        other => anyhow::bail!("no cluster of {other} shards"),
    };
    texts.iter().map(|text| text.parse().with_context(|| (*text).to_owned())).collect()
}

/// Writes users, routing, keyspace and vschema.
pub(super) async fn write(topology: &Topology, design: &Design) -> Result<()> {
    let keys = topology.keys();
    let name: KeyspaceName = KEYSPACE.parse()?;
    let shards = ranges(design.shards)?;
    let routing = RoutingRecord {
        version: 1,
        keyspaces: BTreeMap::from([(name.clone(), KeyspaceRouting { shards })]),
        ..RoutingRecord::default()
    };
    let tables = TABLES
        .iter()
        .zip(SHARDING_COLUMNS)
        .map(|(table, column)| ((*table).to_owned(), TableVschema::by(column, VINDEX_NAME)));
    let vschema = VschemaRecord {
        vindexes: BTreeMap::from([(VINDEX_NAME.to_owned(), VindexDefinition::of(VINDEX.as_str()))]),
        tables: tables.collect(),
        ..VschemaRecord::default()
    };
    let keyspace =
        KeyspaceRecord { sharded: true, durability: Durability::SemiSync, tablets: design.tablets, on: None };
    let transaction = Transaction::new()
        .create(&keys.user(USER), &UserRecord::new(USER, DataRole::Admin)?)?
        .create(&keys.routing(), &routing)?
        .create(&keys.keyspace(Some(&name)), &keyspace)?
        .create(&keys.vschema(&name), &vschema)?;
    let outcome = topology.commit(transaction).await?;
    ensure!(matches!(outcome, Outcome::Committed(_)), "the topology is not empty");
    Ok(())
}
