use proto::ids::KeyspaceName;
use topo::vschema::Change;

/// A change of a keyspace's vschema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VschemaChange {
    /// Whose vschema.
    pub keyspace: KeyspaceName,
    /// What becomes of it.
    pub change: Change,
}

/// What of the vschemas is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShowVschema {
    /// The tables of a keyspace's vschema.
    Tables(KeyspaceName),
    /// The vindexes of all keyspaces.
    Vindexes,
    /// The vindexes of one table.
    VindexesOf {
        /// Its keyspace.
        keyspace: KeyspaceName,
        /// The table.
        table: String,
    },
    /// The keyspaces.
    Keyspaces,
}
