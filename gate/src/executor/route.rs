//! Which shard a route goes to, for the literals at hand.

use proto::errors::{ClientError, ErrorId};
use proto::key_range::KeyspaceId;
use topo::records::ColumnType;
use topo::snapshot::{Keyspace, ShardingKey};
use topo::value::{Inexact, ShardingValue, Sign, convert};

use crate::plan::{Pin, Purpose, Scatter, Shards, Target};
use crate::sql::character_set::CharacterSet;
use crate::sql::fingerprint::LiteralSpan;
use crate::sql::literal::decode;

/// A statement's literals, to be read from its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Literals<'a> {
    /// The statement as the client sent it.
    pub sql: &'a [u8],
    /// Where its literals stand.
    pub spans: &'a [LiteralSpan],
    /// What they are written in.
    pub character_set: CharacterSet,
}

/// Index of the shard in the keyspace.
pub fn shard(target: &Target, keyspace: &Keyspace, literals: Literals<'_>) -> Result<usize, ClientError> {
    let pins = match target {
        Target::Any | Target::Free | Target::Schema => {
            return if keyspace.shards.is_empty() { Err(unavailable(keyspace)) } else { Ok(0) };
        }
        Target::Shard(range) => {
            let place = keyspace.shards.iter().position(|shard| shard.shard.range == *range);
            return place
                .ok_or_else(|| ErrorId::UnknownShard.with(format_args!("{}/{range}", keyspace.name)));
        }
        Target::Pinned(pins) => pins,
        Target::Left => return Err(ErrorId::Internal.with("a scatter's route by itself")),
    };
    let mut agreed = None;
    for pin in pins {
        let shard = pinned_shard(pin, keyspace, literals)?;
        match agreed {
            Some(other) if other != shard => return Err(ErrorId::SeveralShards.plain()),
            _ => agreed = Some(shard),
        }
    }
    agreed.ok_or_else(|| ErrorId::Internal.with("a route without pins"))
}

/// Indexes of the shards of a list's values, in order; that of any shard, if the list is empty.
fn listed_shards(
    pins: &[Pin],
    keyspace: &Keyspace,
    literals: Literals<'_>,
) -> Result<Vec<usize>, ClientError> {
    let shards = pins.iter().map(|pin| pinned_shard(pin, keyspace, literals));
    let mut shards = shards.collect::<Result<Vec<usize>, ClientError>>()?;
    shards.sort_unstable();
    shards.dedup();
    if shards.is_empty() {
        shards.push(shard(&Target::Any, keyspace, literals)?);
    }
    Ok(shards)
}

/// Indexes of the shards of a scatter. A value that does not convert may be equal to others of the column all the same,
/// as '1x' is to 1: then any shard may have rows.
pub fn scattered(
    scatter: &Scatter,
    keyspace: &Keyspace,
    literals: Literals<'_>,
) -> Result<Vec<usize>, ClientError> {
    let listed = match &scatter.shards {
        Shards::All => return Ok((0..keyspace.shards.len()).collect()),
        Shards::Of(pins) => listed_shards(pins, keyspace, literals),
    };
    match listed {
        Err(error) if error.id == ErrorId::InexactValue && scatter.merges.is_none() => {
            Ok((0..keyspace.shards.len()).collect())
        }
        listed => listed,
    }
}

fn pinned_shard(pin: &Pin, keyspace: &Keyspace, literals: Literals<'_>) -> Result<usize, ClientError> {
    let id = keyspace_id(pin, literals)?;
    keyspace.shard_for(&id).ok_or_else(|| unavailable(keyspace))
}

/// The keyspace ID of a pin's literal.
pub fn keyspace_id(pin: &Pin, literals: Literals<'_>) -> Result<KeyspaceId, ClientError> {
    let sign = if pin.negative { Sign::Minus } else { Sign::Plus };
    let value = literals.value(pin.literal, sign, &pin.key.kind);
    let value = value.map_err(|why| match (pin.purpose, why) {
        (Purpose::Stored, Inexact::TooLong) => too_long(&pin.key, 1),
        _ => ErrorId::InexactValue.with(&pin.key.column),
    })?;
    pin.key.vindex.map(&value).map_err(|_| ErrorId::InexactValue.with(&pin.key.column))
}

/// MySQL's error for a row that the column cannot hold the value of; the first row is 1.
pub fn too_long(key: &ShardingKey, row: usize) -> ClientError {
    ErrorId::DataTooLong.with(format_args!("'{}' at row {row}", key.column))
}

/// Index of the shard that holds a value of the sharding column.
pub fn mapped(key: &ShardingKey, value: &ShardingValue, keyspace: &Keyspace) -> Result<usize, ClientError> {
    let id = key.vindex.map(value).map_err(|_| ErrorId::InexactValue.with(&key.column))?;
    keyspace.shard_for(&id).ok_or_else(|| unavailable(keyspace))
}

impl Literals<'_> {
    /// The value of a column of this type that a literal is, where that is exact.
    pub fn value(&self, number: usize, sign: Sign, kind: &ColumnType) -> Result<ShardingValue, Inexact> {
        let span = self.spans.get(number).ok_or(Inexact::Kind)?;
        let raw = &self.sql[span.start..span.end];
        let mut scratch = Vec::new();
        let literal = decode(raw, span.class, sign, self.character_set, &mut scratch).ok_or(Inexact::Kind)?;
        convert(&literal, kind)
    }
}

fn unavailable(keyspace: &Keyspace) -> ClientError {
    ErrorId::ShardUnavailable.with(format_args!("of keyspace {}", keyspace.name))
}
