//! What is sent again and what never is.

use proto::wire::packet::MAX_PAYLOAD;

use crate::bed::{Answer, Bed, Held, alias, answer, ask, bounds, send};
use crate::fake::Mood;

const INSERT: &str = "insert into t values (1)";

#[tokio::test]
async fn what_was_refused_before_it_was_executed_is_sent_once_more_where_the_primary_is_then() {
    for code in [1290, 1836, 3032] {
        let bed = Bed::start(bounds()).await;
        let mut client = bed.client("main").await;
        bed.fakes[0].be(Mood::Refusing(code));
        send(&mut client, INSERT).await;
        // The server knows before the topology's news are here.
        bed.fakes[0].received(1).await;
        bed.set_shard("main/-", 1, 3, Held::Yes).await;
        bed.held(1).await;
        bed.set_shard("main/-", 2, 3, Held::No).await;
        assert_eq!(answer(&mut client).await, Answer::Ok, "{code}");
        assert_eq!(bed.fakes[0].statements(), [INSERT]);
        assert_eq!(bed.fakes[3].statements(), [INSERT]);
    }
}

#[tokio::test]
async fn a_replica_that_is_read_is_not_taken_for_the_primary_that_it_was() {
    const SELECT: &str = "select 1";
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    // It has another primary already, and admits readers, before the topology's news are here.
    bed.fakes[0].be(Mood::ReadOnly);
    send(&mut client, SELECT).await;
    bed.fakes[0].admitted(1).await;
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!(answer(&mut client).await, Answer::Ok);
    assert!(bed.fakes[0].statements().is_empty());
    assert_eq!(bed.fakes[3].statements(), [SELECT]);
}

#[tokio::test]
async fn a_change_of_primary_that_is_given_up_fails_no_statement() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    bed.fakes[0].be(Mood::Refusing(1290));
    send(&mut client, INSERT).await;
    bed.fakes[0].received(1).await;
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    bed.held(1).await;
    bed.fakes[0].be(Mood::Serving);
    bed.set_shard("main/-", 1, 0, Held::No).await;
    assert_eq!(answer(&mut client).await, Answer::Ok);
    assert_eq!(bed.fakes[0].statements(), [INSERT, INSERT]);
    assert!(bed.fakes[3].statements().is_empty());
}

#[tokio::test]
async fn a_refusal_that_the_topology_does_not_explain_is_mysqls_own_answer() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    for code in [1290, 1836] {
        bed.fakes[0].be(Mood::Refusing(code));
        let expected = Answer::Error(code, "in its own words".to_owned());
        assert_eq!(ask(&mut client, INSERT).await, expected);
    }
    // Also where the primary moved before the statement was sent: that explains nothing.
    bed.set_shard("main/-", 2, 3, Held::No).await;
    bed.fakes[3].be(Mood::Refusing(1290));
    assert_eq!(ask(&mut client, INSERT).await.id(), "1290");
    assert_eq!((bed.fakes[0].statements().len(), bed.fakes[3].statements().len()), (2, 1));
    // Another error is nobody's business.
    bed.fakes[3].be(Mood::Refusing(1062));
    send(&mut client, INSERT).await;
    bed.fakes[3].received(2).await;
    bed.set_shard("main/-", 3, 0, Held::No).await;
    assert_eq!(answer(&mut client).await.id(), "1062");
}

#[tokio::test]
async fn what_may_have_been_executed_is_never_sent_again() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    bed.fakes[0].be(Mood::Breaking);
    send(&mut client, INSERT).await;
    bed.fakes[0].received(1).await;
    bed.set_shard("main/-", 2, 3, Held::No).await;
    bed.fakes[0].be(Mood::Serving);
    assert_eq!(answer(&mut client).await.id(), "SH3002");
    assert_eq!(ask(&mut client, "select 2").await, Answer::Ok);
    assert_eq!(bed.fakes[3].statements(), ["select 2"]);
}

#[tokio::test]
async fn a_call_may_be_done_in_part_and_is_not_sent_again() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    bed.fakes[0].be(Mood::Refusing(1290));
    send(&mut client, "call p()").await;
    bed.fakes[0].received(1).await;
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!(answer(&mut client).await.id(), "1290");
    assert!(bed.fakes[3].statements().is_empty());
}

#[tokio::test]
async fn a_login_that_is_refused_or_fails_is_tried_where_the_primary_is_then() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    bed.fakes[0].be(Mood::Offline);
    assert_eq!(ask(&mut client, INSERT).await.id(), "SH3001");
    let mut other = bed.client("main").await;
    bed.set_shard("main/-", 1, 3, Held::Yes).await;
    send(&mut client, INSERT).await;
    send(&mut other, INSERT).await;
    bed.held(2).await;
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!((answer(&mut client).await, answer(&mut other).await), (Answer::Ok, Answer::Ok));
    assert_eq!((bed.fakes[0].logins(), bed.fakes[3].statements().len()), (0, 2));
}

#[tokio::test]
async fn a_statement_of_several_packets_is_sent_again_whole() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    bed.fakes[0].be(Mood::Refusing(1290));
    let large = format!("insert into t values ('{}')", "x".repeat(MAX_PAYLOAD + 1000));
    send(&mut client, &large).await;
    bed.fakes[0].received(1).await;
    bed.set_shard("main/-", 2, 3, Held::No).await;
    assert_eq!(answer(&mut client).await, Answer::Ok);
    assert!(bed.fakes[3].statements() == [large], "the statement came otherwise than it was sent");
}

#[tokio::test]
async fn a_primary_that_never_stays_does_not_keep_a_statement_for_ever() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("main").await;
    for fake in [0, 3] {
        bed.fakes[fake].be(Mood::Refusing(1290));
    }
    send(&mut client, INSERT).await;
    // Six attempts: the first one, and as many as are repeated.
    for round in 0..6 {
        let (here, there) = if round % 2 == 0 { (0, 3) } else { (3, 0) };
        bed.fakes[here].received(round / 2 + 1).await;
        bed.set_shard("main/-", 2 + round as u64, there, Held::No).await;
    }
    assert_eq!(answer(&mut client).await.id(), "1290");
    assert_eq!((bed.fakes[0].statements().len(), bed.fakes[3].statements().len()), (3, 3));
    assert_eq!(alias(3).to_string(), "a-4");
}
