//! latin1 as MySQL has it: Windows' code page 1252, its five free bytes taken for control characters.

use std::borrow::Cow;

/// The characters of the bytes 0x80 to 0x9f; each other byte is the code point of its number.
const FROM_80: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The byte of a character, if latin1 has it.
pub fn byte(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ (0..=0x7f | 0xa0..=0xff) => Some(code as u8),
        _ => FROM_80.iter().position(|&other| other == c).map(|at| 0x80 + at as u8),
    }
}

/// The text of a string of latin1.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().map(|&byte| character(byte)).collect()),
    }
}

fn character(byte: u8) -> char {
    match byte {
        0x80..=0x9f => FROM_80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        for byte_before in 0..=255 {
            assert_eq!(byte(character(byte_before)), Some(byte_before));
        }
        assert_eq!(decode(b"\x80 \xe9"), "€ é");
        assert_eq!((byte('ł'), byte('\u{80}')), (None, None));
    }
}
