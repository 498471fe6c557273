use proto::ids::KeyspaceName;

/// Numbers from a sequence of Vitess: a table with one row, whose `next_id` is the next number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextNumbers {
    /// An unsharded keyspace.
    pub keyspace: KeyspaceName,
    /// The table.
    pub table: String,
    /// The literal that says how many; `None`: one.
    pub count: Option<usize>,
}
