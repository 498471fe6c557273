//! What the topology says of a shard that would not take a statement. Pure.

use topo::snapshot::{Shard, Snapshot};

/// A server that runs with an option that forbids the statement, such as `super_read_only`.
const OPTION_PREVENTS_STATEMENT: u16 = 1290;
/// A storage engine that only reads.
const READ_ONLY_MODE: u16 = 1836;
/// A server in offline mode, which admits no data account.
const SERVER_OFFLINE: u16 = 3032;

/// Whether MySQL's error says that the server refused the statement, or the login, without executing anything,
/// as one does that ceases to be primary. Other causes have these codes, too (`secure_file_priv`): whether the
/// primary changes is for the topology to say.
pub fn is_refusal(code: u16) -> bool {
    matches!(code, OPTION_PREVENTS_STATEMENT | READ_ONLY_MODE | SERVER_OFFLINE)
}

/// The code of an error packet's payload; `None` if it is another packet.
pub fn error_code(payload: &[u8]) -> Option<u16> {
    match payload {
        [0xff, low, high, ..] => Some(u16::from_le_bytes([*low, *high])),
        _ => None,
    }
}

/// How a shard is now, compared to how it was when a statement was sent by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As it was, and not held.
    Same,
    /// A change of its primary is under way.
    Held,
    /// It has another primary or term, or is no longer there.
    Moved,
}

/// How the shard is in the snapshot, compared to `used`; `is_held` tells whether a shard of it is.
pub fn standing(now: &Snapshot, used: &Shard, is_held: impl Fn(&Shard) -> bool) -> Standing {
    let keyspace = now.keyspace(used.shard.keyspace.as_str());
    let Some(shard) = keyspace.and_then(|keyspace| keyspace.shards.iter().find(|s| s.shard == used.shard))
    else {
        return Standing::Moved;
    };
    if is_held(shard) {
        Standing::Held
    } else if shard.term != used.term || shard.primary != used.primary {
        Standing::Moved
    } else {
        Standing::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_by_their_codes() {
        for (code, refusal) in [(1290, true), (1836, true), (3032, true), (1064, false), (1062, false)] {
            assert_eq!(is_refusal(code), refusal, "{code}");
        }
        assert_eq!(error_code(b"\xff\x0a\x05#HY000The MySQL server"), Some(1290));
        assert_eq!(error_code(b"\xff\x0a"), None);
        assert_eq!(error_code(b"\x00\x0a\x05"), None);
    }
}
