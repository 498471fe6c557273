//! How the wait of a statement ends.

use proto::errors::{ClientError, ErrorId};
use proto::ids::ShardRef;

/// Why a statement waits no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEnd {
    /// The shard is held no more: plan again.
    Released,
    /// It took too long.
    TimedOut,
    /// As many wait as may.
    NoPlace,
    /// The client is gone.
    Left,
    /// Somebody has ended the statement.
    Interrupted,
    /// The gate stops.
    Draining,
}

impl HoldEnd {
    /// What the client is told, if the statement cannot go on.
    pub fn error(self, shard: &ShardRef) -> Option<ClientError> {
        match self {
            Self::Released | Self::Left => None,
            Self::TimedOut => Some(ErrorId::HeldTooLong.with(shard)),
            Self::NoPlace => Some(ErrorId::TooManyHeld.with(shard)),
            Self::Interrupted => Some(ErrorId::Interrupted.plain()),
            Self::Draining => Some(ErrorId::StoppedWhileHeld.with(shard)),
        }
    }
}
