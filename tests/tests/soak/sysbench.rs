//! sysbench through the gate, beside the ledger's writers: no error, every acknowledged write kept, and every row on
//! the shard that its vindex names.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use proto::key_range::KeyRange;
use tests::cluster::Cluster;
use tests::differential::session::Session;
use tests::faults::ledger::{Ledger, Load, TabletPlace, judge, read_truth};
use tests::programs;
use topo::value::ShardingValue;
use topo::vindex::Vindex;

/// How long each workload runs, in seconds, unless `SHOAL_SOAK_SECONDS` says otherwise.
const SECONDS: u32 = 60;
const THREADS: u32 = 16;
const ROWS: u32 = 100_000;
const TABLE: &str = "sbtest1";

/// Two shards for the tables that sysbench and the ledger shard by `id`, and an unsharded keyspace.
const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: soak}
spec:
  gates: {port: {gate_port}}
  users: [{name: app, password: app, role: admin}]
  keyspaces:
    - name: main
    - name: shop
      shards: ["-80", "80-"]
      tablets: 2
      vschema:
        vindexes: {spread: {type: xxhash}}
        tables:
          sbtest1: {column_vindexes: [{column: id, name: spread}]}
          ledger: {column_vindexes: [{column: id, name: spread}]}
          registers: {column_vindexes: [{column: writer, name: spread}]}
"#;

/// A workload of sysbench.
struct Workload {
    script: &'static str,
    options: &'static [&'static str],
    keyspace: &'static str,
}

/// Deleting a row and inserting it again as two transactions meets another thread's insert of the same row now and
/// then: that 1062 is sysbench's own, and any MySQL's.
const WITHOUT_TRANSACTIONS: &[&str] = &["--skip_trx=on", "--mysql-ignore-errors=1213,1020,1205,1062"];

const WORKLOADS: [Workload; 6] = [
    Workload {
        script: "oltp_read_write",
        options: &["--skip_trx=on", "--range_selects=off", "--mysql-ignore-errors=1213,1020,1205,1062"],
        keyspace: "shop",
    },
    Workload { script: "oltp_insert", options: &[], keyspace: "shop" },
    Workload { script: "oltp_update_index", options: WITHOUT_TRANSACTIONS, keyspace: "shop" },
    Workload { script: "oltp_update_non_index", options: WITHOUT_TRANSACTIONS, keyspace: "shop" },
    Workload { script: "oltp_delete", options: WITHOUT_TRANSACTIONS, keyspace: "shop" },
    Workload { script: "oltp_read_write", options: &[], keyspace: "main" },
];

/// Runs sysbench on a keyspace, and gives what it printed.
fn sysbench(cluster: &Cluster, keyspace: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(programs::foreign("sysbench")?);
    let port = cluster.gate_port();
    command
        .args(["--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-user=app", "--mysql-password=app"])
        .args([&format!("--mysql-port={port}"), &format!("--mysql-db={keyspace}")])
        .args([&format!("--table-size={ROWS}"), "--tables=1", "--rand-type=uniform"])
        .args(arguments)
        .stdin(Stdio::null());
    let output = command.output().context("sysbench does not run")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "sysbench {arguments:?}: {}\n{said}\n{complained}", output.status);
    ensure!(!said.contains("FATAL"), "sysbench {arguments:?}:\n{said}");
    Ok(said)
}

/// The line of sysbench's report that begins so.
fn line<'a>(report: &'a str, begins: &str) -> Result<&'a str> {
    let mut lines = report.lines().map(str::trim);
    lines.find(|line| line.starts_with(begins)).with_context(|| format!("no {begins:?} in\n{report}"))
}

fn seconds() -> Result<u32> {
    match std::env::var("SHOAL_SOAK_SECONDS") {
        Ok(text) => text.parse().with_context(|| format!("SHOAL_SOAK_SECONDS is {text:?}")),
        Err(_) => Ok(SECONDS),
    }
}

/// All ids of sysbench's table, each of which is on one shard, the one that holds its keyspace ID.
async fn ids(cluster: &Cluster) -> Result<BTreeSet<i64>> {
    let mut all = BTreeSet::new();
    for place in TabletPlace::find(&cluster.dir().join("tablets"), "shop")? {
        let mut conn = place.session().await?;
        let is_primary: Option<u8> = conn.query_first("SELECT NOT @@GLOBAL.super_read_only").await?;
        if is_primary != Some(1) {
            continue;
        }
        let ids: Vec<i64> = conn.query(format!("SELECT id FROM shop.{TABLE}")).await?;
        for id in ids {
            ensure!(is_in(id, &place.shard.range), "row {id} is on {}", place.shard);
            ensure!(all.insert(id), "row {id} is on two shards");
        }
        conn.disconnect().await?;
    }
    Ok(all)
}

fn is_in(id: i64, range: &KeyRange) -> bool {
    Vindex::XxHash.map(&ShardingValue::Signed(id)).is_ok_and(|keyspace_id| range.contains(&keyspace_id))
}

#[test]
fn sysbench_meets_no_error_and_every_row_is_where_it_belongs() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for keyspace in ["shop", "main"] {
        sysbench(&cluster, keyspace, &["oltp_read_write", "prepare"])?;
    }
    let prepared = runtime.block_on(ids(&cluster))?;
    ensure!(prepared.len() == ROWS as usize, "{} rows after prepare", prepared.len());

    let load = Load { writers: 4, pause: Duration::from_millis(50), ..Load::default() };
    let ledger = Ledger::start(&[cluster.gate("app", "shop")], load)?;
    println!("{:<22} {:<6} {:>26}  {:>26}  errors", "workload", "on", "transactions", "queries");
    let (threads, time) = (format!("--threads={THREADS}"), format!("--time={}", seconds()?));
    for Workload { script, options, keyspace } in &WORKLOADS {
        let arguments = [&[*script, &threads, &time][..], options, &["run"]].concat();
        let report = sysbench(&cluster, keyspace, &arguments)?;
        let cell = |begins| {
            Ok::<_, anyhow::Error>(line(&report, begins)?.split_once(':').unwrap_or_default().1.trim())
        };
        let (transactions, queries) = (cell("transactions:")?, cell("queries:")?);
        let (ignored, p95) = (cell("ignored errors:")?, cell("95th percentile:")?);
        println!("{script:<22} {keyspace:<6} {transactions:>26}  {queries:>26}  {ignored}; p95 {p95} ms");
        ensure!(cell("reconnects:")?.starts_with("0 "), "{report}");
    }
    let rows = runtime.block_on(ids(&cluster))?;
    println!("{} rows of {TABLE}, each on the shard of its keyspace ID", rows.len());

    let history = ledger.stop()?;
    let places = TabletPlace::find(&cluster.dir().join("tablets"), "shop")?;
    let verdict = judge(&history, Vindex::XxHash, &runtime.block_on(read_truth(&places))?);
    println!("the ledger: {verdict}");
    ensure!(verdict.findings.is_empty(), "{verdict}");
    let complaints = cluster.complaints()?;
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

#[test]
fn a_row_on_another_shard_is_found() -> Result<()> {
    // Without TLS a data account can log in past the gate.
    let cluster = Cluster::start(&FILE.replace("\nspec:\n", "\nspec:\n  tls: off\n"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    sysbench(&cluster, "shop", &["oltp_insert", "--table-size=100", "prepare"])?;
    runtime.block_on(ids(&cluster))?;
    let shard = cluster.shards("shop")?.remove(0);
    let range = shard.name.parse()?;
    let stray = (1_000_000..).find(|id| !is_in(*id, &range)).context("every id belongs here")?;
    runtime.block_on(async {
        let mut session = Session::connect(&shard.data).await?;
        session.run_all(&[&format!("UPDATE {TABLE} SET id = {stray} LIMIT 1")]).await
    })?;
    let found = runtime.block_on(ids(&cluster)).map(|ids| ids.len());
    ensure!(found.as_ref().is_err_and(|error| error.to_string().contains(&stray.to_string())), "{found:?}");
    Ok(())
}
