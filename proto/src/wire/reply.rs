//! Writes answers of Shoal's own: OK, ERR, and small result sets in the text protocol.

use bytes::{BufMut, BytesMut};
use mysql_common::constants::{CapabilityFlags, ColumnFlags, ColumnType, StatusFlags};

use super::packet::{put_lenenc_bytes, put_lenenc_int, write_payload};
use crate::errors::ClientError;

/// Id of utf8mb4_0900_ai_ci, in which Shoal's own texts are.
const UTF8MB4: u16 = 255;

/// Appends an OK packet; gives the next sequence id.
pub fn write_ok(out: &mut BytesMut, sequence: u8, status: StatusFlags) -> u8 {
    let mut payload = BytesMut::with_capacity(8);
    put_ok(&mut payload, 0x00, status);
    write_payload(out, sequence, &payload)
}

fn put_ok(payload: &mut BytesMut, header: u8, status: StatusFlags) {
    payload.put_u8(header);
    put_lenenc_int(payload, 0);
    put_lenenc_int(payload, 0);
    payload.put_u16_le(status.bits());
    payload.put_u16_le(0);
}

/// Appends an error packet; gives the next sequence id.
pub fn write_error(out: &mut BytesMut, sequence: u8, error: &ClientError) -> u8 {
    write_payload(out, sequence, &error_payload(error))
}

/// The payload of an error packet.
pub fn error_payload(error: &ClientError) -> BytesMut {
    let row = error.id.row();
    let mut payload = BytesMut::with_capacity(16 + error.message().len());
    payload.put_u8(0xff);
    payload.put_u16_le(row.code);
    payload.put_u8(b'#');
    payload.put_slice(row.sqlstate.as_bytes());
    payload.put_slice(error.message().as_bytes());
    payload
}

/// A column of a result set of our own; always text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumn<'a> {
    /// Name that the client sees.
    pub name: &'a str,
    /// Longest value, in characters.
    pub length: u32,
}

/// A column of a result set of our own, as MySQL describes its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition<'a> {
    /// Name that the client sees.
    pub name: &'a str,
    /// Of its values.
    pub kind: ColumnType,
    /// Id of the collation.
    pub collation: u16,
    /// Longest value, in bytes.
    pub length: u32,
    /// What is known of its values.
    pub flags: ColumnFlags,
    /// Digits after the point; 31 where that says nothing.
    pub decimals: u8,
}

impl<'a> From<&TextColumn<'a>> for Definition<'a> {
    fn from(column: &TextColumn<'a>) -> Self {
        Self {
            name: column.name,
            kind: ColumnType::MYSQL_TYPE_VAR_STRING,
            collation: UTF8MB4,
            length: column.length * 4,
            flags: ColumnFlags::NOT_NULL_FLAG,
            decimals: 0,
        }
    }
}

/// How a result set of our own is written.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// The client's capabilities.
    pub capabilities: CapabilityFlags,
    /// The session's status.
    pub status: StatusFlags,
}

/// Appends a result set; gives the next sequence id.
pub fn write_text_result(
    out: &mut BytesMut,
    sequence: u8,
    form: Form,
    columns: &[TextColumn<'_>],
    rows: &[Vec<String>],
) -> u8 {
    let columns: Vec<Definition<'_>> = columns.iter().map(Definition::from).collect();
    write_result(out, sequence, form, &columns, rows)
}

/// Appends a result set; gives the next sequence id.
pub fn write_result(
    out: &mut BytesMut,
    sequence: u8,
    form: Form,
    columns: &[Definition<'_>],
    rows: &[Vec<String>],
) -> u8 {
    let deprecate_eof = form.capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    let mut payload = BytesMut::new();
    put_lenenc_int(&mut payload, columns.len() as u64);
    let mut sequence = write_payload(out, sequence, &payload);
    for column in columns {
        payload.clear();
        put_column(&mut payload, column);
        sequence = write_payload(out, sequence, &payload);
    }
    if !deprecate_eof {
        sequence = write_eof(out, sequence, form.status);
    }
    for row in rows {
        payload.clear();
        row.iter().for_each(|value| put_lenenc_bytes(&mut payload, value.as_bytes()));
        sequence = write_payload(out, sequence, &payload);
    }
    if !deprecate_eof {
        return write_eof(out, sequence, form.status);
    }
    payload.clear();
    put_ok(&mut payload, 0xfe, form.status);
    write_payload(out, sequence, &payload)
}

fn put_column(payload: &mut BytesMut, column: &Definition<'_>) {
    put_lenenc_bytes(payload, b"def");
    // Schema, table, original table; then the name and the original name.
    (0..3).for_each(|_| put_lenenc_bytes(payload, b""));
    put_lenenc_bytes(payload, column.name.as_bytes());
    put_lenenc_bytes(payload, column.name.as_bytes());
    put_lenenc_int(payload, 0x0c);
    payload.put_u16_le(column.collation);
    payload.put_u32_le(column.length);
    payload.put_u8(column.kind as u8);
    payload.put_u16_le(column.flags.bits());
    payload.put_u8(column.decimals);
    payload.put_u16_le(0);
}

fn write_eof(out: &mut BytesMut, sequence: u8, status: StatusFlags) -> u8 {
    let status = status.bits().to_le_bytes();
    write_payload(out, sequence, &[0xfe, 0, 0, status[0], status[1]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorId;
    use crate::wire::response::ResponseScanner;
    use mysql_common::io::ParseBuf;
    use mysql_common::packets::{Column, ErrPacket};
    use mysql_common::proto::MyDeserialize;

    #[test]
    fn our_answers_end_where_the_scanner_says() {
        for capabilities in [CapabilityFlags::empty(), CapabilityFlags::CLIENT_DEPRECATE_EOF] {
            let mut out = BytesMut::new();
            let columns = [TextColumn { name: "Database", length: 64 }];
            let form = Form { capabilities, status: StatusFlags::SERVER_STATUS_AUTOCOMMIT };
            let next = write_text_result(&mut out, 1, form, &columns, &[vec!["shop".into()]]);
            let progress = ResponseScanner::new(capabilities).scan(&out).unwrap();
            assert_eq!(progress.forward, out.len());
            assert!(progress.end.is_some_and(|end| !end.failed));
            assert_eq!(next, if capabilities.is_empty() { 6 } else { 5 });
        }
    }

    #[test]
    fn errors_and_columns_are_what_clients_read() {
        let mut out = BytesMut::new();
        let error = ErrorId::UnknownDatabase.with("nope");
        write_error(&mut out, 1, &error);
        let read =
            ErrPacket::deserialize(CapabilityFlags::CLIENT_PROTOCOL_41, &mut ParseBuf(&out[4..])).unwrap();
        let read = read.server_error();
        assert_eq!(
            (read.error_code(), read.sql_state_ref().map(|s| s.as_str())),
            (1049, Some("42000".into()))
        );
        assert_eq!(read.message_str(), error.message());

        let mut payload = BytesMut::new();
        put_column(&mut payload, &Definition::from(&TextColumn { name: "Database", length: 64 }));
        let column = Column::deserialize((), &mut ParseBuf(&payload)).unwrap();
        assert_eq!((column.name_str().as_ref(), column.character_set()), ("Database", 255));
    }
}
