//! INSERT and REPLACE of rows that the statement gives: which literals fix each row's shard, and which rows take a
//! number by themselves.

use std::ops::ControlFlow;
use std::rc::Rc;

use proto::errors::{ClientError, ErrorId};
use sqlparser::ast::{
    AssignmentTarget, Expr, Insert, ObjectName, OnInsert, SetExpr, TableObject, Value, visit_expressions,
};
use topo::records::{Column, ColumnType, Visibility};
use topo::snapshot::{Keyspace, ShardingKey, Table};

use super::form;
use super::pins::{literal, refuse_sharding_column, sharding_key};
use super::target::{TableName, Tables};
use crate::aim::Tablets;
use crate::plan::{
    Afterwards, Given, InsertRows, Numbered, OnEqual, Pin, Plan, Purpose, Refusal, Route, RowForm, RowValues,
    Signed, Target,
};

/// The plan of an INSERT. One row of a table that numbers nothing is the client's own text for its shard.
pub(super) fn plan(insert: &Insert, tables: &Tables, keyspace: &Keyspace) -> Result<Plan, ClientError> {
    let refused = || ErrorId::NotUnderstood.plain();
    let TableObject::TableName(name) = &insert.table else { return Err(refused()) };
    let name = TableName::read(name).ok_or_else(refused)?;
    // The target is the only table: values with subqueries and INSERT … SELECT read others.
    if tables.references.len() != 1 {
        return Err(form("a query in an INSERT"));
    }
    if insert.partitioned.is_some() || !insert.after_columns.is_empty() {
        return Err(refused());
    }
    let (table, key) = sharding_key(keyspace, &name.table)?;
    let given = Values::of(insert, table)?;
    let numbered = numbered(table, keyspace).map(|column| given.numbered(column, table)).transpose()?;
    let rows = given.rows(key, numbered.as_ref())?;
    let on_equal = on_equal(insert);
    let purpose = if on_equal == OnEqual::Ignore { Purpose::Compared } else { Purpose::Stored };
    let pins: Vec<Pin> =
        rows.iter().filter_map(|row| row.sharding).map(|value| pin(key, value, purpose)).collect();
    if let Some(OnInsert::DuplicateKeyUpdate(assignments)) = &insert.on {
        let of_key = [pin(key, Signed { literal: 0, negative: false }, purpose)];
        for assignment in assignments {
            refuse_sharding_column(&assignment.target, &of_key)?;
        }
    }
    let columns = given.columns(table);
    if numbered.is_none() && rows.len() == 1 {
        return Ok(Plan::Route(Rc::new(Route {
            keyspace: keyspace.name.clone(),
            target: Target::Pinned(pins),
            columns: columns.map(|columns| format!("({columns}) ")),
            afterwards: Afterwards::Reuse,
            refusal: Refusal::OfAll,
            tablets: Tablets::Primary,
            otherwise: None,
        })));
    }
    if let Some(numbered) = &numbered {
        check_numbered(insert, numbered)?;
    }
    let form = match given.place {
        Written::Rows => RowForm::Values { columns, width: given.width },
        Written::Assignments => RowForm::Set,
    };
    Ok(Plan::Insert(Rc::new(InsertRows {
        keyspace: keyspace.name.clone(),
        table: table.name.clone(),
        key: key.clone(),
        numbered,
        form,
        rows,
        on_equal,
    })))
}

fn pin(key: &ShardingKey, value: Signed, purpose: Purpose) -> Pin {
    Pin { key: key.clone(), literal: value.literal, negative: value.negative, purpose }
}

fn on_equal(insert: &Insert) -> OnEqual {
    match &insert.on {
        Some(_) => OnEqual::Update,
        None if insert.replace_into => OnEqual::Replace,
        None if insert.ignore => OnEqual::Ignore,
        None => OnEqual::Fail,
    }
}

/// The column that takes numbers: MySQL's own, or the one that the vschema names.
fn numbered<'a>(table: &'a Table, keyspace: &Keyspace) -> Option<&'a Column> {
    let columns = &table.schema.as_ref()?.columns;
    let declared = keyspace.vschema().tables.get(&table.name).and_then(|entry| entry.auto_increment.as_ref());
    columns.iter().find(|column| column.auto_increment).or_else(|| {
        columns.iter().find(|column| {
            matches!(column.kind, ColumnType::Integer { .. })
                && declared.is_some_and(|declared| declared.column.eq_ignore_ascii_case(&column.name))
        })
    })
}

/// What must not be where a number is put into a row.
fn check_numbered(insert: &Insert, numbered: &Numbered) -> Result<(), ClientError> {
    let names_column = |expr: &Expr| match expr {
        Expr::Identifier(name) => name.value.eq_ignore_ascii_case(&numbered.column),
        _ => false,
    };
    let look = |expr: &Expr| {
        if names_column(expr) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let values = insert.source.iter().map(|source| visit_expressions(source, look));
    let assigned = insert.assignments.iter().map(|assignment| visit_expressions(&assignment.value, look));
    // To MySQL the number is not there yet where another value is computed from the column.
    let is_read = values.chain(assigned).any(|found| found.is_break());
    // Names for the row's columns would lack the one that is put in.
    let aliases = insert.insert_alias.as_ref().and_then(|alias| alias.col_aliases.as_ref());
    let is_short = numbered.place.is_none() && aliases.is_some_and(|names| !names.is_empty());
    if is_read || is_short { Err(ErrorId::NotUnderstood.plain()) } else { Ok(()) }
}

/// The values of an INSERT, as they are written.
struct Values<'a> {
    insert: &'a Insert,
    table: &'a str,
    place: Written,
    /// Each row's values; of assignments one row.
    rows: Vec<Vec<&'a Expr>>,
    /// The column of each value.
    names: Vec<String>,
    width: usize,
}

enum Written {
    Rows,
    Assignments,
}

impl<'a> Values<'a> {
    fn of(insert: &'a Insert, table: &'a Table) -> Result<Self, ClientError> {
        let refused = || ErrorId::NotUnderstood.plain();
        let Some(source) = &insert.source else {
            let name = |target: &AssignmentTarget| match target {
                AssignmentTarget::ColumnName(name) => last(name),
                AssignmentTarget::Tuple(_) => None,
            };
            let names = insert.assignments.iter().map(|assignment| name(&assignment.target));
            let names: Vec<String> = names.collect::<Option<_>>().ok_or_else(refused)?;
            let rows = vec![insert.assignments.iter().map(|assignment| &assignment.value).collect()];
            return Ok(Self {
                insert,
                table: &table.name,
                place: Written::Assignments,
                rows,
                width: names.len(),
                names,
            });
        };
        let SetExpr::Values(values) = source.body.as_ref() else { return Err(refused()) };
        let rows: Vec<Vec<&Expr>> = values.rows.iter().map(|row| row.content.iter().collect()).collect();
        let width = rows.first().map(Vec::len).ok_or_else(refused)?;
        let names: Vec<String> = if !insert.columns.is_empty() {
            insert.columns.iter().map(last).collect::<Option<_>>().ok_or_else(refused)?
        } else if width == 0 {
            Vec::new()
        } else {
            visible(table).map(|column| column.name.clone()).collect()
        };
        // A row of another width is an error of MySQL's to tell; without values each column has its default.
        let names = if width == 0 { Vec::new() } else { names };
        if names.len() != width || rows.iter().any(|row| row.len() != width) {
            return Err(refused());
        }
        Ok(Self { insert, table: &table.name, place: Written::Rows, rows, names, width })
    }

    fn place_of(&self, column: &str) -> Option<usize> {
        self.names.iter().position(|name| name.eq_ignore_ascii_case(column))
    }

    fn numbered(&self, column: &Column, table: &Table) -> Result<Numbered, ClientError> {
        let ColumnType::Integer { bits, unsigned } = column.kind else {
            return Err(ErrorId::NumberedColumn.with(&column.name));
        };
        let bits = if unsigned { bits } else { bits - 1 };
        let indexes = table.schema.iter().flat_map(|schema| &schema.indexes);
        let unique = indexes.filter(|index| index.unique && index.columns.contains(&column.name));
        Ok(Numbered {
            column: column.name.clone(),
            kind: column.kind.clone(),
            max: u64::MAX >> (64 - u32::from(bits)),
            place: self.place_of(&column.name),
            unique_keys: unique.map(|index| index.name.clone()).collect(),
        })
    }

    fn rows(&self, key: &ShardingKey, numbered: Option<&Numbered>) -> Result<Vec<RowValues>, ClientError> {
        let is_numbered = numbered.is_some_and(|numbered| numbered.column == key.column);
        let place = self.place_of(&key.column);
        let missing = || {
            let table = &self.table;
            ErrorId::NoShardingColumnGiven.with(format_args!("column {} of table {table}", key.column))
        };
        let row = |values: &Vec<&Expr>| {
            let sharding = if is_numbered {
                None
            } else {
                let value = values[place.ok_or_else(missing)?];
                Some(signed(value).ok_or_else(|| ErrorId::InexactValue.with(&key.column))?)
            };
            let number = match numbered.and_then(|numbered| Some((numbered, numbered.place?))) {
                Some((numbered, place)) => given(values[place], &numbered.column)?,
                None => Given::Nothing,
            };
            Ok(RowValues { sharding, number })
        };
        self.rows.iter().map(row).collect()
    }

    /// The columns that an INSERT without a list means.
    fn columns(&self, table: &Table) -> Option<String> {
        if matches!(self.place, Written::Assignments) || !self.insert.columns.is_empty() {
            return None;
        }
        let quoted = |column: &Column| format!("`{}`", column.name.replace('`', "``"));
        let columns = if self.width == 0 { Vec::new() } else { visible(table).map(quoted).collect() };
        Some(columns.join(","))
    }
}

/// What a row gives for the numbered column, if the text tells.
fn given(value: &Expr, column: &str) -> Result<Given, ClientError> {
    match value {
        Expr::Value(value) if value.value == Value::Null => Ok(Given::Nothing),
        Expr::Identifier(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("DEFAULT") =>
        {
            Ok(Given::Nothing)
        }
        other => signed(other).map(Given::Literal).ok_or_else(|| ErrorId::NumberedColumn.with(column)),
    }
}

fn signed(value: &Expr) -> Option<Signed> {
    literal(value).map(|(literal, negative)| Signed { literal, negative })
}

fn last(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone())
}

fn visible(table: &Table) -> impl Iterator<Item = &Column> {
    let columns = table.schema.iter().flat_map(|schema| &schema.columns);
    columns.filter(|column| column.visibility == Visibility::Visible)
}
