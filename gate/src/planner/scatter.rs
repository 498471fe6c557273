//! Statements that no literal fixes to one shard: which shards they are for, and whether the shards' answers, put
//! together, are that of one MySQL with all the rows.
//!
//! A statement qualifies if it is one query block whose every row is made from rows of one shard: of one table, or
//! of tables that are joined by equal sharding columns of one vindex and type. What several shards would have to
//! merge (an order, a bound, groups, …) stands in the plan; such a statement goes on if one shard has all its rows.

mod block;

use std::ops::ControlFlow;

use proto::errors::{ClientError, ErrorId};
use sqlparser::ast::{
    Assignment, Expr, GroupByExpr, Query, Select, SetExpr, Statement, TableWithJoins, Visit, Visitor,
};
use topo::snapshot::Keyspace;

use super::Request;
use super::pins::{delete_from, refuse_column, sharding_key};
use super::target::{TableName, Tables};
use crate::aim::Tablets;
use crate::plan::{Afterwards, Effect, Plan, Refusal, Route, Scatter, Shards, Target};
use crate::sql::function::{Function, function};
use crate::sql::words::Words;
use block::{Block, has_only_inner_joins, inner_conditions};

/// The plan of a statement of which not every table is pinned.
pub(super) fn plan(
    request: &Request<'_>,
    statement: &Statement,
    tables: &Tables,
    keyspace: &Keyspace,
) -> Result<Plan, ClientError> {
    if let [_] = keyspace.shards.as_slice() {
        return on_the_only_shard(statement, tables, keyspace);
    }
    let (effect, from, selection, assignments) = parts(statement, request.words)?;
    let block = Block::read(from, tables, keyspace)?;
    for assignment in assignments {
        refuse_column(&assignment.target, block.keys())?;
    }
    let mut conditions: Vec<&Expr> = selection.into_iter().collect();
    if from.iter().all(has_only_inner_joins) {
        from.iter().for_each(|item| inner_conditions(item, &mut conditions));
    }
    if !block.is_of_one_shard(from, &conditions) {
        return Err(ErrorId::NeedsMerging.with("a join that is not by equal sharding columns"));
    }
    let shards = block.shards(&conditions);
    let merges = merges(statement, request.words);
    if let (Some(clause), Shards::All) = (&merges, &shards) {
        return Err(ErrorId::NeedsMerging.with(clause));
    }
    Ok(scatter(keyspace, shards, effect, merges))
}

/// The plan where one shard has all rows, whatever the statement makes of them.
fn on_the_only_shard(
    statement: &Statement,
    tables: &Tables,
    keyspace: &Keyspace,
) -> Result<Plan, ClientError> {
    let key = |name: &TableName| sharding_key(keyspace, &name.table).map(|(_, key)| key);
    let keys = tables.references.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    let effect = match statement {
        Statement::Query(_) => Effect::Rows,
        Statement::Delete(_) => Effect::Write,
        Statement::Update(update) => {
            for assignment in &update.assignments {
                refuse_column(&assignment.target, keys.iter().copied())?;
            }
            Effect::Write
        }
        _ => return Err(ErrorId::NotUnderstood.plain()),
    };
    Ok(scatter(keyspace, Shards::All, effect, None))
}

/// Whether the statement is one query block of whose rows each is made from the rows it is joined from and nothing else.
pub(super) fn is_of_rows(statement: &Statement, words: &Words<'_>) -> bool {
    parts(statement, words).is_ok() && merges(statement, words).is_none()
}

/// The plan of a statement that every shard answers in rows, whichever tables it is about.
pub(super) fn of_every_shard(keyspace: &Keyspace, afterwards: Afterwards) -> Plan {
    let route = Route { afterwards, ..left_over(keyspace) };
    Plan::Scatter(Scatter { route, shards: Shards::All, effect: Effect::Rows, merges: None }.into())
}

fn scatter(keyspace: &Keyspace, shards: Shards, effect: Effect, merges: Option<String>) -> Plan {
    let route = left_over(keyspace);
    Plan::Scatter(Scatter { route, shards, effect, merges }.into())
}

fn left_over(keyspace: &Keyspace) -> Route {
    Route {
        keyspace: keyspace.name.clone(),
        target: Target::Left,
        columns: None,
        afterwards: if keyspace.has_stored_programs { Afterwards::Close } else { Afterwards::Reuse },
        refusal: Refusal::OfAll,
        tablets: Tablets::Primary,
        otherwise: None,
    }
}

type Parts<'a> = (Effect, &'a [TableWithJoins], Option<&'a Expr>, &'a [Assignment]);

/// The one query block of a statement.
fn parts<'a>(statement: &'a Statement, words: &Words<'_>) -> Result<Parts<'a>, ClientError> {
    if let ControlFlow::Break(what) = statement.visit(&mut Nested::default()) {
        return Err(ErrorId::NeedsMerging.with(set_operation(words).unwrap_or(what)));
    }
    let refused = || ErrorId::NotUnderstood.plain();
    match statement {
        Statement::Query(query) => {
            let SetExpr::Select(select) = query.body.as_ref() else { return Err(refused()) };
            check_query(query, select).ok_or_else(refused)?;
            Ok((Effect::Rows, &select.from, select.selection.as_ref(), &[]))
        }
        Statement::Update(update) => {
            if update.from.is_some() || update.returning.is_some() || update.or.is_some() {
                return Err(refused());
            }
            let from = std::slice::from_ref(&update.table);
            Ok((Effect::Write, from, update.selection.as_ref(), &update.assignments))
        }
        Statement::Delete(delete) => {
            let from = delete_from(delete)?;
            Ok((Effect::Write, from, delete.selection.as_ref(), &[]))
        }
        _ => Err(refused()),
    }
}

/// Whether the query has no part that is not of MySQL's grammar: what the parser takes for one was misread.
fn check_query(query: &Query, select: &Select) -> Option<()> {
    let plain = query.with.is_none()
        && query.fetch.is_none()
        && query.for_clause.is_none()
        && query.settings.is_none()
        && query.format_clause.is_none()
        && query.pipe_operators.is_empty()
        && select.top.is_none()
        && select.exclude.is_none()
        && select.lateral_views.is_empty()
        && select.prewhere.is_none()
        && select.connect_by.is_empty()
        && select.cluster_by.is_empty()
        && select.distribute_by.is_empty()
        && select.sort_by.is_empty()
        && select.qualify.is_none()
        && select.value_table_mode.is_none();
    plain.then_some(())
}

/// Breaks at a query inside the statement's outermost one.
#[derive(Default)]
struct Nested {
    inside: bool,
}

impl Visitor for Nested {
    type Break = &'static str;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<&'static str> {
        self.inside = !matches!(statement, Statement::Query(_));
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        if query.with.is_some() {
            return ControlFlow::Break("a common table expression");
        }
        if matches!(query.body.as_ref(), SetExpr::SetOperation { .. }) {
            return ControlFlow::Break("UNION");
        }
        match std::mem::replace(&mut self.inside, true) {
            true => ControlFlow::Break("a subquery"),
            false => ControlFlow::Continue(()),
        }
    }
}

fn set_operation(words: &Words<'_>) -> Option<&'static str> {
    ["UNION", "INTERSECT", "EXCEPT"].into_iter().find(|word| words.has(word))
}

/// Reserved words of clauses for which several answers have to be merged, and the clauses' names.
const MERGING: [(&str, &str); 12] = [
    ("GROUP", "GROUP BY"),
    ("HAVING", "HAVING"),
    ("OVER", "a window function"),
    ("WINDOW", "a window function"),
    ("QUALIFY", "QUALIFY"),
    ("DISTINCT", "DISTINCT"),
    ("DISTINCTROW", "DISTINCT"),
    ("ORDER", "ORDER BY"),
    ("LIMIT", "LIMIT"),
    ("MATCH", "MATCH … AGAINST"),
    ("PROCEDURE", "PROCEDURE"),
    ("TABLESAMPLE", "TABLESAMPLE"),
];

/// What of a single query block could not be answered by putting several shards' rows together, if anything.
fn merges(statement: &Statement, words: &Words<'_>) -> Option<String> {
    if let ControlFlow::Break(what) = statement.visit(&mut Expressions) {
        return Some(what);
    }
    // The words say so, too, where the tree should not.
    let clause = MERGING.iter().find(|(word, _)| words.has(word)).map(|(_, clause)| (*clause).to_owned());
    clause.or_else(|| words.has_system_variable().then(|| "a system variable".to_owned()))
}

/// Breaks at an expression whose value for a row depends on anything but the row.
struct Expressions;

impl Visitor for Expressions {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let SetExpr::Select(select) = query.body.as_ref() else { return ControlFlow::Continue(()) };
        match &select.group_by {
            GroupByExpr::Expressions(list, with) if list.is_empty() && with.is_empty() => {
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break("GROUP BY".into()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Function(call) => {
                let name = match call.name.0.as_slice() {
                    [part] => part.as_ident().map(|ident| ident.value.to_ascii_uppercase()),
                    _ => None,
                };
                match name.as_deref().map(function) {
                    _ if call.over.is_some() => ControlFlow::Break("a window function".into()),
                    Some(Function::OfRow) => ControlFlow::Continue(()),
                    Some(_) => ControlFlow::Break(format!("{}()", name.unwrap_or_default())),
                    None => ControlFlow::Break("a stored function".into()),
                }
            }
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::InList { .. }
            | Expr::Between { .. }
            | Expr::BinaryOp { .. }
            | Expr::Like { .. }
            | Expr::RLike { .. }
            | Expr::UnaryOp { .. }
            | Expr::Convert { .. }
            | Expr::Cast { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Collate { .. }
            | Expr::Nested(_)
            | Expr::Value(_)
            | Expr::Prefixed { .. }
            | Expr::TypedString(_)
            | Expr::Case { .. }
            | Expr::Tuple(_)
            | Expr::Interval(_)
            | Expr::MemberOf(_) => ControlFlow::Continue(()),
            _ => ControlFlow::Break("an expression of this kind".into()),
        }
    }
}
