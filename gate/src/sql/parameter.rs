//! Values of prepared statements as literals, so that a statement is planned with its values as if it had come as text.

use std::io::Write;

use proto::wire::ColumnType;
use proto::wire::prepared::{Parameter, ParameterType};

use super::character_set::CharacterSet;
use super::tokens::{TokenKind, tokens};

/// Where the `?` of a statement stand, in order; `None` where the text has no end to a string, a name or a comment.
pub fn places(sql: &[u8]) -> Option<Vec<usize>> {
    let is_place = |sql: &[u8], at: usize| sql.get(at) == Some(&b'?');
    let tokens = tokens(sql)?.into_iter();
    let symbols = tokens.filter(|token| token.kind == TokenKind::Symbol);
    Some(symbols.map(|token| token.start).filter(|at| is_place(sql, *at)).collect())
}

/// Writes the statement with literals in place of its `?`; both lists have the same length.
pub fn write_filled(
    out: &mut Vec<u8>,
    (sql, character_set): (&[u8], CharacterSet),
    places: &[usize],
    values: &[Parameter<'_>],
) {
    let mut from = 0;
    for (&at, value) in places.iter().zip(values) {
        out.extend_from_slice(&sql[from..at]);
        // Nothing before or after it may run into the literal.
        out.push(b' ');
        write_literal(out, value, character_set);
        out.push(b' ');
        from = at + 1;
    }
    out.extend_from_slice(&sql[from..]);
}

/// Writes the value as a literal of MySQL.
fn write_literal(
    out: &mut Vec<u8>,
    Parameter { kind, value, is_long }: &Parameter<'_>,
    character_set: CharacterSet,
) {
    let Some(value) = value else { return out.extend_from_slice(b"NULL") };
    match kind.known() {
        Some(
            ColumnType::MYSQL_TYPE_TINY
            | ColumnType::MYSQL_TYPE_SHORT
            | ColumnType::MYSQL_TYPE_YEAR
            | ColumnType::MYSQL_TYPE_INT24
            | ColumnType::MYSQL_TYPE_LONG
            | ColumnType::MYSQL_TYPE_LONGLONG,
        ) => {
            // Writing into a vector does not fail.
            let _ = match integer(value, *kind) {
                Ok(signed) => write!(out, "{signed}"),
                Err(unsigned) => write!(out, "{unsigned}"),
            };
        }
        Some(ColumnType::MYSQL_TYPE_FLOAT) => {
            let bytes = value.first_chunk().copied().unwrap_or_default();
            write_double(out, f64::from(f32::from_le_bytes(bytes)));
        }
        Some(ColumnType::MYSQL_TYPE_DOUBLE) => {
            let bytes = value.first_chunk().copied().unwrap_or_default();
            write_double(out, f64::from_le_bytes(bytes));
        }
        Some(ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL) if is_decimal(value) => {
            out.extend_from_slice(value);
        }
        Some(
            ColumnType::MYSQL_TYPE_DATE
            | ColumnType::MYSQL_TYPE_NEWDATE
            | ColumnType::MYSQL_TYPE_DATETIME
            | ColumnType::MYSQL_TYPE_TIMESTAMP,
        ) => write_datetime(out, value),
        Some(ColumnType::MYSQL_TYPE_TIME) => write_time(out, value),
        // Whatever the client's character set, their bytes are bytes.
        Some(
            ColumnType::MYSQL_TYPE_TINY_BLOB
            | ColumnType::MYSQL_TYPE_BLOB
            | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
            | ColumnType::MYSQL_TYPE_LONG_BLOB,
        ) => write_hex(out, value),
        _ if *is_long => write_hex(out, value),
        _ => {
            // What is no text in the client's character set would be warned of without it.
            if matches!(character_set, CharacterSet::Utf8mb4) && std::str::from_utf8(value).is_err() {
                return write_hex(out, value);
            }
            write_string(out, value);
        }
    }
}

/// An integer of any width; `Err` for one without sign that has no place among those with one.
fn integer(value: &[u8], ParameterType { unsigned, .. }: ParameterType) -> Result<i64, u64> {
    let is_negative = !unsigned && value.last().is_some_and(|last| last & 0x80 != 0);
    let mut bytes = [if is_negative { 0xff } else { 0 }; 8];
    let width = value.len().min(bytes.len());
    bytes[..width].copy_from_slice(&value[..width]);
    let signed = i64::from_le_bytes(bytes);
    if unsigned && signed < 0 { Err(u64::from_le_bytes(bytes)) } else { Ok(signed) }
}

/// A number that there is none of is out of MySQL's range, too.
fn write_double(out: &mut Vec<u8>, value: f64) {
    let _ = if value.is_finite() { write!(out, "{value:e}") } else { out.write_all(b"1e999") };
}

fn is_decimal(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let are_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    parts.all(are_digits)
}

fn write_string(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'\'');
    for &byte in value {
        if matches!(byte, b'\'' | b'\\') {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'\'');
}

fn write_hex(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(b"x'");
    for byte in value {
        let _ = write!(out, "{byte:02x}");
    }
    out.push(b'\'');
}

/// Year, month, day, then perhaps hours, minutes, seconds, then perhaps microseconds.
fn write_datetime(out: &mut Vec<u8>, value: &[u8]) {
    let mut fields = [0; 11];
    let width = value.len().min(fields.len());
    fields[..width].copy_from_slice(&value[..width]);
    let [year_low, year_high, month, day, hours, minutes, seconds, micros @ ..] = fields;
    let year = u16::from_le_bytes([year_low, year_high]);
    let _ = write!(out, "'{year:04}-{month:02}-{day:02}");
    if width > 4 {
        let _ = write!(out, " {hours:02}:{minutes:02}:{seconds:02}");
    }
    write_micros(out, (width > 7).then_some(micros));
}

/// A sign, days, hours, minutes, seconds, then perhaps microseconds.
fn write_time(out: &mut Vec<u8>, value: &[u8]) {
    let mut fields = [0; 12];
    let width = value.len().min(fields.len());
    fields[..width].copy_from_slice(&value[..width]);
    let [negative, a, b, c, d, hours, minutes, seconds, micros @ ..] = fields;
    let hours = u64::from(u32::from_le_bytes([a, b, c, d])) * 24 + u64::from(hours);
    let sign = if negative == 1 { "-" } else { "" };
    let _ = write!(out, "'{sign}{hours:02}:{minutes:02}:{seconds:02}");
    write_micros(out, (width > 8).then_some(micros));
}

fn write_micros(out: &mut Vec<u8>, micros: Option<[u8; 4]>) {
    if let Some(micros) = micros {
        let _ = write!(out, ".{:06}", u32::from_le_bytes(micros));
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(kind: ParameterType, value: &[u8]) -> String {
        let mut out = Vec::new();
        write_literal(
            &mut out,
            &Parameter { kind, value: Some(value), is_long: false },
            CharacterSet::Utf8mb4,
        );
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn values_become_literals() {
        use ColumnType::*;
        let cases: [(ColumnType, bool, &[u8], &str); 19] = [
            (MYSQL_TYPE_TINY, false, &[0xff], "-1"),
            (MYSQL_TYPE_TINY, true, &[0xff], "255"),
            (MYSQL_TYPE_SHORT, false, &[0, 0x80], "-32768"),
            (MYSQL_TYPE_LONGLONG, true, &[0xff; 8], "18446744073709551615"),
            (MYSQL_TYPE_LONGLONG, false, &[0, 0, 0, 0, 0, 0, 0, 0x80], "-9223372036854775808"),
            (MYSQL_TYPE_DOUBLE, false, &0.1_f64.to_le_bytes(), "1e-1"),
            (MYSQL_TYPE_FLOAT, false, &1.5_f32.to_le_bytes(), "1.5e0"),
            (MYSQL_TYPE_NEWDECIMAL, false, b"-12.50", "-12.50"),
            (MYSQL_TYPE_NEWDECIMAL, false, b"1 or 1", "'1 or 1'"),
            (MYSQL_TYPE_NEWDECIMAL, false, b"", "''"),
            (MYSQL_TYPE_VAR_STRING, false, b"a'b\\c", "'a''b\\\\c'"),
            (MYSQL_TYPE_BLOB, false, b"a", "x'61'"),
            (MYSQL_TYPE_STRING, false, b"\xff'", "x'ff27'"),
            (MYSQL_TYPE_DATE, false, &[0xea, 7, 11, 30], "'2026-11-30'"),
            (MYSQL_TYPE_DATETIME, false, &[], "'0000-00-00'"),
            (MYSQL_TYPE_DATETIME, false, &[0xea, 7, 1, 2, 3, 4, 5], "'2026-01-02 03:04:05'"),
            (
                MYSQL_TYPE_TIMESTAMP,
                false,
                &[0xea, 7, 1, 2, 3, 4, 5, 1, 0, 0, 0],
                "'2026-01-02 03:04:05.000001'",
            ),
            (MYSQL_TYPE_TIME, false, &[1, 1, 0, 0, 0, 2, 3, 4], "'-26:03:04'"),
            (MYSQL_TYPE_TIME, false, &[], "'00:00:00'"),
        ];
        for (code, unsigned, value, expected) in cases {
            assert_eq!(literal(ParameterType { code: code as u8, unsigned }, value), expected);
        }
    }

    #[test]
    fn a_statement_is_filled_in() {
        let sql = b"select '?', `?`, a /* ? */ from t where id=?and b in(?,?)";
        let places = places(sql).unwrap();
        let kind = ParameterType { code: ColumnType::MYSQL_TYPE_TINY as u8, unsigned: false };
        let values =
            [Some(&[5][..]), None, Some(&[0xff][..])].map(|value| Parameter { kind, value, is_long: false });
        let mut out = Vec::new();
        write_filled(&mut out, (sql, CharacterSet::Utf8mb4), &places, &values);
        let expected = "select '?', `?`, a /* ? */ from t where id= 5 and b in( NULL , -1 )";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(super::places(b"select '?"), None);
    }
}
