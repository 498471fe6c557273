//! Sends a client's packet to a shard and the shard's answer to the client, byte for byte.

use std::io;

use proto::wire::CapabilityFlags;
use proto::wire::connection::Connection;
use proto::wire::packet::HEADER_BYTES;
use proto::wire::response::{End, ResponseScanner};

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

/// Relays one request and its answer, which tells of so many warnings more than the server knows.
pub async fn relay(
    client: &mut Connection,
    request: Request<'_>,
    shard: &mut Connection,
    capabilities: CapabilityFlags,
    more_warnings: u16,
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
            && let Some(packet) = refusal(&shard.buffered()[..scanned])
        {
            let packet = packet.to_vec();
            shard.consume(scanned);
            return Ok(Relayed::Refused(packet));
        }
        if let Some(end @ End { failed: false, .. }) = progress.end
            && more_warnings > 0
        {
            let warnings = end.warnings.saturating_add(more_warnings);
            shard.patch(scanned - end.warnings_at, &warnings.to_le_bytes());
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

/// The error packet of a server that executed nothing, where that is the answer, which is here as a whole.
fn refusal(answer: &[u8]) -> Option<&[u8]> {
    answer.get(HEADER_BYTES..).filter(|packet| error_code(packet).is_some_and(is_refusal))
}
