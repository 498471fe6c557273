use topo::records::TabletState::{self, Fenced, GivenUp, MysqldDown, Provisioning};

use super::*;
use crate::agents::SeenStatus;
use crate::sight::sample::{
    alias, changing, foreign, in_async, in_state, lagging, new, record, replica, serving, shard, tablet,
};

fn primary() -> Option<SeenStatus> {
    Some(serving(2))
}

fn sound() -> Option<SeenStatus> {
    Some(replica(2))
}

fn of(statuses: Vec<Option<SeenStatus>>) -> ShardSight {
    shard(record(2, &["a-2"]), statuses)
}

fn version(status: Option<SeenStatus>, version: &str) -> Option<SeenStatus> {
    status.map(|status| SeenStatus { mysql_version: version.into(), ..status })
}

/// What the sight's shard is refused, to whom.
fn check(cases: &[(ShardSight, &str, &str)]) {
    for (sight, to, expected) in cases {
        let to = (!to.is_empty()).then(|| alias(to));
        assert_eq!(plan(sight, to.as_ref(), &[]).unwrap_err().to_string(), *expected);
    }
}

#[test]
fn a_shard_that_cannot_change_hands_is_refused_with_the_reason_and_the_cure() {
    let changing = shard(changing(record(2, &["a-2"]), 3, "a-2"), [primary(), sound()]);
    let primary_down = || Some(in_state(serving(2), MysqldDown, "killed by signal 9"));
    check(&[
        (
            shard(None, [Some(new())]),
            "",
            "the shard has no primary yet; wait until `shoal get shards` shows one",
        ),
        (
            of(vec![primary(), sound()]),
            "a-1",
            "a-1 is the primary already; name another tablet, or none to have one chosen",
        ),
        (
            of(vec![primary()]),
            "",
            "the shard has one tablet only; give its keyspace more (tablets: 3) in the cluster file and apply it",
        ),
        (
            of(vec![None, sound()]),
            "",
            "the primary a-1 does not serve (its agent does not answer), so what it has committed is not known; \
             wait until it is back, see `shoal get tablets`",
        ),
        (
            of(vec![primary_down(), sound()]),
            "a-2",
            "the primary a-1 does not serve (killed by signal 9), so what it has committed is not known; wait \
             until it is back, see `shoal get tablets`",
        ),
        (
            changing,
            "a-2",
            "a change of primary to a-2 under term 3 is being ended; try again in a few seconds",
        ),
    ]);
}

#[test]
fn a_replica_that_cannot_take_over_is_refused_with_the_reason_and_the_cure() {
    let of_second = |status: Option<SeenStatus>| of(vec![primary(), status]);
    let state = |state: TabletState, reason: &str| of_second(Some(in_state(replica(2), state, reason)));
    let another = "or name another tablet";
    let cases = [
        (of_second(None), "its agent does not answer; start its agent or mend the network between"),
        (
            state(MysqldDown, "signal 9"),
            "its mysqld is down (signal 9); wait until its agent has started it again",
        ),
        (
            state(GivenUp, ""),
            "its mysqld died too often and is left down; see its log, mend the cause and restart its agent",
        ),
        (state(Provisioning, "7 %"), "its data is being replaced (7 %); wait until that is done"),
        (
            state(Fenced, "error 1062"),
            "it does not replicate (error 1062); mend its replication (see `shoal events`)",
        ),
        (of_second(Some(lagging(2, 12_000))), "it is 12000 ms behind; wait until it has caught up"),
    ];
    for (sight, expected) in cases {
        check(&[(sight, "a-2", &format!("a-2 cannot take over: {expected}, {another}"))]);
    }
    let older = format!("a-2 runs MySQL 9.6.0, older than the primary's 9.7.4; upgrade it first, {another}");
    check(&[
        (of_second(version(sound(), "9.6.0")), "a-2", &older),
        (of_second(version(sound(), "9.6.0")), "", &older),
        (
            of(vec![primary(), None, Some(lagging(2, 12_000))]),
            "",
            "no replica can take over: a-2: its agent does not answer; a-3: it is 12000 ms behind; see \
             `shoal get tablets`",
        ),
    ]);
}

#[test]
fn an_errant_replica_is_refused_by_name_and_passed_over_without() {
    let errant = [(alias("a-2"), Unfit::Errant(foreign("1")))];
    let refusal = plan(&of(vec![primary(), sound()]), Some(&alias("a-2")), &errant).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "a-2 cannot take over: it has transactions that the primary lacks: \
         bbbbbbbb-0000-11ee-8000-00000000000b:1; control gives it a copy of the primary's data; wait for that, or \
         name another tablet"
    );
    let nobody = plan(&of(vec![primary(), sound()]), None, &errant).unwrap_err();
    assert_eq!(nobody, Refusal::NobodyFit(errant.to_vec()));
}

#[test]
fn a_wrong_name_is_refused_with_those_that_there_are() {
    let shard = Refusal::UnknownShard { shard: "ks/80-".parse().unwrap(), known: vec!["ks/-".into()] };
    assert_eq!(shard.to_string(), "there is no shard ks/80-; there are ks/-");
    let tablet = Refusal::UnknownTablet { alias: alias("a-9"), known: vec![alias("a-1"), alias("a-2")] };
    assert_eq!(tablet.to_string(), "there is no tablet a-9; the shard's tablets are a-1, a-2");
}

#[test]
fn without_a_name_the_best_replica_is_chosen() {
    let other_cell = |status: Option<SeenStatus>| tablet("b-5", status);
    let cases: Vec<(&str, ShardSight, &str)> = vec![
        ("an acker", of(vec![primary(), Some(lagging(2, 900)), Some(lagging(2, 1))]), "a-2"),
        ("the only fit one", of(vec![primary(), None, sound()]), "a-3"),
        ("not an older one", of(vec![primary(), version(sound(), "9.7.3"), sound()]), "a-3"),
        ("a newer one will do", of(vec![primary(), version(sound(), "10.0.1"), None]), "a-2"),
        (
            "the least behind",
            shard(record(2, &["a-2", "a-3"]), [primary(), Some(lagging(2, 9)), Some(lagging(2, 8))]),
            "a-3",
        ),
        ("of equals the first", shard(record(2, &["a-2", "a-3"]), [primary(), sound(), sound()]), "a-2"),
    ];
    for (name, sight, expected) in cases {
        assert_eq!(plan(&sight, None, &[]).unwrap().to.alias, alias(expected), "{name}");
    }
    let mut sight = shard(record(2, &["a-2", "b-5"]), [primary(), Some(lagging(2, 900))]);
    sight.tablets.push(other_cell(Some(lagging(2, 1))));
    assert_eq!(plan(&sight, None, &[]).unwrap().to.alias, alias("a-2"), "one of the primary's cell");
    let errant = [(alias("a-2"), Unfit::Errant(foreign("1")))];
    assert_eq!(plan(&sight, None, &errant).unwrap().to.alias, alias("b-5"), "not the one that is ruled out");
}

#[test]
fn under_the_next_term_commits_wait_for_the_old_primary_and_the_other_ackers() {
    let ackers = |sight: &ShardSight, to: &str| {
        let plan = plan(sight, Some(&alias(to)), &[]).unwrap();
        plan.ackers.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let three = shard(record(2, &["a-2", "a-3"]), [primary(), sound(), sound()]);
    assert_eq!(ackers(&three, "a-2"), ["a-1", "a-3"]);
    assert_eq!(ackers(&of(vec![primary(), sound()]), "a-2"), ["a-1"]);
    // Commits did not wait so far, but are to.
    assert_eq!(ackers(&shard(record(2, &[]), [primary(), sound(), sound()]), "a-2"), ["a-1"]);
    assert_eq!(ackers(&in_async(three), "a-2"), Vec::<String>::new());
}

#[test]
fn a_replica_is_level_when_heartbeats_could_not_tell_it_from_the_primary() {
    let level = |lag_ms| plan(&of(vec![primary(), Some(lagging(2, lag_ms))]), None, &[]).unwrap().is_level();
    assert!(level(0) && level(2_000) && !level(2_001));
}

#[test]
fn versions_are_compared_by_their_numbers() {
    assert_eq!(numbers("9.7.4"), [9, 7, 4]);
    assert_eq!(numbers("9.10.0-commercial-debug"), [9, 10, 0]);
    assert_eq!(numbers(""), Vec::<u32>::new());
    assert!(numbers("9.10.0") > numbers("9.9.9"));
}

#[test]
fn only_a_replica_that_does_not_replicate_yet_is_waited_for() {
    let stands = || Some(in_state(replica(2), Fenced, "a-1 is primary under term 2"));
    let refusal = |statuses, to: &str| {
        let to = (!to.is_empty()).then(|| alias(to));
        plan(&of(statuses), to.as_ref(), &[]).unwrap_err()
    };
    assert!(refusal(vec![primary(), stands()], "a-2").may_pass());
    assert!(refusal(vec![primary(), None, stands()], "").may_pass());
    assert!(!refusal(vec![primary(), None, stands()], "a-2").may_pass());
    assert!(!refusal(vec![primary(), None], "").may_pass());
    assert!(!refusal(vec![None, stands()], "a-2").may_pass());
}
