//! The steps of a tablet whose shard's record names another one as primary, or nobody.

use std::time::Duration;

use proto::limits::MAX_READ_LAG;
use topo::records::ShardRecord;

use super::{Channel, Observation, Retry, Server, Step, Why};
use crate::fence::FenceState;
use crate::limits::MAX_ADMITTED_LAG;
use crate::replication::{Acks, Switch, ThreadState};

/// The first step that is not done yet.
pub(super) fn next(seen: &Observation, server: &Server, record: &ShardRecord) -> (Step, Why) {
    let other = Why::NotPrimary(record.primary.clone(), record.term);
    let barred = barred(seen, server, record);
    match (server.fence, &barred) {
        (FenceState::Raised, _) | (FenceState::Reading, None) => {}
        (FenceState::Reading, Some(why)) => return (Step::Raise, why.clone()),
        (FenceState::Proving | FenceState::Lifted | FenceState::Half, _) => return (Step::Raise, other),
    }
    let (step, why) = follow(seen, server, record, &other);
    // Ending the wait can take MySQL a second, in which the next primary may need this one's acknowledgement:
    // so the primary is followed first, unless that was tried a moment ago.
    let at_once = matches!(step, Step::Follow(..)) && seen.retry == Retry::Due;
    if server.waits == Switch::On && step != Step::ReadRecord && !at_once {
        return (Step::StopWaiting, other);
    }
    let admits = server.fence == FenceState::Raised
        && matches!((&step, &why), (Step::Leave, Why::Replicates(_)))
        && barred.is_none()
        && is_young(seen.lag, MAX_ADMITTED_LAG);
    match step {
        _ if !admits => (step, why),
        _ if seen.shard.is_fresh() => (Step::AdmitReaders, why),
        _ => (Step::ReadRecord, why),
    }
}

/// Why nobody may read here; `None`: who reads may stay. Whom it follows at the moment does not matter: what
/// nobody sends grows old.
fn barred(seen: &Observation, server: &Server, record: &ShardRecord) -> Option<Why> {
    let other = || Why::NotPrimary(record.primary.clone(), record.term);
    let next = record.transition.as_ref().filter(|transition| transition.to == seen.me);
    match next {
        Some(next) => Some(Why::Announced(next.next_term)),
        None if record.primary.is_none() || record.term < seen.accepted.term => Some(other()),
        None if server.waits == Switch::On => Some(other()),
        None if !may_be_read(seen, server) => Some(Why::TooOld(seen.lag)),
        None => None,
    }
}

/// Whether readers may be in by what mysqld shows alone. Where commits wait they came to a primary, whose demotion
/// was cut short.
pub(super) fn may_be_read(seen: &Observation, server: &Server) -> bool {
    server.waits == Switch::Off && is_young(seen.lag, MAX_READ_LAG)
}

/// Whether the data is known to be no older.
pub(super) fn is_young(lag: Option<Duration>, most: Duration) -> bool {
    lag.is_some_and(|lag| lag <= most)
}

fn follow(seen: &Observation, server: &Server, record: &ShardRecord, other: &Why) -> (Step, Why) {
    let Some(primary) = &record.primary else { return (Step::Leave, other.clone()) };
    let acks = wanted_acks(seen, record);
    let channel = server.channel.as_ref().filter(|channel| Some(&channel.source) == seen.primary_at.as_ref());
    let failing = channel.and_then(|channel| channel.error.clone());
    let failing = failing.map(|error| Why::ReplicationFails(primary.clone(), error));
    match channel {
        Some(channel) if channel.runs() && server.acks == acks => {
            let why = match channel.receiver {
                ThreadState::Running => Why::Replicates(record.term),
                _ => Why::Unconnected(primary.clone(), channel.error.clone()),
            };
            (Step::Leave, why)
        }
        _ if !seen.shard.is_fresh() => (Step::ReadRecord, failing.unwrap_or_else(|| other.clone())),
        _ => match (&seen.primary_at, failing) {
            (Some(_), Some(why)) if seen.retry == Retry::Later => (Step::Leave, why),
            (Some(source), why) => (Step::Follow(source.clone(), acks), why.unwrap_or_else(|| other.clone())),
            (None, _) => (Step::Leave, Why::PrimaryUnlocated(primary.clone())),
        },
    }
}

/// Whether the replication does what is expected of it.
pub(super) fn is_well(channel: &Channel) -> bool {
    channel.receiver == ThreadState::Running && channel.applier == ThreadState::Running
}

/// An acknowledgement under a term that is over would let an old primary confirm writes that are lost.
fn wanted_acks(seen: &Observation, record: &ShardRecord) -> Acks {
    let listed = record.ackers.contains(&seen.me);
    let left = seen.left_at.is_some() && seen.left_at == seen.revision;
    if listed && !left && record.term >= seen.accepted.term { Acks::Yes } else { Acks::No }
}
