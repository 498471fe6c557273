//! From a literal to the value that MySQL stores and compares, where that is exact.
//!
//! The law of vindexes: all values that are equal under a column's type and collation map to one keyspace ID.
//! So a literal is first turned into the value that MySQL would store in the column. Where MySQL would round,
//! cut, or compare in another type than the column's, there is no such value, and the literal is refused:
//! nothing may be routed by it.

pub mod collation;
pub mod latin1;
mod number;
mod text;

pub use text::{StoredText, TextRules, UnknownText};

use std::borrow::Cow;

use crate::records::ColumnType;

/// The value of a sharding column, as MySQL stores it: equal values of a column are equal here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ShardingValue {
    /// Of a signed integer column.
    Signed(i64),
    /// Of an unsigned integer column.
    Unsigned(u64),
    /// Of a binary column: its bytes, zero bytes of BINARY(n) included. Of a text column with a `_bin` collation: its
    /// bytes in the column's character set, without the trailing spaces that its collation does not see.
    Bytes(Vec<u8>),
    /// Of a text column with another collation.
    Text(StoredText),
}

/// A literal of a statement, its quotes and escapes undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal<'a> {
    /// `5`, `-5`, `007`.
    Integer {
        /// What stands before it.
        sign: Sign,
        /// Decimal digits.
        digits: &'a str,
    },
    /// `5.0`, `-.5`, `5.`; with its sign.
    Decimal(&'a str),
    /// `5e0`, `-1.5E3`; with its sign.
    Float(&'a str),
    /// `'…'`, with or without an introducer.
    String {
        /// The bytes, in the character set.
        bytes: Cow<'a, [u8]>,
        /// The introducer's, or else the connection's.
        character_set: &'a str,
    },
    /// `x'…'`, `0x…`, `_binary'…'`.
    Bytes(Cow<'a, [u8]>),
    /// `DATE'…'`, `TIME'…'`, `TIMESTAMP'…'`.
    Temporal,
    /// `TRUE`, `FALSE`: the integers 1 and 0.
    Bool(bool),
    /// `NULL`.
    Null,
}

/// The sign of an integer literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// None, or `+`.
    Plus,
    /// `-`.
    Minus,
}

/// Why nothing can be routed by a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Inexact {
    /// MySQL does not compare literals of this kind in the column's own type.
    #[error("a literal of this kind is not compared in the column's own type")]
    Kind,
    /// NULL equals nothing.
    #[error("NULL equals nothing")]
    Null,
    /// Not a whole number in plain digits.
    #[error("it is not a whole number")]
    NotWhole,
    /// Beyond what the column holds.
    #[error("the column cannot hold it")]
    OutOfRange,
    /// Longer than what the column holds, also without the spaces at its end.
    #[error("it is longer than the column")]
    TooLong,
    /// The column holds all of it but spaces at its end, which MySQL cuts off where it stores it.
    #[error("spaces at its end are cut off where it is stored")]
    Cut,
    /// Its bytes would change on their way into the column's character set.
    #[error("its characters would be converted")]
    CharacterSet,
    /// CHAR drops the spaces at its end, which its collation sees where it is compared.
    #[error("spaces at its end are dropped where it is stored, and count where it is compared")]
    TrailingSpaces,
    /// The column cannot be a sharding column.
    #[error("the column cannot be a sharding column")]
    Column,
}

/// The value of a column of this type that MySQL takes the literal for, both where it stores it and where it
/// compares the column with it.
pub fn convert(literal: &Literal<'_>, kind: &ColumnType) -> Result<ShardingValue, Inexact> {
    if *literal == Literal::Null {
        return Err(Inexact::Null);
    }
    match kind {
        ColumnType::Integer { bits, unsigned: true } => number::whole(literal)?.unsigned(*bits),
        ColumnType::Integer { bits, unsigned: false } => number::whole(literal)?.signed(*bits),
        ColumnType::Binary { length, fixed: true } => text::padded_binary(literal, *length),
        ColumnType::Binary { length, fixed: false } => {
            text::binary(literal, *length).map(ShardingValue::Bytes)
        }
        ColumnType::Text { length, fixed, character_set, collation } => {
            let rules = TextRules::of(character_set, collation).map_err(|_| Inexact::Column)?;
            let rules = if *fixed { rules.of_char() } else { rules };
            rules.convert(literal, *length)
        }
        ColumnType::Other => Err(Inexact::Column),
    }
}

#[cfg(test)]
mod tests;
