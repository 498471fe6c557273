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
use proto::wire::reply::ERROR_TEXT_AT;

use super::control::Row;
use crate::hold::decide::error_code;
use crate::limits::MAX_CONTROL_ANSWER_BYTES;

/// One shard's part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Index of the shard in its keyspace.
    pub shard: usize,
    /// The text for it, without command byte.
    pub sql: Vec<u8>,
    /// Which rows of the client's statement it has, counted from 1; empty where rows are not dealt out.
    pub rows: Vec<usize>,
}

/// MySQL's code for an error that somebody's own program gives, in words of theirs.
const SIGNALLED: u16 = 1644;

impl Part {
    /// The text of one of MySQL's errors or warnings about the part, with the row's number in the client's statement;
    /// `None`: it is about no row.
    fn told(&self, code: u16, text: &str) -> Option<String> {
        const BEFORE_NUMBER: &str = " at row ";
        let at = text.rfind(BEFORE_NUMBER).filter(|_| code != SIGNALLED)? + BEFORE_NUMBER.len();
        let row: usize = text[at..].parse().ok()?;
        let row = self.rows.get(row.checked_sub(1)?)?;
        Some(format!("{}{row}", &text[..at]))
    }

    /// The error packet with that text.
    pub fn told_error(&self, packet: Vec<u8>) -> Vec<u8> {
        let told = || {
            let (head, text) = packet.split_at_checked(ERROR_TEXT_AT)?;
            let told = self.told(error_code(&packet)?, std::str::from_utf8(text).ok()?)?;
            Some([head, told.as_bytes()].concat())
        };
        told().unwrap_or(packet)
    }

    /// Rows of SHOW WARNINGS with such texts.
    pub fn told_warnings(&self, mut warnings: Vec<Row>) -> Vec<Row> {
        for warning in &mut warnings {
            if let [_, Some(code), Some(text)] = warning.as_mut_slice()
                && let Some(told) = code.parse().ok().and_then(|code| self.told(code, text))
            {
                *text = told;
            }
        }
        warnings
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_the_clients_statement() {
        let part = |rows| Part { shard: 1, sql: Vec::new(), rows };
        let text = "Data too long for column 'a' at row 2";
        assert_eq!(
            part(vec![2, 5]).told(1406, text).as_deref(),
            Some("Data too long for column 'a' at row 5")
        );
        assert_eq!(part(Vec::new()).told(1406, text), None);
        assert_eq!(part(vec![2]).told(1406, text), None);
        assert_eq!(part(vec![2, 5]).told(1644, text), None);
        assert_eq!(part(vec![2, 5]).told(1062, "Duplicate entry ' at row 2' for key 't.PRIMARY'"), None);
        let packet = |row: u8| [b"\xff\x7e\x05#22001Data too long at row ".as_slice(), &[row]].concat();
        assert_eq!(part(vec![2, 5]).told_error(packet(b'1')), packet(b'2'));
        let warning =
            |text: &str| vec![Some("Warning".to_owned()), Some("1265".to_owned()), Some(text.to_owned())];
        let told = part(vec![3]).told_warnings(vec![warning("truncated at row 1"), warning("else")]);
        assert_eq!(told, [warning("truncated at row 3"), warning("else")]);
    }
}
