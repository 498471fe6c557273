//! From the bytes of a literal's span to its value.

use std::borrow::Cow;

use topo::value::{Literal, Sign};

use super::character_set::CharacterSet;
use super::lexeme::{LiteralClass, is_word};

/// The value of a literal; `None` for one whose value depends on where it stands. `raw` is its span, prefixes
/// and quotes included; `scratch` takes what is not a piece of it. A sign before a number is given apart.
pub fn decode<'a>(
    raw: &'a [u8],
    class: LiteralClass,
    sign: Sign,
    character_set: CharacterSet,
    scratch: &'a mut Vec<u8>,
) -> Option<Literal<'a>> {
    match class {
        LiteralClass::Integer => Some(Literal::Integer { sign, digits: ascii(raw)? }),
        LiteralClass::Decimal => Some(Literal::Decimal(signed(raw, sign, scratch)?)),
        LiteralClass::Float => Some(Literal::Float(signed(raw, sign, scratch)?)),
        // A sign before a string makes a number of it by rules of its own.
        LiteralClass::String | LiteralClass::HexOrBit if sign == Sign::Minus => None,
        LiteralClass::String => {
            let (introduced, raw) = introducer(raw)?;
            if matches!(raw, [b'\'' | b'"', ..]) { unquote(raw, scratch) } else { unhex(raw, scratch) }?;
            match introduced.unwrap_or(character_set) {
                CharacterSet::Binary => Some(Literal::Bytes(Cow::Borrowed(scratch))),
                set => Some(Literal::String { bytes: Cow::Borrowed(scratch), character_set: set.name() }),
            }
        }
        LiteralClass::HexOrBit => {
            unhex(raw, scratch)?;
            Some(Literal::Bytes(Cow::Borrowed(scratch)))
        }
        LiteralClass::AdjacentStrings => None,
    }
}

/// The character set that an introducer says, if there is one, and what stands behind it.
fn introducer(raw: &[u8]) -> Option<(Option<CharacterSet>, &[u8])> {
    let Some(word) = raw.strip_prefix(b"_") else { return Some((None, raw)) };
    let end = word.iter().position(|&byte| !is_word(byte))?;
    let (name, rest) = word.split_at(end);
    Some((Some(CharacterSet::named(name)?), rest.trim_ascii_start()))
}

/// The text of a string literal in UTF-8, quotes included in `raw`.
pub fn string_of(raw: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    unquote(raw, &mut text)?;
    String::from_utf8(text).ok()
}

fn ascii(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(raw).ok()
}

fn signed<'a>(raw: &'a [u8], sign: Sign, scratch: &'a mut Vec<u8>) -> Option<&'a str> {
    if sign == Sign::Plus {
        return ascii(raw);
    }
    scratch.clear();
    scratch.push(b'-');
    scratch.extend_from_slice(raw);
    ascii(scratch)
}

/// The bytes of `x'…'` and `0x…`; bit literals are left out.
fn unhex(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let digits = match raw {
        [b'x' | b'X', b'\'', digits @ .., b'\''] if digits.len().is_multiple_of(2) => digits,
        [b'0', b'x', digits @ ..] => digits,
        _ => return None,
    };
    out.clear();
    let mut digits = digits;
    // MySQL reads an odd number of digits as if a zero stood before them.
    if let ([first, rest @ ..], true) = (digits, !digits.len().is_multiple_of(2)) {
        out.push(nibble(*first)?);
        digits = rest;
    }
    for pair in digits.chunks_exact(2) {
        out.push(nibble(pair[0])? << 4 | nibble(pair[1])?);
    }
    Some(())
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// The bytes between the quotes of a string, with MySQL's escapes resolved.
pub(crate) fn unquote(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (&quote, rest) = raw.split_first()?;
    let mut inner = rest.strip_suffix(&[quote])?;
    out.clear();
    while let Some((&byte, rest)) = inner.split_first() {
        inner = rest;
        if byte == b'\\' {
            let (&escaped, rest) = inner.split_first()?;
            inner = rest;
            // `\%` and `\_` keep their backslash: they mean something to LIKE.
            if matches!(escaped, b'%' | b'_') {
                out.push(b'\\');
            }
            out.push(match escaped {
                b'0' => 0,
                b'b' => 8,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'Z' => 0x1a,
                other => other,
            });
        } else {
            out.push(byte);
            if byte == quote {
                inner = inner.strip_prefix(&[quote])?;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_mysql() {
        let cases: [(&[u8], &[u8]); 7] = [
            (b"'abc'", b"abc"),
            (b"\"a'b\"", b"a'b"),
            (b"'it''s'", b"it's"),
            (b"'\\0\\b\\n\\r\\t\\Z\\\\\\'\\x'", b"\0\x08\n\r\t\x1a\\'x"),
            (b"'50\\% \\_'", b"50\\% \\_"),
            (b"''", b""),
            (b"'\xc3\xa4'", "ä".as_bytes()),
        ];
        for (raw, expected) in cases {
            let mut out = Vec::new();
            assert_eq!(unquote(raw, &mut out), Some(()));
            assert_eq!(out, expected, "{raw:?}");
        }
        assert_eq!(unquote(b"'abc", &mut Vec::new()), None);
    }

    #[test]
    fn introducers_say_the_character_set() {
        let string = |bytes: &[u8], set: &'static str| Literal::String {
            bytes: Cow::Owned(bytes.to_vec()),
            character_set: set,
        };
        let cases: [(&[u8], Option<Literal<'_>>); 7] = [
            (b"'a'", Some(string(b"a", "latin1"))),
            (b"_utf8mb4'a''b'", Some(string(b"a'b", "utf8mb4"))),
            (b"_UTF8 \t\"\xc3\xa4\"", Some(string("ä".as_bytes(), "utf8mb3"))),
            (b"_utf8mb4 X'c3a4'", Some(string("ä".as_bytes(), "utf8mb4"))),
            (b"_binary'\\0'", Some(Literal::Bytes(Cow::Borrowed(b"\0")))),
            (b"_binary 0x410", Some(Literal::Bytes(Cow::Borrowed(b"\x04\x10")))),
            (b"_ascii b'1'", None),
        ];
        for (raw, expected) in cases {
            let mut scratch = Vec::new();
            let read = decode(raw, LiteralClass::String, Sign::Plus, CharacterSet::Latin1, &mut scratch);
            assert_eq!(read, expected, "{raw:?}");
        }
    }

    #[test]
    fn signs_and_hexadecimal_digits_are_read() {
        let mut scratch = Vec::new();
        let minus = decode(b"5.0", LiteralClass::Decimal, Sign::Minus, CharacterSet::Utf8mb4, &mut scratch);
        assert_eq!(minus, Some(Literal::Decimal("-5.0")));
        for (raw, expected) in
            [(&b"x'00fF'"[..], Some(vec![0, 255])), (b"0xabc", Some(vec![0x0a, 0xbc])), (b"b'01'", None)]
        {
            let mut out = Vec::new();
            assert_eq!(unhex(raw, &mut out).map(|()| out), expected);
        }
    }
}
