//! Schema changes, which go to every shard, while one of them changes its primary.

use crate::bed::{Answer, Bed, Held, answer, ask, bounds, send};
use crate::fake::Mood;

const ALTER: &str = "alter table t add column a int";

#[tokio::test]
async fn a_schema_change_waits_for_every_shard_before_it_begins() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("two").await;
    bed.set_shard("two/80-", 1, 2, Held::Yes).await;
    send(&mut client, ALTER).await;
    bed.held(1).await;
    assert!(bed.fakes[1].statements().is_empty());
    bed.set_shard("two/80-", 2, 3, Held::No).await;
    assert_eq!(answer(&mut client).await, Answer::Ok);
    assert_eq!(
        (bed.fakes[1].statements(), bed.fakes[3].statements()),
        (vec![ALTER.into()], vec![ALTER.into()])
    );
    assert!(bed.fakes[2].statements().is_empty());
}

#[tokio::test]
async fn a_shard_that_refuses_its_part_does_it_under_its_next_primary() {
    for (refusing, name) in [(1, "two/-80"), (2, "two/80-")] {
        let bed = Bed::start(bounds()).await;
        let mut client = bed.client("two").await;
        bed.fakes[refusing].be(Mood::Refusing(1290));
        send(&mut client, ALTER).await;
        bed.fakes[refusing].received(1).await;
        bed.set_shard(name, 1, 3, Held::Yes).await;
        bed.held(1).await;
        bed.set_shard(name, 2, 3, Held::No).await;
        assert_eq!(answer(&mut client).await, Answer::Ok, "{name}");
        for done in [1, 2, 3] {
            assert_eq!(bed.fakes[done].statements(), [ALTER], "{name}");
        }
    }
}

#[tokio::test]
async fn a_refusal_without_a_change_of_primary_is_told_as_before() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("two").await;
    bed.fakes[1].be(Mood::Refusing(1290));
    assert_eq!(ask(&mut client, ALTER).await.id(), "1290");
    assert!(bed.fakes[2].statements().is_empty());
    bed.fakes[1].be(Mood::Serving);
    bed.fakes[2].be(Mood::Refusing(1290));
    assert_eq!(ask(&mut client, ALTER).await.id(), "SH3005");
}

#[tokio::test]
async fn a_part_that_may_have_been_done_is_never_done_again() {
    let bed = Bed::start(bounds()).await;
    let mut client = bed.client("two").await;
    bed.fakes[2].be(Mood::Breaking);
    send(&mut client, ALTER).await;
    bed.fakes[2].received(1).await;
    bed.set_shard("two/80-", 2, 3, Held::No).await;
    bed.fakes[2].be(Mood::Serving);
    assert_eq!(answer(&mut client).await.id(), "SH3005");
    assert!(bed.fakes[3].statements().is_empty());
}
