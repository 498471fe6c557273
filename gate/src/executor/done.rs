//! One OK packet of several: what the shards did together.

use bytes::{BufMut, BytesMut};
use proto::wire::StatusFlags;
use proto::wire::packet::{put_lenenc_bytes, put_lenenc_int, take_lenenc_bytes, take_lenenc_int};
use proto::wire::response::End;

/// What an OK packet says, for connections without session tracking.
struct Done<'a> {
    affected_rows: u64,
    last_insert_id: u64,
    status: StatusFlags,
    warnings: u16,
    /// Such as `Records: 3  Duplicates: 0  Warnings: 0`.
    info: &'a str,
}

impl<'a> Done<'a> {
    fn read(payload: &'a [u8]) -> Option<Self> {
        let mut rest = payload.strip_prefix(&[0x00])?;
        let affected_rows = take_lenenc_int(&mut rest)?;
        let last_insert_id = take_lenenc_int(&mut rest)?;
        let (&[low, high, few, many], mut rest) = rest.split_first_chunk::<4>()?;
        let info = if rest.is_empty() { &[][..] } else { take_lenenc_bytes(&mut rest)? };
        Some(Self {
            affected_rows,
            last_insert_id,
            status: StatusFlags::from_bits_retain(u16::from_le_bytes([low, high])),
            warnings: u16::from_le_bytes([few, many]),
            info: std::str::from_utf8(info).ok()?,
        })
    }
}

/// What an OK packet says of its end.
pub fn end(payload: &[u8]) -> Option<End> {
    Done::read(payload)?;
    End::of_ok(payload).ok()
}

/// The payload that answers a schema change which every shard has made: rows are counted together; warnings are those
/// of the first shard, since every shard warns of the same. Without an info what is counted are no rows, but
/// such as the one database that was altered. `None` if one of them is no OK packet.
pub(super) fn together(payloads: &[Vec<u8>]) -> Option<Vec<u8>> {
    let all: Vec<Done<'_>> = payloads.iter().map(|payload| Done::read(payload)).collect::<Option<_>>()?;
    let first = all.first()?;
    let counted = if first.info.is_empty() { &all[..1] } else { &all };
    write(counted, first.status, first.warnings, &info_together(&all, &["Records", "Duplicates"]))
}

/// The payload that answers a write which the shards have done in parts: everything is counted together. The
/// session is one that commits each statement, whatever the parts were done in. `None` if one is no OK packet.
pub fn summed(payloads: &[Vec<u8>]) -> Option<Vec<u8>> {
    let all: Vec<Done<'_>> = payloads.iter().map(|payload| Done::read(payload)).collect::<Option<_>>()?;
    let warnings = all.iter().fold(0, |sum: u16, done| sum.saturating_add(done.warnings));
    let status = all.iter().fold(StatusFlags::empty(), |any, done| any | done.status);
    let counts = ["Records", "Duplicates", "Warnings", "Rows matched", "Changed"];
    write(&all, outside(status, payloads), warnings, &info_together(&all, &counts))
}

/// The status of a session whose statement was done so: several parts were each in a transaction of their own, which
/// is over; one was done in the session's own.
fn outside(status: StatusFlags, payloads: &[Vec<u8>]) -> StatusFlags {
    if payloads.len() > 1 { status - StatusFlags::SERVER_STATUS_IN_TRANS } else { status }
}

/// How many rows of an INSERT a part had, and how many of them met an equal key.
pub struct PartOfRows {
    /// Rows that the statement gives.
    pub rows: u64,
    /// How many of them met an equal key, by how many rows were affected; asked where MySQL does not say it.
    pub duplicates: fn(u64, u64) -> u64,
}

/// The payload that answers an INSERT which the shards have done in parts, with the insert id of the whole. `None` if
/// one of them is no OK packet.
pub fn inserted(answers: &[Vec<u8>], parts: &[PartOfRows], insert_id: u64) -> Option<Vec<u8>> {
    let mut all: Vec<Done<'_>> = answers.iter().map(|payload| Done::read(payload)).collect::<Option<_>>()?;
    for done in &mut all {
        done.last_insert_id = insert_id;
    }
    if let [done] = &all[..] {
        return write(&all, done.status, done.warnings, done.info);
    }
    let warnings = all.iter().fold(0, |sum: u16, done| sum.saturating_add(done.warnings));
    let status = all.iter().fold(StatusFlags::empty(), |any, done| any | done.status);
    // MySQL says so of several rows, and nothing of one.
    let told = |done: &Done<'_>| {
        let count = done.info.split("  ").find_map(|part| part.strip_prefix("Duplicates: "))?;
        count.parse::<u64>().ok()
    };
    let duplicates = all
        .iter()
        .zip(parts)
        .map(|(done, part)| told(done).unwrap_or_else(|| (part.duplicates)(part.rows, done.affected_rows)));
    let (rows, duplicates): (u64, u64) = (parts.iter().map(|part| part.rows).sum(), duplicates.sum());
    let info = format!("Records: {rows}  Duplicates: {duplicates}  Warnings: {warnings}");
    write(&all, outside(status, answers), warnings, &info)
}

/// The affected rows and the insert id that an OK packet tells.
pub fn told(payload: &[u8]) -> Option<(u64, u64)> {
    Done::read(payload).map(|done| (done.affected_rows, done.last_insert_id))
}

fn write(all: &[Done<'_>], status: StatusFlags, warnings: u16, info: &str) -> Option<Vec<u8>> {
    let mut out = BytesMut::with_capacity(64);
    out.put_u8(0x00);
    put_lenenc_int(&mut out, all.iter().map(|done| done.affected_rows).sum());
    put_lenenc_int(&mut out, all.first()?.last_insert_id);
    out.put_u16_le(status.bits());
    out.put_u16_le(warnings);
    if !info.is_empty() {
        put_lenenc_bytes(&mut out, info.as_bytes());
    }
    Some(out.to_vec())
}

/// The OK packet of a statement that had nothing to do.
pub fn nothing_done() -> Vec<u8> {
    let status = StatusFlags::SERVER_STATUS_AUTOCOMMIT.bits().to_le_bytes();
    vec![0x00, 0, 0, status[0], status[1], 0, 0]
}

/// The OK packet with so many warnings more; as it is, if it cannot be read.
pub fn with_more_warnings(payload: Vec<u8>, more: u16) -> Vec<u8> {
    let Some(done) = Done::read(&payload).filter(|_| more > 0) else { return payload };
    let warnings = done.warnings.saturating_add(more);
    let (status, info) = (done.status, done.info);
    write(&[done], status, warnings, info).unwrap_or_else(|| payload.clone())
}

/// The OK packet with so many warnings fewer; as it is, if it cannot be read.
pub fn with_fewer_warnings(payload: Vec<u8>, fewer: u16) -> Vec<u8> {
    let Some(done) = Done::read(&payload).filter(|_| fewer > 0) else { return payload };
    let (status, warnings) = (done.status, done.warnings.saturating_sub(fewer));
    let part = |part: &str| match part.strip_prefix("Warnings: ").and_then(|count| count.parse::<u64>().ok())
    {
        Some(count) => format!("Warnings: {}", count.saturating_sub(fewer.into())),
        None => part.to_owned(),
    };
    let info: Vec<String> = done.info.split("  ").map(part).collect();
    write(&[done], status, warnings, &info.join("  ")).unwrap_or_else(|| payload.clone())
}

/// The first shard's text with these counts replaced by those of all.
fn info_together(all: &[Done<'_>], counts: &[&str]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let first = all.first().map(|done| done.info).unwrap_or_default();
    for (place, part) in first.split("  ").enumerate() {
        let of = |done: &Done<'_>| -> Option<u64> {
            done.info.split("  ").nth(place)?.split_once(": ")?.1.parse().ok()
        };
        parts.push(match part.split_once(": ") {
            Some((what, _)) if counts.contains(&what) => {
                format!("{what}: {}", all.iter().filter_map(of).sum::<u64>())
            }
            _ => part.to_owned(),
        });
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(affected_rows: u8, info: &str) -> Vec<u8> {
        let mut out = BytesMut::from(&[0x00, affected_rows, 0, 2, 0, 1, 0][..]);
        if !info.is_empty() {
            put_lenenc_bytes(&mut out, info.as_bytes());
        }
        out.to_vec()
    }

    #[test]
    fn rows_are_counted_together() {
        let shards = [
            ok(3, "Records: 3  Duplicates: 1  Warnings: 1"),
            ok(4, "Records: 4  Duplicates: 0  Warnings: 1"),
        ];
        assert_eq!(together(&shards), Some(ok(7, "Records: 7  Duplicates: 1  Warnings: 1")));
        assert_eq!(together(&[ok(1, ""), ok(1, "")]), Some(ok(1, "")));
        assert_eq!(together(&[ok(0, ""), b"\xffno".to_vec()]), None);
        assert_eq!(together(&[]), None);
    }

    #[test]
    fn parts_are_counted_together() {
        let in_transaction = |affected_rows, info| {
            let mut packet = ok(affected_rows, info);
            packet[3] |= StatusFlags::SERVER_STATUS_IN_TRANS.bits() as u8;
            packet
        };
        let parts = [
            in_transaction(3, "Rows matched: 5  Changed: 3  Warnings: 1"),
            in_transaction(4, "Rows matched: 4  Changed: 4  Warnings: 1"),
        ];
        let mut expected = ok(7, "Rows matched: 9  Changed: 7  Warnings: 2");
        expected[5] = 2;
        assert_eq!(summed(&parts), Some(expected));
        assert_eq!(summed(&[]), None);
    }

    #[test]
    fn notes_are_counted() {
        let plain = ok(1, "Records: 1  Duplicates: 0  Warnings: 1");
        let mut more = plain.clone();
        more[5] = 3;
        assert_eq!(with_more_warnings(plain.clone(), 2), more);
        assert_eq!(with_more_warnings(plain.clone(), 0), plain);
        assert_eq!(with_more_warnings(b"\xffno".to_vec(), 2), b"\xffno".to_vec());
        let fewer = |count| with_fewer_warnings(ok(1, "Rows matched: 2  Changed: 1  Warnings: 1"), count);
        assert_eq!(fewer(0), ok(1, "Rows matched: 2  Changed: 1  Warnings: 1"));
        let mut none = ok(1, "Rows matched: 2  Changed: 1  Warnings: 0");
        none[5] = 0;
        assert_eq!(fewer(1), none);
    }
}
