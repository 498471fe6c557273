//! Framing: every packet has a 3-byte little-endian length and a sequence id before its payload; a payload
//! of 0xffffff bytes or more goes on in the next packet.

use bytes::{BufMut, BytesMut};

/// Bytes before a payload.
pub const HEADER_BYTES: usize = 4;
/// Longest payload of one packet; a packet of exactly this length is continued by the next one.
pub const MAX_PAYLOAD: usize = 0xff_ffff;

/// The header of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of payload that follow.
    pub length: usize,
    /// Counts the packets of one exchange, modulo 256.
    pub sequence: u8,
}

impl Header {
    /// The header at the start of the bytes, if all four are there.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, sequence] = *bytes.first_chunk::<HEADER_BYTES>()?;
        Some(Self { length: usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16, sequence })
    }
}

/// Appends the payload as one packet, or as several if it is too long for one; gives the next sequence id.
pub fn write_payload(out: &mut BytesMut, mut sequence: u8, payload: &[u8]) -> u8 {
    let mut rest = payload;
    loop {
        let (now, later) = rest.split_at(rest.len().min(MAX_PAYLOAD));
        out.reserve(HEADER_BYTES + now.len());
        out.put_uint_le(now.len() as u64, 3);
        out.put_u8(sequence);
        out.put_slice(now);
        sequence = sequence.wrapping_add(1);
        rest = later;
        // A payload of exactly MAX_PAYLOAD bytes is ended by an empty packet.
        if now.len() < MAX_PAYLOAD {
            return sequence;
        }
    }
}

/// Appends a length-encoded integer.
pub fn put_lenenc_int(out: &mut BytesMut, value: u64) {
    match value {
        0..=0xfa => out.put_u8(value as u8),
        0xfb..=0xffff => {
            out.put_u8(0xfc);
            out.put_u16_le(value as u16);
        }
        0x1_0000..=0xff_ffff => {
            out.put_u8(0xfd);
            out.put_uint_le(value, 3);
        }
        _ => {
            out.put_u8(0xfe);
            out.put_u64_le(value);
        }
    }
}

/// Appends a length-encoded string.
pub fn put_lenenc_bytes(out: &mut BytesMut, bytes: &[u8]) {
    put_lenenc_int(out, bytes.len() as u64);
    out.put_slice(bytes);
}

/// Takes a length-encoded integer from the front; `None` if the bytes do not hold one.
pub fn take_lenenc_int(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    let width = match first {
        0..=0xfa => {
            *bytes = rest;
            return Some(u64::from(first));
        }
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        _ => return None,
    };
    let (digits, rest) = rest.split_at_checked(width)?;
    *bytes = rest;
    Some(digits.iter().rev().fold(0, |value, &b| value << 8 | u64::from(b)))
}

/// Takes a length-encoded string from the front; `None` if the bytes do not hold one.
pub fn take_lenenc_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_lenenc_int(bytes)?).ok()?;
    let (string, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_split_at_the_bound() {
        for (length, packets) in
            [(0, 1), (5, 1), (MAX_PAYLOAD - 1, 1), (MAX_PAYLOAD, 2), (MAX_PAYLOAD + 7, 2)]
        {
            let mut out = BytesMut::new();
            let next = write_payload(&mut out, 254, &vec![b'x'; length]);
            assert_eq!(next, 254u8.wrapping_add(packets), "{length}");
            let (mut seen, mut at, mut expected) = (0, 0, 254u8);
            while let Some(header) = Header::parse(&out[at..]) {
                assert_eq!(header.sequence, expected);
                expected = expected.wrapping_add(1);
                seen += header.length;
                at += HEADER_BYTES + header.length;
            }
            assert_eq!((seen, at), (length, out.len()));
        }
    }

    #[test]
    fn length_encoded_integers_round_trip() {
        for value in [0, 250, 251, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000, u64::MAX] {
            let mut out = BytesMut::new();
            put_lenenc_int(&mut out, value);
            let mut rest = &out[..];
            assert_eq!(take_lenenc_int(&mut rest), Some(value));
            assert!(rest.is_empty());
            let mut short = &out[..out.len() - 1];
            assert_eq!(take_lenenc_int(&mut short), None);
        }
        assert_eq!(take_lenenc_int(&mut &[0xfb][..]), None);
        assert_eq!(take_lenenc_bytes(&mut &[3, b'a', b'b'][..]), None);
    }
}
