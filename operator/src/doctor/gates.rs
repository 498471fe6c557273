//! Whether every gate answers SQL in every keyspace.

use std::time::Instant;

use proto::wire::CapabilityFlags;
use proto::wire::connection::Connection;
use proto::wire::login::{Login, connect};
use proto::wire::query::query;
use tokio::time::timeout;

use super::{Finding, Level, answered_in};
use crate::limits::GATE_ANSWER_TIMEOUT;
use crate::local::ports::Ports;
use crate::spec::{ShoalCluster, UserSpec};

/// utf8mb4_0900_ai_ci.
const COLLATION: u8 = 255;

/// Asks every gate in every keyspace, as a user of the cluster file.
pub(super) async fn examine(cluster: &ShoalCluster, ports: &Ports) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, &port) in &ports.gates {
        let began = Instant::now();
        let mut troubles = Vec::new();
        for keyspace in &cluster.spec.keyspaces {
            // Nobody else's password is known here.
            let Some(user) = cluster.spec.user_of(&keyspace.name) else { continue };
            let asked = timeout(GATE_ANSWER_TIMEOUT, ask(port, user, keyspace.name.as_str())).await;
            let answer =
                asked.unwrap_or_else(|_| Err(format!("no answer in {} s", GATE_ANSWER_TIMEOUT.as_secs())));
            if let Err(why) = answer {
                troubles.push(format!("{}: {why}", keyspace.name));
            }
        }
        let check = format!("gate-{number}");
        if troubles.is_empty() {
            let what = format!("{} on port {port}, in every keyspace", answered_in(began.elapsed()));
            findings.push(Finding::good(check, what));
        } else {
            let cure = format!(
                "see `shoal local logs {check}` and the shards above; an error id is explained by `shoal explain`"
            );
            findings.push(Finding::bad(check, Level::Error, troubles.join("; "), cure));
        }
    }
    findings
}

async fn ask(port: u16, user: &UserSpec, keyspace: &str) -> Result<(), String> {
    let login = Login {
        user: user.name.to_string(),
        password: user.password.clone(),
        database: Some(keyspace.to_owned()),
        capabilities: CapabilityFlags::CLIENT_DEPRECATE_EOF,
        collation: COLLATION,
    };
    let mut connection: Connection =
        connect(&format!("127.0.0.1:{port}"), &login).await.map_err(|error| error.to_string())?;
    let answer = query(&mut connection, "SELECT 1").await;
    let _ = connection.write_payload(0, &[proto::wire::command::QUIT]).await;
    let rows = answer.map_err(|error| error.to_string())?;
    match rows.first().and_then(|row| row.first()) {
        Some(Some(one)) if one == "1" => Ok(()),
        other => Err(format!("SELECT 1 gave {other:?}")),
    }
}
