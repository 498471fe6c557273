//! The same statements on one plain MySQL and on clusters give the same answers.

use std::path::Path;

use anyhow::Result;
use tests::differential::run::{Contest, Report, Sharding};
use tests::differential::script::{self, Script};
use tests::differential::session::Session;
use tests::mysqld::PlainMysqld;

fn scripts() -> Result<Vec<Script>> {
    script::read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("differential"))
}

/// A session in a new database of the judge.
async fn judge(server: &PlainMysqld, database: &str) -> Result<Session> {
    let mut session = Session::connect(&server.root("")).await?;
    session.run_all(&[&format!("CREATE DATABASE `{database}`"), &format!("USE `{database}`")]).await?;
    Ok(session)
}

#[track_caller]
fn assert_no_breach(report: &Report) {
    let Report { compared, refused, breaches } = report;
    println!("{compared} statements compared, {refused} refused as expected, {} breaches", breaches.len());
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// Two plain servers agree on every script, so a difference of a cluster is the cluster's.
#[tokio::test]
async fn the_scripts_say_the_same_twice() -> Result<()> {
    let (first, second) = (PlainMysqld::start()?, PlainMysqld::start()?);
    let mut contest = Contest {
        keyspace: "shop".to_owned(),
        sharding: Sharding::Unsharded,
        judge: judge(&first, "shop").await?,
        subject: judge(&second, "shop").await?,
    };
    let mut report = Report::default();
    for script in scripts()? {
        contest.run(&script, &mut report).await?;
    }
    assert_no_breach(&report);
    Ok(())
}
