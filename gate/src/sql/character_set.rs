//! The character sets in which clients may talk.

use mysql_common::collations::{Collation, CollationId};
use proto::errors::{ClientError, ErrorId};

/// A client character set.
///
/// Taken are those whose ASCII bytes are ASCII characters and nothing else. In others a byte of a longer character
/// can be that of a quote or backslash (big5, sjis, gbk, cp932, gb18030), or a bracket can be a letter (swe7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CharacterSet {
    /// utf8mb4.
    Utf8mb4,
    /// utf8mb3.
    Utf8mb3,
    /// latin1, which clients use where nobody told them otherwise. Outside quotes a byte over 0x7f can be a blank
    /// to MySQL, so that a statement with one there is not understood.
    Latin1,
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
            5 | 8 | 15 | 31 | 47 | 48 | 49 | 94 => Ok(Self::Latin1),
            11 | 65 => Ok(Self::Ascii),
            63 => Ok(Self::Binary),
            other => Err(ErrorId::UnsupportedCharacterSet.with(name_of(other))),
        }
    }

    /// The set that an introducer, or `SET NAMES`, calls so.
    pub fn named(name: &[u8]) -> Option<Self> {
        let known = NAMED.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        known.map(|(_, set)| *set)
    }

    /// The collation that `SET NAMES` means by the name of a set.
    fn default_collation(self) -> u8 {
        match self {
            Self::Utf8mb4 => DEFAULT_COLLATION,
            Self::Utf8mb3 => 33,
            Self::Latin1 => 8,
            Self::Ascii => 11,
            Self::Binary => 63,
        }
    }

    /// Whether a normalised text in it can be read: everything outside quotes means to us what it means to MySQL.
    pub fn can_read(self, text: &[u8]) -> bool {
        match self {
            Self::Utf8mb4 | Self::Utf8mb3 => std::str::from_utf8(text).is_ok(),
            Self::Latin1 | Self::Ascii | Self::Binary => text.is_ascii(),
        }
    }

    /// Most bytes of one character. What the gate tells a client of binary is utf8mb4 all the same.
    pub fn longest_character(self) -> u32 {
        match self {
            Self::Utf8mb4 | Self::Binary => 4,
            Self::Utf8mb3 => 3,
            Self::Latin1 | Self::Ascii => 1,
        }
    }

    /// MySQL's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8mb4 => "utf8mb4",
            Self::Utf8mb3 => "utf8mb3",
            Self::Latin1 => "latin1",
            Self::Ascii => "ascii",
            Self::Binary => "binary",
        }
    }
}

/// MySQL's name for a collation, or its number where it has none.
fn name_of(id: u8) -> String {
    match Collation::resolve(CollationId::from(u16::from(id))) {
        unknown if unknown.id() == CollationId::UNKNOWN_COLLATION_ID => id.to_string(),
        known => known.collation().to_owned(),
    }
}

/// The sets by MySQL's names, `utf8` among them.
const NAMED: [(&str, CharacterSet); 6] = [
    ("utf8mb4", CharacterSet::Utf8mb4),
    ("utf8mb3", CharacterSet::Utf8mb3),
    ("utf8", CharacterSet::Utf8mb3),
    ("latin1", CharacterSet::Latin1),
    ("ascii", CharacterSet::Ascii),
    ("binary", CharacterSet::Binary),
];

/// Collations that clients ask for by name, beside the default ones.
const COLLATIONS: [(&str, u8); 16] = [
    ("utf8mb4_0900_ai_ci", DEFAULT_COLLATION),
    ("utf8mb4_general_ci", 45),
    ("utf8mb4_bin", 46),
    ("utf8mb4_unicode_ci", 224),
    ("utf8mb4_unicode_520_ci", 246),
    ("utf8mb3_general_ci", 33),
    ("utf8mb3_bin", 83),
    ("utf8mb3_unicode_ci", 192),
    ("utf8mb3_unicode_520_ci", 214),
    ("latin1_swedish_ci", 8),
    ("latin1_general_ci", 48),
    ("latin1_general_cs", 49),
    ("latin1_bin", 47),
    ("ascii_general_ci", 11),
    ("ascii_bin", 65),
    ("binary", 63),
];

/// The id of the collation that `SET NAMES set COLLATE collation` asks for, if clients may use it.
pub fn collation_of(set: &str, collation: Option<&str>) -> Option<u8> {
    let set = CharacterSet::named(set.as_bytes())?;
    let Some(collation) = collation else { return Some(set.default_collation()) };
    let (_, id) = COLLATIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(collation))?;
    (CharacterSet::of_collation(*id) == Ok(set)).then_some(*id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_collations_of_their_set() {
        assert_eq!(collation_of("UTF8MB4", None), Some(255));
        assert_eq!(collation_of("utf8", None), Some(33));
        assert_eq!(collation_of("utf8mb4", Some("utf8mb4_unicode_ci")), Some(224));
        assert_eq!(collation_of("latin1", Some("utf8mb4_bin")), None);
        assert_eq!(collation_of("gbk", None), None);
        for (_, set) in NAMED {
            assert_eq!(CharacterSet::of_collation(set.default_collation()), Ok(set));
        }
    }

    #[test]
    fn collations_tell_their_set() {
        assert_eq!(CharacterSet::of_collation(255), Ok(CharacterSet::Utf8mb4));
        assert_eq!(CharacterSet::of_collation(33), Ok(CharacterSet::Utf8mb3));
        assert_eq!(CharacterSet::of_collation(63), Ok(CharacterSet::Binary));
        assert_eq!(CharacterSet::of_collation(8), Ok(CharacterSet::Latin1));
        // big5, swe7, gbk, cp932, gb18030, ucs2, utf16, utf32.
        for id in [1, 10, 28, 96, 249, 35, 54, 60] {
            assert!(CharacterSet::of_collation(id).is_err(), "{id}");
        }
        let told = |id| CharacterSet::of_collation(id).unwrap_err().message().to_owned();
        assert!(told(28).contains("of collation gbk_chinese_ci cannot"), "{}", told(28));
        assert!(told(0).contains("of collation 0 cannot"), "{}", told(0));
        assert!(CharacterSet::Latin1.can_read(b"a or b") && !CharacterSet::Latin1.can_read(b"a\xa0or b"));
        assert!(CharacterSet::Utf8mb4.can_read("ä".as_bytes()) && !CharacterSet::Utf8mb4.can_read(b"\xe4"));
    }
}
