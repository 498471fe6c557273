//! The first packets of a connection: the server's greeting and the client's answer, as the server sees them.

use bytes::{BufMut, BytesMut};
use mysql_common::constants::{CapabilityFlags, StatusFlags};
use mysql_common::io::ParseBuf;
use mysql_common::packets::HandshakeResponse;
use mysql_common::proto::MyDeserialize;

use super::auth::{Nonce, PLUGIN};

/// What the server says first.
#[derive(Debug)]
pub struct Greeting<'a> {
    /// The version that clients derive features from.
    pub server_version: &'a str,
    /// Number of this connection.
    pub connection_id: u32,
    /// What the server offers.
    pub capabilities: CapabilityFlags,
    /// Challenge for the password.
    pub nonce: &'a Nonce,
    /// The server's default collation; MySQL's is utf8mb4_0900_ai_ci (255).
    pub collation: u8,
}

impl Greeting<'_> {
    /// The payload (protocol version 10).
    pub fn payload(&self) -> BytesMut {
        let (first, second) = self.nonce.split_at(8);
        let capabilities = self.capabilities.bits();
        let mut out = BytesMut::with_capacity(96);
        out.put_u8(10);
        out.put_slice(self.server_version.as_bytes());
        out.put_u8(0);
        out.put_u32_le(self.connection_id);
        out.put_slice(first);
        out.put_u8(0);
        out.put_u16_le(capabilities as u16);
        out.put_u8(self.collation);
        out.put_u16_le(StatusFlags::SERVER_STATUS_AUTOCOMMIT.bits());
        out.put_u16_le((capabilities >> 16) as u16);
        // Length of the whole challenge with the zero byte that ends it.
        out.put_u8(self.nonce.len() as u8 + 1);
        out.put_bytes(0, 10);
        out.put_slice(second);
        out.put_u8(0);
        out.put_slice(PLUGIN.as_bytes());
        out.put_u8(0);
        out
    }
}

/// What the client answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// What the client wants of what was offered.
    pub capabilities: CapabilityFlags,
    /// Id of the collation it wants to talk in; only its low 8 bits travel.
    pub collation: u8,
    /// Who it says it is.
    pub user: Vec<u8>,
    /// The database it wants to use.
    pub database: Option<Vec<u8>>,
    /// Its authentication method; `None`: it does not know of methods.
    pub plugin: Option<Vec<u8>>,
    /// Its answer to the challenge.
    pub auth_response: Vec<u8>,
}

/// The client's first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstPacket {
    /// It wants TLS first and says more after it.
    SslRequest,
    /// It logs in.
    Hello(ClientHello),
}

/// A first packet that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client's handshake is malformed")]
pub struct BadHello;

/// Length of a request for TLS: capabilities, packet size, collation, filler.
pub(super) const SSL_REQUEST_BYTES: usize = 32;

/// Reads the client's first packet, or its first one inside TLS.
pub fn parse_first_packet(payload: &[u8]) -> Result<FirstPacket, BadHello> {
    let capabilities = payload.first_chunk::<4>().map(|c| u32::from_le_bytes(*c)).ok_or(BadHello)?;
    let capabilities = CapabilityFlags::from_bits_truncate(capabilities);
    if !capabilities.contains(CapabilityFlags::CLIENT_PROTOCOL_41) {
        return Err(BadHello);
    }
    if payload.len() == SSL_REQUEST_BYTES && capabilities.contains(CapabilityFlags::CLIENT_SSL) {
        return Ok(FirstPacket::SslRequest);
    }
    let hello = HandshakeResponse::deserialize((), &mut ParseBuf(payload)).map_err(|_| BadHello)?;
    Ok(FirstPacket::Hello(ClientHello {
        capabilities,
        collation: hello.collation(),
        user: hello.user().to_vec(),
        database: hello.db_name().filter(|name| !name.is_empty()).map(<[u8]>::to_vec),
        plugin: hello.auth_plugin().map(|plugin| plugin.as_bytes().to_vec()),
        auth_response: hello.scramble_buf().to_vec(),
    }))
}

/// Reads COM_CHANGE_USER, after its command byte, of a client with these capabilities.
pub fn parse_change_user(payload: &[u8], capabilities: CapabilityFlags) -> Result<ClientHello, BadHello> {
    let mut rest = payload;
    let user = take_to_zero(&mut rest)?;
    let (&length, after) = rest.split_first().ok_or(BadHello)?;
    let (auth_response, after) = after.split_at_checked(usize::from(length)).ok_or(BadHello)?;
    rest = after;
    let database = take_to_zero(&mut rest)?;
    let collation = match rest {
        [] => DEFAULT_COLLATION,
        &[low, high, ref after @ ..] => {
            rest = after;
            // Those of two bytes are all of utf8mb4.
            if high == 0 { low } else { DEFAULT_COLLATION }
        }
        _ => return Err(BadHello),
    };
    let knows_methods = capabilities.contains(CapabilityFlags::CLIENT_PLUGIN_AUTH) && !rest.is_empty();
    let plugin = knows_methods.then(|| take_to_zero(&mut rest)).transpose()?;
    Ok(ClientHello {
        capabilities,
        collation,
        user: user.to_vec(),
        database: (!database.is_empty()).then(|| database.to_vec()),
        plugin: plugin.map(<[u8]>::to_vec),
        auth_response: auth_response.to_vec(),
    })
}

/// Id of utf8mb4_0900_ai_ci, MySQL's default collation.
const DEFAULT_COLLATION: u8 = 255;

fn take_to_zero<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], BadHello> {
    let end = rest.iter().position(|byte| *byte == 0).ok_or(BadHello)?;
    let (text, after) = rest.split_at(end);
    *rest = &after[1..];
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mysql_common::packets::HandshakePacket;

    #[test]
    fn greetings_are_what_clients_read() {
        let nonce = *b"abcdefghijklmnopqrst";
        let capabilities = CapabilityFlags::CLIENT_PROTOCOL_41
            | CapabilityFlags::CLIENT_PLUGIN_AUTH
            | CapabilityFlags::CLIENT_SECURE_CONNECTION
            | CapabilityFlags::CLIENT_DEPRECATE_EOF;
        let payload = Greeting {
            server_version: "9.7.4",
            connection_id: 7,
            capabilities,
            nonce: &nonce,
            collation: 255,
        }
        .payload();
        let read = HandshakePacket::deserialize((), &mut ParseBuf(&payload)).unwrap();
        assert_eq!(read.server_version_parsed(), Some((9, 7, 4)));
        assert_eq!((read.connection_id(), read.capabilities()), (7, capabilities));
        assert_eq!([read.scramble_1_ref(), read.scramble_2_ref().unwrap()].concat()[..20], nonce);
        assert_eq!(read.auth_plugin_name_ref().unwrap(), PLUGIN.as_bytes());
    }

    #[test]
    fn another_user_is_read() {
        let capabilities = CapabilityFlags::CLIENT_PLUGIN_AUTH;
        let hello =
            parse_change_user(b"ann\0\x03abcshop\0\xff\0caching_sha2_password\0", capabilities).unwrap();
        assert_eq!((hello.user.as_slice(), hello.auth_response.as_slice()), (&b"ann"[..], &b"abc"[..]));
        assert_eq!((hello.database.as_deref(), hello.collation), (Some(&b"shop"[..]), 255));
        assert_eq!(hello.plugin.as_deref(), Some(&b"caching_sha2_password"[..]));
        let of_two_bytes = parse_change_user(b"ann\0\0\0\x31\x01", capabilities).unwrap();
        assert_eq!(of_two_bytes.collation, 255);
        let short = parse_change_user(b"ann\0\0\0", capabilities).unwrap();
        assert_eq!((short.database, short.plugin), (None, None));
        for cut in [&b"ann"[..], b"ann\0", b"ann\0\x09abc", b"ann\0\0shop", b"ann\0\0\0\xff"] {
            assert_eq!(parse_change_user(cut, capabilities), Err(BadHello));
        }
    }

    #[test]
    fn malformed_first_packets_are_refused() {
        let short: [&[u8]; 4] = [b"", b"\0\0", &[0xff; 31], &[0; 64]];
        for payload in short {
            assert_eq!(parse_first_packet(payload), Err(BadHello));
        }
        let mut ssl = vec![0; 32];
        let capabilities = CapabilityFlags::CLIENT_PROTOCOL_41 | CapabilityFlags::CLIENT_SSL;
        ssl[..4].copy_from_slice(&capabilities.bits().to_le_bytes());
        assert_eq!(parse_first_packet(&ssl), Ok(FirstPacket::SslRequest));
    }
}
