//! The gate on a real cluster: logins of every kind, answers of every size, and what it does when its
//! surroundings fail.

mod accounts;
mod databases;
mod ended;
mod faults;
mod half_made;
mod login;
mod numbers;
mod relay;
mod replicas;
mod scatter;
mod schema;
mod sessions;
mod sight;
mod tls;
mod transactions;
mod vschema;

use std::future::Future;

use anyhow::{Context, Result};
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;

/// Two shards, an unsharded keyspace, a user who may only read.
const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: gate}
spec:
  gates: {port: {gate_port}}
  users:
    - {name: app, password: app, role: admin}
    - {name: reader, password: reader, role: read}
  keyspaces:
    - name: shop
      shards: ["-80", "80-"]
      vschema:
        vindexes: {spread: {type: xxhash}}
        tables:
          items: {column_vindexes: [{column: id, name: spread}]}
    - name: main
"#;

fn cluster() -> Result<Cluster> {
    Cluster::start(FILE)
}

fn wait<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

async fn session(cluster: &Cluster, user: &str, database: &str) -> Result<Session> {
    Session::connect(&cluster.gate(user, database)).await
}

/// The error that the statement must end with.
async fn refusal(session: &mut Session, statement: &str) -> Result<(u16, String)> {
    match session.run(statement).await? {
        Outcome::Failed(error) => Ok((error.code, error.text)),
        other => anyhow::bail!("{statement} was not refused: {other:?}"),
    }
}

/// The one value that the statement must give.
async fn value(session: &mut Session, statement: &str) -> Result<String> {
    match session.run(statement).await? {
        Outcome::Rows { rows, .. } => {
            let row = rows.first().with_context(|| format!("no row: {statement}"))?;
            let value = row.first().cloned().flatten().with_context(|| format!("no value: {statement}"))?;
            Ok(String::from_utf8_lossy(&value).into_owned())
        }
        other => anyhow::bail!("{statement} gave no rows: {other:?}"),
    }
}

/// The process with this name in `shoal local status`.
fn pid_of(cluster: &Cluster, name: &str) -> Result<u32> {
    let status = cluster.shoal(&["local", "status"])?;
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .with_context(|| format!("no {name} in\n{status}"))?;
    line.split_whitespace().nth(2).and_then(|pid| pid.parse().ok()).with_context(|| format!("no pid: {line}"))
}
