//! Which literals fix the shard of an INSERT or REPLACE: the sharding column's value in every row.

use proto::errors::{ClientError, ErrorId};
use sqlparser::ast::{Expr, Insert, ObjectName, OnInsert, SetExpr, TableObject};
use topo::records::{Column, Visibility};
use topo::snapshot::{Keyspace, ShardingKey, Table};

use super::pins::{literal, refuse_sharding_column, sharding_key};
use super::target::{TableName, Tables};
use crate::plan::Pin;

/// The pins of an INSERT, one for each row, and the column list that it lacks.
pub(super) fn pins(
    insert: &Insert,
    tables: &Tables,
    keyspace: &Keyspace,
) -> Result<(Vec<Pin>, Option<String>), ClientError> {
    let TableObject::TableName(name) = &insert.table else {
        return Err(ErrorId::NotUnderstood.plain());
    };
    let name = TableName::read(name).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    // The target is the only table: values with subqueries and INSERT … SELECT read others.
    if tables.references.len() != 1 || insert.partitioned.is_some() || !insert.after_columns.is_empty() {
        return Err(ErrorId::NotUnderstood.plain());
    }
    let (table, key) = sharding_key(keyspace, &name.table)?;
    let values =
        if insert.source.is_some() { rows(insert, table, key)? } else { vec![assigned(insert, key)?] };
    let pins = values
        .into_iter()
        .map(|value| {
            let (number, negative) = literal(value).ok_or_else(|| ErrorId::InexactValue.with(&key.column))?;
            Ok(Pin { key: key.clone(), literal: number, negative })
        })
        .collect::<Result<Vec<_>, ClientError>>()?;
    if let Some(OnInsert::DuplicateKeyUpdate(assignments)) = &insert.on {
        for assignment in assignments {
            refuse_sharding_column(&assignment.target, &pins)?;
        }
    }
    let lacks_columns = insert.source.is_some() && insert.columns.is_empty();
    Ok((pins, lacks_columns.then(|| column_list(table))))
}

/// The columns that an INSERT without a list means, as a list.
fn column_list(table: &Table) -> String {
    let quoted = |column: &Column| format!("`{}`", column.name.replace('`', "``"));
    format!("({}) ", visible(table).map(quoted).collect::<Vec<_>>().join(","))
}

fn visible(table: &Table) -> impl Iterator<Item = &Column> {
    let columns = table.schema.iter().flat_map(|schema| &schema.columns);
    columns.filter(|column| column.visibility == Visibility::Visible)
}

/// The sharding column's value in each row of `VALUES (…), (…)`.
fn rows<'a>(insert: &'a Insert, table: &Table, key: &ShardingKey) -> Result<Vec<&'a Expr>, ClientError> {
    let refused = || ErrorId::NotUnderstood.plain();
    let source = insert.source.as_ref().ok_or_else(refused)?;
    let SetExpr::Values(values) = source.body.as_ref() else { return Err(refused()) };
    let (place, width) = place_in_row(insert, table, key)?;
    if values.rows.is_empty() {
        return Err(refused());
    }
    // A row of another width is an error of MySQL's to tell.
    values
        .rows
        .iter()
        .map(|row| (row.content.len() == width).then(|| &row.content[place]).ok_or_else(refused))
        .collect()
}

/// Where in each row the sharding column stands, and how many values a row has.
fn place_in_row(insert: &Insert, table: &Table, key: &ShardingKey) -> Result<(usize, usize), ClientError> {
    let missing = || {
        ErrorId::NoShardingValue
            .with(format_args!("table {} (column {} has no value)", table.name, key.column))
    };
    if insert.columns.is_empty() {
        let columns: Vec<&Column> = visible(table).collect();
        let place = columns.iter().position(|column| column.name.eq_ignore_ascii_case(&key.column));
        return Ok((place.ok_or_else(missing)?, columns.len()));
    }
    let place = insert.columns.iter().position(|column| names_column(column, key)).ok_or_else(missing)?;
    Ok((place, insert.columns.len()))
}

/// The sharding column's value in `SET column = value, …`.
fn assigned<'a>(insert: &'a Insert, key: &ShardingKey) -> Result<&'a Expr, ClientError> {
    let assignment = insert.assignments.iter().find(|assignment| match &assignment.target {
        sqlparser::ast::AssignmentTarget::ColumnName(name) => names_column(name, key),
        sqlparser::ast::AssignmentTarget::Tuple(_) => false,
    });
    assignment
        .map(|a| &a.value)
        .ok_or_else(|| ErrorId::NoShardingValue.with(format_args!("column {}", key.column)))
}

fn names_column(name: &ObjectName, key: &ShardingKey) -> bool {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .is_some_and(|ident| ident.value.eq_ignore_ascii_case(&key.column))
}
