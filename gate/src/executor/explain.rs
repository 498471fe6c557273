//! The text form of a plan: what `VEXPLAIN` shows, and golden files hold.
//!
//! ```text
//! Route to shop/-80: the statement as it is
//!   id = 5 by xxhash is keyspace ID 6dc2…
//! ```

use std::fmt::Write as _;

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::{Keyspace, Snapshot};

use super::insert::{Number, Zero, known_shard, numbers, parts, places};
use super::route::{self, Literals};
use crate::plan::{DatabaseChange, Effect, InsertRows, Pin, Plan, Route, Scatter, Shards, Target};

/// A plan as it is shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// One line for each step, and indented ones for what decided it.
    pub lines: Vec<String>,
    /// What is sent to whom, in order.
    pub queries: Vec<Query>,
}

/// A statement for one shard.
#[derive(Debug, PartialEq, Eq)]
pub struct Query {
    /// The keyspace.
    pub keyspace: String,
    /// Which of its shards, such as `-80`.
    pub shard: String,
    /// The statement.
    pub sql: String,
}

/// The text that asks for a plan.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// All of it, with its literals.
    pub literals: Literals<'a>,
    /// Where the statement begins in it.
    pub from: usize,
    /// Where its VALUES stands in it, if it has one.
    pub values_at: Option<usize>,
    /// What 0 is in an AUTO_INCREMENT column.
    pub zero: Zero,
}

/// Shows the plan of a statement.
pub fn explain(plan: &Plan, snapshot: &Snapshot, asked: Asked<'_>) -> Result<Explained, ClientError> {
    let literals = asked.literals;
    let sql = &*String::from_utf8_lossy(&literals.sql[asked.from..]);
    let keyspace = |name: &str| -> Result<&Keyspace, ClientError> {
        snapshot.keyspace(name).map(AsRef::as_ref).ok_or_else(|| ErrorId::UnknownDatabase.with(name))
    };
    match plan {
        Plan::Route(route) | Plan::RouteOnce(route) => {
            explain_route(route, keyspace(route.keyspace.as_str())?, literals, sql)
        }
        Plan::Insert(insert) => explain_insert(insert, keyspace(insert.keyspace.as_str())?, asked),
        Plan::ChangeSchema(change) => {
            let keyspace = keyspace(change.keyspace.as_str())?;
            let mut shown = Explained::default();
            shown.lines.push(format!("Schema change of {}, under its lock: on every shard", keyspace.name));
            (0..keyspace.shards.len()).for_each(|shard| shown.send(keyspace, shard, sql));
            Ok(shown)
        }
        Plan::TableStatus(name) => {
            let keyspace = keyspace(name.as_str())?;
            let mut shown = Explained::default();
            shown.lines.push(format!("Table status of {}: added up over every shard", keyspace.name));
            (0..keyspace.shards.len()).for_each(|shard| shown.send(keyspace, shard, sql));
            Ok(shown)
        }
        Plan::ChangeDatabase(change) => {
            let (DatabaseChange::Create { host, .. } | DatabaseChange::Drop { host, .. }) = change;
            let line =
                format!("{} database {} on shard {host}, under its lock", change.verb(), change.name());
            Ok(Explained { lines: vec![line], queries: Vec::new() })
        }
        Plan::AbandonSchemaChange(plan) => {
            let line = format!("Half-made schema change of {}: taken back where it is made", plan.keyspace);
            Ok(Explained { lines: vec![line], queries: Vec::new() })
        }
        Plan::NextNumbers(next) => {
            let line = format!("Numbers of sequence {}.{}", next.keyspace, next.table);
            Ok(Explained { lines: vec![line], queries: Vec::new() })
        }
        Plan::ChangeVschema(change) => {
            let line =
                format!("Change of the vschema of {}, under its lock: in the topology", change.keyspace);
            Ok(Explained { lines: vec![line], queries: Vec::new() })
        }
        Plan::Scatter(scatter) => {
            explain_scatter(scatter, keyspace(scatter.route.keyspace.as_str())?, literals, sql)
        }
        Plan::Transaction { .. } => Ok(Explained {
            lines: vec!["Answer of the gate, or of the shard that the transaction is on".to_owned()],
            queries: Vec::new(),
        }),
        Plan::Answer(_) | Plan::Kill(_) | Plan::SetVariables(_) | Plan::Set(_) | Plan::ShowWarnings(_) => {
            Ok(Explained { lines: vec!["Answer of the gate".to_owned()], queries: Vec::new() })
        }
        // Its text may hold a password, which is shown nowhere.
        Plan::Account(_) => {
            Err(ErrorId::AccountForm.with("a statement about users and rights is not explained"))
        }
        Plan::Refuse { error, .. } => Err(error.clone()),
        Plan::Rewrite(_) | Plan::Explain(_) => Err(ErrorId::NotUnderstood.plain()),
    }
}

/// How rows are dealt out. Numbers are not taken for a look, so the shards of rows that wait for theirs are not known.
fn explain_insert(
    insert: &InsertRows,
    keyspace: &Keyspace,
    asked: Asked<'_>,
) -> Result<Explained, ClientError> {
    let literals = asked.literals;
    let mut shown = Explained::default();
    let column = &insert.key.column;
    shown.lines.push(format!("Insert into {}: each row to the shard of its {column}", insert.table));
    let numbers = numbers(insert, literals, asked.zero)?;
    let mut counts = vec![0; keyspace.shards.len()];
    let mut unknown = 0;
    for row in 0..insert.rows.len() {
        match known_shard(insert, keyspace, literals, numbers.get(row), row)? {
            Some(shard) => counts[shard] += 1,
            None => unknown += 1,
        }
    }
    for (shard, count) in keyspace.shards.iter().zip(counts).filter(|(_, count)| *count > 0) {
        shown.lines.push(format!("  {}: {count} of the rows", shard.shard));
    }
    if unknown > 0 {
        shown.lines.push(format!("  the shard of its new number: {unknown} of the rows"));
    }
    if let Some(numbered) = &insert.numbered {
        let new = numbers.iter().filter(|number| **number == Number::Next).count();
        shown.lines.push(format!("  new numbers for column {}: {new}", numbered.column));
    }
    if unknown == 0 {
        let placed = places(insert, keyspace, literals, &numbers, &[])?;
        for part in parts(insert, literals.sql, asked.values_at, &placed)? {
            shown.send(keyspace, part.shard, &String::from_utf8_lossy(&part.sql[asked.from..]));
        }
    } else {
        let (keyspace, shard) = (keyspace.name.to_string(), "of its numbers".to_owned());
        let sql = String::from_utf8_lossy(&literals.sql[asked.from..]).into_owned();
        shown.queries.push(Query { keyspace, shard, sql });
    }
    Ok(shown)
}

fn explain_route(
    route: &Route,
    keyspace: &Keyspace,
    literals: Literals<'_>,
    sql: &str,
) -> Result<Explained, ClientError> {
    let mut shown = Explained::default();
    let shard = match (route::shard(&route.target, keyspace, literals), &route.otherwise) {
        (Err(error), Some(scatter)) if error.id == ErrorId::InexactValue => {
            return explain_scatter(scatter, keyspace, literals, sql);
        }
        (shard, _) => shard?,
    };
    let name = keyspace.shards.get(shard).map(|shard| shard.shard.to_string()).unwrap_or_default();
    let how =
        if route.columns.is_some() { "the statement with its column list" } else { "the statement as it is" };
    shown.lines.push(format!("Route to {name}: {how}"));
    match &route.target {
        Target::Shard(_) => shown.lines.push("  the shard that USE chose".to_owned()),
        Target::Any | Target::Free | Target::Schema if keyspace.sharded => {
            shown.lines.push("  any shard would do".to_owned())
        }
        Target::Any | Target::Free | Target::Schema => {
            shown.lines.push(format!("  {} is not sharded", keyspace.name))
        }
        Target::Left => {}
        Target::Pinned(pins) => {
            for pin in pins {
                let line = pin_line(pin, literals)?;
                // The same value fixes several tables, or many rows.
                if !shown.lines.contains(&line) {
                    shown.lines.push(line);
                }
            }
        }
    }
    shown.send(keyspace, shard, sql);
    Ok(shown)
}

fn explain_scatter(
    scatter: &Scatter,
    keyspace: &Keyspace,
    literals: Literals<'_>,
    sql: &str,
) -> Result<Explained, ClientError> {
    let mut shown = Explained::default();
    let shards = route::scattered(scatter, keyspace, literals)?;
    if let (Some(clause), [_, _, ..]) = (&scatter.merges, shards.as_slice()) {
        return Err(ErrorId::NeedsMerging.with(clause));
    }
    let names: Vec<String> =
        shards.iter().filter_map(|shard| Some(keyspace.shards.get(*shard)?.shard.to_string())).collect();
    shown.lines.push(match (names.as_slice(), scatter.effect) {
        ([name], _) => format!("Route to {name}: the statement as it is"),
        (_, Effect::Rows) => format!("Scatter to {}: rows one shard after the other", names.join(", ")),
        (_, Effect::Write) => format!("Write on {}: all of them or none", names.join(", ")),
    });
    match &scatter.shards {
        Shards::All => shown.lines.push("  any shard may have rows for it".to_owned()),
        Shards::Of(pins) => {
            for pin in pins {
                match pin_line(pin, literals) {
                    Err(error) if error.id == ErrorId::InexactValue => {
                        shown
                            .lines
                            .push(format!("  {} is compared with no value of its type", pin.key.column));
                    }
                    line => shown.lines.push(line?),
                }
            }
        }
    }
    shards.into_iter().for_each(|shard| shown.send(keyspace, shard, sql));
    Ok(shown)
}

/// Which literal fixes the shard, and by which keyspace ID.
fn pin_line(pin: &Pin, literals: Literals<'_>) -> Result<String, ClientError> {
    let id = route::keyspace_id(pin, literals)?;
    let span =
        literals.spans.get(pin.literal).ok_or_else(|| ErrorId::Internal.with("a pin without its literal"))?;
    let literal = String::from_utf8_lossy(&literals.sql[span.start..span.end]);
    let sign = if pin.negative { "-" } else { "" };
    let mut line = format!("  {} = {sign}{literal} by {} is keyspace ID ", pin.key.column, pin.key.vindex);
    for byte in &id.0 {
        // Writing to a String does not fail.
        let _ = write!(line, "{byte:02x}");
    }
    Ok(line)
}

impl Explained {
    fn send(&mut self, keyspace: &Keyspace, shard: usize, sql: &str) {
        let Some(shard) = keyspace.shards.get(shard) else { return };
        let (keyspace, shard) = (keyspace.name.to_string(), shard.shard.range.to_string());
        self.queries.push(Query { keyspace, shard, sql: sql.to_owned() });
    }
}
