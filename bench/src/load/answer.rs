//! Checks answers where they stand in the read buffer.
//!
//! ```text
//!   1 column ─► its definition ─► rows ─► OK (0xfe, as the client has CLIENT_DEPRECATE_EOF)
//! ```

use proto::wire::packet::{HEADER_BYTES, Header, take_lenenc_bytes};

/// An answer that is not the rows that were asked for.
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
    /// Not all rows.
    #[error("{0} rows and no more")]
    MissingRows(u64),
    /// More rows than there are.
    #[error("more rows than there are")]
    SurplusRows,
    /// Another row than was loaded.
    #[error("the wrong row: {0}")]
    OtherValue(String),
    /// Not an answer to the statement.
    #[error("packets that do not follow the protocol: {0}")]
    Malformed(&'static str),
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As text.
    Text,
    /// As the answers to prepared statements.
    Binary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Definition,
    Rows,
    End,
}

/// An answer of rows of one column, read as it comes: what was looked at is not looked at again.
#[derive(Debug)]
pub struct Answer {
    form: Form,
    wanted: u64,
    seen: u64,
    stage: Stage,
    sequence: u8,
}

/// How far an answer was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes at the front of the buffer that are done with.
    pub bytes: usize,
    /// Whether they end the answer.
    pub is_whole: bool,
}

impl Answer {
    /// That many rows.
    pub fn new(form: Form, wanted: u64) -> Self {
        Self { form, wanted, seen: 0, stage: Stage::Head, sequence: 1 }
    }

    /// Reads on, in a buffer without what was done with before; `expected` gives the values of the rows, the first being 1.
    pub fn read<'e>(
        &mut self,
        buffer: &[u8],
        expected: impl Fn(u64) -> &'e [u8],
    ) -> Result<Progress, WrongAnswer> {
        let mut rest = buffer;
        while let Some(packet) = take_packet(&mut rest, self.sequence)? {
            self.sequence = self.sequence.wrapping_add(1);
            if packet.first() == Some(&0xff) {
                return Err(error(packet));
            }
            match self.stage {
                Stage::Head if packet == [1] => self.stage = Stage::Definition,
                Stage::Head => return Err(WrongAnswer::Malformed("the answer has not one column")),
                Stage::Definition => self.stage = Stage::Rows,
                Stage::Rows if packet.first() == Some(&0xfe) => {
                    if self.seen < self.wanted {
                        return Err(WrongAnswer::MissingRows(self.seen));
                    }
                    self.stage = Stage::End;
                }
                Stage::Rows => self.row(packet, &expected)?,
                Stage::End => {}
            }
            if self.stage == Stage::End {
                return if rest.is_empty() {
                    Ok(Progress { bytes: buffer.len(), is_whole: true })
                } else {
                    Err(WrongAnswer::Malformed("something follows the answer"))
                };
            }
        }
        Ok(Progress { bytes: buffer.len() - rest.len(), is_whole: false })
    }

    fn row<'e>(&mut self, packet: &[u8], expected: &impl Fn(u64) -> &'e [u8]) -> Result<(), WrongAnswer> {
        self.seen += 1;
        if self.seen > self.wanted {
            return Err(WrongAnswer::SurplusRows);
        }
        // Before the values of a binary row come a zero and the bits of those that are NULL.
        let mut columns = match (self.form, packet) {
            (Form::Text, columns) | (Form::Binary, [0, 0, columns @ ..]) => columns,
            (Form::Binary, _) => return Err(WrongAnswer::Malformed("a row that is not binary")),
        };
        if take_lenenc_bytes(&mut columns) != Some(expected(self.seen)) || !columns.is_empty() {
            return Err(WrongAnswer::OtherValue(String::from_utf8_lossy(packet).into_owned()));
        }
        Ok(())
    }
}

/// Bytes of the OK packet at the front of the buffer; `None` while some are missing.
pub fn done(buffer: &[u8]) -> Result<Option<usize>, WrongAnswer> {
    let mut rest = buffer;
    match take_packet(&mut rest, 1)? {
        None => Ok(None),
        Some([0, ..]) if rest.is_empty() => Ok(Some(buffer.len())),
        Some(packet @ [0xff, ..]) => Err(error(packet)),
        Some(_) => Err(WrongAnswer::Malformed("no OK packet by itself")),
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

    fn read(bytes: &[u8], form: Form, values: &[&[u8]]) -> Result<Progress, WrongAnswer> {
        Answer::new(form, values.len() as u64).read(bytes, |place| values[place as usize - 1])
    }

    #[test]
    fn a_right_answer_is_taken_when_it_is_whole() {
        let text = answer(&[&[1], b"definition", b"\x05value", b"\x01b", OK]);
        let binary = answer(&[&[1], b"definition", b"\0\0\x05value", b"\0\0\x01b", OK]);
        let values: [&[u8]; 2] = [b"value", b"b"];
        for (whole, form) in [(text, Form::Text), (binary, Form::Binary)] {
            assert_eq!(read(&whole, form, &values), Ok(Progress { bytes: whole.len(), is_whole: true }));
            // However it comes in pieces.
            for part in 0..whole.len() {
                let mut answer = Answer::new(form, 2);
                let expected = |place: u64| values[place as usize - 1];
                let first = answer.read(&whole[..part], expected).unwrap();
                assert!(!first.is_whole && first.bytes <= part, "{part}");
                let rest = whole.len() - first.bytes;
                assert_eq!(
                    answer.read(&whole[first.bytes..], expected),
                    Ok(Progress { bytes: rest, is_whole: true })
                );
            }
        }
        assert_eq!(done(&answer(&[&[0, 1, 0, 2, 0, 0, 0]])), Ok(Some(11)));
        assert_eq!(done(&[7, 0, 0, 1, 0]), Ok(None));
    }

    #[test]
    fn wrong_answers_are_told_apart() {
        let failed = [&[0xff, 0x28, 4][..], b"#42000syntax"].concat();
        let surplus = [&answer(&[&[1], b"d", b"\x05value", OK])[..], &[0]].concat();
        let malformed = |answer: Result<Progress, _>| matches!(answer, Err(WrongAnswer::Malformed(_)));
        let check = |payloads: &[&[u8]]| read(&answer(payloads), Form::Text, &[b"value"]);
        let error = WrongAnswer::Error { code: 1064, message: "#42000syntax".into() };
        assert_eq!(check(&[&failed]), Err(error.clone()));
        assert_eq!(check(&[&[1], b"d", &failed]), Err(error.clone()));
        assert_eq!(done(&answer(&[&failed])), Err(error));
        assert_eq!(check(&[&[1], b"d", OK]), Err(WrongAnswer::MissingRows(0)));
        assert_eq!(check(&[&[1], b"d", b"\x05value", b"\x05value", OK]), Err(WrongAnswer::SurplusRows));
        assert_eq!(check(&[&[1], b"d", b"\x05other", OK]), Err(WrongAnswer::OtherValue("\u{5}other".into())));
        assert!(matches!(check(&[&[1], b"d", b"\x05valuer", OK]), Err(WrongAnswer::OtherValue(_))));
        assert!(malformed(check(&[&[2], b"d", b"d", b"\x05value", OK])));
        assert!(malformed(check(&[&[0, 0, 0]])));
        assert!(malformed(read(&surplus, Form::Text, &[b"value"])));
        assert!(malformed(read(&[1, 0, 0, 2, 1], Form::Text, &[b"value"])));
        assert!(malformed(read(&answer(&[&[1], b"d", b"\x05value"]), Form::Binary, &[b"value"])));
        assert!(matches!(done(&answer(&[&[1]])), Err(WrongAnswer::Malformed(_))));
    }
}
