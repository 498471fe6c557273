//! One answer of several: the rows of each shard after those of the one before.
//!
//! ```text
//!   shards 1..n    request ─► column definitions, compared with those of the first
//!   shard 1        definitions ─► client;  rows ─► client
//!   shards 2..n    rows ─► client, numbered on
//!   last           one end for all: warnings summed
//! ```
//!
//! Only one shard's rows are read at a time, and only as fast as the client takes them; the others wait with theirs.

use std::io;

use bytes::{BufMut, BytesMut};
use proto::wire::connection::{Connection, ReadError};
use proto::wire::packet::{take_lenenc_int, write_payload};
use proto::wire::{CapabilityFlags, StatusFlags};

use crate::limits::{MAX_FORWARD_BYTES, MAX_ROW_BYTES};

/// What a shard's answer begins with.
#[derive(Debug)]
pub enum Head {
    /// Columns; rows follow.
    Columns(Vec<Vec<u8>>),
    /// It has no rows: the payload of its OK packet.
    Done(Vec<u8>),
    /// MySQL refused the statement: its error packet.
    Failed(Vec<u8>),
}

/// How a shard's rows ended.
#[derive(Debug)]
pub enum Tail {
    /// All are there.
    End,
    /// MySQL broke off: its error packet.
    Failed(Vec<u8>),
}

/// Why an answer does not go on.
#[derive(Debug)]
pub enum Broken {
    /// The client is gone.
    Client(io::Error),
    /// The shard is gone, or does not follow the protocol.
    Shard,
}

impl From<ReadError> for Broken {
    fn from(_: ReadError) -> Self {
        Self::Shard
    }
}

/// The answer in the making.
#[derive(Debug)]
pub struct Concat {
    deprecate_eof: bool,
    out: BytesMut,
    first: u8,
    sequence: u8,
    /// The sequence id of a shard's first packet.
    shards_at: u8,
    /// Whether the client has a part of it.
    begun: bool,
    status: StatusFlags,
    warnings: u16,
}

impl Concat {
    /// Nothing yet; the shards' connections have these capabilities. The first packet for the client and the first one of
    /// each shard have these sequence ids, and so many warnings are none of the shards'.
    pub fn new(capabilities: CapabilityFlags, (first, shards_at): (u8, u8), warnings: u16) -> Self {
        Self {
            deprecate_eof: capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF),
            out: BytesMut::new(),
            first,
            sequence: first,
            shards_at,
            begun: false,
            status: StatusFlags::empty(),
            warnings,
        }
    }

    /// So many of the warnings are the same as others.
    pub fn discount(&mut self, warnings: u16) {
        self.warnings = self.warnings.saturating_sub(warnings);
    }

    /// Whether the client has a part of it.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Reads up to a shard's first row.
    pub async fn head(&self, shard: &mut Connection) -> Result<Head, Broken> {
        let (first, mut sequence) = shard.read_payload(self.shards_at, MAX_ROW_BYTES).await?;
        match first.first() {
            Some(0x00) => return Ok(Head::Done(first)),
            Some(0xff) => return Ok(Head::Failed(first)),
            _ => {}
        }
        let count = take_lenenc_int(&mut &first[..]).ok_or(Broken::Shard)?;
        let mut columns = vec![first];
        for _ in 0..count {
            let column;
            (column, sequence) = shard.read_payload(sequence, MAX_ROW_BYTES).await?;
            columns.push(column);
        }
        if !self.deprecate_eof {
            let (end, _) = shard.read_payload(sequence, MAX_ROW_BYTES).await?;
            match end.first() {
                Some(0xfe) => {}
                Some(0xff) => return Ok(Head::Failed(end)),
                _ => return Err(Broken::Shard),
            }
        }
        Ok(Head::Columns(columns))
    }

    /// Begins the answer with the columns that all shards have.
    pub fn columns(&mut self, columns: &[Vec<u8>]) {
        for column in columns {
            self.sequence = write_payload(&mut self.out, self.sequence, column);
        }
        if !self.deprecate_eof {
            let status = StatusFlags::SERVER_STATUS_AUTOCOMMIT.bits().to_le_bytes();
            let end = [0xfe, 0, 0, status[0], status[1]];
            self.sequence = write_payload(&mut self.out, self.sequence, &end);
        }
    }

    /// Passes on all rows of a shard whose head, of so many columns, was read.
    pub async fn rows(
        &mut self,
        columns: usize,
        shard: &mut Connection,
        client: &mut Connection,
    ) -> Result<Tail, Broken> {
        // The head had so many packets.
        let head = columns + usize::from(!self.deprecate_eof);
        let mut sequence = self.shards_at.wrapping_add(head as u8);
        let mut scratch = Vec::new();
        loop {
            let framed = shard.read_framed(sequence, MAX_ROW_BYTES).await?;
            sequence = framed.sequence.wrapping_add(1);
            let payload = shard.payload(framed, &mut scratch);
            match payload.first() {
                Some(0xff) => {
                    let error = payload.to_vec();
                    shard.consume(framed.wire_bytes);
                    return Ok(Tail::Failed(error));
                }
                // A row whose first value is so long is longer than that.
                Some(0xfe) if payload.len() < 0xff_ffff => {
                    let (status, warnings) = self.read_end(payload).ok_or(Broken::Shard)?;
                    self.status |= status;
                    self.warnings = self.warnings.saturating_add(warnings);
                    shard.consume(framed.wire_bytes);
                    return Ok(Tail::End);
                }
                _ => self.sequence = write_payload(&mut self.out, self.sequence, payload),
            }
            shard.consume(framed.wire_bytes);
            if self.out.len() >= MAX_FORWARD_BYTES {
                self.flush(client).await?;
            }
        }
    }

    /// Status flags and warnings of the packet that ends rows.
    fn read_end(&self, payload: &[u8]) -> Option<(StatusFlags, u16)> {
        let mut rest = payload.get(1..)?;
        if self.deprecate_eof {
            take_lenenc_int(&mut rest)?;
            take_lenenc_int(&mut rest)?;
        }
        let &[a, b, c, d] = rest.first_chunk::<4>()?;
        let (first, second) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let (status, warnings) = if self.deprecate_eof { (first, second) } else { (second, first) };
        Some((StatusFlags::from_bits_retain(status), warnings))
    }

    /// Ends the answer after the last shard.
    pub async fn end(&mut self, client: &mut Connection) -> Result<(), Broken> {
        let mut payload = BytesMut::new();
        payload.put_u8(0xfe);
        if self.deprecate_eof {
            // Affected rows and insert id.
            payload.put_slice(&[0, 0]);
            payload.put_u16_le(self.status.bits());
            payload.put_u16_le(self.warnings);
        } else {
            payload.put_u16_le(self.warnings);
            payload.put_u16_le(self.status.bits());
        }
        self.sequence = write_payload(&mut self.out, self.sequence, &payload);
        self.flush(client).await
    }

    /// Ends the answer with an error, which is all of it where the client has nothing yet.
    pub async fn fail(&mut self, error: &[u8], client: &mut Connection) -> Result<(), Broken> {
        if !self.begun {
            self.out.clear();
            self.sequence = self.first;
        }
        self.sequence = write_payload(&mut self.out, self.sequence, error);
        self.flush(client).await
    }

    async fn flush(&mut self, client: &mut Connection) -> Result<(), Broken> {
        client.write_all(&self.out).await.map_err(Broken::Client)?;
        self.out.clear();
        self.begun = true;
        Ok(())
    }
}
