//! The views of a sharded keyspace, as MySQL describes them.

use std::collections::BTreeMap;

use proto::errors::ClientError;
use proto::ids::KeyspaceName;
use topo::records::{Column, ViewSchema};

use super::super::line::Line;
use super::literal;
use super::read_back::{ask, columns_of};
use crate::planner::view;

/// Reads the views that each shard answers for its own rows; others are passed over.
pub(super) async fn read_back(
    line: &mut Line<'_>,
    keyspace: &KeyspaceName,
) -> Result<BTreeMap<String, ViewSchema>, ClientError> {
    let definitions = ask(line, &DEFINITIONS.replace("{}", &literal(keyspace.as_str()))).await?;
    if definitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut columns: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for (view, column) in columns_of(line, keyspace, "VIEW").await? {
        columns.entry(view).or_default().push(column);
    }
    let read = definitions.into_iter().filter_map(|row| {
        let [name, definition]: [Option<String>; 2] = row.try_into().ok()?;
        let name = name?;
        let shown = view::shown(keyspace, &definition?)?;
        let columns = columns.remove(&name)?;
        let view = ViewSchema { table: shown.table, columns, shows: shown.columns };
        (view.columns.len() == view.shows.len()).then_some((name, view))
    });
    Ok(read.collect())
}

const DEFINITIONS: &str =
    "SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = {}";
