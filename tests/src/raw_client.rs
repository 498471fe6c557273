//! A client that sends whatever bytes a test wants, and shows what comes back as it came.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use proto::wire::auth;

use crate::differential::outcome::ErrorSeen;

/// How long an answer may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// The most that one packet's header can say.
const MAX_PACKET: usize = 0xff_ffff;
/// Capabilities of a login: LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, SECURE_CONNECTION,
/// PLUGIN_AUTH. Without DEPRECATE_EOF, as old clients are.
const CAPABILITIES: u32 = 0x0008_820d;
/// utf8mb4_general_ci, which every version knows.
const COLLATION: u8 = 45;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A packet.
    Packet {
        /// Its number.
        sequence: u8,
        /// Its content.
        payload: Vec<u8>,
    },
    /// The other side ended the connection.
    Closed,
}

impl Received {
    /// The error packet that it is, if it is one.
    pub fn error(&self) -> Option<ErrorSeen> {
        let Self::Packet { payload, .. } = self else { return None };
        let rest = payload.strip_prefix(&[0xff])?;
        let code = u16::from_le_bytes([*rest.first()?, *rest.get(1)?]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // Before the client has said that it speaks protocol 4.1, there is no SQLSTATE.
        Some(match rest.get(2) {
            Some(b'#') => ErrorSeen { code, sqlstate: text(rest.get(3..8)?), text: text(rest.get(8..)?) },
            _ => ErrorSeen { code, sqlstate: String::new(), text: text(rest.get(2..)?) },
        })
    }

    /// Whether it is an OK packet.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Packet { payload, .. } if payload.first() == Some(&0))
    }
}

/// One connection.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
    sequence: u8,
    greeting: Vec<u8>,
}

impl RawClient {
    /// Connects, and reads the server's greeting.
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).with_context(|| format!("port {port}"))?;
        stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
        stream.set_write_timeout(Some(ANSWER_DEADLINE))?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, sequence: 0, greeting: vec![] };
        match client.receive()? {
            Received::Packet { payload, .. } => client.greeting = payload,
            Received::Closed => bail!("closed before the greeting"),
        }
        Ok(client)
    }

    /// The greeting's payload.
    pub fn greeting(&self) -> &[u8] {
        &self.greeting
    }

    /// The number of the connection, as KILL takes it: it stands behind the server's version.
    pub fn connection_id(&self) -> Result<u32> {
        let mut parts = self.greeting.splitn(2, |byte| *byte == 0);
        let number = parts.nth(1).and_then(|rest| rest.first_chunk().copied());
        number.map(u32::from_le_bytes).context("the greeting is cut short")
    }

    /// Whether the server has closed the connection by now; what it sent before is not read.
    pub fn is_closed(&self) -> Result<bool> {
        self.stream.set_nonblocking(true)?;
        let seen = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        match seen {
            Ok(count) => Ok(count == 0),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
            Err(_) => Ok(true),
        }
    }

    /// Logs in by caching_sha2_password, fast or full, over plain TCP.
    pub fn login(&mut self, user: &str, password: &str, database: &str) -> Result<()> {
        let nonce = self.nonce()?;
        let scramble = auth::scramble(password.as_bytes(), &nonce);
        self.send(&login_packet(user, &scramble, database))?;
        let mut received = self.receive()?;
        if payload(&received).first() == Some(&auth::SWITCH_REQUEST) {
            bail!("the server asks for another method: {received:?}");
        }
        if payload(&received) == [auth::MORE_DATA, auth::FAST_OK] {
            received = self.receive()?;
        } else if payload(&received) == [auth::MORE_DATA, auth::FULL_NEEDED] {
            self.send(&[auth::PUBLIC_KEY_REQUEST])?;
            let key = self.receive()?;
            let key = String::from_utf8_lossy(payload(&key).get(1..).unwrap_or_default()).into_owned();
            let encrypted = auth::encrypt_password(password.as_bytes(), &nonce, &key)?;
            self.send(&encrypted)?;
            received = self.receive()?;
        }
        ensure!(received.is_ok(), "not logged in: {:?}", received.error());
        Ok(())
    }

    /// Sends a command: a first packet, numbered 0.
    pub fn command(&mut self, payload: &[u8]) -> Result<()> {
        self.sequence = 0;
        self.send(payload)
    }

    /// Sends a payload in as many packets as it needs, with the next numbers.
    pub fn send(&mut self, payload: &[u8]) -> Result<()> {
        let mut bytes = Vec::with_capacity(payload.len() + 4);
        let mut rest = payload;
        loop {
            let (part, after) = rest.split_at(rest.len().min(MAX_PACKET));
            bytes.extend(packet(self.sequence, part));
            self.sequence = self.sequence.wrapping_add(1);
            rest = after;
            if part.len() < MAX_PACKET {
                break;
            }
        }
        self.send_bytes(&bytes)
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("cannot send")
    }

    /// Says that nothing more will be sent.
    pub fn finish_sending(&mut self) -> Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write).context("cannot shut down")
    }

    /// Waits for the next packet, or for the end of the connection.
    pub fn receive(&mut self) -> Result<Received> {
        let mut header = [0; 4];
        if !self.fill(&mut header)? {
            return Ok(Received::Closed);
        }
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
        let mut payload = vec![0; length];
        if !self.fill(&mut payload)? {
            return Ok(Received::Closed);
        }
        self.sequence = header[3].wrapping_add(1);
        Ok(Received::Packet { sequence: header[3], payload })
    }

    /// False if the connection ended before the buffer was full.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool> {
        match self.stream.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) =>
            {
                Ok(false)
            }
            Err(error) => Err(error).context("no answer"),
        }
    }

    /// The challenge: 8 bytes after the version's zero and the connection id, and 12 more after the flags.
    fn nonce(&self) -> Result<Vec<u8>> {
        let version_end = self.greeting.iter().position(|byte| *byte == 0).context("no version")?;
        let first = version_end + 1 + 4;
        let second = first + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10;
        let part = |from: usize, to: usize| self.greeting.get(from..to).context("the greeting is short");
        Ok([part(first, first + 8)?, part(second, second + 12)?].concat())
    }
}

/// A packet with this number.
pub fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[length[0], length[1], length[2], sequence], payload].concat()
}

/// The payload of a login.
pub fn login_packet(user: &str, scramble: &[u8], database: &str) -> Vec<u8> {
    let mut payload = CAPABILITIES.to_le_bytes().to_vec();
    payload.extend(0x0100_0000_u32.to_le_bytes());
    payload.push(COLLATION);
    payload.extend([0; 23]);
    payload.extend(user.as_bytes());
    payload.push(0);
    payload.push(u8::try_from(scramble.len()).unwrap_or(u8::MAX));
    payload.extend(scramble);
    payload.extend(database.as_bytes());
    payload.push(0);
    payload.extend(auth::PLUGIN.as_bytes());
    payload.push(0);
    payload
}

fn payload(received: &Received) -> &[u8] {
    match received {
        Received::Packet { payload, .. } => payload,
        Received::Closed => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysqld::PlainMysqld;

    const PING: &[u8] = &[0x0e];

    #[test]
    fn a_real_server_understands_it_and_answers_nonsense() {
        let server = PlainMysqld::start().unwrap();
        let mut client = RawClient::connect(server.port()).unwrap();
        assert_eq!(client.greeting()[0], 10);
        client.login("root", "", "mysql").unwrap();
        client.command(PING).unwrap();
        assert!(client.receive().unwrap().is_ok());
        client.command(&[0xfa]).unwrap();
        assert_eq!(client.receive().unwrap().error().unwrap().code, 1047);
        client.send_bytes(&packet(7, PING)).unwrap();
        assert_eq!(client.receive().unwrap().error().unwrap().code, 1156);
        assert_eq!(client.receive().unwrap(), Received::Closed);
    }

    #[test]
    fn it_logs_in_with_a_password_fully_and_then_fast() {
        let server = PlainMysqld::start().unwrap();
        let mut root = RawClient::connect(server.port()).unwrap();
        root.login("root", "", "mysql").unwrap();
        root.command(b"\x03CREATE USER app@'127.0.0.1' IDENTIFIED BY 'open sesame'").unwrap();
        assert!(root.receive().unwrap().is_ok());
        for _full_then_fast in 0..2 {
            RawClient::connect(server.port()).unwrap().login("app", "open sesame", "").unwrap();
        }
        let refused = RawClient::connect(server.port()).unwrap().login("app", "wrong", "");
        assert!(refused.unwrap_err().to_string().contains("1045"));
    }
}
