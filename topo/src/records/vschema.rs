use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Record;

/// Words of a vschema that Shoal does not know, as they were given: what came in goes out again.
pub type Kept = BTreeMap<String, Value>;

/// `vschema/<keyspace>`: which table is sharded by which vindex, in the field names of Vitess' JSON.
///
/// Everything but the first column vindex of a table is of no use to programs that know only that, and they pass
/// over it; a table that they would route wrongly by it alone has none, or one of a type that they refuse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VschemaRecord {
    /// Definitions, by name.
    #[serde(default)]
    pub vindexes: BTreeMap<String, VindexDefinition>,
    /// Tables, by name.
    #[serde(default)]
    pub tables: BTreeMap<String, TableVschema>,
    /// What else stood beside these.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
}

/// A named vindex.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VindexDefinition {
    /// The function, such as `xxhash`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the function is told besides the value, such as the table of a lookup.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// The table whose rows fill a lookup; empty for a function.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What else stood beside these.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
}

/// What the vschema says of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableVschema {
    /// The first one is the sharding key.
    pub column_vindexes: Vec<ColumnVindex>,
    /// What it is besides a usual table.
    #[serde(rename = "type", default, skip_serializing_if = "TableKind::is_usual")]
    pub kind: TableKind,
    /// The column that takes numbers by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_increment: Option<AutoIncrement>,
    /// Who made the entry.
    #[serde(default, skip_serializing_if = "EntryOrigin::is_declared")]
    pub origin: EntryOrigin,
    /// What else stood beside these.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
}

/// A column, or several, with the vindex of their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnVindex {
    /// The column; the first one if there are several.
    pub column: String,
    /// All columns, where they were given as a list; such a list may have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Name of a vindex of the same vschema.
    pub name: String,
    /// What else stood beside these.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
}

/// What a table is besides a usual table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// Nothing.
    #[default]
    Usual,
    /// One row that numbers are taken from.
    Sequence,
    /// The same rows on every shard.
    Reference,
}

/// A column that takes numbers by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoIncrement {
    /// The column.
    pub column: String,
    /// The sequence table that Vitess takes them from, `table` or `keyspace.table`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sequence: String,
    /// What else stood beside these.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
}

/// Who made a table's entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryOrigin {
    /// Somebody who asked for it.
    #[default]
    Declared,
    /// A gate, for a table that was created without one. It goes when the table goes.
    Automatic,
}

impl VindexDefinition {
    /// A function that is told nothing besides the value.
    pub fn of(kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..Self::default() }
    }
}

impl TableVschema {
    /// Sharded by a column and the vindex with this name.
    pub fn by(column: &str, vindex: &str) -> Self {
        Self { column_vindexes: vec![ColumnVindex::of(column, vindex)], ..Self::default() }
    }
}

impl ColumnVindex {
    /// One column with the vindex of this name.
    pub fn of(column: &str, vindex: &str) -> Self {
        Self { column: column.to_owned(), name: vindex.to_owned(), ..Self::default() }
    }

    /// Its columns, in order.
    pub fn columns(&self) -> &[String] {
        if self.columns.is_empty() { std::slice::from_ref(&self.column) } else { &self.columns }
    }
}

impl TableKind {
    /// Its word in a vschema; empty for a usual table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usual => "",
            Self::Sequence => "sequence",
            Self::Reference => "reference",
        }
    }

    fn is_usual(&self) -> bool {
        *self == Self::Usual
    }
}

impl EntryOrigin {
    fn is_declared(&self) -> bool {
        *self == Self::Declared
    }
}

impl Record for VschemaRecord {
    const KIND: &'static str = "vschema record";
    const FORMAT: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{decode, encode};

    #[test]
    fn a_plain_vschema_is_written_as_it_always_was() {
        let text = r#"{"format":1,"vindexes":{"by_id":{"type":"xxhash"}},"tables":{"notes":{"column_vindexes":[{"column":"id","name":"by_id"}]}}}"#;
        let record: VschemaRecord = decode("key", text.as_bytes()).unwrap();
        let expected = VschemaRecord {
            vindexes: [("by_id".to_owned(), VindexDefinition::of("xxhash"))].into(),
            tables: [("notes".to_owned(), TableVschema::by("id", "by_id"))].into(),
            ..VschemaRecord::default()
        };
        assert_eq!(record, expected);
        assert_eq!(String::from_utf8(encode("key", &record).unwrap()).unwrap(), text);
    }

    #[test]
    fn columns_are_told_whichever_way_they_were_given() {
        let one = ColumnVindex::of("id", "by_id");
        let list = ColumnVindex { column: "a".into(), columns: vec!["a".into(), "b".into()], ..one.clone() };
        assert_eq!((one.columns(), list.columns()), (&["id".to_owned()][..], &list.columns[..]));
    }
}
