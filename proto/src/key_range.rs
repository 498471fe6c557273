//! Keyspace IDs and the ranges of them that shards hold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::invalid_name::InvalidName;
use crate::limits::MAX_KEYSPACE_ID_BYTES;

/// The bytes that a vindex makes of a sharding value; compared as unsigned bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyspaceId(pub Vec<u8>);

impl fmt::Debug for KeyspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// A half-open range of keyspace IDs, written `start-end` in hexadecimal; an empty end is open.
///
/// Trailing zero bytes of a bound mean nothing (`80` and `8000` are one bound), as in Vitess.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyRange {
    start: Vec<u8>,
    end: Vec<u8>,
}

impl KeyRange {
    /// The range of everything, `-`: the one shard of an unsharded keyspace.
    pub fn full() -> Self {
        Self { start: Vec::new(), end: Vec::new() }
    }

    /// Whether the range holds the keyspace ID.
    pub fn contains(&self, id: &KeyspaceId) -> bool {
        let id = trimmed(&id.0);
        trimmed(&self.start) <= id && (self.end.is_empty() || id < trimmed(&self.end))
    }

    /// The first keyspace ID in it; empty: from the very first.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The first keyspace ID after it; empty: to the very last.
    pub fn end(&self) -> &[u8] {
        &self.end
    }
}

/// Whether the ranges, in any order, hold every keyspace ID exactly once; the text says what is wrong.
pub fn check_partition(ranges: &[KeyRange]) -> Result<(), String> {
    let mut sorted: Vec<&KeyRange> = ranges.iter().collect();
    sorted.sort_by(|a, b| trimmed(&a.start).cmp(trimmed(&b.start)));
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Err("there is no shard".into());
    };
    if !trimmed(&first.start).is_empty() {
        return Err(format!("nothing holds the keyspace IDs before {}", hex(&first.start)));
    }
    for pair in sorted.windows(2) {
        let (left, right) = (pair[0], pair[1]);
        if left.end.is_empty() || trimmed(&left.end) > trimmed(&right.start) {
            return Err(format!("shards {left} and {right} overlap"));
        }
        if trimmed(&left.end) < trimmed(&right.start) {
            return Err(format!("nothing holds the keyspace IDs between shards {left} and {right}"));
        }
    }
    if !last.end.is_empty() {
        return Err(format!("nothing holds the keyspace IDs from {} on", hex(&last.end)));
    }
    Ok(())
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", hex(&self.start), hex(&self.end)))
    }
}

impl FromStr for KeyRange {
    type Err = InvalidName;
    fn from_str(s: &str) -> Result<Self, InvalidName> {
        let refuse = |rule: &str| InvalidName::new("key range", s, rule);
        let (start, end) = s
            .split_once('-')
            .ok_or_else(|| refuse("write start-end in hexadecimal, such as -80, 40-80, 80- or -"))?;
        let bound = |text: &str| {
            unhex(text).filter(|b| b.len() <= MAX_KEYSPACE_ID_BYTES).ok_or_else(|| {
                refuse("each end is an even number of hexadecimal digits (at most 32), or nothing")
            })
        };
        let range = Self { start: bound(start)?, end: bound(end)? };
        if !range.end.is_empty() && trimmed(&range.start) >= trimmed(&range.end) {
            return Err(refuse("the start must lie before the end"));
        }
        Ok(range)
    }
}

impl TryFrom<String> for KeyRange {
    type Error = InvalidName;
    fn try_from(s: String) -> Result<Self, InvalidName> {
        s.parse()
    }
}

impl From<KeyRange> for String {
    fn from(range: KeyRange) -> String {
        range.to_string()
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(s: &str) -> KeyRange {
        s.parse().unwrap()
    }

    #[test]
    fn ranges_hold_their_start_and_not_their_end() {
        let cases: [(&str, &[u8], bool); 8] = [
            ("-80", &[], true),
            ("-80", &[0x7f, 0xff], true),
            ("-80", &[0x80], false),
            ("80-", &[0x80], true),
            ("80-", &[0x7f, 0xff], false),
            ("80-c0", &[0xbf, 0xff, 0xff], true),
            ("80-c0", &[0xc0, 0x00], false),
            ("-", &[0xff], true),
        ];
        for (r, id, held) in cases {
            assert_eq!(range(r).contains(&KeyspaceId(id.to_vec())), held, "{r} {id:?}");
        }
    }

    #[test]
    fn trailing_zeros_of_bounds_and_ids_mean_nothing() {
        assert!(range("8000-").contains(&KeyspaceId(vec![0x80])));
        assert!(range("80-").contains(&KeyspaceId(vec![0x80, 0x00])));
        assert!(check_partition(&[range("-8000"), range("80-")]).is_ok());
    }

    #[test]
    fn bad_ranges_are_refused() {
        for bad in ["", "80", "8-", "-8", "gg-", "80-40", "80-80", "80-8000", "-80-", "+1-"] {
            assert!(bad.parse::<KeyRange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn partitions_have_no_gap_and_no_overlap() {
        let check = |names: &[&str]| check_partition(&names.iter().map(|n| range(n)).collect::<Vec<_>>());
        assert!(check(&["-"]).is_ok());
        assert!(check(&["80-", "-40", "40-80"]).is_ok());
        assert!(check(&[]).unwrap_err().contains("no shard"));
        assert!(check(&["-80", "90-"]).unwrap_err().contains("between"));
        assert!(check(&["-80", "70-"]).unwrap_err().contains("overlap"));
        assert!(check(&["-", "80-"]).unwrap_err().contains("overlap"));
        assert!(check(&["40-"]).unwrap_err().contains("before 40"));
        assert!(check(&["-80"]).unwrap_err().contains("from 80"));
    }
}
