//! The same statements on one plain MySQL and on clusters give the same answers.

use std::path::Path;

use anyhow::{Result, bail};
use tests::cluster::{Cluster, Shard};
use tests::differential::keyspaces::{SHARDED, UNSHARDED, USER, cluster_file};
use tests::differential::outcome::Outcome;
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

/// How many statements a sharded keyspace must at least answer as MySQL does.
const ENOUGH: usize = 120;

/// Two plain servers agree on every script, so a difference of a cluster is the cluster's.
#[tokio::test]
async fn the_scripts_say_the_same_twice() -> Result<()> {
    let (first, second) = (PlainMysqld::start()?, PlainMysqld::start()?);
    let mut contest = Contest {
        keyspace: "shop".to_owned(),
        sharding: Sharding::Plain,
        judge: judge(&first, "shop").await?,
        subject: judge(&second, "shop").await?,
    };
    let mut report = Report::default();
    for script in scripts()? {
        contest.run(&script, &mut report).await?;
    }
    println!("two plain servers: {report}");
    assert!(report.breaches.is_empty(), "{}", report.breaches.join("\n"));
    Ok(())
}

#[tokio::test]
async fn clusters_answer_as_one_plain_mysql_does() -> Result<()> {
    let scripts = scripts()?;
    let plain = PlainMysqld::start()?;
    let cluster = Cluster::start(&cluster_file(&scripts))?;
    let mut breaches = Vec::new();
    for (keyspace, sharding) in [(UNSHARDED, Sharding::Unsharded), (SHARDED, Sharding::Sharded)] {
        let mut contest = Contest {
            keyspace: keyspace.to_owned(),
            sharding,
            judge: judge(&plain, keyspace).await?,
            subject: Session::connect(&cluster.gate(USER, keyspace)).await?,
        };
        let mut report = Report::default();
        for script in &scripts {
            contest.run(script, &mut report).await?;
        }
        println!("{keyspace}: {report}");
        assert!(report.compared >= ENOUGH, "only {} statements were compared", report.compared);
        breaches.append(&mut report.breaches);
    }
    assert!(breaches.is_empty(), "{} breaches\n{}", breaches.len(), breaches.join("\n"));
    rows_lie_on_both_shards(&cluster.shards(SHARDED)?).await
}

/// Rows of a table that the scripts fill are on each of the shards, and no row is on two.
async fn rows_lie_on_both_shards(shards: &[Shard]) -> Result<()> {
    let mut seen: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
    for shard in shards {
        let mut session = Session::connect(&shard.address).await?;
        match session.run("SELECT id FROM customers").await? {
            Outcome::Rows { rows, .. } if !rows.is_empty() => seen.extend(rows),
            other => bail!("shard {}: {other}", shard.name),
        }
    }
    let total = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((shards.len(), seen.len()), (2, total), "a row is on two shards");
    Ok(())
}
