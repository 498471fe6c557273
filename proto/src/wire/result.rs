//! Small result sets of Shoal's own, whose columns have types, in the text protocol.

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
        for value in row {
            match value {
                Some(text) => put_lenenc_bytes(&mut payload, text.as_bytes()),
                None => payload.put_u8(NULL),
            }
        }
        sequence = write_payload(out, sequence, &payload);
    }
    if deprecate_eof {
        // An OK packet with another first byte: no rows changed, no id, the flags, no warnings.
        return write_payload(out, sequence, &[0xfe, 0, 0, flags[0], flags[1], 0, 0]);
    }
    write_payload(out, sequence, &eof)
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
            let form = Form { capabilities, status: StatusFlags::SERVER_STATUS_AUTOCOMMIT, texts: UTF8MB4 };
            let next = write_result(&mut out, 1, form, &columns, &rows);
            let progress = ResponseScanner::new(capabilities).scan(&out).unwrap();
            assert_eq!(progress.forward, out.len());
            assert!(progress.end.is_some_and(|end| !end.failed));
            assert_eq!(next, if capabilities.is_empty() { 8 } else { 7 });
        }
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
