//! The client side of the handshake: from a connected socket to a logged-in connection.

use std::future::Future;
use std::io;

use mysql_common::constants::CapabilityFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{AuthPlugin, ErrPacket, HandshakePacket, HandshakeResponse};
use mysql_common::proto::{MyDeserialize, MySerialize};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::auth::{self, CryptoError};
use super::connection::{Connection, ReadError};
use super::handshake::SSL_REQUEST_BYTES;
use crate::limits::{CONNECT_TIMEOUT, MAX_HANDSHAKE_PACKET_BYTES};
use crate::tls::{Identity, Part};

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
    /// The server does not offer TLS, and without it there is to be no connection.
    #[error("the server offers no TLS")]
    NoTls,
    /// A key operation failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Connects and logs in, within `CONNECT_TIMEOUT`.
pub async fn connect(address: &str, login: &Login) -> Result<Connection, LoginError> {
    in_time(async { log_in(dial(address).await?, login).await }).await
}

/// The same inside TLS, to the mysqld of a tablet. In clear text nothing goes out but the wish for TLS; a server
/// that does not offer it, or is no tablet of the cluster, gets no login.
pub async fn connect_tls(
    address: &str,
    login: &Login,
    identity: &Identity,
) -> Result<Connection, LoginError> {
    in_time(async { log_in_inside_tls(dial(address).await?, login, identity).await }).await
}

async fn in_time(
    attempt: impl Future<Output = Result<Connection, LoginError>>,
) -> Result<Connection, LoginError> {
    timeout(CONNECT_TIMEOUT, attempt)
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

async fn dial(address: &str) -> io::Result<Connection> {
    Connection::new(TcpStream::connect(address).await?)
}

async fn log_in(mut connection: Connection, login: &Login) -> Result<Connection, LoginError> {
    let greeting = greeted(&mut connection).await?;
    let hello = hello(login, &greeting.nonce, required());
    let sequence = connection.write_payload(greeting.next, &hello).await?;
    authenticate(&mut connection, login, (greeting.nonce, sequence)).await?;
    connection.logged_in(greeting.thread);
    Ok(connection)
}

async fn log_in_inside_tls(
    mut connection: Connection,
    login: &Login,
    identity: &Identity,
) -> Result<Connection, LoginError> {
    let greeting = greeted(&mut connection).await?;
    if !greeting.offered.contains(CapabilityFlags::CLIENT_SSL) {
        return Err(LoginError::NoTls);
    }
    let server = Part::Tablet.server_name().map_err(|_| LoginError::Protocol)?;
    let hello = hello(login, &greeting.nonce, required() | CapabilityFlags::CLIENT_SSL);
    // The wish for TLS is the beginning of the login that follows inside of it.
    let sequence = connection.write_payload(greeting.next, &hello[..SSL_REQUEST_BYTES]).await?;
    let mut connection = connection.connect_tls(identity.client_config(), server).await?;
    let sequence = connection.write_payload(sequence, &hello).await?;
    authenticate(&mut connection, login, (greeting.nonce, sequence)).await?;
    connection.logged_in(greeting.thread);
    Ok(connection)
}

/// What a server says first.
struct Greeted {
    /// What it calls the connection.
    thread: u32,
    offered: CapabilityFlags,
    nonce: Vec<u8>,
    /// Sequence id of the answer.
    next: u8,
}

async fn greeted(connection: &mut Connection) -> Result<Greeted, LoginError> {
    let (greeting, next) = connection.read_payload(0, MAX_HANDSHAKE_PACKET_BYTES).await?;
    if greeting.first() == Some(&0xff) {
        return Err(refusal(&greeting));
    }
    let greeting =
        HandshakePacket::deserialize((), &mut ParseBuf(&greeting)).map_err(|_| LoginError::Protocol)?;
    let mut nonce = greeting.scramble_1_ref().to_vec();
    nonce.extend_from_slice(greeting.scramble_2_ref().unwrap_or_default());
    nonce.truncate(auth::NONCE_BYTES);
    Ok(Greeted { thread: greeting.connection_id(), offered: greeting.capabilities(), nonce, next })
}

/// What a login itself needs.
fn required() -> CapabilityFlags {
    CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
        | CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_LONG_FLAG
}

fn hello(login: &Login, nonce: &[u8], required: CapabilityFlags) -> Vec<u8> {
    let mut payload = Vec::with_capacity(128);
    HandshakeResponse::new(
        Some(auth::scramble(login.password.as_bytes(), nonce)),
        (8, 4, 0),
        Some(login.user.as_bytes()),
        login.database.as_deref().map(str::as_bytes),
        Some(AuthPlugin::CachingSha2Password),
        login.capabilities | required,
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
            // The password itself is for protected connections only.
            Some((&auth::MORE_DATA, [auth::FULL_NEEDED])) if connection.is_tls() => {
                connection.write_payload(next, &[login.password.as_bytes(), &[0]].concat()).await?
            }
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

#[cfg(test)]
pub(super) mod tests;
