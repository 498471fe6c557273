use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Record;

/// `schema/<keyspace>`: the tables of a keyspace as MySQL describes them, read back after every DDL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaRecord {
    /// By table name, in MySQL's spelling; views are not in it.
    pub tables: BTreeMap<String, TableSchema>,
    /// Views of a sharded keyspace that each shard answers for its own rows, by name; others are not in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub views: BTreeMap<String, ViewSchema>,
    /// How many procedures, functions and triggers there are: they can change the session that runs them.
    #[serde(default)]
    pub stored_programs: u64,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// In ordinal order; a generated invisible primary key is not among them.
    pub columns: Vec<Column>,
    /// Primary key first.
    pub indexes: Vec<IndexSchema>,
}

/// A view of one table, each of whose rows is made from one row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewSchema {
    /// The table.
    pub table: String,
    /// In ordinal order.
    pub columns: Vec<Column>,
    /// For each of them the column of the table that it is; `None` where it is computed.
    pub shows: Vec<Option<String>>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// In MySQL's spelling; compared without case.
    pub name: String,
    /// Its type, as far as routing needs to know it.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// `COLUMN_TYPE` of information_schema, such as `bigint unsigned`.
    pub sql_type: String,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// Whether MySQL gives it a number of its own.
    pub auto_increment: bool,
    /// Whether `SELECT *` and an INSERT without a column list have it.
    pub visibility: Visibility,
}

/// Whether a column is seen by statements that do not name it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// As usual.
    #[default]
    Visible,
    /// Declared INVISIBLE.
    Invisible,
}

/// A column type, as far as routing needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// TINYINT (8 bits) to BIGINT (64 bits).
    Integer {
        /// 8, 16, 24, 32 or 64.
        bits: u8,
        /// Whether it has no negative values.
        unsigned: bool,
    },
    /// BINARY(n) and VARBINARY(n).
    Binary {
        /// n, in bytes.
        length: u32,
        /// Whether shorter values are padded with zero bytes when stored (BINARY).
        fixed: bool,
    },
    /// CHAR(n) and VARCHAR(n).
    Text {
        /// n, in characters.
        length: u32,
        /// Whether trailing spaces are dropped when stored (CHAR).
        fixed: bool,
        /// Such as `utf8mb4`.
        character_set: String,
        /// Such as `utf8mb4_bin`.
        collation: String,
    },
    /// Every other type: cannot be a sharding column.
    Other,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSchema {
    /// `PRIMARY` or its name.
    pub name: String,
    /// Whether it allows no two equal values.
    pub unique: bool,
    /// Names of its columns, in order; the empty string for an expression.
    pub columns: Vec<String>,
}

impl Record for SchemaRecord {
    const KIND: &'static str = "schema record";
    const FORMAT: u32 = 1;
}
