//! Statements that a connection's mysqld has prepared.

use std::collections::HashMap;
use std::io;

use bytes::BytesMut;
use foldhash::fast::RandomState;
use proto::wire::connection::ReadError;
use proto::wire::packet::write_payload;
use proto::wire::prepared::PrepareOk;
use proto::wire::{CapabilityFlags, command};

use super::Backend;
use crate::limits::{MAX_CACHED_TEXT_BYTES, MAX_CONTROL_ANSWER_BYTES, MAX_PREPARED_PER_CONNECTION};

/// The statements that a connection keeps, by their text.
#[derive(Debug, Default)]
pub struct Kept(HashMap<Box<[u8]>, u32, RandomState>);

/// Why a statement is not prepared. Nothing was executed.
#[derive(Debug)]
pub enum PrepareError {
    /// MySQL refused it; its error packet.
    Refused(Vec<u8>),
    /// The connection broke before it was sent.
    NotSent(io::Error),
    /// The connection broke afterwards, or the answer was not one.
    Lost,
}

impl From<ReadError> for PrepareError {
    fn from(_: ReadError) -> Self {
        Self::Lost
    }
}

impl Backend {
    /// What the server calls the statement, whose text is not long, and which is prepared if it is not yet.
    pub async fn prepared(&mut self, sql: &[u8], capabilities: CapabilityFlags) -> Result<u32, PrepareError> {
        if let Some(&id) = self.prepared.0.get(sql) {
            return Ok(id);
        }
        let (ok, _) = self.describe(sql, capabilities).await?;
        Ok(ok.id)
    }

    /// Prepares the statement, and keeps it for `prepared` unless its text is long; gives what the server says of it, and
    /// the payloads of its whole answer.
    pub async fn describe(
        &mut self,
        sql: &[u8],
        capabilities: CapabilityFlags,
    ) -> Result<(PrepareOk, Vec<Vec<u8>>), PrepareError> {
        if sql.len() > MAX_CACHED_TEXT_BYTES {
            return self.describe_once(sql, capabilities).await;
        }
        if self.prepared.0.len() >= MAX_PREPARED_PER_CONNECTION {
            self.forget_all().await.map_err(PrepareError::NotSent)?;
        }
        let answer = self.prepare(sql, capabilities).await?;
        if let Some(before) = self.prepared.0.insert(sql.into(), answer.0.id) {
            self.forget([before]).await.map_err(PrepareError::NotSent)?;
        }
        Ok(answer)
    }

    /// What the server says of the statement, which it forgets then.
    pub async fn describe_once(
        &mut self,
        sql: &[u8],
        capabilities: CapabilityFlags,
    ) -> Result<(PrepareOk, Vec<Vec<u8>>), PrepareError> {
        let answer = self.prepare(sql, capabilities).await?;
        self.forget([answer.0.id]).await.map_err(PrepareError::NotSent)?;
        Ok(answer)
    }

    /// Prepares the statement.
    pub async fn prepare(
        &mut self,
        sql: &[u8],
        capabilities: CapabilityFlags,
    ) -> Result<(PrepareOk, Vec<Vec<u8>>), PrepareError> {
        let mut out = BytesMut::new();
        let next = write_payload(&mut out, 0, &[&[command::STMT_PREPARE], sql].concat());
        self.connection.write_all(&out).await.map_err(PrepareError::NotSent)?;
        let (first, mut sequence) = self.connection.read_payload(next, MAX_CONTROL_ANSWER_BYTES).await?;
        if first.first() == Some(&0xff) {
            return Err(PrepareError::Refused(first));
        }
        let ok = PrepareOk::read(&first).ok_or(PrepareError::Lost)?;
        let mut packets = vec![first];
        for _ in 0..ok.definitions(capabilities) {
            let packet;
            (packet, sequence) = self.connection.read_payload(sequence, MAX_CONTROL_ANSWER_BYTES).await?;
            packets.push(packet);
        }
        Ok((ok, packets))
    }

    /// Lets the server forget all statements. What they mean is fixed when they are prepared, by the session's settings,
    /// database and character set: where those change, they go.
    pub async fn forget_all(&mut self) -> io::Result<()> {
        let all = std::mem::take(&mut self.prepared.0);
        if all.is_empty() { Ok(()) } else { self.forget(all.into_values()).await }
    }

    /// Lets the server forget statements; there is no answer.
    pub async fn forget(&mut self, ids: impl IntoIterator<Item = u32>) -> io::Result<()> {
        let mut out = BytesMut::new();
        for id in ids {
            let [a, b, c, d] = id.to_le_bytes();
            write_payload(&mut out, 0, &[command::STMT_CLOSE, a, b, c, d]);
        }
        self.connection.write_all(&out).await
    }
}
