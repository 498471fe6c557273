//! One statement at a time, with its rows as text: for programs that ask a gate a few questions, such as the command
//! line. Never on the data path.

use std::io;

use super::command;
use super::connection::{Connection, ReadError};
use super::packet::{take_lenenc_bytes, take_lenenc_int};
use crate::limits::{MAX_ASKED_ROWS, MAX_PACKET_BYTES};

/// Longest payload that begins with 0xfe and still is the end of the rows; a longer one is a row.
const MAX_END: usize = 0xff_ffff;
const NULL: u8 = 0xfb;

/// The values of a row; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The connection broke; the statement may have been executed.
    #[error("the connection broke: {0}")]
    Broken(#[from] ReadError),
    /// It could not be sent.
    #[error("the connection broke: {0}")]
    Unsent(#[from] io::Error),
    /// The server refused it; its own words.
    #[error("{message} (error {code})")]
    Refused {
        /// MySQL error code.
        code: u16,
        /// Its text.
        message: String,
    },
    /// The answer is none to a statement with rows, or it has more rows than anybody asks for here.
    #[error("an answer that cannot be read: {0}")]
    Protocol(&'static str),
}

/// Executes one statement on a connection that was made with CLIENT_DEPRECATE_EOF; its rows, none for a statement
/// without rows. Waits as long as the server takes.
pub async fn query(connection: &mut Connection, sql: &str) -> Result<Vec<Row>, QueryError> {
    let payload = [&[command::QUERY], sql.as_bytes()].concat();
    connection.write_payload(0, &payload).await?;
    let (head, mut sequence) = connection.read_payload(1, MAX_PACKET_BYTES).await?;
    let columns = match head.first() {
        Some(0) => return Ok(Vec::new()),
        Some(0xff) => return Err(refused(&head)),
        Some(&NULL) => return Err(QueryError::Protocol("the server asks for a local file")),
        _ => take_lenenc_int(&mut &head[..]).ok_or(QueryError::Protocol("it does not begin as one"))?,
    };
    for _ in 0..columns {
        (_, sequence) = connection.read_payload(sequence, MAX_PACKET_BYTES).await?;
    }
    let mut rows = Vec::new();
    loop {
        let (packet, next) = connection.read_payload(sequence, MAX_PACKET_BYTES).await?;
        sequence = next;
        match packet.first() {
            Some(0xfe) if packet.len() < MAX_END => return Ok(rows),
            Some(0xff) => return Err(refused(&packet)),
            _ if rows.len() >= MAX_ASKED_ROWS => return Err(QueryError::Protocol("it has too many rows")),
            _ => rows.push(row(&packet, columns).ok_or(QueryError::Protocol("a row that is cut off"))?),
        }
    }
}

fn row(mut packet: &[u8], columns: u64) -> Option<Row> {
    let mut values = Vec::new();
    for _ in 0..columns {
        values.push(match packet.split_first()? {
            (&NULL, rest) => {
                packet = rest;
                None
            }
            _ => Some(String::from_utf8_lossy(take_lenenc_bytes(&mut packet)?).into_owned()),
        });
    }
    packet.is_empty().then_some(values)
}

/// An error packet: 0xff, the code, `#` and five characters of SQLSTATE, the text.
fn refused(packet: &[u8]) -> QueryError {
    match packet {
        [0xff, low, high, text @ ..] => {
            let text = if text.first() == Some(&b'#') { text.get(6..).unwrap_or_default() } else { text };
            let message = String::from_utf8_lossy(text).into_owned();
            QueryError::Refused { code: u16::from_le_bytes([*low, *high]), message }
        }
        _ => QueryError::Protocol("an error without its code"),
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::wire::packet::write_payload;

    /// What comes of a server that says this, whatever it is asked.
    async fn answered(payloads: &[&[u8]]) -> Result<Vec<Row>, QueryError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async {
            let mut connection = Connection::new(listener.accept().await.unwrap().0).unwrap();
            let (asked, _) = connection.read_payload(0, 100).await.unwrap();
            assert_eq!(asked, b"\x03SELECT 1");
            let mut out = BytesMut::new();
            let mut sequence = 1;
            for payload in payloads {
                sequence = write_payload(&mut out, sequence, payload);
            }
            connection.write_all(&out).await.unwrap();
            connection
        };
        let client = async {
            let mut connection = Connection::new(TcpStream::connect(address).await.unwrap()).unwrap();
            query(&mut connection, "SELECT 1").await
        };
        tokio::join!(client, server).0
    }

    const END: &[u8] = &[0xfe, 0, 0, 2, 0, 0, 0];

    #[tokio::test]
    async fn rows_are_read_with_their_nulls() {
        let rows = answered(&[&[2], b"a", b"b", b"\x01x\xfb", b"\x00\x03y\nz", END]).await.unwrap();
        let expected = [vec![Some("x".to_owned()), None], vec![Some(String::new()), Some("y\nz".to_owned())]];
        assert_eq!(rows, expected);
        assert_eq!(answered(&[&[0, 0, 0, 2, 0, 0, 0]]).await.unwrap(), Vec::<Row>::new());
    }

    #[tokio::test]
    async fn errors_are_told_in_the_servers_words() {
        let error = answered(&[b"\xff\x28\x04#42000no such thing (SH2001)"]).await.unwrap_err();
        assert_eq!(error.to_string(), "no such thing (SH2001) (error 1064)");
        let error = answered(&[&[1], b"a", b"\xff\x28\x04#42000late"]).await.unwrap_err();
        assert_eq!(error.to_string(), "late (error 1064)");
        assert!(matches!(answered(&[&[1], b"a", b"\x05xy"]).await, Err(QueryError::Protocol(_))));
        assert!(matches!(answered(&[b"\xfbfile"]).await, Err(QueryError::Protocol(_))));
    }
}
