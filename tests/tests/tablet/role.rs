//! Roles and terms: who lifts the fence when, and who raises it.

use std::time::Instant;

use anyhow::Result;
use mysql_async::prelude::Queryable;
use proto::account::DataRole;
use proto::rpc::tablet::Role;
use tonic::Code;

use tests::signals;

use super::bed::{ALIAS, Bed, OTHER, serves};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terms_only_go_up() -> Result<()> {
    let mut bed = Bed::new("shop/-80")?;
    bed.start()?;
    // The topology is reached beside mysqld's start, and may take longer.
    bed.until("knowing the topology", |status| status.fenced && status.reason.contains("no primary yet"))
        .await?;

    // The record decides, not whoever calls.
    let refused = bed.assume(Role::Primary, 2).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(
        refused.message().contains("the record of shard shop/-80 does not say so: there is none"),
        "{refused}"
    );
    bed.name_primary(ALIAS, 2).await?;
    assert!(serves(&bed.assume(Role::Primary, 2).await?));
    assert!(serves(&bed.assume(Role::Primary, 2).await?), "repeating it changes nothing");
    let refused = bed.assume(Role::Primary, 1).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::FailedPrecondition, "term 1 is lower than the accepted term 2")
    );
    let refused = bed.assume(Role::Replica, 2).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(bed.assume(Role::Unspecified, 2).await.unwrap_err().code(), Code::InvalidArgument);
    let mut client = bed.session(DataRole::Write).await?;

    // Somebody else becomes primary: this one is fenced and its sessions end.
    let deposed = Instant::now();
    bed.name_primary(OTHER, 3).await?;
    bed.until_fenced().await?;
    let status = bed.until("a replica", |status| status.reason.contains("does not say where")).await?;
    println!("fenced {:?} after another was named", deposed.elapsed());
    assert_eq!(
        (status.term, status.role(), status.reason.as_str()),
        (3, Role::Replica, "zone1-102 is primary, but the topology does not say where it is")
    );
    assert!(client.query_drop("SELECT 1").await.is_err());

    // An older primaryship, were it to come back, is not taken up; not by a new agent either.
    bed.name_primary(ALIAS, 2).await?;
    let refused = |reason: &str| reason.contains("a new primaryship needs a higher term");
    bed.until("refusing term 2", |status| status.fenced && refused(&status.reason)).await?;
    assert_eq!(bed.assume(Role::Primary, 2).await.unwrap_err().code(), Code::FailedPrecondition);
    bed.kill_agent()?;
    bed.start()?;
    bed.until("refusing term 2 again", |status| status.fenced && refused(&status.reason)).await?;

    bed.name_primary(ALIAS, 4).await?;
    assert_eq!(bed.until_serving().await?.term, 4);
    assert!(bed.end()?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_cannot_be_fenced_is_killed() -> Result<()> {
    let mut bed = Bed::new("shop/-80")?;
    bed.start()?;
    bed.name_primary(ALIAS, 1).await?;
    bed.until_serving().await?;

    // A lock that would hold super_read_only up for ever ends with its session.
    let mut locker = bed.session(DataRole::Admin).await?;
    locker.query_drop("CREATE TABLE shop.t (id INT PRIMARY KEY)").await?;
    let mut open = bed.session(DataRole::Write).await?;
    open.query_drop("BEGIN").await?;
    open.query_drop("INSERT INTO shop.t VALUES (1)").await?;
    let first = bed.mysqld_pid()?;
    bed.name_primary(OTHER, 2).await?;
    bed.until_fenced().await?;
    assert_eq!(bed.mysqld_pid()?, first, "there was no need to kill it");
    assert!(open.query_drop("COMMIT").await.is_err());

    // A frozen one answers nobody, and must not wake up serving.
    bed.name_primary(ALIAS, 3).await?;
    bed.until_serving().await?;
    signals::freeze(first)?;
    let deposed = Instant::now();
    bed.name_primary(OTHER, 4).await?;
    bed.until("fenced in a new mysqld", |s| s.fenced && bed.mysqld_pid().is_ok_and(|pid| pid != first))
        .await?;
    println!("a frozen primary is replaced by a fenced mysqld after {:?}", deposed.elapsed());
    assert!(bed.end()?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_mysqld_is_told_apart_and_killed_at_the_end() -> Result<()> {
    let mut bed = Bed::new("shop/-80")?;
    bed.start()?;
    bed.name_primary(ALIAS, 1).await?;
    bed.until_serving().await?;
    let mysqld = bed.mysqld_pid()?;
    signals::freeze(mysqld)?;
    let status =
        bed.until("frozen", |status| status.reason.starts_with("mysqld runs but does not answer")).await?;
    assert!(status.mysqld_running && !status.fenced);
    signals::thaw(mysqld)?;
    bed.until_serving().await?;
    assert_eq!(bed.mysqld_pid()?, mysqld, "a frozen mysqld is not restarted");
    signals::freeze(mysqld)?;
    assert!(bed.end()?.success());
    assert!(std::fs::read_to_string(bed.log())?.contains("because it could not be fenced first"));
    Ok(())
}
