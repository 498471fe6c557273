use std::collections::BTreeMap;
use std::time::Instant;

use proto::gtid::GtidSet;
use proto::ids::Term;
use topo::records::EventReason as Reason;

use super::*;
use crate::agents::SeenStatus;
use crate::shard::observe::{Memory, Rest};
use crate::sight::ShardSight;
use crate::sight::sample::{alias, broken, foreign, in_state, new, record, replica, serving, shard};

fn seen(sight: ShardSight) -> Observation {
    Observation {
        vacant_for: None,
        transition_for: None,
        risk_for: None,
        renewal: Rest::Over,
        notes: BTreeMap::new(),
        sight,
    }
}

fn pair(other: Option<SeenStatus>) -> Observation {
    seen(shard(record(2, &["a-2"]), [Some(serving(2)), other]))
}

fn noted(mut seen: Observation, note: Note) -> Observation {
    seen.notes.insert(alias("a-2"), note);
    seen
}

fn told(before: Option<&Observation>, now: &Observation) -> Vec<(String, Reason, String)> {
    let notices = compare(&"ks/-80".parse().unwrap(), before, now);
    notices.into_iter().map(|n| (n.object.to_string(), n.reason, n.observation)).collect()
}

#[test]
fn an_absence_is_told_once_and_its_end_too_if_it_lasts() {
    use TabletState::{Fenced, GivenUp, MysqldDown, Provisioning};
    const SHORT: Duration = Duration::from_secs(1);
    let state = |state, reason: &str| Some(in_state(replica(2), state, reason));
    let sound = || Some(replica(2));
    let away = Some((Reason::TabletUnreachable, "its agent at a-2.test:1 does not answer"));
    let back = Some((Reason::TabletReachable, "its agent at a-2.test:1 answers"));
    let down = Some((Reason::MysqldDown, "signal 9"));
    let up = Some((Reason::MysqldUp, "version 9.7.4"));
    let given_up = Some((Reason::MysqldGivenUp, "6 times"));
    // What the tablet is like, and for how long when the next look finds it otherwise.
    let cases = [
        ("away", vec![(sound(), SHORT), (None, ABSENCE_PATIENCE)], away),
        ("still away", vec![(None, ABSENCE_PATIENCE), (None, SHORT)], None),
        ("back", vec![(None, ABSENCE_PATIENCE), (sound(), SHORT)], back),
        ("down", vec![(sound(), SHORT), (state(MysqldDown, "signal 9"), ABSENCE_PATIENCE)], down),
        ("up", vec![(state(MysqldDown, ""), ABSENCE_PATIENCE), (state(Fenced, "starts"), SHORT)], up),
        ("left down", vec![(state(MysqldDown, ""), SHORT), (state(GivenUp, "6 times"), SHORT)], given_up),
        ("started after all", vec![(state(GivenUp, ""), SHORT), (state(Fenced, ""), SHORT)], up),
        (
            "down and away",
            vec![
                (state(MysqldDown, "signal 9"), SHORT),
                (None, SHORT),
                (state(MysqldDown, "signal 9"), SHORT),
            ],
            None,
        ),
        ("up and away", vec![(state(MysqldDown, ""), ABSENCE_PATIENCE), (None, SHORT), (sound(), SHORT)], up),
        (
            "its copy restarts it",
            vec![(state(Provisioning, ""), SHORT), (state(MysqldDown, ""), ABSENCE_PATIENCE)],
            None,
        ),
    ];
    for (name, looks, expected) in cases {
        // Each is seen twice: when it begins, and when it has lasted; only the last time counts.
        let (mut memory, mut now, mut before) = (Memory::default(), Instant::now(), None);
        let mut last = Vec::new();
        for (status, lasting) in looks {
            last.clear();
            for wait in [Duration::ZERO, lasting] {
                now += wait;
                let seen = memory.take(pair(status.clone()).sight, now);
                last.extend(told(before.as_ref(), &seen).into_iter().filter(|(object, ..)| object == "a-2"));
                before = Some(seen);
            }
        }
        let expected = expected.map(|(reason, text)| ("a-2".to_owned(), reason, text.to_owned()));
        assert_eq!(last, Vec::from_iter(expected), "{name}");
    }
}

#[test]
fn what_comes_and_goes_does_not_fill_the_log() {
    let (mut memory, mut now, mut before) = (Memory::default(), Instant::now(), None);
    let down = in_state(replica(2), TabletState::MysqldDown, "signal 9");
    for look in 0..100 {
        let status = [Some(replica(2)), None, Some(down.clone())][look % 3].clone();
        let seen = memory.take(pair(status).sight, now);
        assert_eq!(told(before.as_ref(), &seen), [], "look {look}");
        before = Some(seen);
        now += ABSENCE_PATIENCE / 2;
    }
}

#[test]
fn broken_replication_is_told_when_it_lasts() {
    let standing = |lasting: Option<Duration>| {
        let stands = Some(in_state(replica(2), TabletState::Fenced, "error 1062"));
        noted(pair(stands), Note { broken_for: lasting, ..Note::default() })
    };
    let (short, long) = (standing(Some(Duration::from_secs(1))), standing(Some(REPLICATION_PATIENCE)));
    let sound = pair(Some(replica(2)));
    assert_eq!(told(Some(&sound), &short), []);
    assert_eq!(told(Some(&short), &sound), []);
    assert_eq!(told(Some(&short), &long), [("a-2".into(), Reason::ReplicationBroken, "error 1062".into())]);
    assert_eq!(told(Some(&long), &long), []);
    let restored = [("a-2".into(), Reason::ReplicationRestored, "from a-1.test:3306".into())];
    assert_eq!(told(Some(&long), &sound), restored);
}

#[test]
fn errant_transactions_are_told_when_they_are_certain() {
    let errant = noted(pair(Some(replica(2))), Note { errant: foreign("7"), ..Note::default() });
    let text = "the primary lacks bbbbbbbb-0000-11ee-8000-00000000000b:7";
    let news = told(Some(&pair(Some(replica(2)))), &errant);
    assert_eq!(news[0], ("a-2".into(), Reason::ErrantTransactions, text.into()));
    // It is the only acker, too.
    assert_eq!((news.len(), news[1].1), (2, Reason::ProvisioningHindered));
    assert_eq!(told(Some(&errant), &errant), []);
}

#[test]
fn a_replica_that_diverged_is_told_and_what_keeps_it_from_a_copy() {
    let stopped_by = Some((1032, "no row".into()));
    let lasting = |broken_for| {
        let note = Note { broken_for: Some(broken_for), stopped_by: stopped_by.clone(), ..Note::default() };
        noted(pair(Some(broken(2, 1032, "no row"))), note)
    };
    let (short, long) = (lasting(Duration::from_secs(1)), lasting(REPLICATION_PATIENCE));
    let reasons = |told: Vec<(String, Reason, String)>| told.into_iter().map(|(_, r, text)| (r, text));
    let news: Vec<(Reason, String)> = reasons(told(Some(&short), &long)).collect();
    let expected = [Reason::ReplicationBroken, Reason::ReplicaDiverged, Reason::ProvisioningHindered];
    assert_eq!(news.iter().map(|(reason, _)| *reason).collect::<Vec<_>>(), expected);
    assert_eq!((news[0].1.as_str(), news[1].1.as_str()), ("no row", "its data is not its primary's: no row"));
    assert!(news[2].1.starts_with("its data is not its primary's: no row; commits wait for it alone"));
    assert_eq!(told(Some(&long), &long), []);
}

#[test]
fn deaths_of_mysqld_are_told_with_their_cause() {
    let died = |deaths| {
        let status = SeenStatus { last_death: "was killed by signal 9".into(), ..replica(2) };
        noted(pair(Some(status)), Note { deaths, ..Note::default() })
    };
    let before = pair(Some(replica(2)));
    assert_eq!(told(Some(&before), &died(0)), []);
    let once = "it was killed by signal 9";
    assert_eq!(told(Some(&before), &died(1)), [("a-2".into(), Reason::MysqldDied, once.into())]);
    let often = "3 times; at last it was killed by signal 9";
    assert_eq!(told(Some(&before), &died(3)), [("a-2".into(), Reason::MysqldDied, often.into())]);
}

#[test]
fn a_copy_is_done_when_nothing_asks_for_another() {
    let away_for = Some(ABSENCE_PATIENCE);
    let copying = noted(pair(None), Note { copying: true, away_for, ..Note::default() });
    let done = ("a-2".into(), Reason::ProvisioningDone, "it has a donor's data".into());
    let reachable = ("a-2".into(), Reason::TabletReachable, "its agent at a-2.test:1 answers".into());
    assert_eq!(told(Some(&copying), &pair(Some(replica(2)))), [reachable.clone(), done]);
    let errant = Note { errant: foreign("7"), ..Note::default() };
    let failed = noted(pair(Some(in_state(replica(2), TabletState::Fenced, "error 3862"))), errant);
    let text =
        "it has transactions that the primary lacks: bbbbbbbb-0000-11ee-8000-00000000000b:7; error 3862";
    let notices = told(Some(&copying), &failed);
    assert!(notices.contains(&("a-2".into(), Reason::ProvisioningFailed, text.into())), "{notices:?}");
}

#[test]
fn a_risk_is_told_when_it_lasts_also_at_the_first_look() {
    let lone = |lasting| Observation { risk_for: lasting, ..seen(shard(record(2, &[]), [Some(serving(2))])) };
    let (short, long) = (lone(Some(Duration::from_secs(1))), lone(Some(RISK_PATIENCE)));
    let cannot = [("ks/-80".into(), Reason::CannotFailOver, "the shard has one tablet only".into())];
    assert_eq!(told(None, &long), cannot);
    assert_eq!(told(Some(&short), &long), cannot);
    assert_eq!(told(Some(&long), &long), []);
    let sound = pair(Some(replica(2)));
    assert_eq!(told(Some(&short), &sound), []);
    assert_eq!(
        told(Some(&long), &sound),
        [("ks/-80".into(), Reason::CanFailOver, "could take over: a-2".into())]
    );
}

#[test]
fn what_stops_everything_is_told_once() {
    let shard_ref = "ks/-80".parse().unwrap();
    let unknown = |term| {
        vec![Step::Stuck(Stuck::TermUnknown { alias: alias("a-1"), term: Term(term), known: Term(2) })]
    };
    let first = stuck(&shard_ref, &[], &unknown(3)).unwrap();
    assert_eq!((first.object.to_string(), first.reason), ("ks/-80".into(), Reason::TopologyBehind));
    assert_eq!(stuck(&shard_ref, &unknown(3), &unknown(3)), None);
    assert!(stuck(&shard_ref, &unknown(3), &unknown(4)).is_some());
    let apart = stuck(&shard_ref, &[], &[Step::Stuck(Stuck::Apart)]).unwrap();
    assert_eq!(apart.reason, Reason::ErrantTransactions);
    assert_eq!(stuck(&shard_ref, &[], &[Step::EndTransition]), None);
    let empty = seen(shard(None, [Some(SeenStatus { executed: GtidSet::EMPTY, ..new() })]));
    assert_eq!(told(None, &empty), []);
}
