//! Statements about information_schema: every server has one of its own, which tells of the keyspaces that live there.
//!
//! ```text
//!   … WHERE table_schema = 'shop'        the keyspace of that name
//!   … WHERE table_schema = DATABASE()    the default keyspace, as where nothing is compared
//! ```
//!
//! The shards of a keyspace have the same tables, so the first one's catalogue is that of the keyspace; what it counts
//! (TABLE_ROWS and the like) is of that shard.

use std::ops::ControlFlow;
use std::rc::Rc;

use proto::errors::{ClientError, ErrorId};
use sqlparser::ast::{
    BinaryOperator, Expr, ObjectName, Query, Select, SetExpr, Statement, Value, Visit, Visitor,
};
use topo::snapshot::Keyspace;

use super::target::{self, Tables};
use super::{Request, of_schema};
use crate::aim::{CATALOGUE, Database};
use crate::plan::Plan;
use crate::sql::fingerprint::{Fingerprint, decode_placeholder};
use crate::sql::lexeme::LiteralClass;
use crate::sql::literal::string_of;

/// Its columns that hold names of databases.
const SCHEMA_COLUMNS: [&str; 9] = [
    "TABLE_SCHEMA",
    "SCHEMA_NAME",
    "CONSTRAINT_SCHEMA",
    "INDEX_SCHEMA",
    "ROUTINE_SCHEMA",
    "TRIGGER_SCHEMA",
    "EVENT_SCHEMA",
    "EVENT_OBJECT_SCHEMA",
    "SPECIFIC_SCHEMA",
];

/// The plan of a statement that reads nothing but information_schema; `None`: it is no such statement.
pub(super) fn plan(
    request: &Request<'_>,
    tables: &Tables,
    statement: &Statement,
) -> Result<Option<Plan>, ClientError> {
    let by_default = request.database == Some(&Database::Catalogue);
    let is_catalogue = |schema: &Option<String>| match schema {
        Some(name) => is_named(name),
        None => by_default,
    };
    if tables.references.is_empty() || !tables.references.iter().all(|table| is_catalogue(&table.schema)) {
        return Ok(None);
    }
    let mut fingerprint = Fingerprint::default();
    fingerprint.read(request.raw.as_bytes());
    let mut search = Search { raw: request.raw, fingerprint: &fingerprint, by_default, found: Vec::new() };
    let _ = statement.visit(&mut search);
    let mut chosen: Option<&Keyspace> = None;
    for block in search.found {
        let keyspace = match block.as_deref().map(|name| request.snapshot.keyspace(name)) {
            // A name that the user may not see is that of nothing, on every server.
            Some(Some(named)) if request.rights.may_see(&named.name) => named,
            _ => target::any(request)?,
        };
        match chosen {
            Some(other) if other.name != keyspace.name => return Err(ErrorId::SeveralKeyspaces.plain()),
            _ => chosen = Some(keyspace),
        }
    }
    let keyspace = chosen.map_or_else(|| target::any(request), Ok)?;
    let asks_for_default = request.words.has("DATABASE") || request.words.has("SCHEMA");
    if asks_for_default && request.database.is_some_and(|database| !database.is_within(&keyspace.name)) {
        // A connection of that keyspace's account has another default database.
        return Err(ErrorId::SeveralKeyspaces.plain());
    }
    match of_schema(keyspace) {
        // Which keyspace it is depends on a literal, and so must not be remembered for others.
        Plan::Route(route) => Ok(Some(Plan::RouteOnce(Rc::clone(&route)))),
        other => Ok(Some(other)),
    }
}

/// Whether a schema's name is that of the catalogue.
pub(super) fn is_named(schema: &str) -> bool {
    schema.eq_ignore_ascii_case(CATALOGUE)
}

/// For each query block with tables, the database that all its rows are of, if a condition says so.
struct Search<'a> {
    raw: &'a str,
    fingerprint: &'a Fingerprint,
    /// Whether a table without a schema is one of the catalogue.
    by_default: bool,
    found: Vec<Option<String>>,
}

impl Visitor for Search<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.body(&query.body);
        ControlFlow::Continue(())
    }
}

impl Search<'_> {
    fn body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            _ => {}
        }
    }

    fn select(&mut self, select: &Select) {
        let reads_catalogue = select.from.iter().any(|item| {
            let joined = item.joins.iter().map(|join| &join.relation);
            std::iter::once(&item.relation).chain(joined).any(|relation| match relation {
                sqlparser::ast::TableFactor::Table { name, .. } => self.by_default || is_qualified(name),
                _ => false,
            })
        });
        if reads_catalogue {
            let named = select.selection.as_ref().and_then(|condition| self.named_by(condition));
            self.found.push(named);
        }
    }

    /// The database that every row has which meets the condition.
    fn named_by(&self, condition: &Expr) -> Option<String> {
        match condition {
            Expr::Nested(inner) => self.named_by(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.named_by(left).or_else(|| self.named_by(right))
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                match (is_schema(left), is_schema(right)) {
                    (true, false) => self.text(right),
                    (false, true) => self.text(left),
                    _ => None,
                }
            }
            Expr::InList { expr, list, negated: false } if is_schema(expr) => match list.as_slice() {
                [one] => self.text(one),
                _ => None,
            },
            // Without a wildcard it is a comparison.
            Expr::Like { negated: false, expr, pattern, escape_char: None, .. } if is_schema(expr) => {
                self.text(pattern).filter(|pattern| !pattern.contains(['%', '_', '\\']))
            }
            _ => None,
        }
    }

    fn text(&self, expr: &Expr) -> Option<String> {
        let Expr::Value(value) = expr else { return None };
        let Value::Placeholder(placeholder) = &value.value else { return None };
        let (number, class) = decode_placeholder(placeholder.strip_prefix('?')?)?;
        let span = self.fingerprint.literals.get(number).filter(|_| class == LiteralClass::String)?;
        string_of(&self.raw.as_bytes()[span.start..span.end])
    }
}

fn is_qualified(name: &ObjectName) -> bool {
    name.0.len() == 2
}

fn is_schema(expr: &Expr) -> bool {
    let column = match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        Expr::Nested(inner) => return is_schema(inner),
        _ => None,
    };
    column.is_some_and(|name| SCHEMA_COLUMNS.iter().any(|known| name.value.eq_ignore_ascii_case(known)))
}
