//! One OK packet of several: what the shards did together.

use bytes::{BufMut, BytesMut};
use proto::wire::packet::{put_lenenc_bytes, put_lenenc_int, take_lenenc_bytes, take_lenenc_int};

/// What an OK packet says, for connections without session tracking.
struct Done<'a> {
    affected_rows: u64,
    last_insert_id: u64,
    /// Status flags and warning count, two bytes each.
    flags_and_warnings: &'a [u8],
    /// Such as `Records: 3  Duplicates: 0  Warnings: 0`.
    info: &'a str,
}

impl<'a> Done<'a> {
    fn read(payload: &'a [u8]) -> Option<Self> {
        let mut rest = payload.strip_prefix(&[0x00])?;
        let affected_rows = take_lenenc_int(&mut rest)?;
        let last_insert_id = take_lenenc_int(&mut rest)?;
        let (flags_and_warnings, mut rest) = rest.split_at_checked(4)?;
        let info = if rest.is_empty() { &[][..] } else { take_lenenc_bytes(&mut rest)? };
        Some(Self {
            affected_rows,
            last_insert_id,
            flags_and_warnings,
            info: std::str::from_utf8(info).ok()?,
        })
    }
}

/// The payload that answers a statement which every shard has done: rows are counted together; warnings are those
/// of the first shard, since every shard warns of the same. `None` if one of them is no OK packet.
pub(super) fn together(payloads: &[Vec<u8>]) -> Option<Vec<u8>> {
    let all: Vec<Done<'_>> = payloads.iter().map(|payload| Done::read(payload)).collect::<Option<_>>()?;
    let first = all.first()?;
    let mut out = BytesMut::with_capacity(64);
    out.put_u8(0x00);
    put_lenenc_int(&mut out, all.iter().map(|done| done.affected_rows).sum());
    put_lenenc_int(&mut out, first.last_insert_id);
    out.put_slice(first.flags_and_warnings);
    if !first.info.is_empty() {
        put_lenenc_bytes(&mut out, info_together(&all).as_bytes());
    }
    Some(out.to_vec())
}

/// The first shard's text with its counts of records and duplicates replaced by those of all.
fn info_together(all: &[Done<'_>]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (place, part) in all[0].info.split("  ").enumerate() {
        let of = |done: &Done<'_>| -> Option<u64> {
            done.info.split("  ").nth(place)?.split_once(": ")?.1.parse().ok()
        };
        parts.push(match part.split_once(": ") {
            Some((what @ ("Records" | "Duplicates"), _)) => {
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
        assert_eq!(together(&[ok(0, ""), ok(0, "")]), Some(ok(0, "")));
        assert_eq!(together(&[ok(0, ""), b"\xffno".to_vec()]), None);
        assert_eq!(together(&[]), None);
    }
}
