use std::time::Duration;

use proto::rpc::tablet::ThreadState;
use topo::records::ShardRecord;

use super::*;
use crate::shard::observe::Note;
use crate::sight::sample::{
    alias, changing, foreign, gtids, in_async, in_state, lagging, new, record, replica, serving, shard,
};

pub(super) const SHORT: Duration = Duration::from_millis(100);

/// The observation of a sight that has just become so.
pub(super) fn seen(sight: ShardSight) -> Observation {
    let changing = sight.record.as_ref().is_some_and(|stored| stored.value.transition.is_some());
    Observation {
        vacant_for: sight.primary_alias().is_none().then_some(SHORT),
        transition_for: changing.then_some(SHORT),
        risk_for: None,
        renewal: Rest::Over,
        notes: BTreeMap::new(),
        sight,
    }
}

pub(super) fn noted(mut seen: Observation, tablet: &str, note: Note) -> Observation {
    seen.notes.insert(alias(tablet), note);
    seen
}

fn appoint(tablet: &str, term: u64, ackers: &[&str]) -> Step {
    let ackers = ackers.iter().map(|name| alias(name)).collect();
    Step::Appoint { alias: alias(tablet), term: Term(term), ackers }
}

fn unknown(tablet: &str, term: u64, known: u64) -> Step {
    Step::Stuck(Stuck::TermUnknown { alias: alias(tablet), term: Term(term), known: Term(known) })
}

pub(super) fn check(cases: Vec<(&str, Observation, Vec<Step>)>) {
    for (name, seen, expected) in cases {
        assert_eq!(decide(&seen), expected, "{name}");
    }
}

#[test]
fn a_shard_gets_its_first_primary_once_its_tablets_are_there() {
    let ready = || Some(new());
    let starts = || Some(in_state(new(), TabletState::MysqldDown, ""));
    let with = |set: &str| Some(SeenStatus { executed: gtids(set), ..new() });
    let late = |sight| Observation { vacant_for: Some(BOOTSTRAP_PATIENCE), ..seen(sight) };
    let empty = |term| ShardRecord { term: Term(term), ..ShardRecord::default() };
    let taken_back = || Some(SeenStatus { role: Some(TabletRole::Replica), term: Term(4), ..new() });
    check(vec![
        ("no tablet", seen(shard(None, [])), vec![]),
        ("the only one is away", late(shard(None, [None])), vec![]),
        ("its mysqld starts", late(shard(None, [starts()])), vec![]),
        ("the only one is ready", seen(shard(None, [ready()])), vec![appoint("a-1", 1, &[])]),
        ("an empty record", seen(shard(empty(0), [ready()])), vec![appoint("a-1", 1, &[])]),
        ("a primary was taken back", seen(shard(empty(4), [taken_back()])), vec![appoint("a-1", 5, &[])]),
        (
            "all of three",
            seen(shard(None, [ready(), ready(), ready()])),
            vec![appoint("a-1", 1, &["a-2", "a-3"])],
        ),
        ("two of three, for now", seen(shard(None, [ready(), None, ready()])), vec![]),
        ("two of three", late(shard(None, [None, ready(), ready()])), vec![appoint("a-2", 1, &["a-3"])]),
        ("one of three has nobody to wait for", late(shard(None, [None, starts(), ready()])), vec![]),
        (
            "unless commits do not wait",
            late(in_async(shard(None, [None, ready()]))),
            vec![appoint("a-2", 1, &[])],
        ),
        ("async", seen(in_async(shard(None, [ready(), ready()]))), vec![appoint("a-1", 1, &[])]),
        ("one has more", seen(shard(None, [with("1-3"), with("1-9")])), vec![appoint("a-2", 1, &["a-1"])]),
        ("each has more", seen(shard(None, [with("1-3"), with("9")])), vec![Step::Stuck(Stuck::Apart)]),
    ]);
}

#[test]
fn who_has_not_taken_a_role_is_reminded_of_it() {
    let primary = |tablet: &str| vec![Step::Remind(alias(tablet), TabletRole::Primary)];
    let down = in_state(serving(2), TabletState::MysqldDown, "killed");
    let elsewhere = ShardRecord { primary: Some(alias("b-9")), ..record(2, &[]) };
    let to_replica = Step::Remind(alias("a-2"), TabletRole::Replica);
    check(vec![
        ("appointed, not told yet", seen(shard(record(1, &[]), [Some(new())])), primary("a-1")),
        ("it serves under an older term", seen(shard(record(2, &[]), [Some(serving(1))])), primary("a-1")),
        ("its mysqld starts", seen(shard(record(2, &[]), [Some(down)])), primary("a-1")),
        ("it serves", seen(shard(record(2, &[]), [Some(serving(2))])), vec![]),
        ("it is away", seen(shard(record(2, &[]), [None])), vec![]),
        ("it is not registered", seen(shard(elsewhere, [Some(replica(2))])), vec![]),
        (
            "a replica without a role",
            seen(shard(record(2, &["a-2"]), [Some(serving(2)), Some(new())])),
            vec![to_replica.clone()],
        ),
        ("an old primary", seen(shard(record(2, &["a-2"]), [None, Some(serving(1))])), vec![to_replica]),
    ]);
}

#[test]
fn terms_that_the_topology_does_not_know_stop_everything() {
    let demoted = || {
        Some(in_state(SeenStatus { role: Some(TabletRole::Replica), ..serving(3) }, TabletState::Fenced, ""))
    };
    let held = |next| changing(record(2, &["a-2"]), next, "a-2");
    check(vec![
        ("it lost its record", seen(shard(None, [Some(serving(3))])), vec![unknown("a-1", 3, 0)]),
        ("it went back in time", seen(shard(record(2, &[]), [Some(serving(3))])), vec![unknown("a-1", 3, 2)]),
        (
            "a replica knows more",
            seen(shard(record(2, &[]), [Some(serving(2)), Some(replica(5))])),
            vec![unknown("a-2", 5, 2)],
        ),
        ("the announced term is known", seen(shard(held(3), [demoted(), Some(replica(2))])), vec![]),
        (
            "one above it is not",
            seen(shard(changing(record(1, &[]), 2, "a-2"), [demoted()])),
            vec![unknown("a-1", 3, 2)],
        ),
    ]);
}

#[test]
fn a_change_of_primary_is_left_alone_until_it_is_abandoned() {
    let sight = || shard(changing(record(2, &["a-2"]), 3, "a-2"), [Some(new()), Some(replica(2))]);
    let long = Observation { transition_for: Some(ABANDONED_AFTER), ..seen(sight()) };
    check(vec![("under way", seen(sight()), vec![]), ("for long", long, vec![Step::EndTransition])]);
}

#[test]
fn the_ackers_are_the_sound_replicas() {
    let add = |names: &[&str]| vec![Step::AddAckers(names.iter().map(|name| alias(name)).collect())];
    let (primary, sound) = (|| Some(serving(2)), || Some(replica(2)));
    let errant = Note { errant: foreign("1"), ..Note::default() };
    let suspected = |time| Note { suspected_for: Some(time), ..Note::default() };
    let given_up = || Some(in_state(replica(2), TabletState::GivenUp, "6 times"));
    let ahead = || Some(SeenStatus { executed: gtids("1-101"), ..replica(2) });
    let of = |ackers: &[&str], statuses: Vec<Option<SeenStatus>>| seen(shard(record(2, ackers), statuses));
    let lost = "it has transactions that the primary lacks: bbbbbbbb-0000-11ee-8000-00000000000b:1";
    check(vec![
        ("all are", of(&["a-2", "a-3"], vec![primary(), sound(), sound()]), vec![]),
        ("another is fit", of(&["a-2"], vec![primary(), sound(), sound()]), add(&["a-3"])),
        ("it lags", of(&["a-2"], vec![primary(), sound(), Some(lagging(2, 20_000))]), vec![]),
        (
            "it is ahead of what was seen of its primary",
            noted(of(&["a-2"], vec![primary(), sound(), ahead()]), "a-3", suspected(SHORT)),
            add(&["a-3"]),
        ),
        (
            "for long",
            noted(of(&["a-2"], vec![primary(), sound(), ahead()]), "a-3", suspected(SUSPICION_PATIENCE)),
            vec![],
        ),
        ("the primary does not serve", of(&["a-2"], vec![None, sound(), sound()]), vec![]),
        ("an acker is away", of(&["a-2", "a-3"], vec![primary(), sound(), None]), vec![]),
        (
            "an acker is errant",
            noted(of(&["a-2", "a-3"], vec![primary(), sound(), sound()]), "a-2", errant.clone()),
            vec![Step::TakeOutAcker(alias("a-2"), lost.into())],
        ),
        ("the last one stays", noted(of(&["a-2"], vec![primary(), sound()]), "a-2", errant.clone()), vec![]),
        (
            "so does the last one that is fit",
            noted(of(&["a-2", "a-3"], vec![primary(), sound(), None]), "a-2", errant),
            vec![],
        ),
        (
            "an acker's mysqld is left down",
            of(&["a-2", "a-3"], vec![primary(), given_up(), sound()]),
            vec![Step::TakeOutAcker(alias("a-2"), "its mysqld is left down".into())],
        ),
    ]);
}

#[test]
fn the_record_is_written_again_for_an_acker_that_was_asked_to_leave() {
    let (primary, sound) = (|| Some(serving(2)), || Some(replica(2)));
    let silent = |time| Note { silent_for: Some(time), ..Note::default() };
    let of = |ackers: &[&str], statuses: Vec<Option<SeenStatus>>| seen(shard(record(2, ackers), statuses));
    let three = || of(&["a-2", "a-3"], vec![primary(), sound(), sound()]);
    let errant = Note { errant: foreign("1"), ..silent(SILENCE_PATIENCE) };
    let out = |seen| matches!(decide(&seen)[..], [Step::TakeOutAcker(..)]);
    check(vec![
        ("it is silent for now", noted(three(), "a-2", silent(SHORT)), vec![]),
        ("for long", noted(three(), "a-2", silent(SILENCE_PATIENCE)), vec![Step::Reaffirm]),
        (
            "another one is added, which is a new revision, too",
            noted(of(&["a-2"], vec![primary(), sound(), sound()]), "a-2", silent(SILENCE_PATIENCE)),
            vec![Step::AddAckers([alias("a-3")].into())],
        ),
        (
            "the primary does not serve",
            noted(of(&["a-2", "a-3"], vec![None, sound(), sound()]), "a-2", silent(SILENCE_PATIENCE)),
            vec![],
        ),
    ]);
    assert!(out(noted(three(), "a-2", errant)), "it is silent because it is to leave");
}

#[test]
fn while_nobody_acknowledges_whoever_receives_is_made_an_acker() {
    let primary = || Some(serving(2));
    let add = || vec![Step::AddAckers([alias("a-3")].into())];
    let of = |second, third| seen(shard(record(2, &["a-2"]), [primary(), second, third]));
    let behind = || Some(lagging(2, 20_000));
    let unheard = || {
        let mut status = replica(2);
        status.replication.as_mut().unwrap().lag_ms = None;
        Some(status)
    };
    let stopped = || {
        let mut status = in_state(replica(2), TabletState::Fenced, "stopped");
        status.replication.as_mut().unwrap().receiver = ThreadState::Stopped;
        Some(status)
    };
    let quiet = || Some(SeenStatus { semi_sync: Default::default(), ..replica(2) });
    let suspected = Note { suspected_for: Some(10 * SUSPICION_PATIENCE), ..Note::default() };
    let errant = Note { errant: foreign("1"), ..Note::default() };
    let silent = Note { silent_for: Some(SILENCE_PATIENCE), ..suspected.clone() };
    check(vec![
        ("it lags", of(None, behind()), add()),
        ("no heartbeat reaches it", of(None, unheard()), add()),
        ("it has executed what waits", noted(of(None, behind()), "a-3", suspected), add()),
        ("the acker is there and acknowledges nothing", of(quiet(), behind()), add()),
        ("the acker acknowledges", of(Some(replica(2)), behind()), vec![]),
        ("it does not receive", of(None, stopped()), vec![]),
        (
            "of the last term",
            of(None, Some(replica(1))),
            vec![Step::Remind(alias("a-3"), TabletRole::Replica)],
        ),
    ]);
    // What is certainly wrong is no acker, but gets a copy.
    let copied =
        Step::Provision { alias: alias("a-3"), donor: alias("a-1"), why: Flaw::Errant(foreign("1")) };
    check(vec![("it is errant", noted(of(None, behind()), "a-3", errant), vec![copied])]);
    // Commits that are to wait no longer must end as well before the term in which they do.
    let ended = Observation { renewal: Rest::Until, ..seen(in_async(of(None, behind()).sight)) };
    check(vec![("an async keyspace", ended, add())]);
    // The only acker was asked to leave, and has executed what waits.
    let alone = seen(shard(record(2, &["a-2"]), [primary(), quiet()]));
    check(vec![("the only one is silent", noted(alone, "a-2", silent), vec![Step::Reaffirm])]);
}

#[test]
fn durability_is_settled_for_a_term_and_changed_by_a_new_one() {
    let (primary, sound) = (|| Some(serving(2)), || Some(replica(2)));
    let due = || seen(shard(record(2, &[]), [primary(), sound()]));
    let resting = Observation { renewal: Rest::Until, ..due() };
    check(vec![
        ("a replica came", due(), vec![Step::Renew]),
        ("it failed a moment ago", resting, vec![]),
        ("no replica is fit", seen(shard(record(2, &[]), [primary(), None])), vec![]),
        ("async", seen(in_async(shard(record(2, &[]), [primary(), sound()]))), vec![]),
        (
            "no longer semi-sync",
            seen(in_async(shard(record(2, &["a-2"]), [primary(), sound()]))),
            vec![Step::Renew],
        ),
    ]);
}
