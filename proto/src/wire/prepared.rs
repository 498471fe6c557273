//! Prepared statements of the binary protocol: what a server says of one, and the values that it is executed with.
//!
//! Facts are from the MySQL source documentation, "Prepared Statements" and "Binary Protocol Value".

use bytes::{BufMut, BytesMut};
use mysql_common::constants::{CapabilityFlags, ColumnType};

use super::command;
use super::packet::{put_lenenc_bytes, take_lenenc_bytes};

/// The first packet of a server's answer to COM_STMT_PREPARE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrepareOk {
    /// What the server calls the statement.
    pub id: u32,
    /// Columns of its result; 0 where it has none.
    pub columns: u16,
    /// Values that it is executed with.
    pub parameters: u16,
}

impl PrepareOk {
    /// Where the id stands in the payload.
    pub const ID_AT: usize = 1;

    /// Reads the payload.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let [0, a, b, c, d, columns_low, columns_high, low, high, ..] = *payload else { return None };
        Some(Self {
            id: u32::from_le_bytes([a, b, c, d]),
            columns: u16::from_le_bytes([columns_low, columns_high]),
            parameters: u16::from_le_bytes([low, high]),
        })
    }

    /// How many packets follow the first one: definitions, each list of them ended by an EOF packet where that is not
    /// deprecated.
    pub fn definitions(&self, capabilities: CapabilityFlags) -> usize {
        let ends = usize::from(!capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF));
        let list = |length: u16| match length {
            0 => 0,
            _ => usize::from(length) + ends,
        };
        list(self.parameters) + list(self.columns)
    }
}

/// The type of a value that a statement is executed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterType {
    /// MySQL's code of it.
    pub code: u8,
    /// Whether an integer has no sign.
    pub unsigned: bool,
}

/// A value that a statement is executed with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter<'a> {
    /// Its type.
    pub kind: ParameterType,
    /// Its bytes as in the binary protocol, without the length of strings and times; `None`: NULL.
    pub value: Option<&'a [u8]>,
    /// Whether it was sent ahead: then its bytes are bytes, whatever its type.
    pub is_long: bool,
}

/// A COM_STMT_EXECUTE that does not follow the protocol, or lacks values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the values of a prepared statement cannot be read")]
pub struct BadValues;

/// Bytes of COM_STMT_EXECUTE before the values: command, id, flags, and a count that is always 1.
pub const EXECUTE_HEAD_BYTES: usize = 10;

/// Reads the values of COM_STMT_EXECUTE, after its head. `types` are those of the time before, and become the ones of
/// this time; a value that was sent before, as long data, is given in its place.
pub fn read_values<'a>(
    mut rest: &'a [u8],
    count: usize,
    types: &mut Vec<ParameterType>,
    long_data: &'a [Option<Vec<u8>>],
) -> Result<Vec<Parameter<'a>>, BadValues> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let nulls = take(&mut rest, count.div_ceil(8))?;
    let [new_types] = *take(&mut rest, 1)? else { return Err(BadValues) };
    if new_types == 1 {
        let read = take(&mut rest, 2 * count)?.chunks_exact(2);
        *types = read.map(|pair| ParameterType { code: pair[0], unsigned: pair[1] & 0x80 != 0 }).collect();
    }
    if types.len() != count {
        return Err(BadValues);
    }
    let mut values = Vec::with_capacity(count);
    for (place, &kind) in types.iter().enumerate() {
        let is_null = nulls[place / 8] >> (place % 8) & 1 == 1;
        let value = match long_data.get(place).and_then(Option::as_ref) {
            Some(sent) => Some(sent.as_slice()),
            None if is_null => None,
            None => take_value(kind, &mut rest)?,
        };
        let is_long = long_data.get(place).is_some_and(Option::is_some);
        values.push(Parameter { kind, value, is_long });
    }
    if rest.is_empty() { Ok(values) } else { Err(BadValues) }
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], BadValues> {
    let (taken, after) = rest.split_at_checked(bytes).ok_or(BadValues)?;
    *rest = after;
    Ok(taken)
}

fn take_value<'a>(kind: ParameterType, rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, BadValues> {
    match Width::of(kind) {
        Width::Nothing => Ok(None),
        Width::Fixed(bytes) => take(rest, bytes).map(Some),
        Width::Short => {
            let [length] = *take(rest, 1)? else { return Err(BadValues) };
            take(rest, usize::from(length)).map(Some)
        }
        Width::Counted => take_lenenc_bytes(rest).map(Some).ok_or(BadValues),
    }
}

/// How long a value is.
enum Width {
    /// The type says NULL.
    Nothing,
    /// So many bytes.
    Fixed(usize),
    /// As the byte before it says.
    Short,
    /// As the length-encoded integer before it says.
    Counted,
}

impl Width {
    fn of(kind: ParameterType) -> Self {
        match kind.known() {
            Some(ColumnType::MYSQL_TYPE_NULL) => Self::Nothing,
            Some(ColumnType::MYSQL_TYPE_TINY) => Self::Fixed(1),
            Some(ColumnType::MYSQL_TYPE_SHORT | ColumnType::MYSQL_TYPE_YEAR) => Self::Fixed(2),
            Some(
                ColumnType::MYSQL_TYPE_LONG | ColumnType::MYSQL_TYPE_INT24 | ColumnType::MYSQL_TYPE_FLOAT,
            ) => Self::Fixed(4),
            Some(ColumnType::MYSQL_TYPE_LONGLONG | ColumnType::MYSQL_TYPE_DOUBLE) => Self::Fixed(8),
            Some(
                ColumnType::MYSQL_TYPE_DATE
                | ColumnType::MYSQL_TYPE_NEWDATE
                | ColumnType::MYSQL_TYPE_TIME
                | ColumnType::MYSQL_TYPE_DATETIME
                | ColumnType::MYSQL_TYPE_TIMESTAMP,
            ) => Self::Short,
            _ => Self::Counted,
        }
    }
}

impl ParameterType {
    /// The type, if there is one of that code.
    pub fn known(self) -> Option<ColumnType> {
        ColumnType::try_from(self.code).ok()
    }
}

/// Appends a COM_STMT_EXECUTE without a cursor, with the types of the values. Those that are sent ahead are left out.
pub fn put_execute(out: &mut BytesMut, id: u32, values: &[Parameter<'_>], long_data: &[Option<Vec<u8>>]) {
    out.put_u8(command::STMT_EXECUTE);
    out.put_u32_le(id);
    // No cursor; once.
    out.put_u8(0);
    out.put_u32_le(1);
    if values.is_empty() {
        return;
    }
    for eight in values.chunks(8) {
        let bit = |(place, value): (usize, &Parameter<'_>)| u8::from(value.value.is_none()) << place;
        out.put_u8(eight.iter().enumerate().map(bit).sum());
    }
    out.put_u8(1);
    for value in values {
        out.put_u8(value.kind.code);
        out.put_u8(if value.kind.unsigned { 0x80 } else { 0 });
    }
    for (place, Parameter { kind, value, .. }) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        if long_data.get(place).is_some_and(Option::is_some) {
            continue;
        }
        match Width::of(*kind) {
            Width::Nothing => {}
            Width::Fixed(_) => out.put_slice(value),
            Width::Short => {
                out.put_u8(value.len() as u8);
                out.put_slice(value);
            }
            Width::Counted => put_lenenc_bytes(out, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: ColumnType) -> ParameterType {
        ParameterType { code: code as u8, unsigned: false }
    }

    fn value(kind: ParameterType, value: Option<&[u8]>) -> Parameter<'_> {
        Parameter { kind, value, is_long: false }
    }

    #[test]
    fn what_is_put_is_read() {
        let unsigned = ParameterType { code: ColumnType::MYSQL_TYPE_LONGLONG as u8, unsigned: true };
        let long = vec![b'x'; 300];
        let values = [
            value(unsigned, Some(&[1, 2, 3, 4, 5, 6, 7, 8])),
            value(kind(ColumnType::MYSQL_TYPE_VAR_STRING), None),
            value(kind(ColumnType::MYSQL_TYPE_BLOB), Some(&long)),
            value(kind(ColumnType::MYSQL_TYPE_DATETIME), Some(&[])),
            value(kind(ColumnType::MYSQL_TYPE_TIME), Some(&[0; 8])),
            value(kind(ColumnType::MYSQL_TYPE_NULL), None),
            value(kind(ColumnType::MYSQL_TYPE_TINY), Some(&[9])),
            value(kind(ColumnType::MYSQL_TYPE_DOUBLE), Some(&[0; 8])),
            value(kind(ColumnType::MYSQL_TYPE_NEWDECIMAL), Some(b"1.50")),
        ];
        let mut out = BytesMut::new();
        put_execute(&mut out, 7, &values, &[]);
        let mut types = Vec::new();
        let body = &out[EXECUTE_HEAD_BYTES..];
        let read = read_values(body, values.len(), &mut types, &[]).unwrap();
        assert_eq!(read, values);
        assert_eq!(types.len(), values.len());
        for cut in 0..body.len() {
            assert!(read_values(&body[..cut], values.len(), &mut Vec::new(), &[]).is_err(), "{cut}");
        }
        assert!(read_values(&[body, b"x"].concat(), values.len(), &mut types, &[]).is_err());
    }

    #[test]
    fn types_and_long_data_of_before_are_taken() {
        let text = kind(ColumnType::MYSQL_TYPE_VAR_STRING);
        let mut types = vec![text, text];
        let long_data = [Some(b"long".to_vec()), None];
        let read = read_values(&[0, 0, 2, b'a', b'b'], 2, &mut types, &long_data).unwrap();
        assert_eq!(read[0].value, Some(&b"long"[..]));
        assert_eq!(read[1].value, Some(&b"ab"[..]));
        let mut out = BytesMut::new();
        put_execute(&mut out, 7, &read, &long_data);
        assert_eq!(out[EXECUTE_HEAD_BYTES..], [&[0, 1][..], &[253, 0, 253, 0], &[2, b'a', b'b']].concat());
        assert_eq!(read_values(&[0, 0, 1, b'a'], 1, &mut Vec::new(), &[]), Err(BadValues));
    }

    #[test]
    fn a_servers_answer_tells_what_follows() {
        let payload = [0, 4, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0];
        let ok = PrepareOk::read(&payload).unwrap();
        assert_eq!(ok, PrepareOk { id: 4, columns: 2, parameters: 1 });
        let plain = ok.definitions(CapabilityFlags::empty());
        assert_eq!((ok.definitions(CapabilityFlags::CLIENT_DEPRECATE_EOF), plain), (3, 5));
        assert_eq!(PrepareOk::read(&payload[..8]), None);
    }
}
