//! Sends a client's packet to a shard and the shard's answer to the client, byte for byte.

use std::io;

use proto::wire::connection::Connection;
use proto::wire::packet::HEADER_BYTES;
use proto::wire::response::{End, ResponseScanner};
use proto::wire::{CapabilityFlags, StatusFlags};

use crate::accounts::denied::names_account;
use crate::hold::decide::{error_code, is_refusal};
use crate::limits::MAX_FORWARD_BYTES;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relayed {
    /// The client has the answer.
    Answered(End),
    /// The server refused the statement before it executed anything of it: its error packet, which the client does not
    /// have yet.
    Refused(Vec<u8>),
    /// The account behind may not do it: the error packet, in whose text it stands, in the same way.
    Denied(Vec<u8>),
}

/// How a relay went wrong.
#[derive(Debug)]
pub enum RelayError {
    /// The client is gone; the shard's connection is in the middle of an answer.
    Client(io::Error),
    /// The shard is gone, and the system did not take the whole request for it: nothing can have been executed.
    NotSent(io::Error),
    /// The shard is gone before it answered anything: the client can be told.
    ShardBeforeAnswer,
    /// The shard is gone in the middle of its answer: only closing the client's connection is honest.
    ShardWithinAnswer,
}

/// What is sent to the shard.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// So many bytes at the front of the client's buffer, which stay there.
    Front(usize),
    /// These packets.
    Packets(&'a [u8]),
}

/// What the end of an answer tells beside what the server knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Added {
    /// So many warnings more.
    pub warnings: u16,
    /// The session's transaction, where another connection has it.
    pub status: Option<StatusFlags>,
}

/// The flags that are about the session's transaction.
const OF_TRANSACTION: StatusFlags = StatusFlags::SERVER_STATUS_IN_TRANS
    .union(StatusFlags::SERVER_STATUS_IN_TRANS_READONLY)
    .union(StatusFlags::SERVER_STATUS_AUTOCOMMIT);

/// Relays one request and its answer.
pub async fn relay(
    client: &mut Connection,
    request: Request<'_>,
    shard: &mut Connection,
    capabilities: CapabilityFlags,
    added: Added,
) -> Result<Relayed, RelayError> {
    let bytes = match request {
        Request::Front(length) => &client.buffered()[..length],
        Request::Packets(bytes) => bytes,
    };
    shard.write_all(bytes).await.map_err(RelayError::NotSent)?;
    let mut scanner = ResponseScanner::new(capabilities);
    let mut scanned = 0;
    let mut forwarded = false;
    loop {
        let lost = if forwarded { RelayError::ShardWithinAnswer } else { RelayError::ShardBeforeAnswer };
        match shard.fill().await {
            Ok(bytes) if bytes > 0 => {}
            _ => return Err(lost),
        }
        let Ok(progress) = scanner.scan(&shard.buffered()[scanned..]) else { return Err(lost) };
        scanned += progress.forward;
        if let Some(End { failed: true, .. }) = progress.end
            && !forwarded
            && let Some(kept) = kept_error(&shard.buffered()[..scanned])
        {
            shard.consume(scanned);
            return Ok(kept);
        }
        if let Some(end @ End { failed: false, .. }) = progress.end {
            add(shard, scanned, end, added);
        }
        // A short answer goes out in one write when it is whole; a long one piece by piece.
        if progress.end.is_some() || scanned >= MAX_FORWARD_BYTES {
            shard.forward(scanned, client).await.map_err(RelayError::Client)?;
            scanned = 0;
            forwarded = true;
        }
        if let Some(end) = progress.end {
            // Nobody asked for more than the answer.
            return match shard.buffered() {
                [] => Ok(Relayed::Answered(end)),
                _ => Err(RelayError::ShardWithinAnswer),
            };
        }
    }
}

/// Puts in place what the end of the answer, so many bytes of the shard's buffer, is to tell.
fn add(shard: &mut Connection, scanned: usize, end: End, added: Added) {
    if added.warnings > 0 {
        let warnings = end.warnings.saturating_add(added.warnings);
        shard.patch(scanned - end.warnings_at, &warnings.to_le_bytes());
    }
    if let Some(status) = added.status {
        let status = (end.status - OF_TRANSACTION) | status;
        shard.patch(scanned - end.status_at, &status.bits().to_le_bytes());
    }
}

/// What comes of an answer, which is here as a whole, if it is an error that the client is not told as it is.
fn kept_error(answer: &[u8]) -> Option<Relayed> {
    let packet = answer.get(HEADER_BYTES..)?;
    Relayed::by_error(packet.to_vec()).ok()
}

impl Relayed {
    /// What comes of a server's error, unless the client is told it as it is: then that error again.
    pub fn by_error(packet: Vec<u8>) -> Result<Self, Vec<u8>> {
        match error_code(&packet) {
            Some(code) if is_refusal(code) => Ok(Self::Refused(packet)),
            Some(code) if names_account(code) => Ok(Self::Denied(packet)),
            _ => Err(packet),
        }
    }
}
