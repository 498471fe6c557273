//! Foreign keys between sharded tables: which of them each shard can keep by itself.
//!
//! Where a row and the one that it refers to always lie on the same shard, because the key refers to the parent's
//! sharding column by the child's, and both are mapped alike. What MySQL does to the child's rows when the parent's
//! change must not change their sharding column.

use proto::errors::{ClientError, ErrorId};
use sqlparser::ast::{AlterTableOperation, Ident, ReferentialAction, Statement, TableConstraint};
use topo::snapshot::{Keyspace, ShardingKey};

use super::Request;
use super::pins::sharding_key;
use super::target::TableName;
use crate::sql::parse::parse;

/// Why the shards could not keep a key whose columns, each with the one that it refers to, are these.
pub fn apart(own: &ShardingKey, parents: &ShardingKey, columns: &[(String, String)]) -> Option<&'static str> {
    let meet = |(column, parent): &(String, String)| {
        column.eq_ignore_ascii_case(&own.column) && parent.eq_ignore_ascii_case(&parents.column)
    };
    if !columns.iter().any(meet) {
        return Some("it does not refer to the sharding column by the sharding column");
    }
    let alike = (own.vindex, &own.kind) == (parents.vindex, &parents.kind);
    (!alike).then_some("the two sharding columns are mapped differently")
}

/// Lets an ALTER TABLE pass that adds foreign keys which the shards can keep, and does nothing else.
pub(super) fn check_added(request: &Request<'_>, keyspace: &Keyspace) -> Result<(), ClientError> {
    let refused = |why: &str| {
        ErrorId::UnenforceableKey.with(format_args!("a foreign key of a table that exists ({why})"))
    };
    let unread = || refused("it must stand alone in its ALTER TABLE");
    // MySQL takes some letters for those of ASCII.
    if request.words.names.iter().any(|name| !name.text.is_ascii()) {
        return Err(unread());
    }
    let Ok(Statement::AlterTable(alter)) = parse(request.raw) else { return Err(unread()) };
    let child = TableName::read(&alter.name).ok_or_else(unread)?;
    let (_, own) = sharding_key(keyspace, &child.table)?;
    for operation in &alter.operations {
        let AlterTableOperation::AddConstraint { constraint: TableConstraint::ForeignKey(key), .. } =
            operation
        else {
            return Err(unread());
        };
        let parent = TableName::read(&key.foreign_table).ok_or_else(unread)?;
        if parent.schema.is_some_and(|schema| schema != keyspace.name.as_str()) {
            return Err(refused("it refers to another keyspace"));
        }
        let (table, parents) = sharding_key(keyspace, &parent.table)?;
        if table.view_of.is_some() || key.columns.len() != key.referred_columns.len() {
            return Err(unread());
        }
        let text = |name: &Ident| name.value.clone();
        let columns: Vec<(String, String)> =
            key.columns.iter().map(text).zip(key.referred_columns.iter().map(text)).collect();
        if let Some(why) = apart(own, parents, &columns) {
            return Err(refused(why));
        }
        let sets = |action: &Option<ReferentialAction>| {
            matches!(action, Some(ReferentialAction::SetNull | ReferentialAction::SetDefault))
        };
        if sets(&key.on_delete) || sets(&key.on_update) {
            return Err(refused("ON DELETE or ON UPDATE would set the sharding column"));
        }
    }
    Ok(())
}
