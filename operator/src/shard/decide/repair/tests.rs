use std::time::Duration;

use proto::gtid::GtidSet;
use proto::rpc::tablet::ThreadState;

use super::super::flaw::SOURCE_CANNOT_SEND;
use super::super::tests::{SHORT, check, noted, seen};
use super::super::{decide, needed};
use super::*;
use crate::agents::SeenReplication;
use crate::limits::{APPLIER_PATIENCE, REPLICATION_PATIENCE};
use crate::shard::observe::Note;
use crate::sight::sample::{alias, broken, foreign, gtids, in_state, record, replica, serving, shard};

fn provision(donor: &str, why: Flaw) -> Vec<Step> {
    vec![Step::Provision { alias: alias("a-3"), donor: alias(donor), why }]
}

#[test]
fn who_cannot_catch_up_gets_a_copy() {
    let lasting = |broken_for| Note { broken_for: Some(broken_for), ..Note::default() };
    let primary = |executed: &str, purged: GtidSet| {
        Some(SeenStatus { executed: gtids(executed), purged, ..serving(2) })
    };
    let plain = || primary("1-100", GtidSet::EMPTY);
    let full = || primary("1-20000", GtidSet::EMPTY);
    let sound = || Some(replica(2));
    let empty = || {
        Some(in_state(
            SeenStatus { executed: GtidSet::EMPTY, replication: None, ..replica(2) },
            TabletState::Fenced,
            "starts",
        ))
    };
    let of = |primary, third| seen(shard(record(2, &["a-2"]), [primary, sound(), third]));
    let unsent = || Some(broken(2, SOURCE_CANNOT_SEND, "purged"));
    let stopped = || Some(broken(2, 1062, "duplicate"));
    let errant = Note { errant: foreign("1"), ..Note::default() };
    check(vec![
        ("little to catch up", of(plain(), empty()), vec![]),
        ("much", of(full(), empty()), provision("a-2", Flaw::Empty(20_000))),
        ("what is gone", of(primary("1-100", gtids("1-5")), empty()), provision("a-2", Flaw::Purged)),
        ("what is gone and known", of(primary("1-100", gtids("1-5")), stopped()), vec![]),
        (
            "errant",
            noted(of(plain(), stopped()), "a-3", errant),
            provision("a-2", Flaw::Errant(foreign("1"))),
        ),
        (
            "a source without it",
            noted(of(plain(), unsent()), "a-3", lasting(REPLICATION_PATIENCE)),
            provision("a-2", Flaw::Purged),
        ),
        ("for a moment", noted(of(plain(), unsent()), "a-3", lasting(SHORT)), vec![]),
        ("the primary is away", of(None, empty()), vec![]),
        ("it is away", of(full(), None), vec![]),
    ]);
}

#[test]
fn copies_are_made_one_at_a_time_from_the_least_loaded() {
    let empty = || {
        Some(in_state(
            SeenStatus { executed: GtidSet::EMPTY, replication: None, ..replica(2) },
            TabletState::Fenced,
            "",
        ))
    };
    let full = || Some(SeenStatus { executed: gtids("1-20000"), ..serving(2) });
    let loaded = |threads| Some(SeenStatus { threads_running: threads, ..replica(2) });
    let ahead = || Some(SeenStatus { executed: gtids("1-20001"), ..replica(2) });
    let older = || Some(SeenStatus { mysql_version: "8.4.9".into(), ..replica(2) });
    let of = |statuses: Vec<Option<SeenStatus>>| seen(shard(record(2, &["a-2", "a-4"]), statuses));
    let want = |donor: &str| provision(donor, Flaw::Empty(20_000));
    let copying = Note { copying: true, ..Note::default() };
    let rests = Note { copy: Rest::Until, ..Note::default() };
    let failed = |donors: &[(&str, u32)]| {
        let failed = donors.iter().map(|(name, times)| (alias(name), *times)).collect();
        noted(of(vec![full(), loaded(9), empty(), loaded(3)]), "a-3", Note { failed, ..Note::default() })
    };
    check(vec![
        ("the less loaded", of(vec![full(), loaded(9), empty(), loaded(3)]), want("a-4")),
        ("no replica but it", of(vec![full(), None, empty(), None]), want("a-1")),
        ("not what the primary may lack", of(vec![full(), ahead(), empty(), loaded(8)]), want("a-4")),
        ("not from another series", of(vec![full(), older(), empty(), loaded(8)]), want("a-4")),
        ("one is under way", noted(of(vec![full(), loaded(9), empty(), loaded(3)]), "a-2", copying), vec![]),
        (
            "it failed a moment ago",
            noted(of(vec![full(), loaded(9), empty(), loaded(3)]), "a-3", rests),
            vec![],
        ),
        ("the next, after a copy that failed", failed(&[("a-4", 1)]), want("a-2")),
        ("the primary, after two", failed(&[("a-4", 1), ("a-2", 1)]), want("a-1")),
        ("each again, after three", failed(&[("a-4", 1), ("a-2", 1), ("a-1", 1)]), want("a-4")),
    ]);
    let mixed = shard(
        record(2, &["a-2"]),
        [Some(SeenStatus { mysql_version: "8.4.9".into(), ..full().unwrap() }), None, empty()],
    );
    check(vec![("from nobody", seen(mixed), vec![])]);
    // An acker leaves first, and gets its copy only when the record no longer lists it.
    let listed = of(vec![full(), loaded(3), Some(replica(2)), empty()]);
    let out = Step::TakeOutAcker(alias("a-4"), Flaw::Empty(20_000).to_string());
    check(vec![("an acker", listed, vec![Step::AddAckers([alias("a-3")].into()), out])]);
}

#[test]
fn an_acker_that_has_lost_its_data_gets_the_primarys_if_nobody_can_stand_in_for_it() {
    let full = || Some(SeenStatus { executed: gtids("1-20000"), purged: gtids("1-500"), ..serving(2) });
    let lost = || {
        let nothing = SeenStatus { executed: GtidSet::EMPTY, replication: None, ..replica(2) };
        Some(in_state(nothing, TabletState::Fenced, "starts"))
    };
    let of = |ackers: &[&str], statuses: Vec<Option<SeenStatus>>| seen(shard(record(2, ackers), statuses));
    let copy = |to: &str| vec![Step::Provision { alias: alias(to), donor: alias("a-1"), why: Flaw::Purged }];
    let copying = Note { copying: true, ..Note::default() };
    let rests = Note { copy: Rest::Until, ..Note::default() };
    let two = || of(&["a-2"], vec![full(), lost()]);
    let three = |third| of(&["a-2", "a-3"], vec![full(), lost(), third]);
    let older = || lost().map(|status| SeenStatus { mysql_version: "8.4.9".into(), ..status });
    let empty = SeenStatus { purged: GtidSet::EMPTY, ..full().unwrap() };
    let unpurged = Step::Provision { alias: alias("a-2"), donor: alias("a-1"), why: Flaw::Empty(20_000) };
    check(vec![
        ("the only one", two(), copy("a-2")),
        (
            "of which the primary has all in its binary log",
            of(&["a-2"], vec![Some(empty), lost()]),
            vec![unpurged],
        ),
        ("both", three(lost()), copy("a-2")),
        ("both, one at a time", noted(three(lost()), "a-3", copying), vec![]),
        ("the other one is away", three(None), copy("a-2")),
        (
            "the other one is sound",
            three(Some(replica(2)).map(|status| SeenStatus { executed: gtids("1-20000"), ..status })),
            vec![Step::TakeOutAcker(alias("a-2"), Flaw::Purged.to_string())],
        ),
        ("it failed a moment ago", noted(two(), "a-2", rests), vec![]),
        ("not from another series", of(&["a-2"], vec![full(), older()]), vec![]),
        ("it receives what it lacks", of(&["a-2"], vec![full(), receiving()]), vec![]),
    ]);
    // A primary that cannot read its own binary log is no reason to throw away what the only acker has.
    let sound =
        Some(SeenStatus { executed: gtids("1-20000"), ..broken(2, SOURCE_CANNOT_SEND, "unreadable") });
    let unread = Note { broken_for: Some(REPLICATION_PATIENCE), ..Note::default() };
    check(vec![("it has all", noted(of(&["a-2"], vec![full(), sound]), "a-2", unread), vec![])]);
    // Whose data is merely wrong may be the only one with an acknowledged write that the primary is to be asked for.
    let errant = Note { errant: foreign("1"), ..Note::default() };
    check(vec![("errant", noted(of(&["a-2"], vec![full(), lost()]), "a-2", errant), vec![])]);
}

/// An empty replica of which nothing is known but that its receiver runs.
fn receiving() -> Option<SeenStatus> {
    let mut status = SeenStatus { executed: GtidSet::EMPTY, ..replica(2) };
    if let Some(replication) = &mut status.replication {
        replication.retrieved = GtidSet::EMPTY;
    }
    Some(status)
}

/// A replica whose applier was stopped by this, so long ago.
fn stopped(code: u32, broken_for: Duration) -> Note {
    Note { broken_for: Some(broken_for), stopped_by: Some((code, "MySQL's words".into())), ..Note::default() }
}

/// The row that its primary changed is not there.
fn diverged() -> Note {
    stopped(1032, REPLICATION_PATIENCE)
}

#[test]
fn an_applier_that_stopped_is_given_time_unless_the_data_cannot_fit() {
    let stands = |code| Some(broken(2, code, "as it was last seen"));
    let runs = |code| {
        let mut status = broken(2, code, "before");
        status.state = TabletState::Replicating;
        status.replication =
            status.replication.map(|found| SeenReplication { applier: ThreadState::Running, ..found });
        Some(status)
    };
    let of = |third, note| {
        noted(seen(shard(record(2, &["a-2"]), [Some(serving(2)), Some(replica(2)), third])), "a-3", note)
    };
    let copy = |why: fn(String) -> Flaw| provision("a-2", why("MySQL's words".into()));
    const TORN_RELAY_LOG: u32 = 13121;
    check(vec![
        ("no row", of(stands(1032), diverged()), copy(Flaw::Diverged)),
        ("a key that is there", of(stands(1062), stopped(1062, REPLICATION_PATIENCE)), copy(Flaw::Diverged)),
        ("for a moment", of(stands(1032), stopped(1032, SHORT)), vec![]),
        ("it is being tried again", of(runs(1032), diverged()), copy(Flaw::Diverged)),
        ("something else", of(stands(TORN_RELAY_LOG), stopped(TORN_RELAY_LOG, REPLICATION_PATIENCE)), vec![]),
        (
            "something else, for long",
            of(stands(TORN_RELAY_LOG), stopped(TORN_RELAY_LOG, APPLIER_PATIENCE)),
            copy(Flaw::ApplierStopped),
        ),
        (
            "which may go on, as long as it runs",
            of(runs(TORN_RELAY_LOG), stopped(TORN_RELAY_LOG, APPLIER_PATIENCE)),
            vec![],
        ),
        ("a lock", of(stands(1205), stopped(1205, 10 * APPLIER_PATIENCE)), vec![]),
        ("a full disk", of(stands(1114), stopped(1114, 10 * APPLIER_PATIENCE)), vec![]),
    ]);
}

#[test]
fn copies_in_vain_come_to_an_end() {
    let of = |copies| {
        let stands = Some(broken(2, 1032, "no row"));
        let sight = shard(record(2, &["a-2"]), [Some(serving(2)), Some(replica(2)), stands]);
        noted(seen(sight), "a-3", Note { copies, ..diverged() })
    };
    assert_eq!(decide(&of(MAX_COPIES_IN_VAIN - 1)).len(), 1);
    assert_eq!(needed(&of(MAX_COPIES_IN_VAIN - 1))[&alias("a-3")].hindrance, "");
    check(vec![("too many", of(MAX_COPIES_IN_VAIN), vec![])]);
    let told = &needed(&of(MAX_COPIES_IN_VAIN))[&alias("a-3")];
    assert_eq!(told.flaw, "its data is not its primary's: MySQL's words");
    assert!(
        told.hindrance.starts_with("it got 3 copies of another tablet's data within 60 minutes"),
        "{told:?}"
    );
    // Whose data is lost is no danger to what another copy could mend.
    let lost = Some(in_state(
        SeenStatus { executed: GtidSet::EMPTY, replication: None, ..replica(2) },
        TabletState::Fenced,
        "",
    ));
    let full = Some(SeenStatus { executed: gtids("1-20000"), ..serving(2) });
    let sight = shard(record(2, &["a-2"]), [full, Some(replica(2)), lost]);
    let note = Note { copies: MAX_COPIES_IN_VAIN, ..Note::default() };
    check(vec![("empty", noted(seen(sight), "a-3", note), provision("a-2", Flaw::Empty(20_000)))]);
}

#[test]
fn ackers_that_cannot_apply_are_made_anew_as_long_as_another_one_acknowledges() {
    let stands = || Some(broken(2, 1032, "no row"));
    let of = |ackers: &[&str], others: &[Option<SeenStatus>]| {
        let statuses = [&[Some(serving(2))], others].concat();
        seen(shard(record(2, ackers), statuses))
    };
    let why = || Flaw::Diverged("MySQL's words".into());
    let out = |name: &str| vec![Step::TakeOutAcker(alias(name), why().to_string())];
    let copy = || vec![Step::Provision { alias: alias("a-2"), donor: alias("a-1"), why: why() }];
    let both = |seen: Observation| noted(noted(seen, "a-2", diverged()), "a-3", diverged());
    let alone = || noted(of(&["a-2"], &[stands()]), "a-2", diverged());
    let away = || noted(of(&["a-2", "a-3"], &[stands(), None]), "a-2", diverged());
    let first_is_copied = || {
        let copied = Some(in_state(replica(2), TabletState::Provisioning, ""));
        let seen = both(of(&["a-3"], &[copied, stands()]));
        noted(seen, "a-2", Note { copying: true, ..Note::default() })
    };
    check(vec![
        (
            "another one is sound",
            noted(of(&["a-2", "a-3"], &[stands(), Some(replica(2))]), "a-2", diverged()),
            out("a-2"),
        ),
        ("neither applies", both(of(&["a-2", "a-3"], &[stands(), stands()])), out("a-2")),
        ("one of them has left", both(of(&["a-3"], &[stands(), stands()])), copy()),
        ("it is copied", first_is_copied(), vec![]),
        ("the only one", alone(), vec![]),
        ("the other one is away", away(), vec![]),
    ]);
    let hindrance = |seen: Observation, name: &str| needed(&seen)[&alias(name)].hindrance.clone();
    assert!(hindrance(alone(), "a-2").starts_with("commits wait for it alone"));
    assert!(hindrance(away(), "a-2").starts_with("commits wait for it alone"));
    let first_has_left = || both(of(&["a-3"], &[stands(), stands()]));
    let first_starts = || {
        let starts = Some(in_state(replica(2), TabletState::Fenced, "it starts"));
        noted(of(&["a-3"], &[starts, stands()]), "a-3", diverged())
    };
    let first_is_back = || noted(of(&["a-3"], &[Some(replica(2)), stands()]), "a-3", diverged());
    for (name, seen) in [
        ("left", first_has_left()),
        ("is copied", first_is_copied()),
        ("starts", first_starts()),
        ("is back", first_is_back()),
    ] {
        assert_eq!(hindrance(seen, "a-3"), "", "the first one {name}");
    }
    assert_eq!(hindrance(both(of(&["a-2", "a-3"], &[stands(), stands()])), "a-2"), "");
}
