//! Which literals fix the shard of a SELECT, UPDATE or DELETE.
//!
//! Every reference to a table must be pinned in the query block in which it stands: a condition that all of
//! its rows must meet there compares its sharding column with a literal. Conditions that all rows must meet
//! are those of WHERE, those of inner joins, and for the inner side of a left join those of its ON.

use std::ops::ControlFlow;

use proto::errors::{ClientError, ErrorId};
use sqlparser::ast::{
    BinaryOperator, Delete, Expr, FromTable, JoinConstraint, JoinOperator, ObjectName, Query, Select,
    SetExpr, Statement, TableFactor, TableWithJoins, UnaryOperator, Update, Value, Visit, Visitor,
};
use topo::snapshot::{Keyspace, Sharding, ShardingKey, Table};

use super::form;
use super::target::{TableName, Tables};
use crate::plan::{Pin, Purpose};
use crate::sql::fingerprint::decode_placeholder;

/// The pins of a statement that is no INSERT, at least one.
pub(super) fn of_statement(
    statement: &Statement,
    tables: &Tables,
    keyspace: &Keyspace,
) -> Result<Vec<Pin>, ClientError> {
    let mut walk = Walk { tables, keyspace, pins: Vec::new() };
    match statement {
        Statement::Query(_) => {}
        Statement::Update(update) => walk.update(update)?,
        Statement::Delete(delete) => walk.delete(delete)?,
        _ => return Err(ErrorId::NotUnderstood.plain()),
    }
    if let ControlFlow::Break(error) = statement.visit(&mut walk) {
        return Err(error);
    }
    // Each reference has its pin; one that stands where the walk does not look would be missing.
    if walk.pins.len() != tables.references.len() {
        return Err(ErrorId::NotUnderstood.plain());
    }
    Ok(walk.pins)
}

/// The usable sharding key of a table.
pub(super) fn sharding_key<'a>(
    keyspace: &'a Keyspace,
    name: &str,
) -> Result<(&'a Table, &'a ShardingKey), ClientError> {
    let table = keyspace.table(name).ok_or_else(|| ErrorId::NoVschemaEntry.with(name))?;
    match &table.sharding {
        Some(Sharding::By(key)) => Ok((table, key)),
        Some(Sharding::Declared { .. }) => Err(ErrorId::NotUnderstood.plain()),
        Some(Sharding::Unusable { column, why }) => {
            Err(ErrorId::BadShardingColumn.with(format_args!("column {column} of {name} ({why})")))
        }
        None => Err(ErrorId::NoVschemaEntry.with(name)),
    }
}

/// The literal that an expression is, with its sign.
pub(super) fn literal(expr: &Expr) -> Option<(usize, bool)> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(text) => Some((decode_placeholder(text.strip_prefix('?')?)?.0, false)),
            _ => None,
        },
        Expr::Nested(inner) => literal(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            literal(expr).map(|(number, negative)| (number, !negative))
        }
        _ => None,
    }
}

struct Walk<'a> {
    tables: &'a Tables,
    keyspace: &'a Keyspace,
    pins: Vec<Pin>,
}

impl Visitor for Walk<'_> {
    type Break = ClientError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<ClientError> {
        match self.body(&query.body) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Walk<'_> {
    fn body(&mut self, body: &SetExpr) -> Result<(), ClientError> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left)?;
                self.body(right)
            }
            // Nested queries are visited by themselves.
            SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
            _ => Err(ErrorId::NotUnderstood.plain()),
        }
    }

    fn select(&mut self, select: &Select) -> Result<(), ClientError> {
        if select.into.is_some() {
            return Err(ErrorId::SessionState.with("SELECT … INTO"));
        }
        self.block(&select.from, select.selection.as_ref())
    }

    fn update(&mut self, update: &Update) -> Result<(), ClientError> {
        self.block(std::slice::from_ref(&update.table), update.selection.as_ref())?;
        for assignment in &update.assignments {
            refuse_sharding_column(&assignment.target, &self.pins)?;
        }
        Ok(())
    }

    fn delete(&mut self, delete: &Delete) -> Result<(), ClientError> {
        self.block(delete_from(delete)?, delete.selection.as_ref())
    }

    /// Pins every table of one query block.
    fn block(&mut self, from: &[TableWithJoins], selection: Option<&Expr>) -> Result<(), ClientError> {
        let mut block = Block::default();
        for item in from {
            block.item(item)?;
        }
        let factors = block.factors.len();
        for (factor, conditions) in &block.factors {
            let TableFactor::Table { name, alias, .. } = factor else { continue };
            let name = TableName::read(name).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
            if name.schema.is_none() && !self.tables.references.contains(&name) {
                // A common table expression, or DUAL: its query is a block of its own.
                continue;
            }
            let (table, key) = sharding_key(self.keyspace, &name.table)?;
            let binding = Binding {
                schema: self.keyspace.name.as_str(),
                table: &table.name,
                alias: alias.as_ref().map(|alias| alias.name.value.as_str()),
                alone: factors == 1,
                column: &key.column,
            };
            let all = selection.into_iter().chain(conditions.iter().copied());
            let (number, negative) =
                all.filter_map(|condition| binding.pinned_by(condition)).next().ok_or_else(|| {
                    ErrorId::NoShardingValue
                        .with(format_args!("table {} (sharded by {})", name.table, key.column))
                })?;
            self.pins.push(Pin { key: key.clone(), literal: number, negative, purpose: Purpose::Compared });
        }
        Ok(())
    }
}

/// The tables of a DELETE of one table.
pub(super) fn delete_from(delete: &Delete) -> Result<&[TableWithJoins], ClientError> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    if !delete.tables.is_empty() || delete.using.is_some() {
        return Err(form("a DELETE that names its table apart from FROM"));
    }
    Ok(from)
}

/// Refuses an assignment to the sharding column of a table that the pins are of.
pub(super) fn refuse_sharding_column(
    target: &sqlparser::ast::AssignmentTarget,
    pins: &[Pin],
) -> Result<(), ClientError> {
    refuse_column(target, pins.iter().map(|pin| &pin.key))
}

/// Refuses an assignment to the column of one of the keys.
pub(super) fn refuse_column<'a>(
    target: &sqlparser::ast::AssignmentTarget,
    mut keys: impl Iterator<Item = &'a ShardingKey>,
) -> Result<(), ClientError> {
    let last =
        |name: &ObjectName| name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone());
    let column = match target {
        sqlparser::ast::AssignmentTarget::ColumnName(name) => last(name),
        sqlparser::ast::AssignmentTarget::Tuple(_) => None,
    }
    .ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    // MySQL takes some letters for those of ASCII, and so another name for that of the sharding column.
    if !column.is_ascii() {
        return Err(ErrorId::NotUnderstood.plain());
    }
    match keys.find(|key| key.column.eq_ignore_ascii_case(&column)) {
        Some(key) => Err(ErrorId::ShardingColumnUpdate.with(&key.column)),
        None => Ok(()),
    }
}

/// The tables of a query block, each with the ON conditions that its rows must meet.
///
/// The ON of a join speaks of the tables on its two sides and of those of queries around it, whatever names stand
/// elsewhere in the block: so it counts for the tables on its sides only.
#[derive(Default)]
struct Block<'a> {
    factors: Vec<(&'a TableFactor, Vec<&'a Expr>)>,
}

impl<'a> Block<'a> {
    /// Takes in `a JOIN b …`.
    fn item(&mut self, item: &'a TableWithJoins) -> Result<(), ClientError> {
        let first = self.factors.len();
        self.factor(&item.relation)?;
        for join in &item.joins {
            let right = self.factors.len();
            self.factor(&join.relation)?;
            let (concerned, constraint) = match &join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::CrossJoin(constraint)
                | JoinOperator::StraightJoin(constraint) => (first.., constraint),
                // Rows of the outer side stay whatever its ON says.
                JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (right.., constraint),
                JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                    (self.factors.len().., constraint)
                }
                _ => return Err(ErrorId::NotUnderstood.plain()),
            };
            for (_, conditions) in &mut self.factors[concerned] {
                conditions.extend(on(constraint));
            }
        }
        Ok(())
    }

    fn factor(&mut self, factor: &'a TableFactor) -> Result<(), ClientError> {
        match factor {
            TableFactor::Table { args: None, .. }
            | TableFactor::Derived { .. }
            | TableFactor::JsonTable { .. } => {
                self.factors.push((factor, Vec::new()));
                Ok(())
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => self.item(table_with_joins),
            _ => Err(ErrorId::NotUnderstood.plain()),
        }
    }
}

fn on(constraint: &JoinConstraint) -> Option<&Expr> {
    match constraint {
        JoinConstraint::On(condition) => Some(condition),
        _ => None,
    }
}

/// How a query block names one of its tables, and the column that is looked for.
pub(super) struct Binding<'a> {
    pub(super) schema: &'a str,
    pub(super) table: &'a str,
    pub(super) alias: Option<&'a str>,
    /// No other table stands in the block, so an unqualified column is this one's.
    pub(super) alone: bool,
    pub(super) column: &'a str,
}

impl Binding<'_> {
    /// The literal that the condition fixes the column to, if it does for every row that meets it.
    fn pinned_by(&self, condition: &Expr) -> Option<(usize, bool)> {
        match condition {
            Expr::Nested(inner) => self.pinned_by(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.pinned_by(left).or_else(|| self.pinned_by(right))
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                if self.is_column(left) {
                    literal(right)
                } else if self.is_column(right) {
                    literal(left)
                } else {
                    None
                }
            }
            Expr::InList { expr, list, negated: false } if self.is_column(expr) => match list.as_slice() {
                [one] => literal(one),
                _ => None,
            },
            _ => None,
        }
    }

    /// The literals of which the condition fixes the column to one, if it does for every row that meets it. NULL is
    /// not among them: no row is equal to it.
    pub(super) fn listed_by(&self, condition: &Expr) -> Option<Vec<(usize, bool)>> {
        match condition {
            Expr::Nested(inner) => self.listed_by(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                match (self.listed_by(left), self.listed_by(right)) {
                    (Some(a), Some(b)) => Some(if a.len() <= b.len() { a } else { b }),
                    (a, b) => a.or(b),
                }
            }
            Expr::InList { expr, list, negated: false } if self.is_column(expr) => {
                list.iter().filter(|item| !is_null(item)).map(literal).collect()
            }
            _ => self.pinned_by(condition).map(|pin| vec![pin]),
        }
    }

    /// Whether the expression is the column, and could not be another one.
    pub(super) fn is_column(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Nested(inner) => self.is_column(inner),
            Expr::Identifier(name) => self.alone && name.value.eq_ignore_ascii_case(self.column),
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                match parts.as_slice() {
                    [table, column] => {
                        *table == self.alias.unwrap_or(self.table) && column.eq_ignore_ascii_case(self.column)
                    }
                    [schema, table, column] => {
                        self.alias.is_none()
                            && *schema == self.schema
                            && *table == self.table
                            && column.eq_ignore_ascii_case(self.column)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_null(inner),
        Expr::Value(value) => matches!(value.value, Value::Null),
        _ => false,
    }
}
