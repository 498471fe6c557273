use topo::records::TabletState::{Fenced, GivenUp, MysqldDown, Provisioning};

use super::sample::{
    alias, foreign, in_async, in_state, lagging, mysql, new, record, replica, serving, shard,
};
use super::*;

#[test]
fn a_replica_is_fit_only_if_nothing_speaks_against_it() {
    let elsewhere = {
        let mut status = replica(2);
        status.replication.as_mut().unwrap().source = mysql("a-9");
        status
    };
    let silent = {
        let mut status = replica(2);
        status.replication.as_mut().unwrap().lag_ms = None;
        status
    };
    let not = |text: &str| Err(Unfit::NotReplicating(text.into()));
    let cases = [
        ("in good order", Some(replica(2)), Ok(())),
        ("a little behind", Some(lagging(2, 10_000)), Ok(())),
        ("far behind", Some(lagging(2, 10_001)), Err(Unfit::Lagging(10_001))),
        ("away", None, Err(Unfit::Unreachable)),
        ("down", Some(in_state(replica(2), MysqldDown, "killed")), Err(Unfit::MysqldDown("killed".into()))),
        ("given up", Some(in_state(replica(2), GivenUp, "6 times")), Err(Unfit::GivenUp("6 times".into()))),
        ("copied", Some(in_state(replica(2), Provisioning, "7 %")), Err(Unfit::Provisioning("7 %".into()))),
        ("standing still", Some(in_state(replica(2), Fenced, "1062")), not("1062")),
        ("without a role", Some(new()), not("nothing to do")),
        ("of an older term", Some(replica(1)), not("it has the role of replica under term 1")),
        ("of somebody else", Some(elsewhere), not("it follows a-9.test:3306")),
        ("without a heartbeat", Some(silent), not("no heartbeat of its primary has arrived yet")),
    ];
    for (name, status, expected) in cases {
        let sight = shard(record(2, &[]), [Some(serving(2)), status]);
        assert_eq!(sight.fitness(&sight.tablets[1]), expected, "{name}");
    }
}

#[test]
fn a_shard_tells_why_it_could_not_fail_over() {
    let (up, down) = (|| Some(replica(2)), || Some(in_state(replica(2), MysqldDown, "")));
    let nobody = |why: Unfit| Some(Risk::NobodyFit(vec![(alias("a-2"), why)]));
    let primary = || Some(serving(2));
    let cases = [
        ("no primary to lose", shard(None, [Some(new())]), None),
        ("one tablet", shard(record(2, &[]), [primary()]), Some(Risk::OnlyTablet)),
        ("an acker", shard(record(2, &["a-2"]), [primary(), up()]), None),
        ("also while the primary is away", shard(record(2, &["a-2"]), [None, up()]), None),
        ("it is down", shard(record(2, &["a-2"]), [primary(), down()]), nobody(Unfit::MysqldDown("".into()))),
        ("not waiting yet", shard(record(2, &[]), [primary(), up()]), Some(Risk::NotWaiting)),
        ("async", in_async(shard(record(2, &[]), [primary(), up()])), None),
        ("async, away", in_async(shard(record(2, &[]), [primary(), None])), nobody(Unfit::Unreachable)),
        ("another", shard(record(2, &["a-2"]), [primary(), down(), up()]), Some(Risk::NoFitAcker)),
    ];
    for (name, sight, expected) in cases {
        assert_eq!(sight.risk(), expected, "{name}");
    }
    let two = Risk::NobodyFit(vec![
        (alias("a-2"), Unfit::MysqldDown(String::new())),
        (alias("a-3"), Unfit::Errant(foreign("1").union(&super::sample::gtids("3")))),
    ]);
    assert_eq!(
        two.to_string(),
        "no replica is fit to take over: a-2: its mysqld is down; a-3: it has transactions that the primary \
         lacks: 0a3b5c7d-0000-11ee-8000-00000000000a:3, bbbbbbbb-0000-11ee-8000-00000000000b:1"
    );
}

#[test]
fn only_what_a_serving_primary_lacks_is_surplus() {
    let ahead = || Some(SeenStatus { executed: super::sample::gtids("1-102"), ..replica(2) });
    let sight = shard(record(2, &[]), [Some(serving(2)), ahead()]);
    assert_eq!(sight.surplus(&sight.tablets[1]), super::sample::gtids("101-102"));
    let sight = shard(record(2, &[]), [Some(serving(1)), ahead()]);
    assert!(sight.surplus(&sight.tablets[1]).is_empty());
}
