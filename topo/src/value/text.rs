//! Literals for binary and text columns.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use super::collation::{Collation, Padding};
use super::{Inexact, Literal, ShardingValue, latin1};

/// A text column whose equal values are not known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownText {
    /// Which strings are equal is a matter of tables that are not here.
    #[error(
        "its collation {0} is none that Shoal has sort keys of: take the default, utf8mb4_0900_ai_ci, another of \
         utf8mb4_0900_*, or one of *_bin, *_general_ci, *_unicode_ci, *_unicode_520_ci and latin1_swedish_ci"
    )]
    Collation(String),
    /// Its strings are not stored in a form that literals have here.
    #[error("its character set {0} is not one of utf8mb4, utf8mb3, latin1 and ascii")]
    CharacterSet(String),
}

/// Which strings are equal in a text column, and how they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRules {
    repertoire: Repertoire,
    collation: Collation,
    trailing_spaces: TrailingSpaces,
}

/// A string of a text column, equal to all that its collation takes it for.
#[derive(Debug, Clone)]
pub struct StoredText {
    text: String,
    collation: Collation,
}

impl StoredText {
    /// The string, without the trailing spaces that the column does not keep apart.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The column's collation.
    pub fn collation(&self) -> Collation {
        self.collation
    }

    /// Its sort key, which is that of all strings equal to it.
    pub fn key(&self) -> Vec<u8> {
        self.collation.key(&self.text)
    }
}

impl PartialEq for StoredText {
    fn eq(&self, other: &Self) -> bool {
        self.collation == other.collation && self.key() == other.key()
    }
}

impl Eq for StoredText {}

impl Hash for StoredText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// The characters that a character set has, and its way to write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repertoire {
    Ascii,
    Latin1,
    /// UTF-8 of at most three bytes a character.
    Utf8Mb3,
    Utf8Mb4,
}

/// Whether spaces at the end of a string count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrailingSpaces {
    /// PAD SPACE, or CHAR.
    Ignored,
    /// NO PAD.
    Seen,
}

impl Repertoire {
    fn of(character_set: &str) -> Option<Self> {
        match character_set {
            "utf8mb4" => Some(Self::Utf8Mb4),
            "utf8mb3" | "utf8" => Some(Self::Utf8Mb3),
            "latin1" => Some(Self::Latin1),
            "ascii" => Some(Self::Ascii),
            _ => None,
        }
    }

    fn has(self, text: &str) -> bool {
        match self {
            Self::Ascii => text.is_ascii(),
            Self::Latin1 => text.chars().all(|c| latin1::byte(c).is_some()),
            Self::Utf8Mb3 => text.chars().all(|c| c.len_utf8() <= 3),
            Self::Utf8Mb4 => true,
        }
    }

    /// The text that the bytes are.
    fn read(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        let text = match self {
            Self::Latin1 => latin1::decode(bytes),
            _ => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
        };
        self.has(&text).then_some(text)
    }

    /// The bytes of a text that it has.
    fn write(self, text: &str) -> Vec<u8> {
        match self {
            Self::Latin1 => text.chars().filter_map(latin1::byte).collect(),
            _ => text.as_bytes().to_vec(),
        }
    }
}

/// Whether these are characters of ASCII, in a character set that writes them as ASCII does.
pub(super) fn is_ascii_in(bytes: &[u8], character_set: &str) -> bool {
    Repertoire::of(character_set).is_some() && bytes.is_ascii()
}

impl TextRules {
    /// The rules of a column, if they are known.
    pub fn of(character_set: &str, collation: &str) -> Result<Self, UnknownText> {
        let repertoire = Repertoire::of(character_set);
        let repertoire = repertoire.ok_or_else(|| UnknownText::CharacterSet(character_set.to_owned()))?;
        let known = Collation::named(collation);
        let collation = known.ok_or_else(|| UnknownText::Collation(collation.to_owned()))?;
        let trailing_spaces = match collation.padding() {
            Padding::PadSpace => TrailingSpaces::Ignored,
            Padding::NoPad => TrailingSpaces::Seen,
        };
        Ok(Self { repertoire, collation, trailing_spaces })
    }

    /// The rules of a CHAR column, which drops trailing spaces whatever its collation sees.
    pub(super) fn of_char(self) -> Self {
        Self { trailing_spaces: TrailingSpaces::Ignored, ..self }
    }

    /// Whether spaces at the end are not stored, and a comparison with them finds what is equal to them: such as a space
    /// and a combining character after it, which counts for nothing.
    fn compares_what_it_drops(self) -> bool {
        self.trailing_spaces == TrailingSpaces::Ignored
            && self.collation.padding() == Padding::NoPad
            && !self.collation.is_binary()
    }

    pub(super) fn convert(self, literal: &Literal<'_>, length: u32) -> Result<ShardingValue, Inexact> {
        let (bytes, written_in) = match literal {
            Literal::String { bytes, character_set } => (bytes, Repertoire::of(character_set)),
            // Bytes are taken for characters of the column's own character set.
            Literal::Bytes(bytes) => (bytes, Some(self.repertoire)),
            // A number compares with text as a double.
            _ => return Err(Inexact::Kind),
        };
        let text = written_in.and_then(|set| set.read(bytes)).ok_or(Inexact::CharacterSet)?;
        if !self.repertoire.has(&text) {
            return Err(Inexact::CharacterSet);
        }
        if self.compares_what_it_drops() && self.collation.ends_in_space(&text) {
            return Err(Inexact::TrailingSpaces);
        }
        let stored = match self.trailing_spaces {
            TrailingSpaces::Seen => &text,
            TrailingSpaces::Ignored => text.trim_end_matches(' '),
        };
        if let Some((end, _)) = stored.char_indices().nth(length as usize) {
            return Err(beyond(&stored.as_bytes()[end..]));
        }
        Ok(if self.collation.is_binary() {
            ShardingValue::Bytes(self.repertoire.write(stored))
        } else {
            ShardingValue::Text(StoredText { text: stored.to_owned(), collation: self.collation })
        })
    }
}

/// Why there is no such value, by what stands beyond the column's end.
fn beyond(rest: &[u8]) -> Inexact {
    if rest.iter().all(|byte| *byte == b' ') { Inexact::Cut } else { Inexact::TooLong }
}

/// The bytes of a VARBINARY column.
pub(super) fn binary(literal: &Literal<'_>, length: u32) -> Result<Vec<u8>, Inexact> {
    let bytes = match literal {
        // The bytes of the literal itself: a binary column converts nothing.
        Literal::String { bytes, .. } | Literal::Bytes(bytes) => bytes,
        _ => return Err(Inexact::Kind),
    };
    if let Some(beyond_end @ [_, ..]) = bytes.get(length as usize..) {
        return Err(beyond(beyond_end));
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
