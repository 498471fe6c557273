//! What is wrong with a cluster, and what to do about it.
//!
//! ```text
//!   look (asks processes, files, etcd, control, gates) ─► facts ─► judge (pure) ─► findings, each with its cure
//! ```
//!
//! It changes nothing: it says what somebody who knows Shoal would do.

mod expiry;
mod gates;
mod machine;
mod shards;
mod topology;

use std::time::{Duration, Instant};

use proto::rpc::control::control_client::ControlClient;
use proto::rpc::control::{GetKeyspacesRequest, GetShardsRequest, GetTabletsRequest, Keyspace};
use tonic::transport::Channel;

use crate::control::client::{AskError, Seen, question};
use crate::local::layout::Layout;
use crate::local::reach::{self, NotReached};
use crate::schema::work::SCRATCH;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// It is as it should be.
    Good,
    /// It is worth knowing.
    Note,
    /// It works, and will not for long, or not when something else breaks.
    Warning,
    /// It does not work.
    Error,
}

impl Level {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: String,
    /// How bad it is.
    pub(crate) level: Level,
    /// What was found.
    pub(crate) what: String,
    /// What to do; empty where nothing is to be done.
    pub(crate) cure: String,
}

impl Finding {
    fn good(check: impl Into<String>, what: impl Into<String>) -> Self {
        Self { check: check.into(), level: Level::Good, what: what.into(), cure: String::new() }
    }

    fn bad(check: impl Into<String>, level: Level, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { check: check.into(), level, what: what.into(), cure: cure.into() }
    }
}

/// Looks at everything of a cluster on this machine.
pub(crate) async fn examine_local(layout: &Layout) -> Result<Vec<Finding>, NotReached> {
    let (cluster, ports) = reach::stored(layout)?;
    let mut findings = machine::processes(&crate::local::status::status(layout));
    if findings.iter().any(|finding| finding.level == Level::Error && finding.check == machine::PROCESSES) {
        // Nothing runs: everything else would only say so again.
        findings.push(machine::disk(layout));
        return Ok(findings);
    }
    findings.extend(topology::examine(layout, &cluster, &ports).await);
    let identity = layout.identity(proto::tls::Part::Client, ports.tls);
    let control = match identity {
        Ok(identity) => {
            crate::control::client::connect(&format!("127.0.0.1:{}", ports.control), identity.as_ref())
                .await
                .map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    findings.extend(examine_control(control).await);
    findings.extend(gates::examine(&cluster, &ports).await);
    findings.push(machine::disk(layout));
    findings.extend(expiry::examine(layout, ports.tls));
    Ok(findings)
}

/// Looks at what control knows of a cluster, wherever that is.
pub(crate) async fn examine_control(control: Result<ControlClient<Channel>, String>) -> Vec<Finding> {
    let began = Instant::now();
    let seen = match control {
        Ok(mut control) => look(&mut control).await.map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    match seen {
        Ok((seen, keyspaces)) => {
            let mut findings = vec![Finding::good("control", answered_in(began.elapsed()))];
            findings.extend(shards::judge(&seen));
            findings.extend(keyspaces.iter().filter_map(|keyspace| left_over(&keyspace.name)));
            findings
        }
        Err(why) => {
            let cure =
                "read `shoal local logs control`; gates go on serving meanwhile, but nothing fails over";
            vec![Finding::bad("control", Level::Error, why, cure)]
        }
    }
}

async fn look(control: &mut ControlClient<Channel>) -> Result<(Seen, Vec<Keyspace>), AskError> {
    let keyspaces = control.get_keyspaces(question(GetKeyspacesRequest {})).await?.into_inner().keyspaces;
    let shards = control.get_shards(question(GetShardsRequest::default())).await?.into_inner().shards;
    let tablets = control.get_tablets(question(GetTabletsRequest::default())).await?.into_inner().tablets;
    Ok((Seen { shards, tablets }, keyspaces))
}

/// A scratch database that nobody has dropped.
fn left_over(keyspace: &str) -> Option<Finding> {
    keyspace.starts_with(SCRATCH).then(|| {
        let what = "a `shoal schema` is under way, or was killed and has left it";
        let cure = format!("once none is under way: `shoal sql -e 'DROP DATABASE {keyspace}'`");
        Finding::bad(format!("keyspace {keyspace}"), Level::Note, what, cure)
    })
}

fn answered_in(time: Duration) -> String {
    format!("answers in {} ms", time.as_millis())
}

#[cfg(test)]
mod tests;
