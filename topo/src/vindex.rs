//! From a column's value to a keyspace ID, as Vitess does it.
//!
//! ```text
//!   hash          uint64, big-endian → DES with an all-zero key        8 bytes, integers only
//!   numeric       uint64, big-endian                                   8 bytes, integers only
//!   reverse_bits  uint64, bits reversed, big-endian                    8 bytes, integers only
//!   xxhash        text of the value → XXH64, little-endian             8 bytes
//!   binary_md5    text of the value → MD5                             16 bytes
//!   binary        text of the value                                   as long as that is
//!   null          one zero byte, whatever the value                    1 byte
//! ```
//!
//! A negative integer is its two's complement as a uint64; the text of an integer is its decimal digits with a
//! `-` where negative; the text of anything else is its bytes.

use std::fmt;
use std::str::FromStr;

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use md5::{Digest, Md5};
use proto::key_range::KeyspaceId;
use xxhash_rust::xxh64::xxh64;

use crate::records::ColumnType;
use crate::value::ShardingValue;

/// A function from the values of a sharding column to keyspace IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vindex {
    /// DES of the number: spreads numbers evenly, and can be undone.
    Hash,
    /// XXH64 of the text.
    XxHash,
    /// The bytes themselves.
    Binary,
    /// MD5 of the text.
    BinaryMd5,
    /// The number itself.
    Numeric,
    /// The number with its bits in reverse order.
    ReverseBits,
    /// Everything on the first shard.
    Null,
}

/// A vindex type that Shoal does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no vindex type {0:?}; write hash, xxhash, binary, binary_md5, numeric, reverse_bits or null"
)]
pub struct UnknownVindex(pub String);

/// A value that a vindex has no keyspace ID for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("vindex {0} maps integers only")]
pub struct IntegersOnly(pub Vindex);

impl Vindex {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Hash,
        Self::XxHash,
        Self::Binary,
        Self::BinaryMd5,
        Self::Numeric,
        Self::ReverseBits,
        Self::Null,
    ];

    /// Its name in a vschema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::XxHash => "xxhash",
            Self::Binary => "binary",
            Self::BinaryMd5 => "binary_md5",
            Self::Numeric => "numeric",
            Self::ReverseBits => "reverse_bits",
            Self::Null => "null",
        }
    }

    /// Whether it maps the values of such a column.
    pub fn fits(self, kind: &ColumnType) -> bool {
        match kind {
            ColumnType::Integer { .. } => true,
            ColumnType::Binary { .. } | ColumnType::Text { .. } => {
                !matches!(self, Self::Hash | Self::Numeric | Self::ReverseBits)
            }
            ColumnType::Other => false,
        }
    }

    /// The keyspace ID of a value.
    pub fn map(self, value: &ShardingValue) -> Result<KeyspaceId, IntegersOnly> {
        let number = || as_u64(value).ok_or(IntegersOnly(self));
        let id = match self {
            Self::Hash => des_with_zero_key(number()?),
            Self::Numeric => number()?.to_be_bytes().to_vec(),
            Self::ReverseBits => number()?.reverse_bits().to_be_bytes().to_vec(),
            Self::XxHash => xxh64(&text(value), 0).to_le_bytes().to_vec(),
            Self::BinaryMd5 => Md5::digest(text(value)).to_vec(),
            Self::Binary => text(value).into_owned(),
            Self::Null => vec![0],
        };
        Ok(KeyspaceId(id))
    }
}

fn as_u64(value: &ShardingValue) -> Option<u64> {
    match value {
        ShardingValue::Signed(number) => Some(number.cast_unsigned()),
        ShardingValue::Unsigned(number) => Some(*number),
        ShardingValue::Bytes(_) => None,
    }
}

fn text(value: &ShardingValue) -> std::borrow::Cow<'_, [u8]> {
    match value {
        ShardingValue::Signed(number) => number.to_string().into_bytes().into(),
        ShardingValue::Unsigned(number) => number.to_string().into_bytes().into(),
        ShardingValue::Bytes(bytes) => bytes.into(),
    }
}

fn des_with_zero_key(number: u64) -> Vec<u8> {
    let mut block = number.to_be_bytes().into();
    Des::new(&[0; 8].into()).encrypt_block(&mut block);
    block.to_vec()
}

impl fmt::Display for Vindex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Vindex {
    type Err = UnknownVindex;
    fn from_str(s: &str) -> Result<Self, UnknownVindex> {
        Self::ALL.into_iter().find(|v| v.as_str() == s).ok_or_else(|| UnknownVindex(s.to_owned()))
    }
}

#[cfg(test)]
mod tests;
