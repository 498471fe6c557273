//! The gate's own questions to a mysqld: statements whose small answers it reads itself.

use std::io;

use proto::wire::connection::{Connection, ReadError};
use proto::wire::packet::{take_lenenc_bytes, take_lenenc_int, write_payload};
use proto::wire::{CapabilityFlags, command};

use crate::limits::MAX_CONTROL_ANSWER_BYTES;

/// A row of text values; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// MySQL refused the statement; its error packet as it is, for the client.
    #[error("MySQL refused the statement")]
    Refused(Vec<u8>),
    /// The connection broke, or the answer was not one.
    #[error("the connection to MySQL broke: {0}")]
    Lost(#[from] ReadError),
    /// The answer does not follow the protocol.
    #[error("MySQL's answer cannot be read")]
    Unreadable,
}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.into())
    }
}

/// Executes a statement that has no rows; gives the OK packet's payload as it is.
pub async fn execute(connection: &mut Connection, sql: &[u8]) -> Result<Vec<u8>, AskError> {
    let first = send(connection, command::QUERY, sql).await?;
    match first.0.first() {
        Some(0x00) => Ok(first.0),
        _ => Err(AskError::Unreadable),
    }
}

/// A result set as it came: the payloads of its column definitions and of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// One for each column.
    pub columns: Vec<Vec<u8>>,
    /// One for each row.
    pub rows: Vec<Vec<u8>>,
}

/// The rows of a result set whose values are all text.
pub fn rows(table: &Table) -> Result<Vec<Row>, AskError> {
    let read = |payload: &Vec<u8>| row(payload, table.columns.len() as u64).ok_or(AskError::Unreadable);
    table.rows.iter().map(read).collect()
}

/// Executes a statement and keeps what came. The connection's capabilities must include DEPRECATE_EOF.
pub async fn table(connection: &mut Connection, sql: &str) -> Result<Table, AskError> {
    table_under(connection, sql.as_bytes(), CapabilityFlags::CLIENT_DEPRECATE_EOF).await
}

/// The same on a connection with these capabilities.
pub async fn table_under(
    connection: &mut Connection,
    sql: &[u8],
    capabilities: CapabilityFlags,
) -> Result<Table, AskError> {
    let (first, mut sequence) = send(connection, command::QUERY, sql).await?;
    let count = take_lenenc_int(&mut &first[..]).ok_or(AskError::Unreadable)?;
    let ends = u64::from(!capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF));
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    for place in 0..count + ends {
        let payload;
        (payload, sequence) = connection.read_payload(sequence, MAX_CONTROL_ANSWER_BYTES).await?;
        if place < count {
            columns.push(payload);
        }
    }
    loop {
        let payload;
        (payload, sequence) = connection.read_payload(sequence, MAX_CONTROL_ANSWER_BYTES).await?;
        match payload.first() {
            Some(0xff) => return Err(AskError::Refused(payload)),
            Some(0xfe) if payload.len() < 0xff_ffff => return Ok(Table { columns, rows }),
            _ => rows.push(payload),
        }
    }
}

/// The values of a row of so many columns; `None` is NULL.
pub fn values(mut row: &[u8], columns: usize) -> Option<Vec<Option<Vec<u8>>>> {
    let mut values = Vec::with_capacity(columns);
    for _ in 0..columns {
        if row.first() == Some(&0xfb) {
            row = &row[1..];
            values.push(None);
        } else {
            values.push(Some(take_lenenc_bytes(&mut row)?.to_vec()));
        }
    }
    row.is_empty().then_some(values)
}

/// What LAST_INSERT_ID() is on the connection, whatever its capabilities; from now on it is 0 there.
pub async fn take_last_insert_id(
    connection: &mut Connection,
    capabilities: CapabilityFlags,
) -> Result<u64, AskError> {
    let (_, mut sequence) =
        send(connection, command::QUERY, b"SELECT LAST_INSERT_ID(), LAST_INSERT_ID(0)").await?;
    // The columns, their end where the capabilities ask for one, the row, and the end of the rows.
    let ends = usize::from(!capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF));
    let mut packets = Vec::new();
    for _ in 0..4 + ends {
        let payload;
        (payload, sequence) = connection.read_payload(sequence, MAX_CONTROL_ANSWER_BYTES).await?;
        packets.push(payload);
    }
    let value =
        packets.get(2 + ends).and_then(|payload| row(payload, 2)).into_iter().flatten().flatten().next();
    value.and_then(|value| value.parse().ok()).ok_or(AskError::Unreadable)
}

/// Reads the rows, all text, of a statement that was sent on a connection with these capabilities.
pub async fn answered(
    connection: &mut Connection,
    capabilities: CapabilityFlags,
) -> Result<Vec<Row>, AskError> {
    let (first, mut sequence) = connection.read_payload(1, MAX_CONTROL_ANSWER_BYTES).await?;
    if first.first() == Some(&0xff) {
        return Err(AskError::Refused(first));
    }
    let columns = take_lenenc_int(&mut &first[..]).ok_or(AskError::Unreadable)?;
    let has_eof = !capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    for _ in 0..columns + u64::from(has_eof) {
        (_, sequence) = connection.read_payload(sequence, MAX_CONTROL_ANSWER_BYTES).await?;
    }
    let mut rows = Vec::new();
    loop {
        let payload;
        (payload, sequence) = connection.read_payload(sequence, MAX_CONTROL_ANSWER_BYTES).await?;
        match payload.first() {
            Some(0xff) => return Err(AskError::Refused(payload)),
            Some(0xfe) if payload.len() < 0xff_ffff => return Ok(rows),
            _ => rows.push(row(&payload, columns).ok_or(AskError::Unreadable)?),
        }
    }
}

/// Whether MySQL can prepare the statement; nothing is executed. The connection must be closed afterwards: it
/// keeps the prepared statement.
pub async fn prepares(connection: &mut Connection, sql: &[u8]) -> Result<(), AskError> {
    send(connection, command::STMT_PREPARE, sql).await.map(|_| ())
}

/// Sends a command and gives the first packet of the answer, with the next sequence id.
async fn send(connection: &mut Connection, command: u8, text: &[u8]) -> Result<(Vec<u8>, u8), AskError> {
    let mut payload = Vec::with_capacity(1 + text.len());
    payload.push(command);
    payload.extend_from_slice(text);
    let mut out = bytes::BytesMut::new();
    let next = write_payload(&mut out, 0, &payload);
    connection.write_all(&out).await?;
    let (first, sequence) = connection.read_payload(next, MAX_CONTROL_ANSWER_BYTES).await?;
    if first.first() == Some(&0xff) {
        return Err(AskError::Refused(first));
    }
    Ok((first, sequence))
}

fn row(payload: &[u8], columns: u64) -> Option<Row> {
    let values = values(payload, usize::try_from(columns).ok()?)?.into_iter();
    values.map(|value| value.map(String::from_utf8).transpose().ok()).collect()
}
