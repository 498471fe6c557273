use super::*;

const ME: &str = "zone1-101";
const OTHER: &str = "zone1-102";

fn record(term: u64, primary: Option<&str>) -> Option<ShardRecord> {
    Some(ShardRecord {
        term: Term(term),
        primary: primary.map(|alias| alias.parse().unwrap()),
        ..ShardRecord::default()
    })
}

fn accepted(term: u64, role: Option<TabletRole>) -> Accepted {
    Accepted { term: Term(term), role }
}

fn primary(term: u64) -> Accepted {
    accepted(term, Some(TabletRole::Primary))
}

fn replica(term: u64) -> Accepted {
    accepted(term, Some(TabletRole::Replica))
}

fn none() -> Accepted {
    accepted(0, None)
}

fn decided(mysqld: Mysqld, shard: Reading, accepted: Accepted) -> Decision {
    decide(&Observation { me: ME.parse().unwrap(), mysqld, shard, accepted })
}

use FenceState::{Half, Lifted, Raised};
use Reading::{Fresh, Recalled, Unread};
use Step::{Kill, Leave, Lift, Raise, ReadRecord, StartMysqld};

#[test]
fn a_running_mysqld() {
    let me = |term| record(term, Some(ME));
    let other = |term| record(term, Some(OTHER));
    let table = [
        // The record names this tablet, read just now.
        (Raised, Fresh(me(1)), none(), Some(primary(1)), Lift),
        (Raised, Fresh(me(1)), primary(1), None, Lift),
        (Half, Fresh(me(1)), primary(1), None, Lift),
        (Lifted, Fresh(me(1)), primary(1), None, Leave),
        (Lifted, Fresh(me(2)), primary(1), Some(primary(2)), Leave),
        (Raised, Fresh(me(3)), replica(2), Some(primary(3)), Lift),
        // The same, remembered: no fence is lifted by that.
        (Raised, Recalled(me(1)), none(), None, ReadRecord),
        (Raised, Recalled(me(1)), primary(1), None, ReadRecord),
        (Half, Recalled(me(1)), primary(1), None, ReadRecord),
        (Lifted, Recalled(me(1)), primary(1), None, Leave),
        // It names another tablet.
        (Raised, Fresh(other(1)), none(), Some(replica(1)), Leave),
        (Raised, Recalled(other(2)), replica(2), None, Leave),
        (Lifted, Fresh(other(2)), primary(1), Some(replica(2)), Raise),
        (Lifted, Recalled(other(2)), primary(1), Some(replica(2)), Raise),
        (Half, Fresh(other(2)), replica(2), None, Raise),
        // Even under a term that should not be possible; the term on disk does not fall.
        (Lifted, Fresh(other(1)), primary(4), Some(replica(4)), Raise),
        (Lifted, Fresh(other(4)), primary(4), Some(replica(4)), Raise),
        // It names nobody.
        (Raised, Fresh(record(0, None)), none(), None, Leave),
        (Lifted, Fresh(record(1, None)), primary(1), None, Leave),
        (Lifted, Fresh(record(2, None)), primary(1), Some(replica(2)), Raise),
        (Raised, Fresh(record(2, None)), primary(1), Some(replica(2)), Leave),
        // It names this tablet under a term that it may not follow.
        (Raised, Fresh(me(1)), primary(2), None, Leave),
        (Lifted, Fresh(me(1)), primary(2), None, Leave),
        (Half, Fresh(me(1)), primary(2), None, Raise),
        (Raised, Fresh(me(2)), replica(2), None, Leave),
        (Lifted, Fresh(me(2)), replica(2), None, Raise),
        (Raised, Fresh(me(0)), none(), None, Leave),
        // There is none, or the topology is away since the agent started.
        (Raised, Fresh(None), none(), None, Leave),
        (Lifted, Fresh(None), primary(3), None, Leave),
        (Lifted, Fresh(None), none(), None, Raise),
        (Raised, Unread, none(), None, Leave),
        (Raised, Unread, primary(1), None, Leave),
        (Lifted, Unread, primary(1), None, Leave),
        (Lifted, Unread, replica(2), None, Raise),
        (Lifted, Unread, none(), None, Raise),
        (Half, Unread, primary(1), None, Raise),
    ];
    for (fence, reading, disk, accept, step) in table {
        let row = format!("{fence:?} {reading:?} {disk:?}");
        let decision = decided(Mysqld::Up(fence), reading, disk);
        assert_eq!((decision.accept, decision.step), (accept, step), "{row}");
    }
}

#[test]
fn a_mysqld_that_is_not_there_or_silent() {
    let me = || Fresh(record(1, Some(ME)));
    let other = || Fresh(record(2, Some(OTHER)));
    let table = [
        (Mysqld::StartDue, Unread, none(), None, StartMysqld),
        (Mysqld::StartDue, me(), primary(1), None, StartMysqld),
        (Mysqld::StartDue, other(), primary(1), Some(replica(2)), StartMysqld),
        (Mysqld::StartLater, me(), primary(1), None, Leave),
        (Mysqld::GivenUp, other(), primary(1), Some(replica(2)), Leave),
        (Mysqld::Silent, Unread, primary(1), None, Leave),
        (Mysqld::Silent, me(), primary(1), None, Leave),
        // Losing the primaryship while frozen: it must not wake up serving.
        (Mysqld::Silent, other(), primary(1), Some(replica(2)), Kill),
        // A replica that starts, or is frozen, is no danger.
        (Mysqld::Silent, other(), replica(2), None, Leave),
    ];
    for (mysqld, reading, disk, accept, step) in table {
        let row = format!("{mysqld:?} {reading:?} {disk:?}");
        let decision = decided(mysqld, reading, disk);
        assert_eq!((decision.accept, decision.step), (accept, step), "{row}");
    }
}

/// Over every combination: what must hold whatever the table says.
#[test]
fn laws() {
    let readings = |record: Option<ShardRecord>| [Fresh(record.clone()), Recalled(record)];
    let mut shards = vec![Unread];
    shards.extend(readings(None));
    for term in 0..4 {
        for who in [None, Some(ME), Some(OTHER)] {
            shards.extend(readings(record(term, who)));
        }
    }
    let mut disks = vec![none()];
    for term in 1..3 {
        disks.extend([primary(term), replica(term)]);
    }
    let states = [Mysqld::StartDue, Mysqld::StartLater, Mysqld::GivenUp, Mysqld::Silent];
    let mysqlds: Vec<Mysqld> = states.into_iter().chain([Raised, Lifted, Half].map(Mysqld::Up)).collect();
    for shard in &shards {
        for disk in &disks {
            for mysqld in &mysqlds {
                let decision = decided(*mysqld, shard.clone(), *disk);
                let row = format!("{mysqld:?} {shard:?} {disk:?}: {decision:?}");
                let standing = decision.accept.unwrap_or(*disk);
                assert!(standing.term >= disk.term, "terms never fall: {row}");
                if decision.step == Lift {
                    let named = matches!(shard, Fresh(Some(r)) if r.primary == Some(ME.parse().unwrap())
                        && r.term == standing.term);
                    assert!(
                        named && standing.role == Some(TabletRole::Primary),
                        "lifted without right: {row}"
                    );
                }
                let serves = *mysqld == Mysqld::Up(Lifted) && decision.step == Leave;
                if serves {
                    assert_eq!(standing.role, Some(TabletRole::Primary), "serves without right: {row}");
                }
                let again = decide(&Observation {
                    me: ME.parse().unwrap(),
                    mysqld: *mysqld,
                    shard: shard.clone(),
                    accepted: standing,
                });
                assert_eq!(again.accept, None, "accepting is settled at once: {row}");
            }
        }
    }
}

#[test]
fn reasons_say_what_to_do() {
    let stale = decided(Mysqld::Up(Raised), Fresh(record(1, Some(ME))), primary(2));
    assert_eq!(
        stale.why.to_string(),
        "the shard's record names this tablet under term 1, but term 2 was already accepted as primary; \
         a new primaryship needs a higher term"
    );
    let other = decided(Mysqld::Up(Raised), Fresh(record(3, Some(OTHER))), primary(2));
    assert_eq!(other.why.to_string(), "zone1-102 is primary under term 3");
}
