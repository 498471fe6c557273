use proto::ids::KeyspaceName;
use topo::snapshot::ShardingKey;

/// Rows that are put on their shards, with numbers for the column that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct InsertRows {
    /// Whose shards.
    pub keyspace: KeyspaceName,
    /// The table.
    pub table: String,
    /// Its sharding column and vindex.
    pub key: ShardingKey,
    /// Its AUTO_INCREMENT column, if it has one.
    pub numbered: Option<Numbered>,
    /// How the rows are written.
    pub form: RowForm,
    /// What each row gives; at least one.
    pub rows: Vec<RowValues>,
    /// What becomes of a row whose key is there already.
    pub on_equal: OnEqual,
}

/// A column that takes numbers by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The column.
    pub column: String,
    /// Its type.
    pub kind: topo::records::ColumnType,
    /// The largest number that it holds.
    pub max: u64,
    /// Its place in each row or among the assignments; `None`: the statement does not name it.
    pub place: Option<usize>,
    /// Unique keys that it is part of.
    pub unique_keys: Vec<String>,
}

/// How the rows of an INSERT are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowForm {
    /// `VALUES (…), (…)`.
    Values {
        /// The columns that a statement without a list means.
        columns: Option<String>,
        /// How many values each row has.
        width: usize,
    },
    /// `SET column = value, …`.
    Set,
}

/// What one row gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowValues {
    /// The sharding column's literal; `None`: it is the numbered column.
    pub sharding: Option<Signed>,
    /// The numbered column's value.
    pub number: Given,
}

/// A literal of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Its number.
    pub literal: usize,
    /// Whether a minus stands before it.
    pub negative: bool,
}

/// What a row gives for the numbered column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Nothing, NULL or DEFAULT: it takes the next number.
    Nothing,
    /// A literal; 0 is nothing.
    Literal(Signed),
}

/// What becomes of a row whose key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEqual {
    /// The statement fails.
    Fail,
    /// It is left out (IGNORE).
    Ignore,
    /// It takes the other one's place (REPLACE).
    Replace,
    /// The other one is changed (ON DUPLICATE KEY UPDATE).
    Update,
}
