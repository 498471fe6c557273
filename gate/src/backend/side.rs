//! Whether a mysqld that has let somebody in takes writes, as a primary's does.
//!
//! A replica admits readers, too, and a gate that has not heard of a change of primary could take the old one for
//! the primary still: what it reads there would be of the past. So whoever wants the primary asks once, when the
//! connection is made: by its fence, no session outlives the change from one to the other.

use std::io;

use bytes::BytesMut;
use proto::limits::{CONNECT_TIMEOUT, MAX_HANDSHAKE_PACKET_BYTES};
use proto::wire::command;
use proto::wire::connection::Connection;
use proto::wire::login::LoginError;
use proto::wire::packet::write_payload;
use tokio::time::timeout;

use crate::hold::decide::error_code;

/// A server that is read only refuses the first by MySQL's code 1290; the second ends it, or does nothing.
const QUESTION: [&[u8]; 2] = [b"START TRANSACTION READ WRITE", b"ROLLBACK"];

/// Asks; a server that takes no writes is one that refuses.
pub(super) async fn is_primarys(connection: &mut Connection) -> Result<(), LoginError> {
    let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
    timeout(CONNECT_TIMEOUT, ask(connection)).await.unwrap_or_else(late)
}

async fn ask(connection: &mut Connection) -> Result<(), LoginError> {
    let mut out = BytesMut::new();
    for statement in QUESTION {
        write_payload(&mut out, 0, &[&[command::QUERY], statement].concat());
    }
    connection.write_all(&out).await?;
    for _ in QUESTION {
        let (answer, _) = connection.read_payload(1, MAX_HANDSHAKE_PACKET_BYTES).await?;
        if answer.first() != Some(&0) {
            let code = error_code(&answer).ok_or(LoginError::Protocol)?;
            return Err(LoginError::Refused { code, message: String::from_utf8_lossy(&answer[3..]).into() });
        }
    }
    Ok(())
}
