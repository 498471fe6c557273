use proto::rpc::control::{Shard, Tablet};

use super::*;

fn tablet(alias: &str, role: &str, state: &str) -> Tablet {
    Tablet {
        alias: alias.into(),
        keyspace: "shop".into(),
        range: "-80".into(),
        role: role.into(),
        state: state.into(),
        mysql_version: "9.7.4".into(),
        lag_ms: (role == "replica").then_some(40),
        ..Tablet::default()
    }
}

fn shard(risk: &str) -> Shard {
    Shard {
        keyspace: "shop".into(),
        range: "-80".into(),
        term: 3,
        primary: "a-1".into(),
        serving: true,
        ackers: vec!["b-2".into()],
        risk: risk.into(),
    }
}

fn judged(shard: Shard, tablets: Vec<Tablet>) -> Vec<(String, Level, String)> {
    let found = shards::judge(&Seen { shards: vec![shard], tablets });
    for finding in &found {
        assert_eq!(finding.cure.is_empty(), finding.level == Level::Good, "{finding:?}");
    }
    found.into_iter().map(|finding| (finding.check, finding.level, finding.what)).collect()
}

#[test]
fn a_whole_shard_is_good() {
    let found =
        judged(shard(""), vec![tablet("a-1", "primary", "serving"), tablet("b-2", "replica", "replicating")]);
    let what = "a-1 serves under term 3; 1 replica, at most 40 ms behind, 1 acker";
    assert_eq!(found[0], ("shard shop/-80".into(), Level::Good, what.into()));
    assert_eq!((found.len(), found[1].0.as_str(), found[1].1), (2, "versions", Level::Good));
}

#[test]
fn what_does_not_serve_is_an_error_and_what_could_not_fail_over_a_warning() {
    let mut fenced = tablet("a-1", "primary", "fenced");
    fenced.reason = "its write was not acknowledged".into();
    let found = judged(Shard { serving: false, ..shard("") }, vec![fenced]);
    let what = "its primary a-1 takes no statements: fenced (its write was not acknowledged)";
    assert_eq!((found[0].1, found[0].2.as_str()), (Level::Error, what));
    let found = judged(Shard { primary: String::new(), ..shard("") }, vec![]);
    assert_eq!((found[0].1, found[0].2.as_str()), (Level::Error, "it has no primary"));

    let alone = judged(shard("the shard has one tablet only"), vec![tablet("a-1", "primary", "serving")]);
    assert_eq!(alone[0].1, Level::Note);
    let both = vec![tablet("a-1", "primary", "serving"), tablet("b-2", "replica", "mysqld-down")];
    let found = judged(shard("b-2 does not replicate"), both);
    let levels: Vec<(&str, Level)> = found.iter().map(|(check, level, _)| (check.as_str(), *level)).collect();
    let expected =
        [("shard shop/-80", Level::Warning), ("tablet b-2", Level::Warning), ("versions", Level::Good)];
    assert_eq!(levels, expected);
}

#[test]
fn every_state_of_a_replica_is_judged() {
    let of = |state: &str, lag_ms| {
        let replica = Tablet { lag_ms, ..tablet("b-2", "replica", state) };
        let found = judged(shard(""), vec![tablet("a-1", "primary", "serving"), replica]);
        found.into_iter().find(|(check, ..)| check == "tablet b-2").map(|(_, level, _)| level)
    };
    assert_eq!(of("replicating", Some(10_000)), None);
    assert_eq!(of("replicating", Some(10_001)), Some(Level::Warning));
    assert_eq!(of("provisioning", None), Some(Level::Note));
    for state in ["given-up", "unreachable", "mysqld-down", "fenced", "serving"] {
        assert_eq!(of(state, None), Some(Level::Warning), "{state}");
    }
}

#[test]
fn a_replica_that_must_be_made_anew_is_told_with_what_becomes_of_it() {
    let of = |hindrance: &str| {
        let flaw = "its data is not its primary's: no row".into();
        let replica = Tablet { flaw, hindrance: hindrance.into(), ..tablet("b-2", "replica", "fenced") };
        let seen =
            Seen { shards: vec![shard("")], tablets: vec![tablet("a-1", "primary", "serving"), replica] };
        shards::judge(&seen).into_iter().find(|finding| finding.check == "tablet b-2").unwrap()
    };
    let found = of("");
    assert_eq!(found.what, "it does not replicate: fenced, because its data is not its primary's: no row");
    assert_eq!(found.cure, "wait; control gives it a copy of another tablet's data");
    assert_eq!(of("commits wait for it alone").cure, "commits wait for it alone");
}

#[test]
fn a_replica_older_than_its_primary_is_found() {
    let with = |version: &str, tablet: Tablet| Tablet { mysql_version: version.into(), ..tablet };
    let of = |primary: &str, replica: &str| {
        let primary = with(primary, tablet("a-1", "primary", "serving"));
        let found = judged(shard(""), vec![primary, with(replica, tablet("b-2", "replica", "replicating"))]);
        found.into_iter().find(|(check, ..)| check == "versions").map(|(_, level, _)| level)
    };
    assert_eq!(of("9.7.4", "9.7.4"), Some(Level::Good));
    assert_eq!(of("9.7.4", "9.10.0"), Some(Level::Note));
    assert_eq!(of("9.10.0", "9.7.4"), Some(Level::Warning));
    assert_eq!(of("", ""), None);
}

#[test]
fn scratch_databases_that_nobody_dropped_are_told_of() {
    assert_eq!(left_over("shop"), None);
    let found = left_over("shoal_scratch_ab_wanted").unwrap();
    assert_eq!((found.level, found.check.as_str()), (Level::Note, "keyspace shoal_scratch_ab_wanted"));
    assert!(found.cure.contains("DROP DATABASE shoal_scratch_ab_wanted"));
}
