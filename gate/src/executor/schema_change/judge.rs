//! What the shards of a keyspace must be able to keep of a table.

use proto::errors::{ClientError, ErrorId};
use topo::records::{IndexSchema, RowsOf, SchemaRecord, TableSchema, VschemaRecord};
use topo::snapshot::{Sharding, ShardingKey};
use topo::vindex::Vindex;

use super::read_back::ForeignKey;
use crate::planner::foreign_key::apart;

/// The vindex of tables that are created without an entry in the vschema.
pub(super) const AUTOMATIC: Vindex = Vindex::XxHash;

/// Its sharding column can be mapped exactly, and every unique key includes it, so that equal keys meet on one
/// shard. Gives the sharding key.
pub(super) fn table(
    name: &str,
    table: &TableSchema,
    sharding: &Sharding,
) -> Result<ShardingKey, ClientError> {
    let (column, vindex) = match sharding {
        Sharding::By(key) => (&key.column, key.vindex),
        Sharding::Declared { column, vindex } => (column, *vindex),
        Sharding::Unusable { column, why } => {
            return Err(ErrorId::BadShardingColumn.with(format_args!("column {column} of {name} ({why})")));
        }
    };
    let key = ShardingKey::find(table, column, vindex)
        .map_err(|why| ErrorId::BadShardingColumn.with(format_args!("column {column} of {name} ({why})")))?;
    let includes_key =
        |index: &IndexSchema| index.columns.iter().any(|c| c.eq_ignore_ascii_case(&key.column));
    match table.indexes.iter().find(|index| index.unique && !includes_key(index)) {
        Some(index) => {
            Err(ErrorId::UnenforceableDdl.with(format_args!("unique key {} of {name}", index.name)))
        }
        None => Ok(key),
    }
}

/// The rows that a new table begins with: each is on the shard that the new table's sharding column says, because its
/// value there is that of the table that it comes from, and both are mapped alike.
pub(super) fn rows(
    name: &str,
    (table, key): (&TableSchema, &ShardingKey),
    rows_of: &RowsOf,
    vschema: &VschemaRecord,
    schema: &SchemaRecord,
) -> Result<(), ClientError> {
    let of = (vschema.tables.get(&rows_of.table), schema.tables.get(&rows_of.table));
    let parents = match of {
        (Some(entry), Some(table)) => Sharding::of(vschema, entry, Some(table)),
        _ => return Err(ErrorId::NoVschemaEntry.with(&rows_of.table)),
    };
    let meets = matches!(&parents, Sharding::By(parents) if (parents.vindex, &parents.kind) == (key.vindex, &key.kind))
        && key.column.eq_ignore_ascii_case(&rows_of.column);
    if !meets {
        let what = format_args!(
            "rows of {} in {name}, which is not sharded as they are by their column {}",
            rows_of.table, rows_of.column
        );
        return Err(ErrorId::UnenforceableDdl.with(what));
    }
    // Each shard would number the rows that it has by itself.
    let numbered = table.columns.iter().find(|column| column.auto_increment && column.name != key.column);
    numbered.map_or(Ok(()), |column| {
        let what = format_args!("numbering the rows of {name} by its column {}", column.name);
        Err(ErrorId::UnenforceableDdl.with(what))
    })
}

/// A foreign key of a new table that each shard can keep by itself.
pub(super) fn foreign_key(
    child: &str,
    key: &ForeignKey,
    vschema: &VschemaRecord,
    schema: &SchemaRecord,
) -> Result<(), ClientError> {
    let unenforceable = |why: &str| {
        ErrorId::UnenforceableKey.with(format_args!("foreign key {} of {child} ({why})", key.name))
    };
    let sharding = |name: &str| {
        let (entry, table) = (vschema.tables.get(name)?, schema.tables.get(name)?);
        match Sharding::of(vschema, entry, Some(table)) {
            Sharding::By(key) => Some(key),
            Sharding::Declared { .. } | Sharding::Unusable { .. } => None,
        }
    };
    if key.parent_schema_is_other {
        return Err(unenforceable("it refers to another keyspace"));
    }
    let (Some(own), Some(parents)) = (sharding(child), sharding(&key.parent)) else {
        return Err(unenforceable("the table that it refers to is not sharded"));
    };
    if let Some(why) = apart(&own, &parents, &key.columns) {
        return Err(unenforceable(why));
    }
    if key.rules.iter().any(|rule| rule.starts_with("SET")) {
        return Err(unenforceable("ON DELETE or ON UPDATE would set the sharding column"));
    }
    Ok(())
}

/// The sharding key of a new table that the vschema says nothing of: the first column of its primary key that
/// can be one.
pub(super) fn choose(name: &str, schema: &TableSchema) -> Result<ShardingKey, ClientError> {
    let primary = schema.indexes.iter().find(|index| index.name == "PRIMARY");
    let columns = primary.ok_or_else(|| ErrorId::NoShardingColumn.with(name))?.columns.iter();
    let mut refusal = None;
    for column in columns.filter(|column| !column.is_empty()) {
        let sharding = Sharding::Declared { column: column.clone(), vindex: AUTOMATIC };
        match table(name, schema, &sharding) {
            Ok(key) => return Ok(key),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or_else(|| ErrorId::NoShardingColumn.with(name)))
}

/// The name in the vschema of the vindex for automatic entries: one that is defined so, or that is free.
pub(super) fn vindex_name(vschema: &VschemaRecord) -> String {
    let plain = AUTOMATIC.as_str();
    let fits = |name: &str| vschema.vindexes.get(name).is_none_or(|definition| definition.kind == plain);
    let mut numbered = (1..).map(|number| format!("{plain}_{number}"));
    if fits(plain) { plain.to_owned() } else { numbered.find(|name| fits(name)).unwrap_or_default() }
}
