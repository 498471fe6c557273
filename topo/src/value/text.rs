//! Literals for binary and text columns.

use super::{Inexact, Literal, ShardingValue};

/// A text column whose equal values are not known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownText {
    /// Which strings are equal is a matter of tables that are MySQL's.
    #[error("its collation {0} is not a _bin collation")]
    Collation(String),
    /// Its strings are not stored in a form that literals have here.
    #[error("its character set {0} is not one of utf8mb4, utf8mb3, latin1 and ascii")]
    CharacterSet(String),
}

/// Which strings are equal in a text column, and how they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRules {
    repertoire: Repertoire,
    trailing_spaces: TrailingSpaces,
}

/// The strings whose bytes are the same in a literal and in the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repertoire {
    Ascii,
    /// UTF-8 of at most three bytes a character.
    Utf8Mb3,
    Utf8Mb4,
}

/// Whether a collation sees spaces at the end of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrailingSpaces {
    /// PAD SPACE.
    Ignored,
    /// NO PAD.
    Seen,
}

impl Repertoire {
    fn of(character_set: &str) -> Option<Self> {
        match character_set {
            "utf8mb4" => Some(Self::Utf8Mb4),
            "utf8mb3" | "utf8" => Some(Self::Utf8Mb3),
            // Every other letter of latin1 has other bytes in UTF-8.
            "latin1" | "ascii" => Some(Self::Ascii),
            _ => None,
        }
    }

    fn has(self, text: &str) -> bool {
        match self {
            Self::Ascii => text.is_ascii(),
            Self::Utf8Mb3 => text.chars().all(|c| c.len_utf8() <= 3),
            Self::Utf8Mb4 => true,
        }
    }
}

/// Whether these are characters of ASCII, in a character set that writes them as ASCII does.
pub(super) fn is_ascii_in(bytes: &[u8], character_set: &str) -> bool {
    Repertoire::of(character_set).is_some() && bytes.is_ascii()
}

impl TextRules {
    /// The rules of a column, if they are known: only collations that compare code points are.
    pub fn of(character_set: &str, collation: &str) -> Result<Self, UnknownText> {
        if !collation.ends_with("_bin") {
            return Err(UnknownText::Collation(collation.to_owned()));
        }
        let repertoire = Repertoire::of(character_set);
        let repertoire = repertoire.ok_or_else(|| UnknownText::CharacterSet(character_set.to_owned()))?;
        let trailing_spaces =
            if collation == "utf8mb4_0900_bin" { TrailingSpaces::Seen } else { TrailingSpaces::Ignored };
        Ok(Self { repertoire, trailing_spaces })
    }

    /// The rules of a CHAR column, which drops trailing spaces whatever its collation sees.
    pub(super) fn without_trailing_spaces(self) -> Self {
        Self { trailing_spaces: TrailingSpaces::Ignored, ..self }
    }

    pub(super) fn convert(self, literal: &Literal<'_>, length: u32) -> Result<ShardingValue, Inexact> {
        let (bytes, written_in) = match literal {
            Literal::String { bytes, character_set } => (bytes, Repertoire::of(character_set)),
            // Bytes are taken for characters of the column's own character set.
            Literal::Bytes(bytes) => (bytes, Some(self.repertoire)),
            // A number compares with text as a double.
            _ => return Err(Inexact::Kind),
        };
        let text = std::str::from_utf8(bytes).map_err(|_| Inexact::CharacterSet)?;
        if !written_in.is_some_and(|set| set.has(text)) || !self.repertoire.has(text) {
            return Err(Inexact::CharacterSet);
        }
        let stored = match self.trailing_spaces {
            TrailingSpaces::Seen => text,
            TrailingSpaces::Ignored => text.trim_end_matches(' '),
        };
        if stored.chars().count() > length as usize {
            return Err(Inexact::TooLong);
        }
        Ok(ShardingValue::Bytes(stored.as_bytes().to_vec()))
    }
}

/// The bytes of a VARBINARY column.
pub(super) fn binary(literal: &Literal<'_>, length: u32) -> Result<Vec<u8>, Inexact> {
    let bytes = match literal {
        // The bytes of the literal itself: a binary column converts nothing.
        Literal::String { bytes, .. } | Literal::Bytes(bytes) => bytes,
        _ => return Err(Inexact::Kind),
    };
    if bytes.len() > length as usize {
        return Err(Inexact::TooLong);
    }
    Ok(bytes.to_vec())
}

/// The bytes of a BINARY column, padded as it stores them. A comparison does not pad: with a shorter literal
/// it finds nothing on any shard, so the padded value's shard is as good as any.
pub(super) fn padded_binary(literal: &Literal<'_>, length: u32) -> Result<ShardingValue, Inexact> {
    let mut bytes = binary(literal, length)?;
    bytes.resize(length as usize, 0);
    Ok(ShardingValue::Bytes(bytes))
}
