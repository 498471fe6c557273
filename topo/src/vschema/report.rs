use std::fmt;

use super::kind::{Standing, standing, vindex_kinds};
use super::word;
use crate::limits::MAX_TABLE_NAME;
use crate::records::{
    AutoIncrement, ColumnVindex, SchemaRecord, TableKind, TableVschema, VindexDefinition, VschemaRecord,
};
use crate::snapshot::Sharding;

/// What becomes of a part of a vschema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Statements are planned by it.
    Used,
    /// It is stored and given back, and nothing is done by it yet.
    Kept,
    /// It is not taken.
    Refused,
}

impl Verdict {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Kept => "kept",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The part of the vschema, such as `tables.customer.column_vindexes[0]`; empty for all of it.
    pub path: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What follows from that, or why, and what to do.
    pub what: String,
}

/// The keyspace that a vschema is for.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Whether its tables are spread over shards.
    pub sharded: bool,
    /// Its tables as MySQL described them, if that is known.
    pub schema: Option<&'a SchemaRecord>,
}

/// What becomes of each part of the vschema.
pub fn report(record: &VschemaRecord, setting: Setting<'_>) -> Vec<Finding> {
    let mut report = Report { record, setting, findings: Vec::new() };
    for (name, definition) in &record.vindexes {
        report.vindex(&format!("vindexes.{name}"), definition);
    }
    for (name, table) in &record.tables {
        report.table(name, table);
    }
    report.options();
    report.findings
}

/// What becomes of the parts of `after` that is not so in `before` already.
pub fn new_findings(before: &VschemaRecord, after: &VschemaRecord, setting: Setting<'_>) -> Vec<Finding> {
    let known = report(before, setting);
    report(after, setting).into_iter().filter(|finding| !known.contains(finding)).collect()
}

const NOT_KNOWN: &str = "no word of a vschema that Shoal knows; it is given back as it came";

struct Report<'a> {
    record: &'a VschemaRecord,
    setting: Setting<'a>,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn say(&mut self, path: &str, verdict: Verdict, what: impl Into<String>) {
        self.findings.push(Finding { path: path.to_owned(), verdict, what: what.into() });
    }

    fn vindex(&mut self, path: &str, definition: &VindexDefinition) {
        let kind = &definition.kind;
        let (verdict, what) = match standing(definition) {
            None => {
                let what =
                    format!("there is no vindex type {kind:?}; write one of {}", vindex_kinds().join(", "));
                (Verdict::Refused, what)
            }
            Some(_) if !self.setting.sharded => {
                (Verdict::Kept, "the keyspace is unsharded: no rows lie by it".to_owned())
            }
            Some(Standing::Served) => {
                (Verdict::Used, format!("{kind} gives the keyspace IDs of its columns' values"))
            }
            Some(Standing::Lookup) => (Verdict::Kept, lookup(definition, "")),
            Some(Standing::UniqueLookup) => {
                (Verdict::Kept, lookup(definition, ", and two rows may have one value"))
            }
            Some(Standing::NotYet) => (
                Verdict::Kept,
                format!("type {kind} is not served yet; a table that is sharded by it takes no statements"),
            ),
        };
        self.say(path, verdict, what);
        for name in definition.kept.keys() {
            self.say(&format!("{path}.{name}"), Verdict::Kept, NOT_KNOWN);
        }
    }

    fn table(&mut self, name: &str, table: &TableVschema) {
        let path = format!("tables.{name}");
        if name.is_empty()
            || name.chars().count() > MAX_TABLE_NAME
            || name.ends_with(' ')
            || name.contains('\0')
        {
            let what = format!("a table's name has 1 to {MAX_TABLE_NAME} characters and no blank at its end");
            self.say(&path, Verdict::Refused, what);
        }
        if self.setting.sharded {
            self.sharded_table(name, &path, table);
        } else {
            self.unsharded_table(&path, table);
        }
        if let Some(numbers) = &table.auto_increment {
            self.auto_increment(name, &format!("{path}.auto_increment"), numbers);
        }
        for name in table.kept.keys() {
            let what = match name.as_str() {
                word::COLUMNS | word::COLUMN_LIST_AUTHORITATIVE => "Shoal asks MySQL for the columns",
                word::SOURCE => "the rows are not taken from there",
                // Said of the table itself.
                word::PINNED => continue,
                _ => NOT_KNOWN,
            };
            self.say(&format!("{path}.{name}"), Verdict::Kept, what);
        }
    }

    fn unsharded_table(&mut self, path: &str, table: &TableVschema) {
        let (verdict, what) = match table.kind {
            TableKind::Sequence => (Verdict::Used, "SELECT NEXT n VALUES FROM it gives numbers"),
            TableKind::Reference => (Verdict::Kept, "it is a usual table of its unsharded keyspace"),
            TableKind::Usual => (Verdict::Used, "a table of an unsharded keyspace"),
        };
        self.say(path, verdict, what);
        if !table.column_vindexes.is_empty() {
            let what = "the keyspace is unsharded: its rows are not spread";
            self.say(&format!("{path}.column_vindexes"), Verdict::Kept, what);
        }
    }

    fn sharded_table(&mut self, name: &str, path: &str, table: &TableVschema) {
        let pinned = table.kept.contains_key(word::PINNED);
        let refusal = match table.kind {
            TableKind::Sequence => {
                Some("a sequence is one row: move it into the vschema of an unsharded keyspace")
            }
            TableKind::Reference if !table.column_vindexes.is_empty() => {
                Some("a reference table is on every shard: take its column_vindexes out, or its type")
            }
            TableKind::Usual if pinned && !table.column_vindexes.is_empty() => {
                Some("a pinned table is on one shard: take its column_vindexes out, or pinned")
            }
            TableKind::Usual if !pinned && table.column_vindexes.is_empty() => {
                Some("it has no sharding key: write column_vindexes: [{column: …, name: …}]")
            }
            TableKind::Usual | TableKind::Reference => None,
        };
        if let Some(what) = refusal {
            return self.say(path, Verdict::Refused, what);
        }
        let unserved = match table.kind {
            TableKind::Reference => Some("reference tables are not served yet: it takes no statements"),
            _ if pinned => Some("pinned tables are not served yet: it takes no statements"),
            _ => None,
        };
        if let Some(what) = unserved {
            return self.say(path, Verdict::Kept, what);
        }
        for (place, by) in table.column_vindexes.iter().enumerate() {
            let path = format!("{path}.column_vindexes[{place}]");
            match self.record.vindexes.get(&by.name) {
                None => {
                    let what = format!("the vschema has no vindex {:?}; {}", by.name, self.defined());
                    self.say(&path, Verdict::Refused, what);
                }
                Some(definition) if place == 0 => self.sharding_key(name, &path, (by, definition)),
                Some(definition) => self.further_vindex(&path, by, definition),
            }
            for name in by.kept.keys() {
                self.say(&format!("{path}.{name}"), Verdict::Kept, NOT_KNOWN);
            }
        }
    }

    /// Which vindexes there are to choose from.
    fn defined(&self) -> String {
        let names: Vec<&str> = self.record.vindexes.keys().map(String::as_str).collect();
        if names.is_empty() {
            return "add it under vindexes, such as by_id with type xxhash".to_owned();
        }
        format!("write one of {}, or add it under vindexes", names.join(", "))
    }

    fn sharding_key(
        &mut self,
        table: &str,
        path: &str,
        (by, definition): (&ColumnVindex, &VindexDefinition),
    ) {
        let columns = by.columns().join(", ");
        let (verdict, what) = match standing(definition) {
            // Said of the vindex itself.
            None => return,
            Some(Standing::Lookup) => {
                let what = format!(
                    "{} leads to several keyspace IDs: the first column_vindex must lead to one",
                    by.name
                );
                (Verdict::Refused, what)
            }
            Some(Standing::UniqueLookup) if definition.owner == table => {
                let what =
                    format!("{} is filled from this table, so it cannot tell where its rows lie", by.name);
                (Verdict::Refused, what)
            }
            Some(Standing::UniqueLookup | Standing::NotYet) => {
                let what = format!(
                    "sharding by {} is not served yet: the table takes no statements",
                    definition.kind
                );
                (Verdict::Kept, what)
            }
            Some(Standing::Served) if by.columns().len() > 1 => {
                (Verdict::Refused, format!("{} takes one column, not {columns}", definition.kind))
            }
            Some(Standing::Served) => match self.usable(table) {
                Err(why) => (Verdict::Refused, format!("rows cannot be sharded by {columns}: {why}")),
                Ok(state) => (Verdict::Used, format!("rows lie by {columns} ({}){state}", definition.kind)),
            },
        };
        self.say(path, verdict, what);
    }

    /// Whether the table can be sharded as it is said, as far as its schema is known.
    fn usable(&self, name: &str) -> Result<&'static str, String> {
        let Some(table) = self.record.tables.get(name) else { return Ok("") };
        let schema = self.setting.schema.and_then(|schema| schema.tables.get(name));
        match Sharding::of(self.record, table, schema) {
            Sharding::Unusable { why, .. } => Err(why.to_string()),
            Sharding::Declared { .. } => Ok("; the table is not created yet"),
            Sharding::By(key) => {
                let keeps = |columns: &[String]| columns.iter().any(|c| c.eq_ignore_ascii_case(&key.column));
                let indexes = schema.into_iter().flat_map(|schema| &schema.indexes);
                let mut broken = indexes.filter(|index| index.unique && !keeps(&index.columns));
                match broken.next() {
                    Some(index) => Err(format!(
                        "the shards together cannot keep {} unique, which does not include it",
                        index.name
                    )),
                    None => Ok(""),
                }
            }
        }
    }

    fn further_vindex(&mut self, path: &str, by: &ColumnVindex, definition: &VindexDefinition) {
        let columns = by.columns().join(", ");
        let what = match standing(definition) {
            None => return,
            Some(Standing::Lookup | Standing::UniqueLookup) => {
                format!("a statement that compares only {columns} is not led to one shard by it yet")
            }
            Some(_) => format!("rows lie by the first column_vindex; {columns} decides nothing"),
        };
        self.say(path, Verdict::Kept, what);
    }

    fn auto_increment(
        &mut self,
        table: &str,
        path: &str,
        AutoIncrement { column, sequence, kept }: &AutoIncrement,
    ) {
        for name in kept.keys() {
            self.say(&format!("{path}.{name}"), Verdict::Kept, NOT_KNOWN);
        }
        if !self.setting.sharded {
            return self.say(
                path,
                Verdict::Kept,
                "in an unsharded keyspace MySQL's AUTO_INCREMENT gives the numbers",
            );
        }
        let schema = self.setting.schema.and_then(|schema| schema.tables.get(table));
        if schema.is_some_and(|schema| !schema.columns.iter().any(|c| c.name.eq_ignore_ascii_case(column))) {
            return self.say(path, Verdict::Refused, format!("the table has no column {column}"));
        }
        let mut what =
            format!("an INSERT without {column} gets a number that no other row of the cluster has");
        if !sequence.is_empty() {
            what.push_str(&format!("; Shoal counts by itself, and not in {sequence}"));
        }
        self.say(path, Verdict::Used, what);
    }

    fn options(&mut self) {
        for (name, value) in &self.record.kept {
            let (verdict, what) = match name.as_str() {
                word::REQUIRE_EXPLICIT_ROUTING => (
                    Verdict::Used,
                    "so it always is: a table is found by its keyspace or the default database",
                ),
                word::FOREIGN_KEY_MODE if value == "disallow" && self.setting.sharded => {
                    (Verdict::Used, "so it always is in a sharded keyspace")
                }
                word::FOREIGN_KEY_MODE if self.setting.sharded => {
                    (Verdict::Kept, "a sharded keyspace takes no foreign keys that its shards cannot keep")
                }
                word::FOREIGN_KEY_MODE => {
                    (Verdict::Kept, "in an unsharded keyspace MySQL keeps foreign keys")
                }
                word::MULTI_TENANT_SPEC => (Verdict::Kept, "tenants are not told apart"),
                _ => (Verdict::Kept, NOT_KNOWN),
            };
            self.findings.push(Finding { path: name.clone(), verdict, what: what.to_owned() });
        }
    }
}

fn lookup(definition: &VindexDefinition, besides: &str) -> String {
    let table = definition.params.get("table").map_or("its table", String::as_str);
    format!("lookups are not served yet: {table} is neither filled nor read{besides}")
}
