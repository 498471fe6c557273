//! The character sets in which clients may talk.

use proto::errors::{ClientError, ErrorId};

/// A client character set, as far as the reading of SQL needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CharacterSet {
    /// utf8mb4.
    Utf8mb4,
    /// utf8mb3.
    Utf8mb3,
    /// Any other one in which ASCII bytes are ASCII characters and nothing else.
    OtherAscii,
}

/// Id of utf8mb4_0900_ai_ci, MySQL's default collation.
pub const DEFAULT_COLLATION: u8 = 255;

impl CharacterSet {
    /// Of the collation that a client connects with. Refused are sets in which a byte of a longer character can
    /// be the byte of a quote or backslash (big5, sjis, gbk, cp932, gb18030), and those whose ASCII characters
    /// have more than one byte (ucs2, utf16, utf32), which MySQL does not take from clients either.
    pub fn of_collation(id: u8) -> Result<Self, ClientError> {
        let unsafe_set = match id {
            1 | 84 => Some("big5"),
            13 | 88 => Some("sjis"),
            28 | 87 => Some("gbk"),
            95 | 96 => Some("cp932"),
            248..=250 => Some("gb18030"),
            35 | 90 | 128..=151 | 159 => Some("ucs2"),
            54..=56 | 62 | 101..=124 => Some("utf16"),
            60 | 61 | 160..=183 => Some("utf32"),
            _ => None,
        };
        match (unsafe_set, id) {
            (Some(name), _) => Err(ErrorId::UnsafeCharacterSet.with(name)),
            (None, 45 | 46 | 224..=247 | 255) => Ok(Self::Utf8mb4),
            (None, 33 | 76 | 83 | 192..=215 | 223) => Ok(Self::Utf8mb3),
            (None, _) => Ok(Self::OtherAscii),
        }
    }

    /// MySQL's name for it; for the others that of their common part.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8mb4 => "utf8mb4",
            Self::Utf8mb3 => "utf8mb3",
            Self::OtherAscii => "ascii",
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
        assert_eq!(CharacterSet::of_collation(8), Ok(CharacterSet::OtherAscii));
        for id in [1, 28, 96, 249, 35, 54, 60] {
            assert!(CharacterSet::of_collation(id).is_err(), "{id}");
        }
    }
}
