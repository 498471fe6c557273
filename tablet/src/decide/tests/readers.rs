//! When a replica is read.

use super::*;

fn secs(secs: u64) -> Option<Duration> {
    Some(Duration::from_secs(secs))
}

fn reading(server: Server) -> Server {
    Server { fence: Read, ..server }
}

fn announcing(to: &str) -> Option<ShardRecord> {
    let transition = Some(Transition { next_term: Term(3), to: alias(to) });
    record(2, Some(OTHER)).map(|record| ShardRecord { transition, ..record })
}

fn with_receiver(receiver: ThreadState, server: Server) -> Server {
    Server { channel: server.channel.map(|channel| Channel { receiver, ..channel }), ..server }
}

#[test]
fn readers_come_in_where_a_replica_keeps_up() {
    let other = || record(2, Some(OTHER));
    let well = || following(source());
    let follow = || Follow(source(), Acks::No);
    let table = [
        (well(), Fresh(other()), secs(0), AdmitReaders),
        (well(), Fresh(other()), secs(10), AdmitReaders),
        (well(), Fresh(other()), secs(11), Leave),
        (well(), Fresh(other()), None, Leave),
        // Nothing is opened by what is remembered.
        (well(), Recalled(other()), secs(0), ReadRecord),
        (well(), Recalled(other()), secs(11), Leave),
        // First it has to do what replicas do.
        (server(Raised), Fresh(other()), secs(0), follow()),
        (following(elsewhere()), Fresh(other()), secs(0), follow()),
        (with_receiver(Connecting, well()), Fresh(other()), secs(0), Leave),
        (with_receiver(Stopped, well()), Fresh(other()), secs(0), follow()),
        (Server { waits: Switch::On, ..well() }, Fresh(other()), secs(0), StopWaiting),
        // Soon it will be something else.
        (well(), Fresh(announcing(ME)), secs(0), Leave),
        (well(), Fresh(announcing(THIRD)), secs(0), AdmitReaders),
        (well(), Fresh(record(3, None)), secs(0), Leave),
        (well(), Fresh(None), secs(0), Leave),
        (well(), Unread, secs(0), Leave),
        // The topology is behind what this tablet knows.
        (well(), Fresh(record(1, Some(OTHER))), secs(0), Leave),
    ];
    for (server, shard, lag, step) in table {
        let row = format!("{server:?} {shard:?} {lag:?}");
        let seen = Observation { lag, ..observation(Mysqld::Up(server), shard, replica(2)) };
        assert_eq!(decide(&seen).step, step, "{row}");
    }
}

#[test]
fn readers_are_turned_out_where_it_does_not_any_more() {
    let other = || record(2, Some(OTHER));
    let well = || reading(following(source()));
    let follow = || Follow(source(), Acks::No);
    let table = [
        (well(), Fresh(other()), replica(2), secs(0), Leave),
        (well(), Recalled(other()), replica(2), secs(30), Leave),
        (well(), Recalled(other()), replica(2), secs(31), Raise),
        (well(), Recalled(other()), replica(2), None, Raise),
        // Another primary is followed with readers in; what nobody sends grows old.
        (reading(following(elsewhere())), Fresh(other()), replica(2), secs(9), follow()),
        (reading(following(elsewhere())), Recalled(record(3, Some(OTHER))), replica(2), secs(9), ReadRecord),
        (reading(following(elsewhere())), Fresh(other()), replica(2), secs(31), Raise),
        (with_receiver(Connecting, well()), Recalled(other()), replica(2), secs(20), Leave),
        (with_receiver(Connecting, well()), Recalled(other()), replica(2), secs(31), Raise),
        // It is to be primary, or is: whatever says so.
        (well(), Recalled(announcing(ME)), replica(2), secs(0), Raise),
        (well(), Fresh(announcing(THIRD)), replica(2), secs(0), Leave),
        (well(), Fresh(record(3, Some(ME))), replica(2), secs(0), Raise),
        (well(), Recalled(record(3, Some(ME))), replica(2), secs(0), Raise),
        // Nobody is primary, or nothing can be acted on.
        (well(), Recalled(record(3, None)), replica(2), secs(0), Raise),
        (well(), Recalled(record(1, Some(OTHER))), replica(2), secs(0), Raise),
        (well(), Recalled(None), replica(2), secs(0), Raise),
        (well(), Recalled(record(2, Some(ME))), replica(2), secs(0), Raise),
        // An agent that starts while the topology is away touches nothing, as long as the data is young.
        (well(), Unread, replica(2), secs(30), Leave),
        (with_receiver(Connecting, well()), Unread, replica(2), secs(30), Leave),
        (well(), Unread, replica(2), secs(31), Raise),
        (well(), Unread, primary(2), secs(0), Raise),
        (well(), Unread, none(), secs(0), Raise),
        // A demotion that was cut short looks alike, but for the commits that wait.
        (Server { waits: Switch::On, ..reading(server(Raised)) }, Fresh(other()), primary(1), secs(0), Raise),
        (Server { waits: Switch::On, ..well() }, Recalled(other()), replica(2), secs(0), Raise),
        (reading(server(Raised)), Fresh(record(2, Some(ME))), primary(2), secs(0), Raise),
    ];
    for (server, shard, disk, lag, step) in table {
        let row = format!("{server:?} {shard:?} {disk:?} {lag:?}");
        let seen = Observation { lag, ..observation(Mysqld::Up(server), shard, disk) };
        assert_eq!(decide(&seen).step, step, "{row}");
    }
}

#[test]
fn a_silent_replica_is_killed_once_its_readers_would_see_old_data() {
    let frozen =
        |shard, lag| Observation { lag, ..observation(Mysqld::Silent(Some(Read)), shard, replica(2)) };
    let other = || Recalled(record(2, Some(OTHER)));
    assert_eq!(decide(&frozen(other(), secs(30))).step, Leave);
    assert_eq!(decide(&frozen(Unread, secs(30))).step, Leave);
    let late = decide(&frozen(other(), secs(31)));
    assert_eq!((late.step, late.why), (Kill, Why::TooOld(secs(31))));
    assert_eq!(decide(&frozen(Unread, secs(31))).step, Kill);
}

#[test]
fn taking_a_primaryship_waits_for_a_fresh_record_also_where_readers_are_turned_out_first() {
    let becoming = |shard| decided(Mysqld::Up(reading(following(elsewhere()))), shard, replica(2));
    let heard = becoming(Recalled(record(3, Some(ME))));
    assert_eq!((heard.accept, heard.step), (None, Raise));
    let read = becoming(Fresh(record(3, Some(ME))));
    assert_eq!((read.accept, read.step), (Some(primary(3)), Raise));
    assert_eq!(read.why.to_string(), "it becomes primary under term 3");
}

#[test]
fn a_replica_that_is_not_read_yet_does_what_its_role_asks_for() {
    let seen = Observation {
        lag: secs(0),
        ..observation(Mysqld::Up(following(source())), Recalled(record(2, Some(OTHER))), replica(2))
    };
    let decision = decide(&seen);
    assert_eq!((decision.step, decision.why.is_well()), (ReadRecord, true));
}
