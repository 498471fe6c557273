//! A connection: a byte stream with a read buffer in which packets are looked at in place.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::packet::{HEADER_BYTES, Header, MAX_PAYLOAD, write_payload};
use super::stream::Stream;

/// What a read buffer starts with, in bytes: holds most statements and most small responses.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The other side closed the connection between two packets.
    #[error("the connection was closed")]
    Closed,
    /// The stream failed, or ended inside a packet.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The payload is over the bound.
    #[error("a packet is larger than {bound} bytes")]
    TooLarge {
        /// The bound.
        bound: usize,
        /// Sequence id of the packet that passed it.
        sequence: u8,
    },
    /// A sequence id is not the next one.
    #[error("packets out of order")]
    OutOfOrder,
}

/// A whole payload at the front of the read buffer, which may span several packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framed {
    /// Bytes on the wire, headers included.
    pub wire_bytes: usize,
    /// Sequence id of the last packet.
    pub sequence: u8,
    /// Number of packets.
    packets: usize,
}

/// A stream and its read buffer.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    buffer: BytesMut,
    /// What the server calls it; 0 where this is the server.
    thread: u32,
    /// How long the other side may take nothing of what is written.
    write_within: Option<Duration>,
}

impl Connection {
    /// A connection on a TCP socket; small writes go out at once.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let buffer = BytesMut::with_capacity(READ_BUFFER_BYTES);
        Ok(Self { stream: Stream::Tcp(stream), buffer, thread: 0, write_within: None })
    }

    /// The same connection inside TLS, as the server. Bytes that came before TLS began are refused: they
    /// would be taken for protected ones.
    pub async fn accept_tls(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let (stream, buffer) = self.into_clear_text()?;
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        Ok(Self { stream: Stream::Tls(Box::new(stream.into())), buffer, thread: 0, write_within: None })
    }

    /// The same connection inside TLS, as the client of a server with a certificate for this name.
    pub async fn connect_tls(
        self,
        config: Arc<ClientConfig>,
        server: ServerName<'static>,
    ) -> io::Result<Self> {
        let (stream, buffer) = self.into_clear_text()?;
        let stream = TlsConnector::from(config).connect(server, stream).await?;
        Ok(Self { stream: Stream::Tls(Box::new(stream.into())), buffer, thread: 0, write_within: None })
    }

    fn into_clear_text(self) -> io::Result<(TcpStream, BytesMut)> {
        let Stream::Tcp(stream) = self.stream else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the connection is inside TLS already"));
        };
        if !self.buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "clear text after the request for TLS"));
        }
        Ok((stream, self.buffer))
    }

    /// What the server calls the connection, once it is logged in.
    pub fn thread(&self) -> u32 {
        self.thread
    }

    pub(super) fn logged_in(&mut self, thread: u32) {
        self.thread = thread;
    }

    /// Whether the bytes are protected by TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Whether nothing has arrived that was not asked for, not even the end of the stream. Never waits.
    pub fn is_quiet(&mut self) -> bool {
        self.buffer.is_empty() && self.stream.is_quiet()
    }

    /// What has arrived and was not consumed.
    pub fn buffered(&self) -> &[u8] {
        &self.buffer
    }

    /// Puts other bytes in place of some that have arrived.
    pub fn patch(&mut self, at: usize, bytes: &[u8]) {
        self.buffer[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Drops bytes from the front of what has arrived.
    pub fn consume(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
        // An idle connection goes back to a small buffer after a large packet.
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * READ_BUFFER_BYTES {
            self.buffer = BytesMut::with_capacity(READ_BUFFER_BYTES);
        }
    }

    /// Waits for more bytes; 0: the stream has ended.
    pub async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(READ_BUFFER_BYTES / 2);
        self.stream.read_buf(&mut self.buffer).await
    }

    /// Waits until a whole payload of at most `bound` bytes stands at the front of the buffer. `sequence` is
    /// the id that its first packet must have.
    pub async fn read_framed(&mut self, sequence: u8, bound: usize) -> Result<Framed, ReadError> {
        loop {
            if let Some(framed) = find_payload(&self.buffer, sequence, bound)? {
                return Ok(framed);
            }
            if self.fill().await? == 0 {
                return Err(self.ended());
            }
        }
    }

    /// How the stream ended: between two packets, or inside one.
    fn ended(&self) -> ReadError {
        if self.buffer.is_empty() {
            ReadError::Closed
        } else {
            io::Error::from(io::ErrorKind::UnexpectedEof).into()
        }
    }

    /// The payload that `read_framed` found; the caller consumes its bytes later.
    pub fn payload<'a>(&'a self, framed: Framed, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if framed.packets == 1 {
            return &self.buffer[HEADER_BYTES..framed.wire_bytes];
        }
        scratch.clear();
        let mut rest = &self.buffer[..framed.wire_bytes];
        while let Some(header) = Header::parse(rest) {
            let (packet, later) = rest.split_at(HEADER_BYTES + header.length);
            scratch.extend_from_slice(&packet[HEADER_BYTES..]);
            rest = later;
        }
        scratch
    }

    /// Puts another payload in place of the one that `read_framed` found, as if it had come instead.
    pub fn replace(&mut self, framed: Framed, payload: &[u8]) -> Framed {
        let mut buffer = BytesMut::with_capacity(payload.len() + READ_BUFFER_BYTES);
        let next = write_payload(&mut buffer, 0, payload);
        let replaced = Framed {
            wire_bytes: buffer.len(),
            sequence: next.wrapping_sub(1),
            packets: payload.len() / MAX_PAYLOAD + 1,
        };
        buffer.extend_from_slice(&self.buffer[framed.wire_bytes..]);
        self.buffer = buffer;
        replaced
    }

    /// Reads one whole payload and consumes it; gives it with the next sequence id.
    pub async fn read_payload(&mut self, sequence: u8, bound: usize) -> Result<(Vec<u8>, u8), ReadError> {
        let framed = self.read_framed(sequence, bound).await?;
        let mut scratch = Vec::new();
        let payload = self.payload(framed, &mut scratch).to_vec();
        self.consume(framed.wire_bytes);
        Ok((payload, framed.sequence.wrapping_add(1)))
    }

    /// Reads and consumes one packet without taking anything behind it from the stream: a client that asks for
    /// TLS begins with it at once, and those bytes are not for this buffer.
    pub async fn read_packet_alone(
        &mut self,
        sequence: u8,
        bound: usize,
    ) -> Result<(Vec<u8>, u8), ReadError> {
        loop {
            if let Some(framed) = find_payload(&self.buffer, sequence, bound)? {
                let payload = self.buffer[HEADER_BYTES..framed.wire_bytes].to_vec();
                self.consume(framed.wire_bytes);
                return Ok((payload, framed.sequence.wrapping_add(1)));
            }
            let whole = HEADER_BYTES + Header::parse(&self.buffer).map_or(0, |header| header.length);
            let missing = whole.saturating_sub(self.buffer.len()) as u64;
            if (&mut self.stream).take(missing).read_buf(&mut self.buffer).await? == 0 {
                return Err(self.ended());
            }
        }
    }

    /// From now on writing fails where the other side takes nothing of it for so long.
    pub fn write_within(&mut self, limit: Duration) {
        self.write_within = Some(limit);
    }

    /// Sends the bytes.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Some(limit) = self.write_within else {
            self.stream.write_all(bytes).await?;
            return self.stream.flush().await;
        };
        while !bytes.is_empty() {
            match timeout(limit, self.stream.write(bytes)).await?? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => bytes = &bytes[written..],
            }
        }
        timeout(limit, self.stream.flush()).await?
    }

    /// Sends one payload; gives the next sequence id.
    pub async fn write_payload(&mut self, sequence: u8, payload: &[u8]) -> io::Result<u8> {
        let mut out = BytesMut::with_capacity(HEADER_BYTES + payload.len());
        let next = write_payload(&mut out, sequence, payload);
        self.write_all(&out).await?;
        Ok(next)
    }

    /// Sends the first `bytes` of what has arrived here to another connection, and drops them.
    pub async fn forward(&mut self, bytes: usize, to: &mut Connection) -> io::Result<()> {
        to.write_all(&self.buffer[..bytes]).await?;
        self.consume(bytes);
        Ok(())
    }

    /// Says goodbye to the stream; errors no longer matter.
    pub async fn shutdown(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}

fn find_payload(buffer: &[u8], mut sequence: u8, bound: usize) -> Result<Option<Framed>, ReadError> {
    let (mut at, mut length, mut packets) = (0, 0, 0);
    loop {
        let Some(header) = Header::parse(&buffer[at..]) else { return Ok(None) };
        if header.sequence != sequence {
            return Err(ReadError::OutOfOrder);
        }
        length += header.length;
        if length > bound {
            return Err(ReadError::TooLarge { bound, sequence });
        }
        at += HEADER_BYTES + header.length;
        packets += 1;
        if buffer.len() < at {
            return Ok(None);
        }
        if header.length < MAX_PAYLOAD {
            return Ok(Some(Framed { wire_bytes: at, sequence, packets }));
        }
        sequence = sequence.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn pair() -> (Connection, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap());
        let (near, far) = tokio::join!(near, listener.accept());
        (Connection::new(near.unwrap()).unwrap(), Connection::new(far.unwrap().0).unwrap())
    }

    #[tokio::test]
    async fn payloads_arrive_whole_and_in_order() {
        let (mut near, mut far) = pair().await;
        let large = vec![b'x'; MAX_PAYLOAD + 10];
        let sent = large.clone();
        let writer = tokio::spawn(async move {
            near.write_payload(0, b"one").await.unwrap();
            near.write_payload(0, &sent).await.unwrap();
            near.write_payload(3, b"late").await.unwrap();
        });
        assert_eq!(far.read_payload(0, 100).await.unwrap(), (b"one".to_vec(), 1));
        let (payload, next) = far.read_payload(0, large.len()).await.unwrap();
        assert_eq!((payload == large, next), (true, 2));
        assert!(matches!(far.read_payload(0, 100).await, Err(ReadError::OutOfOrder)));
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn who_takes_nothing_for_too_long_is_written_to_no_more() {
        let (mut near, _far) = pair().await;
        near.write_within(Duration::from_millis(50));
        near.write_all(b"a little").await.unwrap();
        let error = near.write_all(&vec![0; 64 * 1024 * 1024]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_packet_is_read_without_what_follows_it() {
        let (mut near, mut far) = pair().await;
        near.write_all(b"\x03\0\0\x01ssl\x16\x03\x01hello").await.unwrap();
        assert_eq!(far.read_packet_alone(1, 100).await.unwrap(), (b"ssl".to_vec(), 2));
        assert!(far.buffered().is_empty());
        far.fill().await.unwrap();
        assert_eq!(far.buffered(), b"\x16\x03\x01hello");
    }

    #[tokio::test]
    async fn large_and_cut_payloads_are_refused() {
        let (mut near, mut far) = pair().await;
        near.write_payload(0, &[0; 101]).await.unwrap();
        assert!(matches!(far.read_payload(0, 100).await, Err(ReadError::TooLarge { bound: 100, .. })));

        let (mut near, mut far) = pair().await;
        near.write_all(&[5, 0, 0, 0, b'h']).await.unwrap();
        drop(near);
        assert!(matches!(far.read_payload(0, 100).await, Err(ReadError::Io(_))));

        let (near, mut far) = pair().await;
        drop(near);
        assert!(matches!(far.read_payload(0, 100).await, Err(ReadError::Closed)));
    }
}
