//! Finds where a response to COM_QUERY ends, without decoding its rows.
//!
//! ```text
//!            ┌ 00 OK ──────────────┐
//!   First ───┼ ff ERR ─────────────┼──► End        (OK or EOF with MORE_RESULTS: back to First)
//!            ├ fb upload request ──┘
//!            └ n columns ──► Definitions(n) ──► [EOF] ──► Rows ── fe OK/EOF, ff ERR ──► End
//! ```
//!
//! A packet of 0xffffff bytes is continued by the next one, which is then not looked at.

use mysql_common::constants::{CapabilityFlags, StatusFlags};

use super::packet::{HEADER_BYTES, Header, MAX_PAYLOAD, take_lenenc_int};

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The server's status flags; those of autocommit after an error.
    pub status: StatusFlags,
    /// Whether it ended with an error packet.
    pub failed: bool,
    /// The insert id that it tells; 0 for none.
    pub insert_id: u64,
    /// How many warnings there are; 0 after an error.
    pub warnings: u16,
    /// How many bytes before its end the answer says so; 0 after an error.
    pub warnings_at: usize,
    /// How many bytes before its end it tells the status flags; 0 after an error.
    pub status_at: usize,
}

/// What one look at the buffer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes of the buffer, from its start, are understood and can go on to the client.
    pub forward: usize,
    /// The response ends with the forwarded bytes.
    pub end: Option<End>,
}

/// A response that does not follow the protocol; the connection cannot be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's response does not follow the protocol")]
pub struct BadResponse;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    First,
    Definitions { left: u64 },
    DefinitionsEof,
    Rows,
}

/// The state of one response in progress.
#[derive(Debug)]
pub struct ResponseScanner {
    expect: Expect,
    deprecate_eof: bool,
    /// Bytes of the present packet that are still to come.
    skip: usize,
    /// The present packet is continued by the next one.
    continued: bool,
}

impl ResponseScanner {
    /// A scanner for one response under the connection's capabilities.
    pub fn new(capabilities: CapabilityFlags) -> Self {
        Self {
            expect: Expect::First,
            deprecate_eof: capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF),
            skip: 0,
            continued: false,
        }
    }

    /// Looks at what has arrived; the caller forwards the bytes and calls again with the rest and more.
    pub fn scan(&mut self, buffer: &[u8]) -> Result<Progress, BadResponse> {
        let mut at = 0;
        loop {
            let pass = self.skip.min(buffer.len() - at);
            at += pass;
            self.skip -= pass;
            if self.skip > 0 {
                return Ok(Progress { forward: at, end: None });
            }
            let Some(header) = Header::parse(&buffer[at..]) else {
                return Ok(Progress { forward: at, end: None });
            };
            let body = &buffer[at + HEADER_BYTES..];
            if !self.continued && self.must_be_whole(header, body) && body.len() < header.length {
                return Ok(Progress { forward: at, end: None });
            }
            let end = if self.continued {
                None
            } else {
                self.classify(header.length, &body[..header.length.min(body.len())])?
            };
            self.continued = header.length == MAX_PAYLOAD;
            at += HEADER_BYTES;
            self.skip = header.length;
            if let Some(end) = end {
                return Ok(Progress { forward: at + header.length, end: Some(end) });
            }
        }
    }

    /// Whether the packet must be in the buffer as a whole before it can be judged: all but rows and column
    /// definitions, which are passed on as they come.
    fn must_be_whole(&self, header: Header, body: &[u8]) -> bool {
        match self.expect {
            Expect::First | Expect::DefinitionsEof => true,
            Expect::Definitions { .. } => false,
            Expect::Rows => match body.first() {
                None => header.length > 0,
                Some(&first) => first == 0xff || (first == 0xfe && header.length < MAX_PAYLOAD),
            },
        }
    }

    fn classify(&mut self, length: usize, payload: &[u8]) -> Result<Option<End>, BadResponse> {
        match self.expect {
            Expect::First => match payload.first().ok_or(BadResponse)? {
                0x00 => self.terminator(End::of_ok(payload)?),
                0xff => Ok(Some(End::of_error())),
                // The gate never offers uploads, so no server asks for one.
                0xfb => Err(BadResponse),
                _ => {
                    let left = take_lenenc_int(&mut &payload[..]).filter(|n| *n > 0).ok_or(BadResponse)?;
                    self.expect = Expect::Definitions { left };
                    Ok(None)
                }
            },
            Expect::Definitions { left } => {
                self.expect = match (left, self.deprecate_eof) {
                    (1, true) => Expect::Rows,
                    (1, false) => Expect::DefinitionsEof,
                    _ => Expect::Definitions { left: left - 1 },
                };
                Ok(None)
            }
            Expect::DefinitionsEof => match payload.first() {
                Some(0xfe) => {
                    self.expect = Expect::Rows;
                    Ok(None)
                }
                Some(0xff) => Ok(Some(End::of_error())),
                _ => Err(BadResponse),
            },
            Expect::Rows => match payload.first() {
                Some(0xff) => Ok(Some(End::of_error())),
                Some(0xfe) if length < MAX_PAYLOAD => self.terminator(if self.deprecate_eof {
                    End::of_ok(payload)?
                } else {
                    End::of_eof(payload)?
                }),
                _ => Ok(None),
            },
        }
    }

    fn terminator(&mut self, end: End) -> Result<Option<End>, BadResponse> {
        self.expect = Expect::First;
        let more = end.status.contains(StatusFlags::SERVER_MORE_RESULTS_EXISTS);
        Ok((!more).then_some(end))
    }
}

impl End {
    /// Of an OK packet: header, affected rows, last insert id, status flags, warnings.
    pub fn of_ok(payload: &[u8]) -> Result<Self, BadResponse> {
        let mut rest = payload.get(1..).ok_or(BadResponse)?;
        take_lenenc_int(&mut rest).ok_or(BadResponse)?;
        let insert_id = take_lenenc_int(&mut rest).ok_or(BadResponse)?;
        let [status, warnings] = two_numbers(rest)?;
        let status = StatusFlags::from_bits_truncate(status);
        // After the status.
        Ok(Self {
            status,
            failed: false,
            insert_id,
            warnings,
            warnings_at: rest.len() - 2,
            status_at: rest.len(),
        })
    }

    /// Of an EOF packet: header, warnings, status flags.
    fn of_eof(payload: &[u8]) -> Result<Self, BadResponse> {
        let rest = payload.get(1..).ok_or(BadResponse)?;
        let [warnings, status] = two_numbers(rest)?;
        let status = StatusFlags::from_bits_truncate(status);
        Ok(Self {
            status,
            failed: false,
            insert_id: 0,
            warnings,
            warnings_at: rest.len(),
            status_at: rest.len() - 2,
        })
    }

    /// After an error packet.
    pub fn of_error() -> Self {
        let status = StatusFlags::SERVER_STATUS_AUTOCOMMIT;
        Self { status, failed: true, insert_id: 0, warnings: 0, warnings_at: 0, status_at: 0 }
    }
}

fn two_numbers(bytes: &[u8]) -> Result<[u16; 2], BadResponse> {
    let &[a, b, c, d] = bytes.first_chunk::<4>().ok_or(BadResponse)?;
    Ok([u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])])
}

#[cfg(test)]
mod tests;
