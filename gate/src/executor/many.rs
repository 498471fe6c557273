//! A write in several parts, one a shard: each in a transaction of its shard, all committed or none begun.
//!
//! ```text
//!   begin all ─► one part after the other, in the order of the shards ─► commit all at once
//!                    │ one fails: roll back all                            │ some fail: told by name
//! ```
//!
//! The order of the parts is the same for all statements, so that two of them wait for each other's locks inside
//! one shard only, where InnoDB sees it.

use proto::wire::command;
use proto::wire::connection::{Connection, ReadError};
use proto::wire::packet::{MAX_PAYLOAD, write_payload};

use crate::limits::MAX_CONTROL_ANSWER_BYTES;

/// One shard's part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Index of the shard in its keyspace.
    pub shard: usize,
    /// The text for it, without command byte.
    pub sql: Vec<u8>,
}

/// Why a command was not done, as far as it is known.
#[derive(Debug)]
pub enum NotDone {
    /// MySQL refused it; its error packet.
    Refused(Vec<u8>),
    /// The connection broke before the whole command was on its way.
    NotSent(std::io::Error),
    /// The connection broke afterwards, or the answer was not one.
    Lost,
}

impl From<ReadError> for NotDone {
    fn from(_: ReadError) -> Self {
        Self::Lost
    }
}

/// The sequence id of the first packet that answers a statement of so many bytes: a long one has several packets, which
/// are numbered from 0 on.
pub fn answers_at(sql: &[u8]) -> u8 {
    // With the command byte before it. The numbers go round.
    ((1 + sql.len()) / MAX_PAYLOAD + 1) as u8
}

/// Reads the OK packet of a statement that was sent.
pub async fn done(connection: &mut Connection, sql: &[u8]) -> Result<Vec<u8>, NotDone> {
    let (payload, _) = connection.read_payload(answers_at(sql), MAX_CONTROL_ANSWER_BYTES).await?;
    match payload.first() {
        Some(0x00) => Ok(payload),
        Some(0xff) => Err(NotDone::Refused(payload)),
        _ => Err(NotDone::Lost),
    }
}

/// Sends statements in one write.
pub async fn send(connection: &mut Connection, statements: &[&[u8]]) -> Result<(), NotDone> {
    let mut out = bytes::BytesMut::new();
    for sql in statements {
        let mut payload = Vec::with_capacity(1 + sql.len());
        payload.push(command::QUERY);
        payload.extend_from_slice(sql);
        write_payload(&mut out, 0, &payload);
    }
    connection.write_all(&out).await.map_err(NotDone::NotSent)
}

/// Executes statements without rows, one after the other in one write; gives the last one's OK packet. They must be
/// such that doing a later one after an earlier one failed does no harm.
pub async fn execute(connection: &mut Connection, statements: &[&[u8]]) -> Result<Vec<u8>, NotDone> {
    send(connection, statements).await?;
    let mut answer = Ok(Vec::new());
    for sql in statements {
        match (done(connection, sql).await, &answer) {
            (Err(error @ (NotDone::Lost | NotDone::NotSent(_))), _) => return Err(error),
            (next, Ok(_)) => answer = next,
            (_, Err(_)) => {}
        }
    }
    answer
}
