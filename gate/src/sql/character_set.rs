//! The character sets in which clients may talk.

use proto::errors::{ClientError, ErrorId};

/// A client character set.
///
/// Taken are those whose bytes mean to us what they mean to MySQL: ASCII bytes are ASCII characters and nothing
/// else, and every other byte is a part of a letter. In others a byte of a longer character can be that of a
/// quote or backslash (big5, sjis, gbk, cp932, gb18030), a byte over 0x7f can be a blank (latin1 and its kin), or
/// a bracket can be a letter (swe7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CharacterSet {
    /// utf8mb4.
    Utf8mb4,
    /// utf8mb3.
    Utf8mb3,
    /// ascii.
    Ascii,
    /// binary: strings are bytes and not text.
    Binary,
}

/// Id of utf8mb4_0900_ai_ci, MySQL's default collation.
pub const DEFAULT_COLLATION: u8 = 255;

impl CharacterSet {
    /// Of the collation that a client connects with.
    pub fn of_collation(id: u8) -> Result<Self, ClientError> {
        match id {
            45 | 46 | 224..=247 | 255 => Ok(Self::Utf8mb4),
            33 | 76 | 83 | 192..=215 | 223 => Ok(Self::Utf8mb3),
            11 | 65 => Ok(Self::Ascii),
            63 => Ok(Self::Binary),
            other => Err(ErrorId::UnsafeCharacterSet.with(format_args!("of collation {other}"))),
        }
    }

    /// MySQL's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8mb4 => "utf8mb4",
            Self::Utf8mb3 => "utf8mb3",
            Self::Ascii => "ascii",
            Self::Binary => "binary",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collations_tell_their_set() {
        assert_eq!(CharacterSet::of_collation(255), Ok(CharacterSet::Utf8mb4));
        assert_eq!(CharacterSet::of_collation(33), Ok(CharacterSet::Utf8mb3));
        assert_eq!(CharacterSet::of_collation(63), Ok(CharacterSet::Binary));
        // big5, latin1, swe7, gbk, cp932, gb18030, ucs2, utf16, utf32.
        for id in [1, 8, 10, 28, 96, 249, 35, 54, 60] {
            assert!(CharacterSet::of_collation(id).is_err(), "{id}");
        }
    }
}
