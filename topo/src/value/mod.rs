//! From a literal to the value that MySQL stores and compares, where that is exact.

/// The value of a sharding column, as MySQL stores it: equal values of a column are equal here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ShardingValue {
    /// Of a signed integer column.
    Signed(i64),
    /// Of an unsigned integer column.
    Unsigned(u64),
    /// Of a binary or text column.
    Bytes(Vec<u8>),
}
