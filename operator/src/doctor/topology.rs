//! The topology store.

use std::time::Instant;

use proto::tls::Part;
use tokio::time::timeout;
use topo::records::{RoutingRecord, SchemaChangeRecord};
use topo::{Topology, TopologyError};

use super::{Finding, Level, answered_in};
use crate::limits::{CONTROL_TIMEOUT, SHOWN_STATEMENT};
use crate::local::layout::Layout;
use crate::local::ports::Ports;
use crate::local::render::etcd_url;
use crate::spec::ShoalCluster;

const CURE: &str = "read `shoal local logs etcd`; gates go on serving without it, but nothing can change";

/// Asks etcd.
pub(super) async fn examine(layout: &Layout, cluster: &ShoalCluster, ports: &Ports) -> Vec<Finding> {
    let began = Instant::now();
    match timeout(CONTROL_TIMEOUT, read(layout, cluster, ports)).await {
        Ok(Ok(seen)) => {
            let what = format!("{}, knows {} keyspaces", answered_in(began.elapsed()), seen.keyspaces);
            let mut findings = vec![Finding::good("etcd", what)];
            findings.extend(seen.unfinished.iter().map(|(keyspace, sql)| unfinished(keyspace, sql)));
            findings
        }
        Ok(Err(why)) => vec![Finding::bad("etcd", Level::Error, why, CURE)],
        Err(_) => {
            let what = format!("no answer in {} s", CONTROL_TIMEOUT.as_secs());
            vec![Finding::bad("etcd", Level::Error, what, CURE)]
        }
    }
}

/// What the topology says.
struct Seen {
    keyspaces: usize,
    /// Schema changes that some shards have made and others not, or that are under way, with their keyspaces.
    unfinished: Vec<(String, String)>,
}

async fn read(layout: &Layout, cluster: &ShoalCluster, ports: &Ports) -> Result<Seen, String> {
    let identity = layout.identity(Part::Control, ports.tls).map_err(|error| error.to_string())?;
    let url = etcd_url(ports, ports.tls);
    let topology = Topology::connect(&[url], cluster.metadata.name.as_str(), identity.as_ref()).await;
    let topology = topology.map_err(|error| error.to_string())?;
    look(&topology).await.map_err(|error| error.to_string())
}

async fn look(topology: &Topology) -> Result<Seen, TopologyError> {
    let keys = topology.keys();
    let routing = topology.read::<RoutingRecord>(&keys.routing()).await?;
    let known = routing.map(|stored| stored.value.keyspaces).unwrap_or_default();
    let mut unfinished = Vec::new();
    for name in known.keys() {
        let change = topology.read::<SchemaChangeRecord>(&keys.schema_change(name)).await?;
        unfinished.extend(change.map(|stored| (name.to_string(), stored.value.sql)));
    }
    Ok(Seen { keyspaces: known.len(), unfinished })
}

fn unfinished(keyspace: &str, sql: &str) -> Finding {
    let begin: String = sql.chars().take(SHOWN_STATEMENT).collect();
    let more = if begin.len() < sql.len() { "…" } else { "" };
    let cure = format!(
        "unless it is under way, send the same statement again by `shoal sql {keyspace}`: it goes on where the change \
         stopped; until then no other schema change of {keyspace} is taken"
    );
    let what = format!("a schema change is not done on all shards: {begin}{more}");
    Finding::bad(format!("schema of {keyspace}"), Level::Warning, what, cure)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use topo::store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_change_that_some_shards_lack_is_told_with_its_statement() {
        let topology = Topology::new(Arc::new(MemoryStore::new()), "c");
        let keyspace = "shop".parse().unwrap();
        let mut routing = RoutingRecord::default();
        routing.keyspaces.insert("shop".parse().unwrap(), Default::default());
        topology.put(&topology.keys().routing(), &routing).await.unwrap();
        assert_eq!(look(&topology).await.unwrap().unfinished, []);
        let sql = "ALTER TABLE customers ADD COLUMN city INT".to_owned();
        let change = SchemaChangeRecord {
            sql: sql.clone(),
            settings: String::new(),
            about: vec![],
            before: BTreeMap::new(),
            creates: None,
        };
        topology.put(&topology.keys().schema_change(&keyspace), &change).await.unwrap();
        let seen = look(&topology).await.unwrap();
        assert_eq!((seen.keyspaces, &seen.unfinished[..]), (1, &[("shop".to_owned(), sql)][..]));
        let found = unfinished(&seen.unfinished[0].0, &seen.unfinished[0].1);
        assert!(found.level == Level::Warning && found.what.ends_with("ADD COLUMN city INT"), "{found:?}");
    }
}
