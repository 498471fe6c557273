//! Every way in which the wait for a held shard ends.

use std::time::Duration;

use gate::hold::Bounds;
use topo::records::{KeyspaceRecord, RoutingRecord};

use crate::bed::{Answer, Bed, Held, answer, ask, bounds, send};

const INSERT: &str = "insert into t values (1)";

#[tokio::test]
async fn a_held_statement_goes_to_the_new_primary() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    assert_eq!(ask(&mut client, "select 1").await, Answer::Ok);
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    send(&mut client, INSERT).await;
    bed.held(1).await;
    // The next primary is in the record before it serves: the shard is still held.
    bed.set_shard("main/-", 2, 3, Held::Yes).await;
    assert_eq!(bed.shared.holding.waiting(), 1);
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!(answer(&mut client).await, Answer::Ok);
    assert_eq!(bed.fakes[0].statements(), ["select 1"]);
    assert_eq!(bed.fakes[3].statements(), [INSERT]);
    bed.held(0).await;
}

#[tokio::test]
async fn only_statements_of_the_held_shard_wait() {
    let bed = Bed::start(bounds()).await;
    bed.set_shard("two/80-", 1, 2, Held::Yes).await;
    // Another keyspace, and another shard of the same one.
    assert_eq!(ask(&mut bed.client("main").await, INSERT).await, Answer::Ok);
    assert_eq!(ask(&mut bed.client("two").await, "select 1").await, Answer::Ok);
    assert_eq!(bed.fakes[1].statements(), ["select 1"]);
}

#[tokio::test]
async fn a_statement_is_not_held_for_ever() {
    let bed = Bed::start(Bounds { timeout: Duration::from_millis(100), ..bounds() }).await;
    let mut client = bed.client("main").await;
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    assert_eq!(ask(&mut client, INSERT).await.id(), "SH3007");
    // The session is as it was.
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!(ask(&mut client, INSERT).await, Answer::Ok);
    assert_eq!(bed.fakes[3].statements(), [INSERT]);
}

#[tokio::test]
async fn a_change_of_primary_that_nobody_ends_holds_a_shard_for_a_while_only() {
    let bed = Bed::start(Bounds { hold: Duration::from_millis(100), ..bounds() }).await;
    let mut client = bed.client("main").await;
    bed.set_shard("main/-", 1, 0, Held::Yes).await;
    assert_eq!(ask(&mut client, INSERT).await, Answer::Ok, "the primary of before serves on");
    assert_eq!(ask(&mut client, INSERT).await, Answer::Ok);
    assert_eq!(bed.fakes[0].statements(), [INSERT, INSERT]);
}

#[tokio::test]
async fn no_more_statements_are_held_than_there_are_places() {
    let bed = Bed::start(Bounds { places: 2, ..bounds() }).await;
    let (mut one, mut two, mut three) =
        (bed.client("main").await, bed.client("main").await, bed.client("main").await);
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    send(&mut one, INSERT).await;
    send(&mut two, INSERT).await;
    bed.held(2).await;
    assert_eq!(ask(&mut three, INSERT).await.id(), "SH3008");
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!((answer(&mut one).await, answer(&mut two).await), (Answer::Ok, Answer::Ok));
    assert_eq!(bed.fakes[3].statements().len(), 2);
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_place_and_its_statement_is_dropped() {
    let bed = Bed::start(bounds()).await;
    let (mut leaving, mut staying) = (bed.client("main").await, bed.client("main").await);
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    send(&mut leaving, "insert into t values ('of the one that leaves')").await;
    bed.held(1).await;
    // It has sent more already, which does not hide that it leaves.
    send(&mut leaving, INSERT).await;
    drop(leaving);
    bed.held(0).await;
    send(&mut staying, INSERT).await;
    bed.held(1).await;
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!(answer(&mut staying).await, Answer::Ok);
    assert_eq!(bed.fakes[3].statements(), [INSERT]);
}

#[tokio::test]
async fn what_a_held_client_sends_ahead_is_answered_in_its_turn() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    send(&mut client, INSERT).await;
    bed.held(1).await;
    send(&mut client, "select 2").await;
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!(answer(&mut client).await, Answer::Ok);
    assert_eq!(answer(&mut client).await, Answer::Ok);
    assert_eq!(bed.fakes[3].statements(), [INSERT, "select 2"]);
}

#[tokio::test]
async fn a_stopping_gate_tells_those_who_wait() {
    let mut bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    send(&mut client, INSERT).await;
    bed.held(1).await;
    bed.shutdown.cancel();
    assert_eq!(answer(&mut client).await.id(), "SH3009");
    bed.ended().await;
    assert_eq!(bed.fakes[0].statements().len() + bed.fakes[3].statements().len(), 0);
}

#[tokio::test]
async fn a_released_statement_is_planned_by_what_holds_then() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    assert_eq!(ask(&mut client, INSERT).await, Answer::Ok);
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    send(&mut client, INSERT).await;
    bed.held(1).await;
    // Meanwhile the keyspace becomes one of two shards, in which the statement says too little.
    let keys = bed.topology.keys();
    let main = "main".parse().unwrap();
    bed.put(&keys.keyspace(Some(&main)), &KeyspaceRecord::sharded()).await;
    let mut routing: RoutingRecord = bed.topology.read(&keys.routing()).await.unwrap().unwrap().value;
    routing.keyspaces.get_mut(&main).unwrap().shards =
        ["-80", "80-"].map(|range| range.parse().unwrap()).to_vec();
    bed.put(&keys.routing(), &routing).await;
    assert_eq!(answer(&mut client).await.id(), "SH2009");
    assert_eq!(bed.fakes[0].statements(), [INSERT]);
}

#[tokio::test]
async fn a_refusal_waits_for_the_judge_and_is_true_without_it() {
    let bed = Bed::start(Bounds { places: 1, ..bounds() }).await;
    let (mut one, mut other) = (bed.client("two").await, bed.client("two").await);
    bed.set_shard("two/-80", 1, 1, Held::Yes).await;
    send(&mut one, "select nonsense from t").await;
    bed.held(1).await;
    // There is no place for a second one: the gate's own words have to do.
    assert_eq!(ask(&mut other, "select nonsense from t").await.id(), "SH2009");
    bed.set_shard("two/-80", 2, 1, Held::No).await;
    assert_eq!(answer(&mut one).await.id(), "SH2009");
    assert_eq!(bed.fakes[1].statements(), ["select nonsense from t"]);
}
