//! kill -9 of each kind of process in turn, under load, on a cluster of two shards of three tablets as `shoal local`
//! keeps it: whatever was killed comes back, and the ledger is whole each time.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::cluster::Cluster;
use tests::faults::ledger::{Ledger, Load, TabletPlace, Verdict, judge, read_truth};
use tests::process::wait_for;
use tests::signals;
use topo::vindex::Vindex;

use crate::{PATIENCE, back};

const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: kills}
spec:
  gates: {port: {gate_port}}
  users: [{name: app, password: app, role: admin}]
  keyspaces:
    - name: shop
      shards: ["-80", "80-"]
      tablets: 3
      durability: semi_sync
      vschema:
        vindexes: {spread: {type: xxhash}}
        tables:
          ledger: {column_vindexes: [{column: id, name: spread}]}
          registers: {column_vindexes: [{column: writer, name: spread}]}
"#;

/// What is killed.
enum Victim {
    /// A process that a supervisor keeps.
    Part(&'static str),
    /// The agent of the first shard's tablet in a role.
    Agent(&'static str),
    /// The mysqld of it.
    Mysqld(&'static str),
}

const VICTIMS: [(&str, Victim); 9] = [
    ("etcd", Victim::Part("etcd")),
    ("control", Victim::Part("control")),
    ("a gate", Victim::Part("gate-1")),
    ("the active supervisor", Victim::Part("supervisor")),
    ("the standing-by supervisor", Victim::Part("standby")),
    ("the agent of a primary", Victim::Agent("primary")),
    ("the agent of a replica", Victim::Agent("replica")),
    ("the mysqld of a replica", Victim::Mysqld("replica")),
    ("the mysqld of a primary", Victim::Mysqld("primary")),
];

fn pid_in(cluster: &Cluster, file: &str) -> Result<u32> {
    let path = cluster.dir().join(file);
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    let json: serde_json::Value = serde_json::from_slice(&text)?;
    json["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).with_context(|| format!("no pid in {file}"))
}

/// A tablet of the first shard in a role.
fn tablet(cluster: &Cluster, role: &str) -> Result<String> {
    let listed = cluster.shoal(&["get", "tablets"])?;
    let line = listed.lines().find(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1) == Some(&"shop/-80") && words.get(2) == Some(&role)
    });
    let line = line.with_context(|| format!("no {role} in\n{listed}"))?;
    Ok(line.split_whitespace().next().unwrap_or_default().to_owned())
}

fn file_of(cluster: &Cluster, victim: &Victim) -> Result<String> {
    Ok(match victim {
        Victim::Part(part) => format!("run/{part}.json"),
        Victim::Agent(role) => format!("run/tablet-{}.json", tablet(cluster, role)?),
        Victim::Mysqld(role) => format!("tablets/{}/mysqld.json", tablet(cluster, role)?),
    })
}

/// Why the cluster is not as it was made: all processes run, all shards serve, with two ackers each.
fn lack(cluster: &Cluster) -> Option<String> {
    if let Err(error) = cluster.shoal(&["local", "status"]) {
        return Some(format!("{error:#}"));
    }
    let shards = cluster.shoal(&["get", "shards"]).unwrap_or_else(|error| format!("{error:#}"));
    let tablets = cluster.shoal(&["get", "tablets"]).unwrap_or_else(|error| format!("{error:#}"));
    let serves = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(3) == Some(&"yes")
            && words.get(4).is_some_and(|a| a.contains(','))
            && words.get(5) == Some(&"-")
    };
    let replicates = |line: &str| line.contains(" serving ") || line.contains(" replicating ");
    let whole = shards.lines().count() == 3
        && tablets.lines().count() == 7
        && shards.lines().skip(1).all(serves)
        && tablets.lines().skip(1).all(replicates);
    (!whole).then(|| format!("{shards}{tablets}"))
}

fn wait_until_whole(cluster: &Cluster) -> Result<()> {
    let mut last = None;
    let waited = wait_for("the cluster is as before", PATIENCE, || {
        last = lack(cluster);
        last.is_none()
    });
    waited.with_context(|| last.unwrap_or_default())
}

fn verdict(cluster: &Cluster, ledger: &Ledger) -> Result<Verdict> {
    let places = TabletPlace::find(&cluster.dir().join("tablets"), "shop")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    ledger.at_rest(|history| Ok(judge(history, Vindex::XxHash, &runtime.block_on(read_truth(&places))?)))
}

#[test]
fn after_kill_9_of_each_kind_of_process_nothing_is_lost_and_everything_comes_back() -> Result<()> {
    let began = Instant::now();
    let cluster = Cluster::start(FILE)?;
    wait_until_whole(&cluster)?;
    println!("2 x 3 tablets after {:?}\n{}", began.elapsed(), cluster.shoal(&["get", "tablets"])?);
    let ledger = Ledger::start(&[cluster.gate("app", "shop")], Load::default())?;
    for (name, victim) in &VICTIMS {
        let file = file_of(&cluster, victim)?;
        let pid = pid_in(&cluster, &file)?;
        let from = Instant::now();
        signals::kill(pid)?;
        wait_for("another process is in its place", PATIENCE, || {
            pid_in(&cluster, &file).is_ok_and(|now| now != pid && signals::is_alive(now))
        })
        .with_context(|| (*name).to_owned())?;
        ledger.wait_for_life(PATIENCE).with_context(|| (*name).to_owned())?;
        wait_until_whole(&cluster).with_context(|| (*name).to_owned())?;
        back(&ledger, name, from)?;
        let verdict = verdict(&cluster, &ledger)?;
        println!("   {verdict}");
        ensure!(verdict.findings.is_empty(), "after the end of {name}: {verdict}");
        ensure!(verdict.tablets == 6, "{verdict}");
    }
    ledger.stop()?;
    Ok(())
}
