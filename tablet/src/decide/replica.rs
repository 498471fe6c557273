//! The steps of a tablet whose shard's record names another one as primary, or nobody.

use topo::records::ShardRecord;

use super::{Channel, Observation, Retry, Server, Step, Why};
use crate::fence::FenceState;
use crate::replication::{Acks, Switch, ThreadState};

/// The first step that is not done yet.
pub(super) fn next(seen: &Observation, server: &Server, record: &ShardRecord) -> (Step, Why) {
    let other = Why::NotPrimary(record.primary.clone(), record.term);
    if server.fence != FenceState::Raised {
        return (Step::Raise, other);
    }
    let (step, why) = follow(seen, server, record, &other);
    // Ending the wait can take MySQL a second, in which the next primary may need this one's acknowledgement:
    // so the primary is followed first, unless that was tried a moment ago.
    let at_once = matches!(step, Step::Follow(..)) && seen.retry == Retry::Due;
    match server.waits {
        Switch::On if step != Step::ReadRecord && !at_once => (Step::StopWaiting, other),
        _ => (step, why),
    }
}

fn follow(seen: &Observation, server: &Server, record: &ShardRecord, other: &Why) -> (Step, Why) {
    let Some(primary) = &record.primary else { return (Step::Leave, other.clone()) };
    let acks = wanted_acks(seen, record);
    let channel = server.channel.as_ref().filter(|channel| Some(&channel.source) == seen.primary_at.as_ref());
    match channel {
        Some(channel) if channel.runs() && server.acks == acks => {
            let why = match channel.receiver {
                ThreadState::Running => Why::Replicates(record.term),
                _ => Why::Unconnected(primary.clone(), channel.error.clone()),
            };
            (Step::Leave, why)
        }
        _ if !seen.shard.is_fresh() => (Step::ReadRecord, other.clone()),
        Some(Channel { error: Some(error), .. }) if seen.retry == Retry::Later => {
            (Step::Leave, Why::ReplicationFails(primary.clone(), error.clone()))
        }
        _ => match &seen.primary_at {
            Some(source) => (Step::Follow(source.clone(), acks), other.clone()),
            None => (Step::Leave, Why::PrimaryUnlocated(primary.clone())),
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
