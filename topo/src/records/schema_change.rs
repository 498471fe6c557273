use std::collections::BTreeMap;

use proto::key_range::KeyRange;
use serde::{Deserialize, Serialize};

use super::Record;

/// `schema_changes/<keyspace>`: a schema change of a sharded keyspace that is under way, or that some shards have
/// made and others not. Written before the first shard makes it, and removed with the schema record that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaChangeRecord {
    /// The statement. The same one again goes on with the change.
    pub sql: String,
    /// The SET of what its session was set to, under which it is executed; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub settings: String,
    /// What it is about.
    pub about: Vec<SchemaObject>,
    /// What it is about, as each shard had it before, as a digest. A shard that has it otherwise has made the
    /// change, or nobody could tell the difference by it.
    pub before: BTreeMap<KeyRange, String>,
    /// The table that it creates where there was none: until the change is done nobody's rows are in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creates: Option<NewTable>,
}

/// Something that MySQL shows by SHOW CREATE.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SchemaObject {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
}

/// Kinds of such things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A table or a view.
    Table,
    /// A trigger.
    Trigger,
    /// A stored function.
    Function,
    /// A stored procedure.
    Procedure,
}

/// A table that a statement creates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTable {
    /// Its name.
    pub name: String,
    /// The table that it is made like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// Where it begins with the rows of a query: whose rows they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_of: Option<RowsOf>,
}

/// Where the rows of a new table come from: each is made of one row of another table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsOf {
    /// That table.
    pub table: String,
    /// The new table's column that has the values of that table's sharding column.
    pub column: String,
}

impl Record for SchemaChangeRecord {
    const KIND: &'static str = "schema change record";
    const FORMAT: u32 = 1;
}
