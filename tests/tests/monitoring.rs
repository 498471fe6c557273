//! What monitoring sees of every program: metrics that keep the rule for names, probes that tell the truth, and
//! logs that machines can read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::cluster::{Cluster, table};
use tests::differential::session::Session;
use tests::etcd::Etcd;
use tests::folder::Folder;
use tests::ports::free_port;
use tests::process::{Running, wait_for};
use tests::programs;

const PATIENCE: Duration = Duration::from_secs(60);

/// One shard of two tablets.
const CLUSTER: &str = "\
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: seen}
spec:
  gates: {port: {gate_port}}
  users: [{name: app, password: app, role: admin}]
  keyspaces:
    - {name: main, tablets: 2}
";

/// One answer over HTTP.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    body: String,
}

fn get(port: u16, path: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no end of the head")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok(Answer { status, body: body.to_owned() })
}

/// The samples of a program, by name with labels; an error where a name breaks the rule or has no explanation.
fn scrape(port: u16) -> Result<BTreeMap<String, f64>> {
    let answer = get(port, "/metrics")?;
    ensure!(answer.status == 200, "{answer:?}");
    samples(&answer.body)
}

fn samples(text: &str) -> Result<BTreeMap<String, f64>> {
    let (mut kinds, mut explained) = (BTreeMap::new(), Vec::new());
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').with_context(|| line.to_owned())?;
            ensure!(help.ends_with('.') && help.len() > 10, "no sentence: {line}");
            explained.push(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').with_context(|| line.to_owned())?;
            kinds.insert(name, kind);
        } else {
            let (sample, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
            let name = sample.split('{').next().unwrap_or_default();
            let stem = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let family = stem.filter(|stem| kinds.get(stem) == Some(&"histogram")).unwrap_or(name);
            let kind = kinds.get(family).with_context(|| format!("no type: {line}"))?;
            ensure!(explained.contains(&family), "no explanation: {line}");
            ensure!(family.starts_with("shoal_"), "a strange name: {line}");
            ensure!(family.ends_with("_total") == (*kind == "counter"), "{kind}: {line}");
            ensure!(*kind != "histogram" || family.ends_with("_seconds"), "{kind}: {line}");
            found.insert(sample.to_owned(), value.parse()?);
        }
    }
    ensure!(!found.is_empty(), "no samples in {text:?}");
    Ok(found)
}

/// Waits until a sample of the program is as it should be.
fn wait_for_sample(port: u16, sample: &str, good: impl Fn(f64) -> bool) -> Result<()> {
    let mut last = None;
    let waited = wait_for(sample, PATIENCE, || {
        last = scrape(port).ok().and_then(|found| found.get(sample).copied());
        last.is_some_and(&good)
    });
    waited.with_context(|| format!("{sample} is {last:?}"))
}

/// The sum of what a metric counts, over all its labels or those given with the name.
fn total(found: &BTreeMap<String, f64>, name: &str) -> f64 {
    found.iter().filter(|(sample, _)| sample.starts_with(name)).map(|(_, value)| value).sum()
}

/// The ports for monitoring, by the names of the parts.
fn ports(cluster: &Cluster) -> Result<BTreeMap<String, u16>> {
    let said = cluster.shoal(&["local", "status"])?;
    let rows = table(&said);
    let ports =
        rows.iter().filter_map(|row| Some(((*row.get("NAME")?).to_owned(), row.get("HTTP")?.parse().ok()?)));
    let ports: BTreeMap<String, u16> = ports.collect();
    ensure!(ports.len() == 4, "ports of control, a gate and two tablets in\n{said}");
    Ok(ports)
}

#[test]
fn every_program_of_a_cluster_shows_itself() -> Result<()> {
    let cluster = Cluster::start(CLUSTER)?;
    let ports = ports(&cluster)?;
    for (part, port) in &ports {
        let what = part.split('-').next().unwrap_or_default();
        ensure!(get(*port, "/healthz")? == Answer { status: 200, body: "ok\n".into() }, "{part}");
        wait_for(&format!("{part} is ready"), PATIENCE, || {
            get(*port, "/readyz").is_ok_and(|answer| answer.status == 200)
        })
        .with_context(|| format!("{:?}", get(*port, "/readyz")))?;
        let found = scrape(*port).with_context(|| part.clone())?;
        let build = found.keys().find(|name| name.starts_with("shoal_build_info{")).context("no build")?;
        ensure!(build.contains(&format!("part=\"{what}\"")), "{part}: {build}");
        ensure!(found.keys().any(|name| name.starts_with(&format!("shoal_{what}_"))), "{part}: {found:?}");
        ensure!(found.keys().any(|name| name.starts_with("shoal_topology_requests_total{")), "{part}");
    }

    tablets_tell_their_roles(&ports)?;
    wait_for_sample(ports["control"], "shoal_control_shards_serving", |shards| shards == 1.0)?;
    ensure!(scrape(ports["control"])?["shoal_control_shards"] == 1.0, "not one shard");
    a_gate_counts(&cluster, ports["gate-1"])
}

fn tablets_tell_their_roles(ports: &BTreeMap<String, u16>) -> Result<()> {
    let tablets: Vec<u16> =
        ports.iter().filter(|(part, _)| part.starts_with("tablet")).map(|p| *p.1).collect();
    for role in ["primary", "replica"] {
        let has = |port: &&u16| {
            scrape(**port)
                .is_ok_and(|found| found.get(&format!("shoal_tablet_role{{role=\"{role}\"}}")) == Some(&1.0))
        };
        ensure!(tablets.iter().filter(has).count() == 1, "not one {role}");
    }
    for port in &tablets {
        let found = scrape(*port)?;
        ensure!(
            found["shoal_tablet_serving"] == 1.0 && found["shoal_tablet_mysqld_running"] == 1.0,
            "{found:?}"
        );
        ensure!(found["shoal_tablet_mysqld_starts_total"] >= 1.0, "{found:?}");
        if found["shoal_tablet_role{role=\"replica\"}"] == 1.0 {
            wait_for_sample(*port, "shoal_tablet_lag_seconds", |lag| lag < 60.0)?;
        } else {
            wait_for_sample(*port, "shoal_tablet_semi_sync_clients", |clients| clients == 1.0)?;
        }
    }
    Ok(())
}

fn a_gate_counts(cluster: &Cluster, gate: u16) -> Result<()> {
    let before = scrape(gate)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut session = Session::connect(&cluster.gate("app", "main")).await?;
        session.run_all(&["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)"]).await?;
        let while_connected = scrape(gate)?;
        ensure!(
            while_connected["shoal_gate_clients"] == before["shoal_gate_clients"] + 1.0,
            "{while_connected:?}"
        );
        let more = |name: &str| total(&while_connected, name) - total(&before, name);
        ensure!(more("shoal_gate_statements_total") >= 2.0, "{while_connected:?}");
        ensure!(more("shoal_gate_logins_total{outcome=\"done\"}") == 1.0, "{while_connected:?}");
        anyhow::Ok(())
    })?;
    // The driver closes its connection with the runtime.
    drop(runtime);
    wait_for_sample(gate, "shoal_gate_clients", |clients| clients == before["shoal_gate_clients"])
}

#[test]
fn who_is_not_ready_says_why_and_logs_are_json_if_asked_for() -> Result<()> {
    let (etcd, folder, http) = (Etcd::start()?, Folder::new()?, free_port()?);
    let log = folder.path().join("control.log");
    let mut command = Command::new(programs::own("shoal-operator")?);
    command.args(["control", "--cluster", "seen", "--etcd", &etcd.url(), "--log-format", "json"]);
    command.args([
        "--listen",
        &format!("127.0.0.1:{}", free_port()?),
        "--http",
        &format!("127.0.0.1:{http}"),
    ]);
    let mut control = Running::start("control", &mut command, &log)?;
    control.wait_until(|| get(http, "/readyz").is_ok_and(|answer| answer.status == 200))?;
    lines_are_json(&log, "control serves")?;
    drop(control);

    // Without etcd a gate has nothing to route by; it says so until it gives up.
    let nowhere = format!("http://127.0.0.1:{}", free_port()?);
    fs::write(folder.path().join("data.secret"), "the data secret of this test")?;
    let mut command = Command::new(programs::own("shoal-gate")?);
    command.args(["--cluster", "seen", "--etcd", &nowhere, "--listen", "127.0.0.1:0", "--secrets"]);
    command.arg(folder.path()).args(["--http", &format!("127.0.0.1:{http}")]);
    let mut gate = Running::start("gate", &mut command, &folder.path().join("gate.log"))?;
    let mut said = None;
    gate.wait_until(|| {
        said = get(http, "/readyz").ok();
        said.is_some()
    })?;
    let starting = Answer { status: 503, body: "not ready: the program is starting\n".into() };
    ensure!(said.as_ref() == Some(&starting), "{said:?}");
    ensure!(get(http, "/healthz")?.status == 200, "it lives");
    Ok(())
}

fn lines_are_json(log: &Path, expected: &str) -> Result<()> {
    let text = fs::read_to_string(log)?;
    let lines = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>();
    let lines = lines.with_context(|| text.clone())?;
    for line in &lines {
        for key in ["timestamp", "level", "target", "message"] {
            ensure!(line[key].is_string(), "no {key} in {line}");
        }
    }
    ensure!(lines.iter().any(|line| line["message"] == expected), "no {expected:?} in {text}");
    Ok(())
}

#[test]
fn a_metric_that_breaks_the_rule_is_noticed() -> Result<()> {
    let good = "# HELP shoal_gate_clients Clients that are connected.\n# TYPE shoal_gate_clients gauge\nshoal_gate_clients 3\n";
    ensure!(samples(good)?["shoal_gate_clients"] == 3.0, "a good one is refused");
    let bad = [
        good.replace("shoal_", "gate_"),
        good.replace(" gauge", " counter"),
        good.replace("# HELP", "# NOTE"),
        good.replace(" Clients that are connected.", " clients"),
        good.lines().skip(1).collect::<Vec<_>>().join("\n"),
        String::new(),
    ];
    for text in bad {
        ensure!(samples(&text).is_err(), "unnoticed: {text}");
    }
    Ok(())
}
