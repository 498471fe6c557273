use std::collections::{BTreeMap, BTreeSet};

use super::word;
use crate::records::{TableKind, VschemaRecord};

/// What decides on which shard a table's rows lie.
#[derive(PartialEq)]
struct Placement<'a> {
    kind: TableKind,
    pinned: bool,
    /// Columns in lower case, as MySQL compares them.
    columns: Vec<String>,
    vindex: Option<(&'a str, &'a BTreeMap<String, String>)>,
}

impl<'a> Placement<'a> {
    fn of(record: &'a VschemaRecord, table: &str) -> Option<Self> {
        let table = record.tables.get(table)?;
        let first = table.column_vindexes.first();
        let vindex = first.and_then(|first| record.vindexes.get(&first.name));
        Some(Self {
            kind: table.kind,
            pinned: table.kept.contains_key(word::PINNED),
            columns: first
                .map(|first| first.columns().iter().map(|column| column.to_ascii_lowercase()).collect())
                .unwrap_or_default(),
            vindex: vindex.map(|vindex| (vindex.kind.as_str(), &vindex.params)),
        })
    }
}

/// The tables whose rows lie by another law in the one record than in the other, by name. A change from one to the
/// other is sound only while they have no rows.
pub fn moved_tables<'a>(before: &'a VschemaRecord, after: &'a VschemaRecord) -> Vec<&'a str> {
    let names: BTreeSet<&String> = before.tables.keys().chain(after.tables.keys()).collect();
    let moved = names.into_iter().filter(|name| Placement::of(before, name) != Placement::of(after, name));
    moved.map(String::as_str).collect()
}
