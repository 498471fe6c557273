//! Which strings a collation of MySQL takes for equal: those with one sort key.
//!
//! A sort key is what MySQL's `WEIGHT_STRING` gives for the stored string, but that a PAD SPACE collation's ends before
//! the weights that it compares as spaces at the end. The tables beside this file were read from a MySQL server,
//! character by character, by tests/tests/differential_text; collations do not change once they are published. None
//! of those here looks at more than one character at a time.

pub(crate) mod weights;

use weights::{Level, Weights};

use super::latin1;

static UCA_0900: Weights = Weights::read(include_bytes!("uca_0900.bin"));
static UCA_520: Weights = Weights::read(include_bytes!("uca_520.bin"));
static UCA_400: Weights = Weights::read(include_bytes!("uca_400.bin"));
static GENERAL: Weights = Weights::read(include_bytes!("general.bin"));
/// One weight for each of 256 bytes, one table after the other.
static SINGLE_BYTE: &[u8; 256 * SINGLE_BYTE_TABLES] = include_bytes!("single_byte.bin");
const SINGLE_BYTE_TABLES: usize = 7;

/// Between the levels of a sort key.
const LEVEL_SEPARATOR: [u8; 2] = [0, 0];

/// A collation of MySQL whose equal strings are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Collation(u8);

struct Definition {
    name: &'static str,
    order: Order,
    padding: Padding,
}

/// What stands in the place of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Its code point.
    Binary,
    /// The weights of a table.
    Table(Table),
    /// The weights of all levels of the table for Unicode 9.0, up to this one.
    Levels(Strength),
    /// The weight that the table of this number has for its latin1 byte.
    SingleByte(usize),
}

/// A table of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// One weight a character, none beyond 16 bits.
    General,
    /// Unicode's algorithm, version 4.0.0.
    Uca400,
    /// Version 5.2.0.
    Uca520,
    /// Version 9.0.0.
    Uca900,
}

/// Which differences count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// Letters.
    Primary,
    /// And accents.
    Secondary,
    /// And case.
    Tertiary,
}

/// Whether a collation sees spaces at the end of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// It does not.
    PadSpace,
    /// It does.
    NoPad,
}

const fn define(name: &'static str, order: Order, padding: Padding) -> Definition {
    Definition { name, order, padding }
}

const DEFINITIONS: &[Definition] = &[
    define("utf8mb4_0900_ai_ci", Order::Levels(Strength::Primary), Padding::NoPad),
    define("utf8mb4_0900_as_ci", Order::Levels(Strength::Secondary), Padding::NoPad),
    define("utf8mb4_0900_as_cs", Order::Levels(Strength::Tertiary), Padding::NoPad),
    define("utf8mb4_0900_bin", Order::Binary, Padding::NoPad),
    define("utf8mb4_bin", Order::Binary, Padding::PadSpace),
    define("utf8mb4_general_ci", Order::Table(Table::General), Padding::PadSpace),
    define("utf8mb4_unicode_ci", Order::Table(Table::Uca400), Padding::PadSpace),
    define("utf8mb4_unicode_520_ci", Order::Table(Table::Uca520), Padding::PadSpace),
    define("utf8mb3_bin", Order::Binary, Padding::PadSpace),
    define("utf8mb3_general_ci", Order::Table(Table::General), Padding::PadSpace),
    define("utf8mb3_unicode_ci", Order::Table(Table::Uca400), Padding::PadSpace),
    define("utf8mb3_unicode_520_ci", Order::Table(Table::Uca520), Padding::PadSpace),
    define("latin1_bin", Order::Binary, Padding::PadSpace),
    define("latin1_swedish_ci", Order::SingleByte(0), Padding::PadSpace),
    define("latin1_general_ci", Order::SingleByte(1), Padding::PadSpace),
    define("latin1_general_cs", Order::SingleByte(2), Padding::PadSpace),
    define("latin1_german1_ci", Order::SingleByte(3), Padding::PadSpace),
    define("latin1_danish_ci", Order::SingleByte(4), Padding::PadSpace),
    define("latin1_spanish_ci", Order::SingleByte(5), Padding::PadSpace),
    define("ascii_bin", Order::Binary, Padding::PadSpace),
    define("ascii_general_ci", Order::SingleByte(6), Padding::PadSpace),
];

impl Collation {
    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        DEFINITIONS.iter().position(|definition| definition.name == name).map(|at| Self(at as u8))
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..DEFINITIONS.len()).map(|at| Self(at as u8))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// Whether it compares code points and nothing else.
    pub fn is_binary(self) -> bool {
        self.definition().order == Order::Binary
    }

    /// Whether it sees spaces at the end of a string.
    pub fn padding(self) -> Padding {
        self.definition().padding
    }

    /// The sort key of a string: two strings are equal if and only if theirs are.
    pub fn key(self, text: &str) -> Vec<u8> {
        let mut key = self.weights(text);
        if self.padding() == Padding::PadSpace {
            let space = self.weights(" ");
            while key.ends_with(&space) {
                key.truncate(key.len() - space.len());
            }
        }
        key
    }

    /// What `WEIGHT_STRING` gives.
    pub(crate) fn weights(self, text: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(2 * text.len());
        match self.definition().order {
            Order::Binary => key.extend_from_slice(text.as_bytes()),
            Order::Table(table) => append(table.weights(), Level::Primary, text, &mut key),
            Order::Levels(strength) => {
                append(&UCA_0900, Level::Primary, text, &mut key);
                if strength != Strength::Primary {
                    key.extend_from_slice(&LEVEL_SEPARATOR);
                    append(&UCA_0900, Level::Secondary, text, &mut key);
                }
                if strength == Strength::Tertiary {
                    key.extend_from_slice(&LEVEL_SEPARATOR);
                    append(&UCA_0900, Level::Tertiary, text, &mut key);
                }
            }
            Order::SingleByte(table) => {
                // What latin1 lacks is in no string of such a column.
                let bytes = text.chars().filter_map(latin1::byte);
                key.extend(bytes.map(|byte| SINGLE_BYTE[256 * table + usize::from(byte)]));
            }
        }
        key
    }

    /// The table of its first level, if it has one for all of Unicode.
    pub(crate) fn table(self) -> Option<Table> {
        match self.definition().order {
            Order::Table(table) => Some(table),
            Order::Levels(_) => Some(Table::Uca900),
            Order::Binary | Order::SingleByte(_) => None,
        }
    }

    /// Whether the last weight of the first level is that of a space.
    pub(crate) fn ends_in_space(self, text: &str) -> bool {
        let Some(weights) = self.table().map(Table::weights) else { return text.ends_with(' ') };
        let (mut space, mut key) = (Vec::new(), Vec::new());
        weights.append(' ', Level::Primary, &mut space);
        for c in text.chars().rev() {
            weights.append(c, Level::Primary, &mut key);
            if !key.is_empty() {
                return key.ends_with(&space);
            }
        }
        false
    }

    fn definition(self) -> &'static Definition {
        &DEFINITIONS[usize::from(self.0)]
    }
}

impl Table {
    fn weights(self) -> &'static Weights {
        match self {
            Self::General => &GENERAL,
            Self::Uca400 => &UCA_400,
            Self::Uca520 => &UCA_520,
            Self::Uca900 => &UCA_0900,
        }
    }
}

fn append(weights: &Weights, level: Level, text: &str, key: &mut Vec<u8>) {
    for c in text.chars() {
        weights.append(c, level, key);
    }
}
