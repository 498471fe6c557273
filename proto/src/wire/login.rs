//! The client side of the handshake: from a connected socket to a logged-in connection.

use std::io;

use mysql_common::constants::CapabilityFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{AuthPlugin, ErrPacket, HandshakePacket, HandshakeResponse};
use mysql_common::proto::{MyDeserialize, MySerialize};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::auth::{self, CryptoError};
use super::connection::{Connection, ReadError};
use crate::limits::{CONNECT_TIMEOUT, MAX_HANDSHAKE_PACKET_BYTES};

/// Who logs in, and how the session begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The account's user part.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The default database.
    pub database: Option<String>,
    /// What shapes the server's answers; what a login itself needs is added.
    pub capabilities: CapabilityFlags,
    /// Id of the collation to talk in.
    pub collation: u8,
}

/// Why there is no connection. In every case nothing was executed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The server cannot be reached or did not answer in time.
    #[error("cannot connect: {0}")]
    Connect(#[from] io::Error),
    /// The connection ended or broke during the handshake.
    #[error("the handshake broke off: {0}")]
    Broken(#[from] ReadError),
    /// The server refused; its own words.
    #[error("the server refused the login: {code} {message}")]
    Refused {
        /// MySQL error code.
        code: u16,
        /// Its text.
        message: String,
    },
    /// The server speaks something else.
    #[error("the server's handshake is not one that can be followed")]
    Protocol,
    /// A key operation failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Connects and logs in, within `CONNECT_TIMEOUT`.
pub async fn connect(address: &str, login: &Login) -> Result<Connection, LoginError> {
    let attempt = async {
        let mut connection = Connection::new(TcpStream::connect(address).await?)?;
        log_in(&mut connection, login).await?;
        Ok(connection)
    };
    timeout(CONNECT_TIMEOUT, attempt)
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

async fn log_in(connection: &mut Connection, login: &Login) -> Result<(), LoginError> {
    let (greeting, sequence) = connection.read_payload(0, MAX_HANDSHAKE_PACKET_BYTES).await?;
    if greeting.first() == Some(&0xff) {
        return Err(refusal(&greeting));
    }
    let greeting =
        HandshakePacket::deserialize((), &mut ParseBuf(&greeting)).map_err(|_| LoginError::Protocol)?;
    let mut nonce = greeting.scramble_1_ref().to_vec();
    nonce.extend_from_slice(greeting.scramble_2_ref().unwrap_or_default());
    nonce.truncate(auth::NONCE_BYTES);
    let sequence = connection.write_payload(sequence, &hello(login, &nonce)).await?;
    authenticate(connection, login, (nonce, sequence)).await
}

fn hello(login: &Login, nonce: &[u8]) -> Vec<u8> {
    let capabilities = login.capabilities
        | CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
        | CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_LONG_FLAG;
    let mut payload = Vec::with_capacity(128);
    HandshakeResponse::new(
        Some(auth::scramble(login.password.as_bytes(), nonce)),
        (8, 4, 0),
        Some(login.user.as_bytes()),
        login.database.as_deref().map(str::as_bytes),
        Some(AuthPlugin::CachingSha2Password),
        capabilities,
        None,
        crate::limits::MAX_PACKET_BYTES as u32,
    )
    .serialize(&mut payload);
    // mysql_common writes a collation of its own choice; the client's stands at byte 8.
    payload[8] = login.collation;
    payload
}

async fn authenticate(
    connection: &mut Connection,
    login: &Login,
    (mut nonce, mut sequence): (Vec<u8>, u8),
) -> Result<(), LoginError> {
    loop {
        let (payload, next) = connection.read_payload(sequence, MAX_HANDSHAKE_PACKET_BYTES).await?;
        sequence = match payload.split_first() {
            Some((0x00, _)) => return Ok(()),
            Some((0xff, _)) => return Err(refusal(&payload)),
            Some((&auth::SWITCH_REQUEST, rest)) => {
                nonce = switched_nonce(rest).ok_or(LoginError::Protocol)?;
                connection.write_payload(next, &auth::scramble(login.password.as_bytes(), &nonce)).await?
            }
            Some((&auth::MORE_DATA, [auth::FAST_OK])) => next,
            Some((&auth::MORE_DATA, [auth::FULL_NEEDED])) => {
                connection.write_payload(next, &[auth::PUBLIC_KEY_REQUEST]).await?
            }
            Some((&auth::MORE_DATA, pem)) => {
                let pem = std::str::from_utf8(pem).map_err(|_| LoginError::Protocol)?;
                let encrypted = auth::encrypt_password(login.password.as_bytes(), &nonce, pem)?;
                connection.write_payload(next, &encrypted).await?
            }
            _ => return Err(LoginError::Protocol),
        };
    }
}

/// The new challenge in a request to change the method, if it is to the method that we know.
fn switched_nonce(rest: &[u8]) -> Option<Vec<u8>> {
    let zero = rest.iter().position(|&b| b == 0)?;
    let (plugin, nonce) = rest.split_at(zero);
    (plugin == auth::PLUGIN.as_bytes()).then(|| nonce[1..].iter().copied().take(auth::NONCE_BYTES).collect())
}

fn refusal(payload: &[u8]) -> LoginError {
    match ErrPacket::deserialize(CapabilityFlags::CLIENT_PROTOCOL_41, &mut ParseBuf(payload)) {
        Ok(ErrPacket::Error(error)) => {
            LoginError::Refused { code: error.error_code(), message: error.message_str().into_owned() }
        }
        _ => LoginError::Protocol,
    }
}
