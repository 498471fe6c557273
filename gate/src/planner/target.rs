//! Which keyspace a statement is about.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use proto::errors::{ClientError, ErrorId};
use proto::ids::RESERVED_SCHEMAS;
use sqlparser::ast::{Cte, ObjectName, Query, SetExpr, Statement, Visit, Visitor, With, visit_relations};
use topo::snapshot::Keyspace;

use super::Request;
use crate::aim::{CATALOGUE, Choice, Database, choose};
use crate::sql::tokens::{Token, TokenKind, tokens};
use crate::sql::words::Name;

/// The tables that a statement names, from its syntax tree.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Every reference to a table that is not a common table expression, in no particular order.
    pub(super) references: Vec<TableName>,
    /// Names of common table expressions; MySQL compares them exactly.
    expressions: BTreeSet<String>,
    inside_query: bool,
}

/// A table as the statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableName {
    /// The schema before the point.
    pub(super) schema: Option<String>,
    /// The table.
    pub(super) table: String,
}

impl TableName {
    /// From a name of one or two parts.
    pub(super) fn read(name: &ObjectName) -> Option<Self> {
        let part = |i: usize| name.0.get(i).and_then(|part| part.as_ident()).map(|ident| ident.value.clone());
        match name.0.len() {
            1 => Some(Self { schema: None, table: part(0)? }),
            2 => Some(Self { schema: Some(part(0)?), table: part(1)? }),
            _ => None,
        }
    }
}

/// DUAL stands where MySQL's grammar wants a table and there is none; in quotes it is a table's name.
fn is_dual(name: &ObjectName) -> bool {
    match name.0.as_slice() {
        [part] => {
            part.as_ident().is_some_and(|i| i.quote_style.is_none() && i.value.eq_ignore_ascii_case("dual"))
        }
        _ => false,
    }
}

impl Tables {
    /// Everything that the statement names; the form that does not show all of it, if there is one.
    pub(super) fn of(statement: &Statement) -> Result<Self, &'static str> {
        // Only the WITH of the outermost query names expressions for the whole statement.
        let inside_query = !matches!(statement, Statement::Query(_));
        let mut tables = Self { inside_query, ..Self::default() };
        if let ControlFlow::Break(form) = statement.visit(&mut tables) {
            return Err(form);
        }
        let Self { references, expressions, .. } = &mut tables;
        references.retain(|name| name.schema.is_some() || !expressions.contains(&name.table));
        Ok(tables)
    }
}

impl Visitor for Tables {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        let outermost = !std::mem::replace(&mut self.inside_query, true);
        if let Some(with) = &query.with {
            // The names of an inner WITH may mean tables elsewhere in the statement.
            if !outermost {
                return ControlFlow::Break("WITH inside another query");
            }
            if !refers_backwards(with) {
                return ControlFlow::Break("a common table expression with the name of a table");
            }
            self.expressions.extend(with.cte_tables.iter().map(expression_name));
        }
        let form = "TABLE inside another query";
        if hides_tables(&query.body) { ControlFlow::Break(form) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<&'static str> {
        match TableName::read(relation) {
            _ if is_dual(relation) => {}
            Some(name) => self.references.push(name),
            None => return ControlFlow::Break("a name of more than two parts"),
        }
        ControlFlow::Continue(())
    }
}

/// Whether every expression refers only to those before it: a name used in its own definition, or before it, is
/// that of a table, unless the WITH is recursive.
fn refers_backwards(with: &With) -> bool {
    let names: Vec<String> = with.cte_tables.iter().map(expression_name).collect();
    with.cte_tables.iter().enumerate().all(|(place, expression)| {
        let not_yet = &names[if with.recursive { place + 1 } else { place }..];
        let flow = visit_relations(&expression.query, |relation| match TableName::read(relation) {
            Some(TableName { schema: None, table }) if not_yet.contains(&table) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        flow.is_continue()
    })
}

fn expression_name(expression: &Cte) -> String {
    expression.alias.name.value.clone()
}

/// Whether the body has parts whose tables a visitor is not shown, such as `TABLE t`.
fn hides_tables(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => false,
        SetExpr::SetOperation { left, right, .. } => hides_tables(left) || hides_tables(right),
        _ => true,
    }
}

/// The keyspace of all tables that the statement names; `None`: it names no table.
pub(super) fn of_tables<'a>(
    request: &Request<'a>,
    tables: &Tables,
) -> Result<Option<&'a Keyspace>, ClientError> {
    let mut found: Option<&Keyspace> = None;
    for reference in &tables.references {
        let keyspace = match &reference.schema {
            None if request.database == Some(&Database::Catalogue) => by_schema(request, CATALOGUE)?,
            None => default(request)?,
            Some(schema) => by_schema(request, schema)?,
        };
        match found {
            Some(other) if other.name != keyspace.name => return Err(ErrorId::SeveralKeyspaces.plain()),
            _ => found = Some(keyspace),
        }
    }
    if let Some(keyspace) = found
        && request.database.is_some_and(|database| !database.is_within(&keyspace.name))
        && (request.words.has("DATABASE") || request.words.has("SCHEMA"))
    {
        // The connection of another keyspace's account has another default database.
        return Err(ErrorId::SeveralKeyspaces.plain());
    }
    Ok(found)
}

/// The keyspace of a statement that was not parsed: the default one, unless its text qualifies a name by another.
pub(super) fn by_names<'a>(request: &Request<'a>) -> Result<&'a Keyspace, ClientError> {
    let keyspace = by_qualifier(request)?;
    // Its other names would be looked up in the default database.
    if is_elsewhere(request, keyspace) { Err(ErrorId::SeveralKeyspaces.plain()) } else { Ok(keyspace) }
}

/// Whether a name without a schema is not one of this keyspace.
pub(super) fn is_elsewhere(request: &Request<'_>, keyspace: &Keyspace) -> bool {
    request.database.is_some_and(|database| database.keyspace() != Some(&keyspace.name))
}

/// The default keyspace, if it is unsharded and the statement qualifies no name: then no tree is needed to see
/// that it is about nothing else.
pub(super) fn unsharded_throughout<'a>(request: &Request<'a>) -> Option<&'a Keyspace> {
    let keyspace = default(request).ok()?;
    (!keyspace.sharded && !request.text.contains('.')).then_some(keyspace)
}

/// The keyspace that qualifies a name, or the default one: whose schema is changed, or shown. Names without a
/// schema beside one of another keyspace find no database there, which MySQL then says.
pub(super) fn by_qualifier<'a>(request: &Request<'a>) -> Result<&'a Keyspace, ClientError> {
    let names = request.words.names.iter();
    let is_keyspace =
        |name: &&Name<'_>| name.is_qualifier() && request.snapshot.keyspace(name.text).is_some();
    let named: BTreeSet<&str> = names.filter(is_keyspace).map(|name| name.text).collect();
    let mut named = named.into_iter();
    match (named.next(), named.next()) {
        (None, _) => default(request),
        (Some(one), None) => by_schema(request, one),
        _ => Err(ErrorId::SeveralKeyspaces.plain()),
    }
}

/// The keyspace for a statement without tables: the default one, or any.
pub(super) fn any<'a>(request: &Request<'a>) -> Result<&'a Keyspace, ClientError> {
    if request.database.is_some_and(|database| database.keyspace().is_some()) {
        return default(request);
    }
    let mut seen = request.snapshot.keyspaces().filter(|keyspace| request.rights.may_see(&keyspace.name));
    seen.next().map(AsRef::as_ref).ok_or_else(|| ErrorId::NoDatabase.plain())
}

/// Whose MySQL can judge a statement that was refused.
pub(super) fn judge<'a>(request: &Request<'a>) -> Option<&'a Keyspace> {
    by_names(request).or_else(|_| any(request)).ok()
}

/// What USE names: one name, in quotes or not, or several tokens such as those of `shop:-80@replica`.
pub(super) fn used(request: &Request<'_>) -> Result<Choice, ClientError> {
    let refused = || ErrorId::NotUnderstood.plain();
    let sql = request.raw.as_bytes();
    let tokens = tokens(sql).ok_or_else(refused)?;
    let is_part = |token: &&Token| token.kind != TokenKind::Comment && !token.is_symbol(sql, b';');
    let parts: Vec<&Token> = tokens.iter().filter(is_part).skip(1).collect();
    let text = match parts.as_slice() {
        [] => return Err(refused()),
        [only] if only.kind == TokenKind::QuotedName => {
            request.raw[only.start + 1..only.end - 1].replace("``", "`")
        }
        [first, .., last] if parts.windows(2).any(|pair| pair[0].end != pair[1].start) => {
            debug_assert!(first.start < last.start);
            return Err(refused());
        }
        [first, ..] => {
            let end = parts.last().map_or(first.end, |last| last.end);
            // The parts may be in quotes each.
            request.raw[first.start..end].replace('`', "")
        }
    };
    choose(&text, request.rights, request.snapshot)
}

/// The keyspace with a schema's name.
pub(super) fn by_schema<'a>(request: &Request<'a>, schema: &str) -> Result<&'a Keyspace, ClientError> {
    if let Some(keyspace) = request.snapshot.keyspace(schema) {
        return seen(request, keyspace);
    }
    if RESERVED_SCHEMAS.iter().any(|reserved| reserved.eq_ignore_ascii_case(schema)) {
        // Every server has these of its own; those of an unsharded keyspace are the truth about it.
        return match default(request) {
            Ok(keyspace) if !keyspace.sharded => Ok(keyspace),
            _ => Err(ErrorId::UnsupportedStatement.with(format_args!("schema {schema}"))),
        };
    }
    Err(request.rights.unknown(schema))
}

/// The keyspace, if the user may know of it.
fn seen<'a>(request: &Request<'a>, keyspace: &'a Keyspace) -> Result<&'a Keyspace, ClientError> {
    request.rights.role(&keyspace.name).map(|_| keyspace)
}

/// The default keyspace.
pub(super) fn default<'a>(request: &Request<'a>) -> Result<&'a Keyspace, ClientError> {
    let database = request.database.ok_or_else(|| ErrorId::NoDatabase.plain())?;
    if *database == Database::Catalogue {
        // Nobody makes or changes anything there.
        return Err(request.rights.denied(database));
    }
    let keyspace = request.snapshot.keyspace(database.as_str());
    seen(request, keyspace.ok_or_else(|| ErrorId::UnknownDatabase.with(database))?)
}
