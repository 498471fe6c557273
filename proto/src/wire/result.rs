//! Small result sets of Shoal's own, whose columns have types.

use bytes::{BufMut, BytesMut};
use mysql_common::constants::{CapabilityFlags, ColumnFlags, ColumnType, StatusFlags};

use super::packet::{put_lenenc_bytes, put_lenenc_int, write_payload};

/// Id of binary, which numbers have.
const BINARY: u16 = 63;
/// What MySQL says of the decimals of a text.
const NO_DECIMALS: u8 = 31;
/// In place of a value: NULL.
const NULL: u8 = 0xfb;

/// A column of a result set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    name: String,
    kind: ResultKind,
    null: Null,
}

/// Whether a column has NULLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Null {
    Never,
    Sometimes,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResultKind {
    /// Text of so many characters at most.
    Text(u32),
    /// A name of a database, as MySQL's own listing has it.
    Database,
    /// A number of 64 bits.
    Number,
    /// A number of 32 bits.
    ShortNumber,
    /// How many there are of something.
    Count,
    /// A code of an error.
    Code,
}

/// How a result set of our own is written.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// The client's capabilities.
    pub capabilities: CapabilityFlags,
    /// The session's status.
    pub status: StatusFlags,
    /// What texts are described as.
    pub texts: Texts,
    /// How values are written.
    pub rows: Rows,
}

/// How the values of rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// As texts: the answer to a statement.
    Text,
    /// By their types: the answer to a prepared one.
    Binary,
}

/// What a client is told of texts: the collation of its own character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts {
    /// Id of the collation.
    pub collation: u8,
    /// Most bytes of one character.
    pub bytes: u32,
}

/// A row: the values in text, `None` for NULL.
pub type ResultRow = Vec<Option<String>>;

impl ResultColumn {
    /// Text of so many characters at most.
    pub fn text(name: impl Into<String>, characters: u32) -> Self {
        Self { name: name.into(), kind: ResultKind::Text(characters), null: Null::Never }
    }

    /// The names of databases, described as in MySQL's own listing.
    pub fn databases() -> Self {
        Self { name: "Database".to_owned(), kind: ResultKind::Database, null: Null::Never }
    }

    /// A number of 64 bits.
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ResultKind::Number, null: Null::Never }
    }

    /// A number of 32 bits.
    pub fn short_number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ResultKind::ShortNumber, null: Null::Never }
    }

    /// How many there are of something.
    pub fn count(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ResultKind::Count, null: Null::Sometimes }
    }

    /// A code of an error.
    pub fn code(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ResultKind::Code, null: Null::Never }
    }

    /// The same with NULLs among its values.
    pub fn nullable(self) -> Self {
        Self { null: Null::Sometimes, ..self }
    }

    /// The same under another name.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn put(&self, payload: &mut BytesMut, texts: Texts) {
        put_lenenc_bytes(payload, b"def");
        let (table, original) = match self.kind {
            ResultKind::Database => (["", "SCHEMATA", "schemata"], self.name.as_str()),
            _ => (["", "", ""], ""),
        };
        // Schema, table, original table; then the name and the original name.
        table.iter().for_each(|part| put_lenenc_bytes(payload, part.as_bytes()));
        put_lenenc_bytes(payload, self.name.as_bytes());
        put_lenenc_bytes(payload, original.as_bytes());
        put_lenenc_int(payload, 0x0c);
        let number = ColumnFlags::BINARY_FLAG;
        let unsigned = number | ColumnFlags::UNSIGNED_FLAG;
        let own = u16::from(texts.collation);
        let text = ColumnType::MYSQL_TYPE_VAR_STRING;
        let (collation, length, kind, flags, decimals) = match self.kind {
            ResultKind::Text(characters) => {
                (own, characters.saturating_mul(texts.bytes), text, ColumnFlags::empty(), NO_DECIMALS)
            }
            ResultKind::Database => {
                let flags = ColumnFlags::BINARY_FLAG | ColumnFlags::NO_DEFAULT_VALUE_FLAG;
                (own, 64 * texts.bytes, text, flags, 0)
            }
            ResultKind::Number => (BINARY, 22, ColumnType::MYSQL_TYPE_LONGLONG, number, 0),
            ResultKind::ShortNumber => (BINARY, 8, ColumnType::MYSQL_TYPE_LONG, number, 0),
            ResultKind::Count => (BINARY, 21, ColumnType::MYSQL_TYPE_LONGLONG, unsigned, 0),
            ResultKind::Code => (BINARY, 5, ColumnType::MYSQL_TYPE_LONG, unsigned, 0),
        };
        let flags = match self.null {
            Null::Never => flags | ColumnFlags::NOT_NULL_FLAG,
            Null::Sometimes => flags,
        };
        payload.put_u16_le(collation);
        payload.put_u32_le(length);
        payload.put_u8(kind as u8);
        payload.put_u16_le(flags.bits());
        payload.put_u8(decimals);
        payload.put_u16_le(0);
    }
}

/// Appends a result set; gives the next sequence id.
pub fn write_result(
    out: &mut BytesMut,
    sequence: u8,
    form: Form,
    columns: &[ResultColumn],
    rows: &[ResultRow],
) -> u8 {
    let mut payload = BytesMut::new();
    put_lenenc_int(&mut payload, columns.len() as u64);
    let mut sequence = write_payload(out, sequence, &payload);
    for column in columns {
        payload.clear();
        column.put(&mut payload, form.texts);
        sequence = write_payload(out, sequence, &payload);
    }
    let flags = form.status.bits().to_le_bytes();
    let eof = [0xfe, 0, 0, flags[0], flags[1]];
    let deprecate_eof = form.capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    if !deprecate_eof {
        sequence = write_payload(out, sequence, &eof);
    }
    for row in rows {
        payload.clear();
        match form.rows {
            Rows::Text => put_text_row(&mut payload, row),
            Rows::Binary => put_binary_row(&mut payload, columns, row),
        }
        sequence = write_payload(out, sequence, &payload);
    }
    if deprecate_eof {
        // An OK packet with another first byte: no rows changed, no id, the flags, no warnings.
        return write_payload(out, sequence, &[0xfe, 0, 0, flags[0], flags[1], 0, 0]);
    }
    write_payload(out, sequence, &eof)
}

fn put_text_row(payload: &mut BytesMut, row: &ResultRow) {
    for value in row {
        match value {
            Some(text) => put_lenenc_bytes(payload, text.as_bytes()),
            None => payload.put_u8(NULL),
        }
    }
}

/// A zero byte, a bit for each NULL from the third bit on, and the other values.
fn put_binary_row(payload: &mut BytesMut, columns: &[ResultColumn], row: &ResultRow) {
    const FIRST_BIT: usize = 2;
    let mut nulls = vec![0_u8; (row.len() + FIRST_BIT).div_ceil(8)];
    for (place, _) in row.iter().enumerate().filter(|(_, value)| value.is_none()) {
        let bit = place + FIRST_BIT;
        nulls[bit / 8] |= 1 << (bit % 8);
    }
    payload.put_u8(0x00);
    payload.put_slice(&nulls);
    for (column, value) in columns.iter().zip(row) {
        let Some(value) = value else { continue };
        // What we call a number is one.
        match column.kind {
            ResultKind::Text(_) | ResultKind::Database => put_lenenc_bytes(payload, value.as_bytes()),
            ResultKind::Number => payload.put_i64_le(value.parse().unwrap_or_default()),
            ResultKind::Count => payload.put_u64_le(value.parse().unwrap_or_default()),
            ResultKind::ShortNumber | ResultKind::Code => {
                payload.put_i32_le(value.parse().unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::response::ResponseScanner;
    use mysql_common::io::ParseBuf;
    use mysql_common::packets::Column;
    use mysql_common::proto::MyDeserialize;

    const UTF8MB4: Texts = Texts { collation: 255, bytes: 4 };

    #[test]
    fn answers_end_where_the_scanner_says() {
        let columns = [ResultColumn::number("Id"), ResultColumn::text("db", 64).nullable()];
        let rows = [vec![Some("1".into()), None], vec![Some("2".into()), Some("shop".into())]];
        for capabilities in [CapabilityFlags::empty(), CapabilityFlags::CLIENT_DEPRECATE_EOF] {
            let mut out = BytesMut::new();
            let status = StatusFlags::SERVER_STATUS_AUTOCOMMIT;
            let form = Form { capabilities, status, texts: UTF8MB4, rows: Rows::Text };
            let next = write_result(&mut out, 1, form, &columns, &rows);
            let progress = ResponseScanner::new(capabilities).scan(&out).unwrap();
            assert_eq!(progress.forward, out.len());
            assert!(progress.end.is_some_and(|end| !end.failed));
            assert_eq!(next, if capabilities.is_empty() { 8 } else { 7 });
        }
    }

    #[test]
    fn binary_rows_have_values_by_their_types() {
        let columns = [ResultColumn::number("Id"), ResultColumn::text("db", 64), ResultColumn::code("Code")];
        let row = vec![Some("-2".into()), None, Some("1064".into())];
        let mut payload = BytesMut::new();
        put_binary_row(&mut payload, &columns, &row);
        let expected = [&[0, 0b1000][..], &(-2_i64).to_le_bytes(), &1064_i32.to_le_bytes()].concat();
        assert_eq!(payload, expected);
    }

    #[test]
    fn columns_are_what_clients_read() {
        let cases = [
            (ResultColumn::text("State", 30).nullable(), "State", 255, 120, 0),
            (ResultColumn::databases(), "Database", 255, 256, 0x1081),
            (ResultColumn::number("Id"), "Id", 63, 22, 0x81),
            (ResultColumn::short_number("Time"), "Time", 63, 8, 0x81),
            (ResultColumn::count("@@warning_count"), "@@warning_count", 63, 21, 0xa0),
            (ResultColumn::code("Code"), "Code", 63, 5, 0xa1),
        ];
        for (column, name, collation, length, flags) in cases {
            let mut payload = BytesMut::new();
            column.put(&mut payload, UTF8MB4);
            let read = Column::deserialize((), &mut ParseBuf(&payload)).unwrap();
            let seen = (read.name_str().into_owned(), read.character_set(), read.column_length());
            assert_eq!(seen, (name.to_owned(), collation, length));
            assert_eq!(read.flags().bits(), flags, "{name}");
        }
    }
}
