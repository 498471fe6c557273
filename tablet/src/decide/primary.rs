//! The steps of a tablet that its shard's record names as primary.

use topo::records::ShardRecord;

use super::{Observation, Server, Step, Why};
use crate::fence::FenceState;
use crate::replication::Switch;

/// The first step that is not done yet.
pub(super) fn next(seen: &Observation, server: &Server, record: &ShardRecord) -> (Step, Why) {
    let term = record.term;
    let becoming = Why::Becoming(term);
    let to_wait = if record.ackers.is_empty() { Switch::Off } else { Switch::On };
    if server.fence == FenceState::Lifted {
        return match (server.waits, to_wait) {
            // It serves with a source set: something else than this agent has been at it.
            _ if server.channel.is_some() => (Step::Raise, becoming),
            // Ending the wait acknowledges commits that no replica has, so nobody may be waiting for it.
            (Switch::On, Switch::Off) => (Step::Raise, becoming),
            (Switch::Off, Switch::On) => (Step::WaitForAcks, becoming),
            _ => (Step::Leave, Why::Serves(term)),
        };
    }
    // It was a replica that is read, or a demotion was cut short: nobody who is in comes along, by the record's word
    // alone.
    if server.fence == FenceState::Reading {
        return (Step::Raise, becoming);
    }
    if !seen.shard.is_fresh() {
        return (Step::ReadRecord, becoming);
    }
    match (server.fence, server.waits, to_wait) {
        // Something was cut short.
        (FenceState::Half, ..) => (Step::Raise, becoming),
        _ if server.channel.is_some() => (Step::LeaveSource, becoming),
        (_, Switch::Off, Switch::On) => (Step::WaitForAcks, becoming),
        (_, Switch::On, Switch::Off) => (Step::StopWaiting, becoming),
        (FenceState::Raised, ..) => (Step::OpenWrites, becoming),
        // Again and again, because making what lacks also waits for an acknowledgement.
        _ if seen.proven != Some(term) => (Step::OpenWrites, Why::Unproven(term)),
        _ => (Step::Admit, becoming),
    }
}
