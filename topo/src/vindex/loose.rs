//! The text that Vitess' `unicode_loose_md5` and `unicode_loose_xxhash` hash.
//!
//! Vitess takes trailing spaces away and asks golang.org/x/text for the key by which it compares text loosely: that of
//! Unicode 6.2, letters only. Such a key is made here character by character, from a table of the keys that the
//! library gives for each of them. Text in which it looks at several characters at a time has no key here.
//!
//! Nor does every text have one for which MySQL finds others equal: MySQL's collations follow other versions of Unicode.
//! The marks of a character say with which collations its key goes together: for all text of such characters the key
//! follows from the weights of the collation, so that equal text has one key.
//! `tests/tests/differential_text` finds them out; the test beside this file proves it anew.

use crate::value::collation::weights::{Level, Weights};
use crate::value::collation::{Collation, Table};

static KEYS: Weights = Weights::read(include_bytes!("loose/keys.bin"));
/// The page of every 256 code points, and then the pages: the marks of each.
static MARKS: &[u8] = include_bytes!("loose/marks.bin");

const PAGE: usize = 256;
const PAGES: usize = 0x11_0000 / PAGE;

/// Its key goes together with utf8mb4_0900_ai_ci and those that tell more apart.
const WITH_UCA_900: u8 = 1;
/// With the collations `…_unicode_520_ci`.
const WITH_UCA_520: u8 = 2;
/// With the collations `…_unicode_ci`.
const WITH_UCA_400: u8 = 4;
/// With the collations `…_general_ci`.
const WITH_GENERAL: u8 = 8;
/// It may be taken together with what follows it.
const FIRST: u8 = 16;
/// It may be taken together with what stands before it.
const SECOND: u8 = 32;
/// A combining character with a key of its own: beside another one it may change its place.
const MOVABLE: u8 = 64;

/// The key of a text, equal for all text that the collation takes for equal; `None`: not for certain.
pub(super) fn key(text: &str, collation: Option<Collation>) -> Option<Vec<u8>> {
    let text = text.trim_end_matches(' ');
    let needed = collation.map_or(0, mark);
    if needed != 0 && collation.is_some_and(|collation| collation.ends_in_space(text)) {
        // MySQL takes it for a space where Vitess does not.
        return None;
    }
    let mut key = Vec::with_capacity(2 * text.len());
    let (mut after_first, mut after_movable) = (false, false);
    for c in text.chars() {
        let marks = marks(c);
        if marks & needed != needed
            || after_first && marks & SECOND != 0
            || after_movable && marks & MOVABLE != 0
        {
            return None;
        }
        let length = key.len();
        KEYS.append(c, Level::Primary, &mut key);
        // Combining characters may stand between two that belong together.
        let between = key.len() == length || marks & MOVABLE != 0;
        after_first = marks & FIRST != 0 || after_first && between;
        after_movable = marks & MOVABLE != 0 || after_movable && between;
    }
    Some(key)
}

/// The mark that all characters of such a column must have. None where only the same text is equal; nor in
/// ascii, whose letters are equal to those of the other case and to nothing else.
fn mark(collation: Collation) -> u8 {
    match collation.table() {
        None => 0,
        Some(Table::Uca900) => WITH_UCA_900,
        Some(Table::Uca520) => WITH_UCA_520,
        Some(Table::Uca400) => WITH_UCA_400,
        Some(Table::General) => WITH_GENERAL,
    }
}

fn marks(c: char) -> u8 {
    let c = c as usize;
    MARKS[PAGES + PAGE * usize::from(MARKS[c / PAGE]) + c % PAGE]
}

#[cfg(test)]
mod tests;
