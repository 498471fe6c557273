//! The vschema of a cluster file, in the words of Vitess' JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use topo::records::VschemaRecord;
use topo::vschema::{Finding, Verdict, read_value};

/// How the tables of a keyspace are sharded, and which of them are sequences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VschemaSpec {
    /// Whether the keyspace is sharded; `shards` says it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharded: Option<bool>,
    /// Definitions of vindexes, by name.
    #[serde(default)]
    pub vindexes: BTreeMap<String, VindexSpec>,
    /// Tables, by name.
    #[serde(default)]
    pub tables: BTreeMap<String, TableSpec>,
    /// Whether tables are found only by their keyspace, as they always are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_explicit_routing: Option<bool>,
    /// What becomes of foreign keys; kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_key_mode: Option<String>,
    /// How tenants are told apart; kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_tenant_spec: Option<Value>,
}

/// A named vindex.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VindexSpec {
    /// The function, such as `xxhash`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the function is told besides the value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// The table whose rows fill a lookup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What is said of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// `sequence` or `reference`; absent for a usual table.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Columns with their vindexes; the first one is the sharding key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub column_vindexes: Vec<ColumnVindexSpec>,
    /// The column that takes numbers by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_increment: Option<AutoIncrementSpec>,
    /// Columns of the table; kept, Shoal asks MySQL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Value>,
    /// Whether those are all columns; kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_list_authoritative: Option<bool>,
    /// A keyspace ID that all rows lie by; kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    /// Where the rows of a reference table come from; kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A column, or several, with a vindex.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnVindexSpec {
    /// The column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The columns, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Name of a vindex of the same vschema.
    pub name: String,
}

/// A column that takes numbers by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoIncrementSpec {
    /// The column.
    pub column: String,
    /// The sequence table that Vitess takes the numbers from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
}

/// The record that the vschema stands for, or the mistakes in it.
pub fn vschema_record(spec: &VschemaSpec) -> Result<VschemaRecord, Vec<Finding>> {
    let unwritable = |error: serde_json::Error| {
        vec![Finding { path: String::new(), verdict: Verdict::Refused, what: error.to_string() }]
    };
    let value = serde_json::to_value(spec).map_err(unwritable)?;
    read_value(value).map(|document| document.record)
}
