mod laws;
mod readers;

use std::collections::BTreeSet;

use topo::records::Transition;

use super::*;

const ME: &str = "zone1-101";
const OTHER: &str = "zone1-102";
const THIRD: &str = "zone1-103";

fn alias(name: &str) -> TabletAlias {
    name.parse().unwrap()
}

fn record(term: u64, primary: Option<&str>) -> Option<ShardRecord> {
    Some(ShardRecord { term: Term(term), primary: primary.map(alias), ..ShardRecord::default() })
}

fn with_ackers(record: Option<ShardRecord>, ackers: &[&str]) -> Option<ShardRecord> {
    record.map(|record| ShardRecord {
        ackers: ackers.iter().copied().map(alias).collect::<BTreeSet<_>>(),
        ..record
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

fn source() -> Source {
    Source { host: "10.0.0.2".into(), port: 3306 }
}

fn elsewhere() -> Source {
    Source { host: "10.0.0.3".into(), port: 3306 }
}

fn server(fence: FenceState) -> Server {
    Server { fence, waits: Switch::Off, acks: Acks::No, channel: None }
}

fn waiting(fence: FenceState) -> Server {
    Server { waits: Switch::On, ..server(fence) }
}

fn acking(server: Server) -> Server {
    Server { acks: Acks::Yes, ..server }
}

fn following(source: Source) -> Server {
    let channel = Channel { source, receiver: Running, applier: Running, error: None };
    Server { channel: Some(channel), ..server(Raised) }
}

fn observation(mysqld: Mysqld, shard: Reading, accepted: Accepted) -> Observation {
    Observation {
        me: alias(ME),
        mysqld,
        shard,
        revision: Some(Revision(7)),
        primary_at: Some(source()),
        accepted,
        proven: None,
        left_at: None,
        lag: None,
        retry: Retry::Due,
    }
}

fn decided(mysqld: Mysqld, shard: Reading, accepted: Accepted) -> Decision {
    decide(&observation(mysqld, shard, accepted))
}

use FenceState::{Half, Lifted, Proving, Raised, Reading as Read};
use Reading::{Fresh, Recalled, Unread};
use Step::{
    Admit, AdmitReaders, Follow, Kill, Leave, LeaveSource, OpenWrites, Raise, ReadRecord, StartMysqld,
    StopWaiting, WaitForAcks,
};
use ThreadState::{Connecting, Running, Stopped};

#[test]
fn what_the_record_makes_of_a_running_mysqld() {
    let me = |term| record(term, Some(ME));
    let other = |term| record(term, Some(OTHER));
    let follow = || Follow(source(), Acks::No);
    let table = [
        // The record names this tablet, read just now.
        (Raised, Fresh(me(1)), none(), Some(primary(1)), OpenWrites),
        (Raised, Fresh(me(1)), primary(1), None, OpenWrites),
        (Half, Fresh(me(1)), primary(1), None, Raise),
        (Lifted, Fresh(me(1)), primary(1), None, Leave),
        (Lifted, Fresh(me(2)), primary(1), Some(primary(2)), Leave),
        (Raised, Fresh(me(3)), replica(2), Some(primary(3)), OpenWrites),
        // The same, remembered: nothing is opened by that.
        (Raised, Recalled(me(1)), none(), None, ReadRecord),
        (Raised, Recalled(me(1)), primary(1), None, ReadRecord),
        (Half, Recalled(me(1)), primary(1), None, ReadRecord),
        (Proving, Recalled(me(1)), primary(1), None, ReadRecord),
        (Lifted, Recalled(me(1)), primary(1), None, Leave),
        // It names another tablet.
        (Raised, Fresh(other(1)), none(), Some(replica(1)), follow()),
        (Raised, Recalled(other(2)), replica(2), None, ReadRecord),
        (Lifted, Fresh(other(2)), primary(1), Some(replica(2)), Raise),
        (Lifted, Recalled(other(2)), primary(1), Some(replica(2)), Raise),
        (Half, Fresh(other(2)), replica(2), None, Raise),
        (Proving, Recalled(other(2)), primary(1), Some(replica(2)), Raise),
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
        (Proving, Fresh(me(2)), replica(2), None, Raise),
        (Raised, Fresh(me(0)), none(), None, Leave),
        // There is none, or the topology is away since the agent started.
        (Raised, Fresh(None), none(), None, Leave),
        (Lifted, Fresh(None), primary(3), None, Leave),
        (Lifted, Fresh(None), none(), None, Raise),
        (Raised, Unread, none(), None, Leave),
        (Raised, Unread, primary(1), None, Leave),
        (Lifted, Unread, primary(1), None, Leave),
        (Proving, Unread, primary(1), None, Leave),
        (Lifted, Unread, replica(2), None, Raise),
        (Lifted, Unread, none(), None, Raise),
        (Half, Unread, primary(1), None, Raise),
    ];
    for (fence, reading, disk, accept, step) in table {
        let row = format!("{fence:?} {reading:?} {disk:?}");
        let decision = decided(Mysqld::Up(server(fence)), reading, disk);
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
        (Mysqld::Silent(None), Unread, primary(1), None, Leave),
        (Mysqld::Silent(Some(Lifted)), me(), primary(1), None, Leave),
        // Losing the primaryship while frozen: it must not wake up serving.
        (Mysqld::Silent(None), other(), primary(1), Some(replica(2)), Kill),
        (Mysqld::Silent(Some(Lifted)), other(), replica(2), None, Kill),
        (Mysqld::Silent(Some(Proving)), other(), replica(2), None, Kill),
        // A replica that starts, or is frozen, is no danger.
        (Mysqld::Silent(None), other(), replica(2), None, Leave),
        (Mysqld::Silent(Some(Raised)), other(), replica(2), None, Leave),
        // One that is being made anew is left alone, whatever the record says.
        (Mysqld::Provisioning, other(), replica(1), None, Leave),
        (Mysqld::Provisioning, Fresh(record(3, Some(ME))), replica(2), None, Leave),
    ];
    for (mysqld, reading, disk, accept, step) in table {
        let row = format!("{mysqld:?} {reading:?} {disk:?}");
        let decision = decided(mysqld, reading, disk);
        assert_eq!((decision.accept, decision.step, decision.beat), (accept, step, None), "{row}");
    }
}

#[test]
fn a_primary_is_made_in_order() {
    let waits = || Fresh(with_ackers(record(2, Some(ME)), &[OTHER]));
    let alone = || Fresh(record(2, Some(ME)));
    let of_replica = acking(following(elsewhere()));
    let with_source = |fence| Server { channel: of_replica.channel.clone(), ..server(fence) };
    let table = [
        (of_replica.clone(), waits(), None, LeaveSource, None),
        (of_replica.clone(), alone(), None, LeaveSource, None),
        (server(Raised), waits(), None, WaitForAcks, None),
        (waiting(Raised), waits(), None, OpenWrites, None),
        (waiting(Proving), waits(), None, OpenWrites, Some(2)),
        // A proof of an earlier term proves nothing about this one.
        (waiting(Proving), waits(), Some(1), OpenWrites, Some(2)),
        (waiting(Proving), waits(), Some(2), Admit, Some(2)),
        (waiting(Lifted), waits(), Some(2), Leave, Some(2)),
        (waiting(Lifted), waits(), None, Leave, Some(2)),
        // Nobody acknowledges: an own write is wanted all the same.
        (waiting(Raised), alone(), None, StopWaiting, None),
        (server(Raised), alone(), None, OpenWrites, None),
        (server(Proving), alone(), None, OpenWrites, Some(2)),
        (server(Proving), alone(), Some(2), Admit, Some(2)),
        // While it serves: waiting may begin, but ends behind the fence only.
        (server(Lifted), waits(), Some(2), WaitForAcks, Some(2)),
        (waiting(Lifted), alone(), Some(2), Raise, None),
        (waiting(Proving), alone(), Some(2), StopWaiting, Some(2)),
        (with_source(Lifted), waits(), Some(2), Raise, None),
        (waiting(Half), waits(), Some(2), Raise, None),
    ];
    for (server, shard, proven, step, beat) in table {
        let row = format!("{server:?} {shard:?} {proven:?}");
        let observation =
            Observation { proven: proven.map(Term), ..observation(Mysqld::Up(server), shard, primary(2)) };
        let decision = decide(&observation);
        assert_eq!((decision.step, decision.beat), (step, beat.map(Term)), "{row}");
    }
}

#[test]
fn a_replica_is_made_in_order() {
    let listed = || with_ackers(record(2, Some(OTHER)), &[ME, THIRD]);
    let unlisted = || with_ackers(record(2, Some(OTHER)), &[THIRD]);
    let acks = |acks| Follow(source(), acks);
    let table = [
        (waiting(Lifted), Fresh(listed()), Raise),
        // The primary is followed before commits stop to wait here, which can take a second.
        (waiting(Raised), Fresh(listed()), acks(Acks::Yes)),
        (waiting(Raised), Recalled(listed()), ReadRecord),
        (acking(Server { waits: Switch::On, ..following(source()) }), Recalled(listed()), StopWaiting),
        (waiting(Raised), Fresh(record(3, None)), StopWaiting),
        (server(Raised), Fresh(listed()), acks(Acks::Yes)),
        (server(Raised), Fresh(unlisted()), acks(Acks::No)),
        (server(Raised), Recalled(listed()), ReadRecord),
        // The primary moved, or another one is primary.
        (acking(following(elsewhere())), Recalled(listed()), ReadRecord),
        (acking(following(elsewhere())), Fresh(listed()), acks(Acks::Yes)),
        // All is as it should be.
        (acking(following(source())), Fresh(listed()), Leave),
        (acking(following(source())), Recalled(listed()), Leave),
        (following(source()), Fresh(unlisted()), Leave),
        // Acknowledging changes by a record that was just read.
        (following(source()), Recalled(listed()), ReadRecord),
        (following(source()), Fresh(listed()), acks(Acks::Yes)),
        (acking(following(source())), Recalled(unlisted()), ReadRecord),
        (acking(following(source())), Fresh(unlisted()), acks(Acks::No)),
    ];
    for (server, shard, step) in table {
        let row = format!("{server:?} {shard:?}");
        let decision = decided(Mysqld::Up(server), shard, replica(2));
        assert_eq!((decision.step, decision.beat), (step, None), "{row}");
    }
}

#[test]
fn a_replica_that_stands() {
    let listed = || Fresh(with_ackers(record(2, Some(OTHER)), &[ME]));
    let threads = |receiver, applier, error: Option<&str>| {
        let error = error.map(str::to_owned);
        let channel = Channel { source: source(), receiver, applier, error };
        acking(Server { channel: Some(channel), ..server(Raised) })
    };
    let follow = || Follow(source(), Acks::Yes);
    let well = |step: Step| (step, String::new());
    let other = "zone1-102 is primary under term 2";
    let table = [
        (threads(Running, Running, None), Retry::Later, well(Leave)),
        (threads(Connecting, Running, None), Retry::Later, (Leave, "it connects to zone1-102".into())),
        (
            threads(Connecting, Running, Some("no route (2003)")),
            Retry::Later,
            (Leave, "it cannot connect to zone1-102, and tries on: no route (2003)".into()),
        ),
        (threads(Stopped, Running, None), Retry::Later, (follow(), other.into())),
        (threads(Running, Stopped, None), Retry::Later, (follow(), other.into())),
        (
            threads(Running, Stopped, Some("no row (1032)")),
            Retry::Due,
            (follow(), "replication from zone1-102 stopped: no row (1032)".into()),
        ),
        (
            threads(Running, Stopped, Some("no row (1032)")),
            Retry::Later,
            (Leave, "replication from zone1-102 stopped: no row (1032)".into()),
        ),
    ];
    for (server, retry, (step, reason)) in table {
        let row = format!("{server:?} {retry:?}");
        let observation = Observation { retry, ..observation(Mysqld::Up(server), listed(), replica(2)) };
        let decision = decide(&observation);
        let said = if decision.why.is_well() { String::new() } else { decision.why.to_string() };
        assert_eq!((decision.step, said), (step, reason), "{row}");
    }
    let again =
        Observation { retry: Retry::Later, ..observation(Mysqld::Up(waiting(Raised)), listed(), replica(2)) };
    assert_eq!(decide(&again).step, StopWaiting, "it could not follow, and goes on with the rest");
    let lost = Observation {
        primary_at: None,
        ..observation(Mysqld::Up(acking(following(source()))), listed(), replica(2))
    };
    let decision = decide(&lost);
    assert_eq!(decision.step, Leave);
    assert_eq!(decision.why.to_string(), "zone1-102 is primary, but the topology does not say where it is");
}

#[test]
fn nobody_acknowledges_who_was_asked_to_stop_or_knows_of_a_higher_term() {
    let listed = || Fresh(with_ackers(record(2, Some(OTHER)), &[ME]));
    let silent = |shard| observation(Mysqld::Up(following(source())), shard, replica(2));
    let left = |at| Some(Revision(at));
    let table = [
        // Under the record that it left, whoever says so.
        (listed(), left(7), Leave),
        (Recalled(listed().record().cloned()), left(7), Leave),
        // Under a later one, once it was read. (The store may have been set back, so any other one counts.)
        (listed(), left(6), Follow(source(), Acks::Yes)),
        (listed(), left(9), Follow(source(), Acks::Yes)),
        (Recalled(listed().record().cloned()), left(6), ReadRecord),
        (Fresh(record(2, Some(OTHER))), left(6), Leave),
    ];
    for (shard, left_at, step) in table {
        let row = format!("{shard:?} {left_at:?}");
        assert_eq!(decide(&Observation { left_at, ..silent(shard) }).step, step, "{row}");
    }
    let mut acks = observation(Mysqld::Up(acking(following(source()))), listed(), replica(2));
    acks.left_at = left(7);
    assert_eq!(decide(&acks).step, Follow(source(), Acks::No));
    let ahead = observation(Mysqld::Up(acking(following(source()))), listed(), replica(3));
    assert_eq!(decide(&ahead).step, Follow(source(), Acks::No));
}

/// From the announcement to the new record: the demoted primary does nothing, and nothing is taken up early.
#[test]
fn a_change_of_primary_under_way() {
    let announced = |to: &str| {
        Fresh(record(1, Some(ME)).map(|record| ShardRecord {
            ackers: [alias(OTHER)].into(),
            transition: Some(Transition { next_term: Term(2), to: alias(to) }),
            ..record
        }))
    };
    let serving = decided(Mysqld::Up(waiting(Lifted)), announced(OTHER), primary(1));
    assert_eq!((serving.accept, serving.step), (None, Leave), "it is asked by a call");
    let demoted = decided(Mysqld::Up(waiting(Raised)), announced(OTHER), replica(2));
    assert_eq!((demoted.accept, demoted.step), (None, Leave), "commits still wait for acknowledgements");
    let for_itself = decided(Mysqld::Up(waiting(Raised)), announced(ME), replica(1));
    assert_eq!((for_itself.accept, for_itself.step), (None, Leave));
    let again = Fresh(with_ackers(record(2, Some(ME)), &[OTHER]));
    let taken_up = decided(Mysqld::Up(waiting(Raised)), again, replica(1));
    assert_eq!((taken_up.accept, taken_up.step), (Some(primary(2)), OpenWrites));
    let given_up = Fresh(with_ackers(record(3, Some(ME)), &[OTHER]));
    let back = decided(Mysqld::Up(waiting(Raised)), given_up, replica(2));
    assert_eq!((back.accept, back.step), (Some(primary(3)), OpenWrites));
}

#[test]
fn an_agent_restarted_while_the_topology_is_away_touches_nothing() {
    let serving = decided(Mysqld::Up(waiting(Lifted)), Unread, primary(4));
    assert_eq!((serving.step, serving.beat, serving.why.is_well()), (Leave, Some(Term(4)), true));
    let replicating = decided(Mysqld::Up(acking(following(source()))), Unread, replica(4));
    assert_eq!((replicating.step, replicating.beat, replicating.why.is_well()), (Leave, None, true));
    let alone = decided(Mysqld::Up(server(Raised)), Unread, replica(4));
    assert_eq!((alone.step, alone.why), (Leave, Why::TopologyUnread));
}

#[test]
fn reasons_say_what_to_do() {
    let stale = decided(Mysqld::Up(server(Raised)), Fresh(record(1, Some(ME))), primary(2));
    assert_eq!(
        stale.why.to_string(),
        "the shard's record names this tablet under term 1, but term 2 was already accepted as primary; \
         a new primaryship needs a higher term"
    );
    let other = decided(Mysqld::Up(server(Lifted)), Fresh(record(3, Some(OTHER))), primary(2));
    assert_eq!(other.why.to_string(), "zone1-102 is primary under term 3");
    let unproven = decided(Mysqld::Up(server(Proving)), Fresh(record(3, Some(ME))), primary(3));
    assert_eq!(
        unproven.why.to_string(),
        "it serves under term 3 once a write of its own was acknowledged; none was yet"
    );
}
