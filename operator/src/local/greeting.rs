//! Whether a gate takes clients: it greets whoever connects.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::limits::HANDSHAKE_TIMEOUT;

/// The first byte of a MySQL greeting: the version of the protocol.
const PROTOCOL_VERSION: u8 = 10;
/// A packet's length (three bytes) and number (one) stand before its content.
const PACKET_HEADER: usize = 4;

/// Whether a MySQL greeting comes from the port of this machine.
pub(super) async fn greets(port: u16) -> bool {
    within(HANDSHAKE_TIMEOUT, async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let mut start = [0; PACKET_HEADER + 1];
        stream.read_exact(&mut start).await?;
        Ok(start[PACKET_HEADER] == PROTOCOL_VERSION)
    })
    .await
}

async fn within(patience: Duration, attempt: impl Future<Output = std::io::Result<bool>>) -> bool {
    matches!(tokio::time::timeout(patience, attempt).await, Ok(Ok(true)))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    async fn served(first_bytes: &'static [u8]) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (mut client, _) = listener.accept().await.unwrap();
            client.write_all(first_bytes).await.unwrap();
        };
        tokio::join!(greets(port), server).0
    }

    #[tokio::test]
    async fn a_greeting_is_told_from_an_error_and_from_a_closed_port() {
        assert!(served(&[0x4a, 0, 0, 0, 10, b'9']).await);
        assert!(!served(&[0x17, 0, 0, 0, 0xff, 0x10]).await);
        assert!(!served(&[]).await);
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        assert!(!greets(free).await);
    }
}
