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
//!   unicode_loose_md5     letters of the text, without case and accents → MD5      16 bytes
//!   unicode_loose_xxhash  the same → XXH64, little-endian                           8 bytes
//! ```
//!
//! A negative integer is its two's complement as a uint64; the text of an integer is its decimal digits with a
//! `-` where negative; that of text with a collation that is not `_bin` is its sort key; that of anything else is its
//! bytes.

mod loose;

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
    /// MD5 of what Vitess compares text loosely by.
    UnicodeLooseMd5,
    /// XXH64 of the same.
    UnicodeLooseXxHash,
}

/// A vindex type that Shoal does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no vindex type {0:?}; write hash, xxhash, binary, binary_md5, numeric, reverse_bits, null, \
     unicode_loose_md5 or unicode_loose_xxhash"
)]
pub struct UnknownVindex(pub String);

/// A value that a vindex has no keyspace ID for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmapped {
    /// The vindex is for numbers.
    #[error("vindex {0} maps integers only")]
    IntegersOnly(Vindex),
    /// Vitess' keyspace ID for it is not known here, or that of equal text would be another one.
    #[error("vindex {0} maps no text in which characters count for others than in the column's collation")]
    Text(Vindex),
}

impl Vindex {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Hash,
        Self::XxHash,
        Self::Binary,
        Self::BinaryMd5,
        Self::Numeric,
        Self::ReverseBits,
        Self::Null,
        Self::UnicodeLooseMd5,
        Self::UnicodeLooseXxHash,
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
            Self::UnicodeLooseMd5 => "unicode_loose_md5",
            Self::UnicodeLooseXxHash => "unicode_loose_xxhash",
        }
    }

    /// Whether it maps the values of such a column.
    pub fn fits(self, kind: &ColumnType) -> bool {
        match (kind, self) {
            (ColumnType::Integer { .. }, _) => true,
            (ColumnType::Other, _) | (_, Self::Hash | Self::Numeric | Self::ReverseBits) => false,
            // Their text is UTF-8.
            (ColumnType::Text { character_set, .. }, Self::UnicodeLooseMd5 | Self::UnicodeLooseXxHash) => {
                character_set != "latin1"
            }
            (ColumnType::Binary { .. } | ColumnType::Text { .. }, _) => true,
        }
    }

    /// What it maps, in the words of a refusal.
    pub fn domain(self) -> &'static str {
        match self {
            Self::Hash | Self::Numeric | Self::ReverseBits => "integers only",
            Self::UnicodeLooseMd5 | Self::UnicodeLooseXxHash => "text of utf8mb4, utf8mb3 and ascii only",
            Self::XxHash | Self::Binary | Self::BinaryMd5 | Self::Null => "integers, binary and text only",
        }
    }

    /// The keyspace ID of a value.
    pub fn map(self, value: &ShardingValue) -> Result<KeyspaceId, Unmapped> {
        let number = || as_u64(value).ok_or(Unmapped::IntegersOnly(self));
        let letters = || letters(value).ok_or(Unmapped::Text(self));
        let id = match self {
            Self::Hash => des_with_zero_key(number()?),
            Self::Numeric => number()?.to_be_bytes().to_vec(),
            Self::ReverseBits => number()?.reverse_bits().to_be_bytes().to_vec(),
            Self::XxHash => xxh64(&text(value), 0).to_le_bytes().to_vec(),
            Self::BinaryMd5 => Md5::digest(text(value)).to_vec(),
            Self::Binary => text(value).into_owned(),
            Self::Null => vec![0],
            Self::UnicodeLooseMd5 => Md5::digest(letters()?).to_vec(),
            Self::UnicodeLooseXxHash => xxh64(&letters()?, 0).to_le_bytes().to_vec(),
        };
        Ok(KeyspaceId(id))
    }
}

/// What Vitess compares a text loosely by.
fn letters(value: &ShardingValue) -> Option<Vec<u8>> {
    match value {
        ShardingValue::Text(text) => loose::key(text.text(), Some(text.collation())),
        _ => loose::key(std::str::from_utf8(&text(value)).ok()?, None),
    }
}

fn as_u64(value: &ShardingValue) -> Option<u64> {
    match value {
        ShardingValue::Signed(number) => Some(number.cast_unsigned()),
        ShardingValue::Unsigned(number) => Some(*number),
        ShardingValue::Bytes(_) | ShardingValue::Text(_) => None,
    }
}

fn text(value: &ShardingValue) -> std::borrow::Cow<'_, [u8]> {
    match value {
        ShardingValue::Signed(number) => number.to_string().into_bytes().into(),
        ShardingValue::Unsigned(number) => number.to_string().into_bytes().into(),
        ShardingValue::Bytes(bytes) => bytes.into(),
        ShardingValue::Text(text) => text.key().into(),
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
