//! The rows of an INSERT, each with its number, put together to one text for each shard. Pure.
//!
//! Nothing of the client's text is written anew: its rows are dealt out as they stand, a number takes the place of
//! the NULL, 0 or DEFAULT that stands for it, or is put behind a row's last value.

use std::collections::BTreeMap;

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Keyspace;
use topo::value::{Inexact, ShardingValue, Sign};

use super::many::Part;
use super::route::{Literals, mapped, too_long};
use crate::backend::settings::Settings;
use crate::plan::{Given, InsertRows, Numbered, OnEqual, RowForm, RowValues, Signed};
use crate::sql::rows::{Assignments, Row, Rows};

/// What a row is to have in the numbered column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// The next number.
    Next,
    /// What the client wrote.
    Written(ShardingValue),
    /// What the client wrote, which MySQL will say is out of range.
    Beyond,
}

impl Number {
    /// The number that later ones are above of, if the client wrote one.
    pub fn passed(&self) -> Option<u64> {
        match self {
            Self::Written(ShardingValue::Signed(number)) => u64::try_from(*number).ok(),
            Self::Written(ShardingValue::Unsigned(number)) => Some(*number),
            _ => None,
        }
    }
}

/// What each row is to have in the numbered column; nothing without such a column.
/// Whether 0 is such a number is the session's affair.
pub fn numbers(insert: &InsertRows, literals: Literals<'_>, zero: Zero) -> Result<Vec<Number>, ClientError> {
    let Some(numbered) = &insert.numbered else { return Ok(Vec::new()) };
    insert.rows.iter().map(|row| number(row, numbered, literals, zero)).collect()
}

/// What 0 in the numbered column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    /// It stands for the next number.
    IsNext,
    /// A number like any other.
    IsItself,
}

impl Zero {
    /// By what a session is set to.
    pub fn of(settings: &Settings) -> Self {
        if settings.zero_is_a_number() { Self::IsItself } else { Self::IsNext }
    }
}

fn number(
    row: &RowValues,
    numbered: &Numbered,
    literals: Literals<'_>,
    zero: Zero,
) -> Result<Number, ClientError> {
    let Given::Literal(literal) = row.number else { return Ok(Number::Next) };
    match value(literal, &numbered.kind, literals) {
        Ok(ShardingValue::Signed(0) | ShardingValue::Unsigned(0)) if zero == Zero::IsNext => Ok(Number::Next),
        Ok(value) => Ok(Number::Written(value)),
        Err(Inexact::OutOfRange) => Ok(Number::Beyond),
        Err(_) => Err(ErrorId::NumberedColumn.with(&numbered.column)),
    }
}

fn value(
    literal: Signed,
    kind: &topo::records::ColumnType,
    literals: Literals<'_>,
) -> Result<ShardingValue, Inexact> {
    let sign = if literal.negative { Sign::Minus } else { Sign::Plus };
    literals.value(literal.literal, sign, kind)
}

/// A row on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Index of its shard.
    pub shard: usize,
    /// The number that it was given.
    pub number: Option<u64>,
}

/// Where each row goes. `given` are the numbers of the rows that take one.
pub fn places(
    insert: &InsertRows,
    keyspace: &Keyspace,
    literals: Literals<'_>,
    numbers: &[Number],
    given: &[Option<u64>],
) -> Result<Vec<Placed>, ClientError> {
    let place = |index: usize| {
        let number = given.get(index).copied().flatten();
        let by_number = number.map(|number| mapped(&insert.key, &ShardingValue::Unsigned(number), keyspace));
        let shard = match known_shard(insert, keyspace, literals, numbers.get(index), index)? {
            Some(shard) => shard,
            None => by_number.unwrap_or_else(|| Err(ErrorId::InexactValue.with(&insert.key.column)))?,
        };
        Ok(Placed { shard, number })
    };
    (0..insert.rows.len()).map(place).collect()
}

/// The shard of a row, if it is known before the row has its number.
pub fn known_shard(
    insert: &InsertRows,
    keyspace: &Keyspace,
    literals: Literals<'_>,
    number: Option<&Number>,
    row: usize,
) -> Result<Option<usize>, ClientError> {
    let inexact = || ErrorId::InexactValue.with(&insert.key.column);
    let is_kept = insert.on_equal != OnEqual::Ignore;
    let values = insert.rows.get(row).ok_or_else(inexact)?;
    let value = match (values.sharding, number) {
        (Some(literal), _) => value(literal, &insert.key.kind, literals).map_err(|why| match why {
            Inexact::TooLong if is_kept => too_long(&insert.key, row + 1),
            _ => inexact(),
        })?,
        (None, Some(Number::Written(value))) => value.clone(),
        // Any shard will say so; only IGNORE would take the row, with another value.
        (None, Some(Number::Beyond)) if is_kept => return Ok(Some(0)),
        (None, Some(Number::Next)) => return Ok(None),
        _ => return Err(inexact()),
    };
    mapped(&insert.key, &value, keyspace).map(Some)
}

/// One text for each shard that has rows, in the order of the shards.
pub fn parts(
    insert: &InsertRows,
    sql: &[u8],
    values_at: Option<usize>,
    placed: &[Placed],
) -> Result<Vec<Part>, ClientError> {
    let unread = || ErrorId::NotUnderstood.plain();
    match &insert.form {
        RowForm::Set => {
            let assigned = assigned(insert, sql, placed.first().and_then(|row| row.number));
            let shard = placed.first().map(|row| row.shard).ok_or_else(unread)?;
            Ok(vec![Part { shard, sql: assigned.ok_or_else(unread)?, rows: Vec::new() }])
        }
        RowForm::Values { columns, width } => {
            let place = insert.numbered.as_ref().and_then(|numbered| numbered.place);
            let rows = Rows::read(sql, values_at.ok_or_else(unread)?, place).ok_or_else(unread)?;
            if rows.rows.len() != placed.len() || rows.rows.iter().any(|row| row.width != *width) {
                return Err(unread());
            }
            let head = head(insert, columns.as_deref(), sql, values_at.ok_or_else(unread)?, &rows);
            Ok(dealt(sql, &head, &rows, placed))
        }
    }
}

/// Everything before the first row.
fn head(insert: &InsertRows, columns: Option<&str>, sql: &[u8], values_at: usize, rows: &Rows) -> Vec<u8> {
    let first = rows.rows.first().map_or(sql.len(), |row| row.span.0);
    let added = insert.numbered.as_ref().filter(|numbered| numbered.place.is_none()).map(quoted);
    // A list that names nothing means all columns, as none does.
    let named = columns.into_iter().filter(|columns| !columns.is_empty());
    let mut names: Vec<&str> = named.collect();
    names.extend(added.as_deref());
    let names = names.join(",");
    match rows.list {
        Some(list) => {
            let comma = if list.is_empty || names.is_empty() { "" } else { "," };
            let parts = [&sql[..list.close], comma.as_bytes(), names.as_bytes(), &sql[list.close..first]];
            parts.concat()
        }
        None => [&sql[..values_at], b"(", names.as_bytes(), b") ", &sql[values_at..first]].concat(),
    }
}

fn quoted(numbered: &Numbered) -> String {
    format!("`{}`", numbered.column.replace('`', "``"))
}

/// The rows, dealt out to their shards.
fn dealt(sql: &[u8], head: &[u8], rows: &Rows, placed: &[Placed]) -> Vec<Part> {
    let mut texts: BTreeMap<usize, (Vec<u8>, Vec<usize>)> = BTreeMap::new();
    for ((row, placed), number) in rows.rows.iter().zip(placed).zip(1..) {
        let (text, numbers) = texts.entry(placed.shard).or_default();
        numbers.push(number);
        text.extend_from_slice(if text.is_empty() { head } else { b"," });
        put_row(text, sql, row, placed.number);
    }
    let tail = &sql[rows.rows.last().map_or(sql.len(), |row| row.span.1)..];
    let part = |(shard, (mut text, rows)): (usize, (Vec<u8>, Vec<usize>))| {
        text.extend_from_slice(tail);
        Part { shard, sql: text, rows }
    };
    texts.into_iter().map(part).collect()
}

fn put_row(text: &mut Vec<u8>, sql: &[u8], row: &Row, number: Option<u64>) {
    let (start, end) = row.span;
    let Some(number) = number else { return text.extend_from_slice(&sql[start..end]) };
    // Instead of what stands for it, or behind everything.
    let (from, to, comma) = match row.value {
        Some((from, to)) => (from, to, ""),
        None => (end - 1, end - 1, if row.width == 0 { "" } else { "," }),
    };
    text.extend_from_slice(&sql[start..from]);
    text.extend_from_slice(format!("{comma}{number}").as_bytes());
    text.extend_from_slice(&sql[to..end]);
}

/// `INSERT … SET` with the row's number.
fn assigned(insert: &InsertRows, sql: &[u8], number: Option<u64>) -> Option<Vec<u8>> {
    let (Some(numbered), Some(number)) = (&insert.numbered, number) else { return Some(sql.to_vec()) };
    let found = Assignments::read(sql, numbered.place)?;
    let number = number.to_string();
    Some(match numbered.place {
        Some(_) => {
            let (from, to) = found.value?;
            [&sql[..from], number.as_bytes(), &sql[to..]].concat()
        }
        None => {
            let put = format!(" {}={number},", quoted(numbered));
            [&sql[..found.start], put.as_bytes(), &sql[found.start..]].concat()
        }
    })
}

#[cfg(test)]
mod tests;
