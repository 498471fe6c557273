use topo::records::TabletState::{Fenced, MysqldDown, Provisioning};

use proto::rpc::tablet::ThreadState;

use super::*;
use crate::agents::{SeenSemiSync, SeenStatus};
use crate::sight::sample::{
    alias, broken, changing, foreign, gtids, in_state, new, record, replica, serving, shard,
};

const SECOND: Duration = Duration::from_secs(1);

/// Looks a second apart, with what the last one comes to.
fn after(looks: impl IntoIterator<Item = ShardSight>) -> Observation {
    let (mut memory, mut now, mut last) = (Memory::default(), Instant::now(), None);
    for sight in looks {
        last = Some(memory.take(sight, now));
        now += SECOND;
    }
    last.unwrap()
}

fn pair(primary: Option<SeenStatus>, other: Option<SeenStatus>) -> ShardSight {
    shard(record(2, &["a-2"]), [primary, other])
}

#[test]
fn what_lasts_is_counted_from_its_beginning() {
    let vacant = || shard(None, [Some(new())]);
    let seen = after([vacant(), vacant(), vacant()]);
    assert_eq!((seen.vacant_for, seen.risk_for, seen.transition_for), (Some(2 * SECOND), None, None));
    let lone = || shard(record(1, &[]), [Some(serving(1))]);
    let seen = after([vacant(), lone(), lone()]);
    assert_eq!((seen.vacant_for, seen.risk_for), (None, Some(SECOND)));
    let to =
        |next, to: &str| shard(changing(record(1, &["a-2"]), next, to), [Some(serving(1)), Some(replica(1))]);
    assert_eq!(after([to(2, "a-2"), to(2, "a-2")]).transition_for, Some(SECOND));
    assert_eq!(after([to(2, "a-2"), to(3, "a-2")]).transition_for, Some(Duration::ZERO));
}

#[test]
fn a_replica_is_broken_from_when_it_was_seen_to_stand_still() {
    let stands = || pair(Some(serving(2)), Some(in_state(replica(2), Fenced, "1062")));
    let down = || pair(Some(serving(2)), Some(in_state(replica(2), MysqldDown, "")));
    let sound = || pair(Some(serving(2)), Some(replica(2)));
    let on_the_way = |executed: &str| {
        let primary = SeenStatus { executed: gtids("1-200"), ..serving(2) };
        pair(Some(primary), Some(SeenStatus { executed: gtids(executed), ..replica(2) }))
    };
    let copied = || pair(Some(serving(2)), Some(in_state(replica(2), Provisioning, "")));
    let cases = [
        ("sound", vec![sound(), sound()], None),
        ("it stands still", vec![sound(), stands(), stands()], Some(SECOND)),
        (
            "it went down meanwhile",
            vec![stands(), down(), pair(Some(serving(2)), None), stands()],
            Some(3 * SECOND),
        ),
        ("it was only down", vec![sound(), down(), down()], None),
        ("it went on", vec![stands(), on_the_way("1-101")], None),
        ("nothing is left to apply", vec![stands(), sound()], None),
        ("it is tried again", vec![stands(), on_the_way("1-100"), stands()], Some(2 * SECOND)),
        ("it is copied", vec![stands(), copied()], None),
    ];
    for (name, looks, expected) in cases {
        assert_eq!(after(looks).note(&alias("a-2")).broken_for, expected, "{name}");
    }
    // A primary does not replicate, and nobody does before there is one.
    assert_eq!(after([stands(), stands()]).note(&alias("a-1")).broken_for, None);
    let vacant = || shard(None, [Some(new()), Some(new())]);
    assert_eq!(after([vacant(), vacant()]).note(&alias("a-2")).broken_for, None);
}

#[test]
fn only_what_the_primary_lacks_long_after_is_errant() {
    let with = |primary: &str, other: &str| {
        let primary = SeenStatus { executed: gtids(primary), ..serving(2) };
        pair(Some(primary), Some(SeenStatus { executed: gtids(other), ..replica(2) }))
    };
    let waiting = |sight: ShardSight| {
        let mut sight = sight;
        let status = sight.tablets[0].status.as_mut().unwrap();
        status.semi_sync = SeenSemiSync { waiting: Some(1), acks: false };
        sight
    };
    let away = || pair(None, Some(replica(2)));
    let ahead = || with("1-100", "1-105");
    // The primary writes heartbeats, so each look at it shows something else: of their own source, they are beside the point.
    let beating = |sights: Vec<ShardSight>| -> Vec<ShardSight> {
        let beat = |(at, mut sight): (usize, ShardSight)| {
            if let Some(status) = &mut sight.tablets[0].status {
                status.executed = status.executed.union(&foreign(&format!("1-{}", at + 1)));
            }
            sight
        };
        sights.into_iter().enumerate().map(beat).collect()
    };
    let judged = |looks: Vec<ShardSight>| after(looks).note(&alias("a-2")).errant.clone();
    let errant = |looks: Vec<ShardSight>| judged(beating(looks));
    assert_eq!(errant(vec![ahead(), ahead(), ahead()]), GtidSet::EMPTY, "not long enough");
    assert_eq!(errant(vec![ahead(), ahead(), ahead(), ahead()]), gtids("101-105"));
    let frozen = judged(vec![ahead(), ahead(), ahead(), ahead(), ahead()]);
    assert_eq!(frozen, GtidSet::EMPTY, "nobody has looked at the primary since");
    let moving = (100..110).map(|at| with(&format!("1-{at}"), &format!("1-{}", at + 2))).collect();
    assert_eq!(errant(moving), GtidSet::EMPTY, "the primary is merely seen a little late");
    // What waited before it is committed bit by bit: that says nothing of what comes after.
    let backlog = (90..100).map(|at| with(&format!("1-{at}"), "1-105")).collect();
    assert_eq!(judged(backlog), GtidSet::EMPTY, "nothing later was committed");
    let partly = vec![ahead(), ahead(), ahead(), with("1-103", "1-108")];
    assert_eq!(errant(partly), gtids("104-105"), "what came later is not judged yet");
    let copied = vec![ahead(), ahead(), ahead(), ahead(), with("1-100", "1-100")];
    assert_eq!(errant(copied), GtidSet::EMPTY, "a copy has replaced it");
    let waits = || vec![ahead(), ahead(), waiting(ahead()), waiting(ahead()), waiting(ahead())];
    assert_eq!(
        judged(waits()),
        GtidSet::EMPTY,
        "what waits may be on a replica only, and all after it waits, too"
    );
    assert_eq!(errant(waits()), gtids("101-105"), "under load some commit waits at every look");
    assert_eq!(errant(vec![ahead(), ahead(), away(), ahead()]), GtidSet::EMPTY, "nobody to compare with");
}

#[test]
fn an_acker_is_silent_from_when_it_was_seen_so_under_one_record() {
    let look = |acks, revision, ackers: &[&str]| {
        let silent = SeenStatus { semi_sync: SeenSemiSync { waiting: None, acks }, ..replica(2) };
        let mut sight = shard(record(2, ackers), [Some(serving(2)), Some(silent)]);
        sight.record = sight.record.map(|stored| topo::Stored { revision: Revision(revision), ..stored });
        sight
    };
    let listed: &[&str] = &["a-2"];
    let broken = || {
        let mut sight = look(false, 7, listed);
        let status = sight.tablets[1].status.as_mut().unwrap();
        status.state = Fenced;
        status.replication.as_mut().unwrap().receiver = ThreadState::Stopped;
        sight
    };
    let cases = [
        ("it acknowledges", vec![look(true, 7, listed), look(true, 7, listed)], None),
        (
            "it does not",
            vec![look(true, 7, listed), look(false, 7, listed), look(false, 7, listed)],
            Some(SECOND),
        ),
        ("under another record", vec![look(false, 7, listed), look(false, 8, listed)], Some(Duration::ZERO)),
        ("it began to", vec![look(false, 7, listed), look(true, 7, listed)], None),
        ("it is not to", vec![look(false, 7, &[]), look(false, 7, &[])], None),
        ("it could not", vec![look(false, 7, listed), broken()], None),
    ];
    for (name, looks, expected) in cases {
        assert_eq!(after(looks).note(&alias("a-2")).silent_for, expected, "{name}");
    }
}

#[test]
fn a_copy_lasts_until_mysqld_is_back() {
    let state = |state| pair(Some(serving(2)), Some(in_state(replica(2), state, "")));
    let copying = |looks: Vec<ShardSight>| after(looks).note(&alias("a-2")).copying;
    assert!(copying(vec![state(Provisioning)]));
    assert!(copying(vec![state(Provisioning), state(MysqldDown), pair(Some(serving(2)), None)]));
    assert!(!copying(vec![state(Provisioning), state(MysqldDown), state(Fenced)]));
    assert!(!copying(vec![state(MysqldDown)]));
    // One that was said to begin is waited for, since a small one may be over before it was seen.
    let (mut memory, now) = (Memory::default(), Instant::now());
    memory.begin_copy(&alias("a-2"), &alias("a-1"), now);
    for (after, expected) in [(Duration::ZERO, true), (COPY_START_PATIENCE, false)] {
        assert_eq!(memory.take(state(Fenced), now + after).note(&alias("a-2")).copying, expected);
    }
}

#[test]
fn a_copy_that_made_no_replica_rests_and_its_donor_is_remembered() {
    let state = |state| pair(Some(serving(2)), Some(in_state(replica(2), state, "")));
    let (mut memory, now, replica_of) = (Memory::default(), Instant::now(), alias("a-2"));
    let look =
        |memory: &mut Memory, sight, at: u32| memory.take(sight, now + at * SECOND).note(&replica_of).clone();
    for round in 1..=2 {
        let began = round * 100;
        memory.begin_copy(&alias("a-2"), &alias("a-1"), now + began * SECOND);
        assert!(look(&mut memory, state(Provisioning), began + 1).copying);
        let over = look(&mut memory, state(Fenced), began + 2);
        assert_eq!(
            (over.copying, over.copy, over.failed),
            (false, Rest::Until, [(alias("a-1"), round)].into())
        );
        assert_eq!(look(&mut memory, state(Fenced), began + 3).copy, Rest::Until);
        assert_eq!(look(&mut memory, state(Fenced), began + 50).copy, Rest::Over);
    }
    // It replicates: whatever comes later has nothing to do with it.
    let sound = look(&mut memory, pair(Some(serving(2)), Some(replica(2))), 300);
    assert_eq!(sound.failed, BTreeMap::new());
}

#[test]
fn what_failed_rests_for_a_while() {
    let (mut memory, now) = (Memory::default(), Instant::now());
    memory.rest_copy(&alias("a-2"), now + SECOND);
    memory.rest_renewal(now + SECOND);
    let look = || pair(Some(serving(2)), Some(replica(2)));
    let seen = memory.take(look(), now);
    assert_eq!((seen.renewal, seen.note(&alias("a-2")).copy), (Rest::Until, Rest::Until));
    assert_eq!(seen.note(&alias("a-1")).copy, Rest::Over);
    let seen = memory.take(look(), now + SECOND);
    assert_eq!((seen.renewal, seen.note(&alias("a-2")).copy), (Rest::Over, Rest::Over));
}

#[test]
fn what_stopped_an_applier_is_remembered_while_it_is_tried_again() {
    let primary = || Some(SeenStatus { executed: gtids("1-200"), ..serving(2) });
    let stands = || pair(primary(), Some(broken(2, 1032, "no row")));
    let runs = |executed: &str| pair(primary(), Some(SeenStatus { executed: gtids(executed), ..replica(2) }));
    let by = |looks: Vec<ShardSight>| after(looks).note(&alias("a-2")).stopped_by.clone();
    assert_eq!(by(vec![stands(), runs("1-100")]), Some((1032, "no row".into())));
    assert_eq!(by(vec![stands(), runs("1-101")]), None);
}

#[test]
fn deaths_of_mysqld_are_told_once_and_those_soon_after_together() {
    let (mut memory, mut now) = (Memory::default(), Instant::now());
    let mut told = |deaths: u32, wait: Duration| {
        now += wait;
        let status = SeenStatus { deaths, ..replica(2) };
        memory.take(pair(Some(serving(2)), Some(status)), now).note(&alias("a-2")).deaths
    };
    assert_eq!(told(3, SECOND), 0, "nobody knows when they were");
    assert_eq!(told(4, SECOND), 1);
    assert_eq!(told(4, SECOND), 0);
    assert_eq!(told(6, SECOND), 0, "one was told a moment ago");
    assert_eq!(told(6, DEATHS_PAUSE), 2);
    assert_eq!(told(1, DEATHS_PAUSE), 1, "another agent counts anew");
    assert_eq!(told(1, DEATHS_PAUSE), 0);
}
