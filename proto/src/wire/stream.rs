//! The byte stream under a connection: TCP, plain or inside TLS, at either end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::ConnectionCommon;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// The byte stream under a connection.
#[derive(Debug)]
pub(super) enum Stream {
    /// Plain TCP.
    Tcp(TcpStream),
    /// TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether nothing has arrived that nobody has read yet, not even the end of the stream. Never waits.
    pub(super) fn is_quiet(&mut self) -> bool {
        match self {
            Self::Tcp(stream) => stream.try_read(&mut [0]).is_err_and(would_block),
            Self::Tls(stream) => match &mut **stream {
                TlsStream::Client(stream) => {
                    let (tcp, session) = stream.get_mut();
                    is_tls_quiet(tcp, session)
                }
                TlsStream::Server(stream) => {
                    let (tcp, session) = stream.get_mut();
                    is_tls_quiet(tcp, session)
                }
            },
        }
    }
}

/// TLS has records of its own, such as tickets for a later session, which say nothing about the connection: they
/// are taken in. Data, the other side's goodbye, the end of the stream and whatever is wrong are not quiet.
fn is_tls_quiet<Data>(tcp: &TcpStream, session: &mut ConnectionCommon<Data>) -> bool {
    loop {
        match session.process_new_packets() {
            Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
            _ => return false,
        }
        match session.read_tls(&mut Arrived(tcp)) {
            Ok(1..) => {}
            Ok(_) => return false,
            Err(error) => return would_block(error),
        }
    }
}

/// What has arrived at a socket; reading it never waits.
struct Arrived<'a>(&'a TcpStream);

impl io::Read for Arrived<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

fn would_block(error: io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests;
