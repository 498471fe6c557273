//! `SELECT NEXT n VALUES FROM sequence`, as Vitess has it: numbers from a table of an unsharded keyspace.

use proto::errors::{ClientError, ErrorId};

use super::{Request, target};
use crate::plan::{NextNumbers, Plan};
use crate::sql::fingerprint::Marks;
use crate::sql::words::Name;

/// The plan of a statement that asks a sequence for numbers; `None` for every other statement. MySQL has none that
/// begins so.
pub(super) fn plan(request: &Request<'_>) -> Result<Option<Plan>, ClientError> {
    let [select, next, values, from, rest @ ..] = request.words.names.as_slice() else { return Ok(None) };
    let asks = select.is("SELECT") && next.is("NEXT") && values.is_one_of(&["VALUE", "VALUES"]);
    if !asks || !from.is("FROM") {
        return Ok(None);
    }
    let keyspace = target::by_qualifier(request)?;
    let table = match rest {
        [table] => table,
        [schema, table] if schema.is_qualifier() => table,
        _ => return Err(ErrorId::NotUnderstood.plain()),
    };
    let count = count(request, next)?;
    let table = table.text.replace("``", "`");
    if keyspace.sharded || request.marks.has(Marks::USER_VARIABLE) {
        return Err(ErrorId::BadSequence.with(table));
    }
    Ok(Some(Plan::NextNumbers(NextNumbers { keyspace: keyspace.name.clone(), table, count })))
}

/// Whether a literal stands between NEXT and VALUES; nothing else may.
fn count(request: &Request<'_>, next: &Name<'_>) -> Result<Option<usize>, ClientError> {
    let literals = request.text.matches('?').count();
    match (next.is_set(), literals) {
        (false, 0) => Ok(None),
        // The statement has this one.
        (true, 1) => Ok(Some(0)),
        _ => Err(ErrorId::NotUnderstood.plain()),
    }
}
