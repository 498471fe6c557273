//! Writes answers of Shoal's own: OK and ERR.

use bytes::{BufMut, BytesMut};
use mysql_common::constants::StatusFlags;

use super::packet::{put_lenenc_int, write_payload};
use crate::errors::ClientError;

/// Appends an OK packet; gives the next sequence id.
pub fn write_ok(out: &mut BytesMut, sequence: u8, status: StatusFlags, warnings: u16) -> u8 {
    let mut payload = BytesMut::with_capacity(8);
    payload.put_u8(0x00);
    put_lenenc_int(&mut payload, 0);
    put_lenenc_int(&mut payload, 0);
    payload.put_u16_le(status.bits());
    payload.put_u16_le(warnings);
    write_payload(out, sequence, &payload)
}

/// Appends an error packet; gives the next sequence id.
pub fn write_error(out: &mut BytesMut, sequence: u8, error: &ClientError) -> u8 {
    write_payload(out, sequence, &error_payload(error))
}

/// Where the text of an error packet begins: after its header, code and SQLSTATE.
pub const ERROR_TEXT_AT: usize = 9;

/// The payload of an error packet.
pub fn error_payload(error: &ClientError) -> BytesMut {
    let row = error.id.row();
    let mut payload = BytesMut::with_capacity(16 + error.message().len());
    payload.put_u8(0xff);
    payload.put_u16_le(row.code);
    payload.put_u8(b'#');
    payload.put_slice(row.sqlstate.as_bytes());
    payload.put_slice(error.message().as_bytes());
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorId;
    use mysql_common::constants::CapabilityFlags;
    use mysql_common::io::ParseBuf;
    use mysql_common::packets::ErrPacket;
    use mysql_common::proto::MyDeserialize;

    #[test]
    fn errors_are_what_clients_read() {
        let mut out = BytesMut::new();
        let error = ErrorId::UnknownDatabase.with("nope");
        write_error(&mut out, 1, &error);
        let read =
            ErrPacket::deserialize(CapabilityFlags::CLIENT_PROTOCOL_41, &mut ParseBuf(&out[4..])).unwrap();
        let read = read.server_error();
        assert_eq!(
            (read.error_code(), read.sql_state_ref().map(|s| s.as_str())),
            (1049, Some("42000".into()))
        );
        assert_eq!(read.message_str(), error.message());
    }
}
