//! Checks the answer to a point select where it stands in the read buffer.
//!
//! ```text
//!   1 column ─► its definition ─► one row ─► OK (0xfe, as the client has CLIENT_DEPRECATE_EOF)
//! ```

use proto::wire::packet::{HEADER_BYTES, Header, take_lenenc_bytes};

/// An answer that is not the one row that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongAnswer {
    /// An error.
    #[error("an error: {code} {message}")]
    Error {
        /// MySQL error code.
        code: u16,
        /// SQL state and text.
        message: String,
    },
    /// No row.
    #[error("no row")]
    NoRow,
    /// More than one row.
    #[error("more than one row")]
    SeveralRows,
    /// Another row than was loaded.
    #[error("the wrong row: {0}")]
    OtherValue(String),
    /// Not an answer to a point select.
    #[error("packets that do not follow the protocol: {0}")]
    Malformed(&'static str),
}

/// Bytes of the answer at the front of the buffer; `None` while some are missing.
pub fn point_select(buffer: &[u8], expected: &[u8]) -> Result<Option<usize>, WrongAnswer> {
    let mut rest = buffer;
    let Some(head) = take_packet(&mut rest, 1)? else { return Ok(None) };
    match head {
        [1] => {}
        [0xff, ..] => return Err(error(head)),
        _ => return Err(WrongAnswer::Malformed("the answer has not one column")),
    }
    if take_packet(&mut rest, 2)?.is_none() {
        return Ok(None);
    }
    let Some(row) = take_packet(&mut rest, 3)? else { return Ok(None) };
    match row.first() {
        Some(0xfe) => return Err(WrongAnswer::NoRow),
        Some(0xff) => return Err(error(row)),
        _ => {}
    }
    let mut columns = row;
    if take_lenenc_bytes(&mut columns) != Some(expected) || !columns.is_empty() {
        return Err(WrongAnswer::OtherValue(String::from_utf8_lossy(row).into_owned()));
    }
    match take_packet(&mut rest, 4)? {
        None => Ok(None),
        Some([0xfe, ..]) if rest.is_empty() => Ok(Some(buffer.len())),
        Some([0xfe, ..]) => Err(WrongAnswer::Malformed("something follows the answer")),
        Some(packet @ [0xff, ..]) => Err(error(packet)),
        Some(_) => Err(WrongAnswer::SeveralRows),
    }
}

/// An error packet's code and text.
pub(super) fn error(packet: &[u8]) -> WrongAnswer {
    match packet {
        [0xff, low, high, text @ ..] => WrongAnswer::Error {
            code: u16::from_le_bytes([*low, *high]),
            message: String::from_utf8_lossy(text).into_owned(),
        },
        _ => WrongAnswer::Malformed("an error without its code"),
    }
}

/// The payload of the packet at the front, if it is whole.
fn take_packet<'a>(rest: &mut &'a [u8], sequence: u8) -> Result<Option<&'a [u8]>, WrongAnswer> {
    let Some(header) = Header::parse(rest) else { return Ok(None) };
    if header.sequence != sequence {
        return Err(WrongAnswer::Malformed("packets out of order"));
    }
    let Some((packet, later)) = rest.split_at_checked(HEADER_BYTES + header.length) else { return Ok(None) };
    *rest = later;
    Ok(Some(&packet[HEADER_BYTES..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &[u8] = &[0xfe, 0, 0, 2, 0, 0, 0];

    fn answer(payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (place, payload) in payloads.iter().enumerate() {
            bytes.extend([payload.len() as u8, 0, 0, place as u8 + 1]);
            bytes.extend(*payload);
        }
        bytes
    }

    #[test]
    fn a_right_answer_is_taken_when_it_is_whole() {
        let whole = answer(&[&[1], b"definition", b"\x05value", OK]);
        assert_eq!(point_select(&whole, b"value"), Ok(Some(whole.len())));
        for part in 0..whole.len() {
            assert_eq!(point_select(&whole[..part], b"value"), Ok(None), "{part}");
        }
    }

    #[test]
    fn wrong_answers_are_told_apart() {
        let failed = [&[0xff, 0x28, 4][..], b"#42000syntax"].concat();
        let surplus = [&answer(&[&[1], b"d", b"\x05value", OK])[..], &[0]].concat();
        let malformed = |answer| matches!(answer, Err(WrongAnswer::Malformed(_)));
        let check = |payloads: &[&[u8]]| point_select(&answer(payloads), b"value");
        let error = Err(WrongAnswer::Error { code: 1064, message: "#42000syntax".into() });
        assert_eq!(check(&[&failed]), error);
        assert_eq!(check(&[&[1], b"d", &failed]), error);
        assert_eq!(check(&[&[1], b"d", OK]), Err(WrongAnswer::NoRow));
        assert_eq!(check(&[&[1], b"d", b"\x05value", b"\x05value", OK]), Err(WrongAnswer::SeveralRows));
        assert_eq!(check(&[&[1], b"d", b"\x05other", OK]), Err(WrongAnswer::OtherValue("\u{5}other".into())));
        assert!(matches!(check(&[&[1], b"d", b"\x05valuer", OK]), Err(WrongAnswer::OtherValue(_))));
        assert!(malformed(check(&[&[2], b"d", b"d", b"\x05value", OK])));
        assert!(malformed(check(&[&[0, 0, 0]])));
        assert!(malformed(point_select(&surplus, b"value")));
        assert!(malformed(point_select(&[1, 0, 0, 2, 1], b"value")));
    }
}
