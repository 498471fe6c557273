use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Record;

/// `vschema/<keyspace>`: which table is sharded by which vindex, in the field names of Vitess' JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VschemaRecord {
    /// Definitions, by name.
    #[serde(default)]
    pub vindexes: BTreeMap<String, VindexDefinition>,
    /// Tables, by name.
    #[serde(default)]
    pub tables: BTreeMap<String, TableVschema>,
}

/// A named vindex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VindexDefinition {
    /// The function, such as `xxhash`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// How one table is sharded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableVschema {
    /// The first one is the sharding key.
    pub column_vindexes: Vec<ColumnVindex>,
}

/// A column with the vindex that it is sharded by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnVindex {
    /// The column.
    pub column: String,
    /// Name of a vindex of the same vschema.
    pub name: String,
}

impl Record for VschemaRecord {
    const KIND: &'static str = "vschema record";
    const FORMAT: u32 = 1;
}
