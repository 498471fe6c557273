//! Watching a cluster come up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proto::rpc::control::Shard;
use tokio::time::sleep;

use super::super::greeting::greets;
use super::super::layout::{Layout, SUPERVISOR};
use super::super::lock::FileLock;
use super::super::logs::last_lines;
use super::super::process::ProcessId;
use super::super::status::trouble;
use super::super::supervisor::{Phase, State};
use super::prepare::Prepared;
use crate::control::client;
use crate::limits::{ERROR_LOG_LINES, POLL_INTERVAL, SUPERVISOR_START_DEADLINE, UP_DEADLINE};

/// Returns when every shard serves and every gate greets, or with the reason why that is not to be expected.
pub(super) async fn wait_until_it_serves(
    prepared: &Prepared,
    began: Instant,
    say: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let mut progress = Progress { told: BTreeSet::new(), began, say };
    let mut waiting_for = vec!["the supervisor".to_owned()];
    while began.elapsed() < UP_DEADLINE {
        if let Some(why) = hopeless(&prepared.layout, began.elapsed()) {
            return Err(why);
        }
        waiting_for = missing(prepared, &mut progress).await;
        if waiting_for.is_empty() {
            return Ok(());
        }
        sleep(POLL_INTERVAL).await;
    }
    let logs: Vec<String> = waiting_for.iter().map(|name| log_end(&prepared.layout, name)).collect();
    let seconds = UP_DEADLINE.as_secs();
    Err(format!("after {seconds} s these do not serve: {}\n{}", waiting_for.join(", "), logs.join("\n")))
}

struct Progress<'a> {
    told: BTreeSet<String>,
    began: Instant,
    say: &'a mut dyn FnMut(&str),
}

impl Progress<'_> {
    /// Tells each thing once, with the time.
    fn tell(&mut self, what: String) {
        if self.told.insert(what.clone()) {
            (self.say)(&format!("{:>5.1} s  {what}", self.began.elapsed().as_secs_f64()));
        }
    }
}

/// What does not serve yet, by the names of the parts that ought to.
async fn missing(prepared: &Prepared, progress: &mut Progress<'_>) -> Vec<String> {
    let state = State::read(&prepared.layout);
    if !state.topology_written {
        return vec!["etcd".into()];
    }
    progress.tell(format!("etcd holds the topology of cluster {}", prepared.cluster.metadata.name));
    let Ok(shards) = client::shards(prepared.ports.control).await else { return vec!["control".into()] };
    progress.tell("control answers".into());
    let serves = |name: &str, range: &str| {
        shards.iter().any(|s: &Shard| s.serving && s.keyspace == name && s.range == range)
    };
    let mut missing = Vec::new();
    for (shard, tablet) in &prepared.ports.tablets {
        if serves(shard.keyspace.as_str(), &shard.range.to_string()) {
            progress.tell(format!("shard {shard} serves (tablet {})", tablet.alias));
        } else {
            missing.push(format!("tablet-{}", tablet.alias));
        }
    }
    for (number, &port) in &prepared.ports.gates {
        if greets(port).await {
            progress.tell(format!("gate {number} takes clients on port {port}"));
        } else {
            missing.push(format!("gate-{number}"));
        }
    }
    missing
}

/// Why waiting longer makes no sense, if it does not.
fn hopeless(layout: &Layout, waited: Duration) -> Option<String> {
    let state = State::read(layout);
    if let Some(why) = state.refused {
        return Some(why);
    }
    if let Some((name, _)) = state.parts.iter().find(|(_, part)| part.phase == Phase::Down) {
        let trouble = trouble(layout, &state, name);
        return Some(format!("{name} does not start ({})\n{}", trouble.last_end, indented(&trouble.log)));
    }
    let supervised = ProcessId::read(&layout.run_file(SUPERVISOR)).is_some_and(|id| id.is_alive());
    let nobody = !supervised && matches!(FileLock::try_take(&layout.supervisor_lock()), Ok(Some(_)));
    (nobody && waited > SUPERVISOR_START_DEADLINE)
        .then(|| format!("the supervisor does not start\n{}", log_end(layout, SUPERVISOR)))
}

fn log_end(layout: &Layout, name: &str) -> String {
    format!(
        "the end of {}:\n{}",
        layout.log(name).display(),
        indented(&last_lines(&layout.log(name), ERROR_LOG_LINES))
    )
}

fn indented(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("    {line}")).collect();
    if lines.is_empty() { "    (its log is empty)".into() } else { lines.join("\n") }
}
