use bytes::{BufMut, BytesMut};

use super::*;
use crate::wire::packet::write_payload;

const OK: &[u8] = &[0x00, 0, 0, 2, 0, 0, 0];
const OK_MORE: &[u8] = &[0x00, 0, 0, 0x0a, 0, 0, 0];
const OK_AS_EOF: &[u8] = &[0xfe, 0, 0, 2, 0, 0, 0];
const EOF: &[u8] = &[0xfe, 0, 0, 0x22, 0];
const ERR: &[u8] = b"\xff\x15\x04#28000no";

fn response(payloads: &[&[u8]]) -> BytesMut {
    let mut out = BytesMut::new();
    let mut sequence = 1;
    for payload in payloads {
        sequence = write_payload(&mut out, sequence, payload);
    }
    out
}

/// Whether result sets end with an EOF packet, as for old clients.
const WITH_EOF: CapabilityFlags = CapabilityFlags::empty();
const WITHOUT_EOF: CapabilityFlags = CapabilityFlags::CLIENT_DEPRECATE_EOF;

/// Feeds the bytes in pieces of the given size and gives the end that was found, after checking that every
/// byte was forwarded exactly once.
fn end_in_pieces(
    bytes: &[u8],
    piece: usize,
    capabilities: CapabilityFlags,
) -> Result<Option<End>, BadResponse> {
    let mut scanner = ResponseScanner::new(capabilities);
    let (mut arrived, mut forwarded) = (0, 0);
    while arrived < bytes.len() {
        arrived = (arrived + piece).min(bytes.len());
        let progress = scanner.scan(&bytes[forwarded..arrived])?;
        forwarded += progress.forward;
        assert!(forwarded <= arrived);
        if let Some(end) = progress.end {
            assert_eq!(forwarded, bytes.len(), "the end lies before the last byte");
            return Ok(Some(end));
        }
    }
    Ok(None)
}

fn assert_ends(payloads: &[&[u8]], capabilities: CapabilityFlags) {
    let failed = payloads.last() == Some(&ERR);
    let bytes = response(payloads);
    for piece in [1, 2, 3, 5, 7, 64, bytes.len()] {
        let end = end_in_pieces(&bytes, piece, capabilities).unwrap();
        assert_eq!(end.map(|e| e.failed), Some(failed), "pieces of {piece}");
    }
    let cut = &bytes[..bytes.len() - 1];
    assert_eq!(end_in_pieces(cut, cut.len(), capabilities), Ok(None), "a cut response has no end");
}

#[test]
fn responses_of_every_shape_end_at_their_last_byte() {
    assert_ends(&[OK], WITHOUT_EOF);
    assert_ends(&[OK], WITH_EOF);
    assert_ends(&[ERR], WITHOUT_EOF);
    assert_ends(&[&[2], b"def1", b"def2", b"\x01a\x01b", b"\xfb\x01b", OK_AS_EOF], WITHOUT_EOF);
    assert_ends(&[&[1], b"def1", EOF, b"\x01a", EOF], WITH_EOF);
    assert_ends(&[&[1], b"def1", OK_AS_EOF], WITHOUT_EOF);
    assert_ends(&[&[1], b"def1", EOF, EOF], WITH_EOF);
    assert_ends(&[&[1], b"def1", b"\x01a", ERR], WITHOUT_EOF);
    assert_ends(&[&[1], b"def1", ERR], WITHOUT_EOF);
    assert_ends(&[OK_MORE, &[1], b"def1", b"\x01a", &[0xfe, 0, 0, 0x0a, 0, 0, 0], OK], WITHOUT_EOF);
    // An empty row value and a row of one empty string are rows, not ends.
    assert_ends(&[&[1], b"def1", b"\x00", b"\x00", OK_AS_EOF], WITHOUT_EOF);
}

#[test]
fn rows_over_sixteen_megabytes_are_not_mistaken_for_ends() {
    let mut row = BytesMut::new();
    row.put_u8(0xfe);
    row.put_u64_le(MAX_PAYLOAD as u64 + 100);
    row.resize(MAX_PAYLOAD + 109, 0xfe);
    for capabilities in [WITHOUT_EOF, WITH_EOF] {
        let mut payloads: Vec<&[u8]> = vec![&[1], b"def1"];
        if capabilities == WITH_EOF {
            payloads.push(EOF);
        }
        payloads.extend([&row[..], if capabilities == WITHOUT_EOF { OK_AS_EOF } else { EOF }]);
        let bytes = response(&payloads);
        for piece in [65_536, MAX_PAYLOAD, bytes.len()] {
            assert!(end_in_pieces(&bytes, piece, capabilities).unwrap().is_some(), "pieces of {piece}");
        }
    }
    // A value of exactly MAX_PAYLOAD bytes is followed by an empty packet.
    row.truncate(MAX_PAYLOAD);
    let bytes = response(&[&[1], b"def1", &row, OK_AS_EOF]);
    assert!(end_in_pieces(&bytes, 70_000, WITHOUT_EOF).unwrap().is_some());
}

#[test]
fn status_flags_come_from_the_last_packet() {
    let in_transaction = [0x00, 0xfc, 1, 2, 0xfd, 1, 2, 3, 3, 0, 0, 0];
    let end = end_in_pieces(&response(&[&in_transaction]), 4, WITHOUT_EOF).unwrap().unwrap();
    assert_eq!(end.status, StatusFlags::SERVER_STATUS_IN_TRANS | StatusFlags::SERVER_STATUS_AUTOCOMMIT);
    let end = end_in_pieces(&response(&[&[1], b"d", EOF, EOF]), 4, WITH_EOF).unwrap().unwrap();
    assert_eq!(end.status.bits(), 0x22);
}

#[test]
fn nonsense_is_refused() {
    let bad: [&[&[u8]]; 6] =
        [&[b""], &[&[0x00]], &[&[0xfb, b'f']], &[&[0x00, 0xfc, 1]], &[&[1], b"def", b"x"], &[&[0xfc, 1]]];
    for payloads in bad {
        assert_eq!(end_in_pieces(&response(payloads), 3, WITH_EOF), Err(BadResponse), "{payloads:?}");
    }
    let mut scanner = ResponseScanner::new(WITHOUT_EOF);
    let mut two = response(&[OK]);
    let one = two.len();
    two.extend_from_slice(b"more");
    assert_eq!(scanner.scan(&two).unwrap().forward, one, "bytes after the end are not forwarded");
}
