//! The same statements on one plain MySQL and on clusters give the same answers.

use std::path::Path;

use anyhow::{Result, bail};
use tests::cluster::{Cluster, Shard};
use tests::differential::compare::{Aspect, Order, compare};
use tests::differential::keyspaces::{ONE_SHARD, SHARDED, UNSHARDED, USER, cluster_file};
use tests::differential::outcome::Outcome;
use tests::differential::run::{Contest, Report, Sharding};
use tests::differential::script::{self, Script};
use tests::differential::session::{Protocol, Session};
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

/// Pairs of statements whose answers differ in one aspect: what a session sees of a real server is compared.
const PLANTED: &[(&str, &str, Aspect)] = &[
    ("SELECT 1", "DO 1", Aspect::Shape),
    ("SELECT 1 AS a", "SELECT 1 AS a, 2 AS b", Aspect::ColumnCount),
    ("SELECT 1 AS a", "SELECT 1 AS A", Aspect::ColumnName),
    ("SELECT i FROM t", "SELECT i FROM t AS u", Aspect::ColumnOrigin),
    ("SELECT i AS a FROM t", "SELECT g AS a FROM t", Aspect::ColumnType),
    ("SELECT i AS a FROM t", "SELECT n AS a FROM t", Aspect::ColumnFlags),
    ("SELECT v AS a FROM t", "SELECT b AS a FROM t", Aspect::ColumnCharset),
    ("SELECT v AS a FROM t", "SELECT w AS a FROM t", Aspect::ColumnLength),
    ("SELECT d AS a FROM t", "SELECT e AS a FROM t", Aspect::ColumnDecimals),
    ("SELECT i FROM t", "SELECT i FROM t WHERE i = 1", Aspect::RowCount),
    ("SELECT i FROM t WHERE i = 2", "SELECT i FROM t WHERE i = 1", Aspect::Rows),
    ("SELECT i FROM t ORDER BY i", "SELECT i FROM t ORDER BY i DESC", Aspect::RowOrder),
    ("UPDATE t SET g = 5", "UPDATE t SET g = 6 WHERE i = 1", Aspect::AffectedRows),
    (
        "UPDATE t SET g = LAST_INSERT_ID(7) WHERE i = 1",
        "UPDATE t SET g = 8 WHERE i = 1",
        Aspect::LastInsertId,
    ),
    ("SELECT '7x' + 0", "SELECT '7' + 0", Aspect::Warnings),
    ("UPDATE t SET g = 9 WHERE i = 1", "INSERT INTO t (i) VALUES (3)", Aspect::Info),
    ("SELECT x", "SELECT x FROM", Aspect::ErrorCode),
    ("SELECT x", "SELECT * FROM x", Aspect::SqlState),
    ("SELECT x", "SELECT y", Aspect::ErrorText),
];

#[tokio::test]
async fn planted_differences_of_real_answers_are_caught() -> Result<()> {
    let server = PlainMysqld::start()?;
    let mut session = judge(&server, "shop").await?;
    let table = "CREATE TABLE t (i int PRIMARY KEY, g bigint, n int, v varchar(5), b varbinary(5), w varchar(6), \
                 d decimal(5,1), e decimal(5,2))";
    session.run_all(&[table, "INSERT INTO t (i) VALUES (1), (2)"]).await?;
    for (first, second, aspect) in PLANTED {
        let outcomes = (session.run(first).await?, session.run(second).await?);
        let found = compare(&outcomes.0, &outcomes.1, Order::Kept);
        assert!(found.iter().any(|d| d.aspect == *aspect), "{first} / {second}: no {aspect:?} in {found:?}");
    }
    Ok(())
}

#[tokio::test]
async fn clusters_answer_as_one_plain_mysql_does() -> Result<()> {
    clusters_answer_as_plain_mysql(Protocol::Text).await
}

#[tokio::test]
async fn clusters_answer_prepared_statements_as_one_plain_mysql_does() -> Result<()> {
    clusters_answer_as_plain_mysql(Protocol::Prepared).await
}

async fn clusters_answer_as_plain_mysql(protocol: Protocol) -> Result<()> {
    let scripts = scripts()?;
    let plain = PlainMysqld::start()?;
    let cluster = Cluster::start(&cluster_file(&scripts))?;
    let mut breaches = Vec::new();
    let keyspaces =
        [(UNSHARDED, Sharding::Unsharded), (ONE_SHARD, Sharding::OneShard), (SHARDED, Sharding::Sharded)];
    for (keyspace, sharding) in keyspaces {
        let mut contest = Contest {
            keyspace: keyspace.to_owned(),
            sharding,
            judge: judge(&plain, keyspace).await?.by(protocol),
            subject: Session::connect(&cluster.gate(USER, keyspace)).await?.by(protocol),
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
    rows_lie_on_both_shards(&cluster.shards(SHARDED)?).await?;
    assert_eq!(cluster.complaints()?, Vec::<String>::new());
    Ok(())
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
