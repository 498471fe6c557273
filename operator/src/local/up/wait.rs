//! Watching a cluster come up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::greeting::greets;
use super::super::layout::{Layout, SUPERVISOR};
use super::super::lock::FileLock;
use super::super::logs::last_lines;
use super::super::process::ProcessId;
use super::super::status::trouble;
use super::super::supervisor::{Phase, State};
use super::prepare::Prepared;
use crate::control::client::{self, Seen};
use crate::limits::{
    ERROR_LOG_LINES, FEWEST_ERROR_LOG_LINES, POLL_INTERVAL, REPLICAS_PATIENCE, SUPERVISOR_START_DEADLINE,
    UP_DEADLINE,
};

/// Returns when every shard serves and has somebody to fail over to, every replica replicates and every gate
/// greets, or with the reason why that is not to be expected.
///
/// A cluster that takes SQL is not stopped for the sake of a replica: one that does not replicate in time, or
/// that is still being given its data, is told in a note.
pub(super) async fn wait_until_it_serves(
    prepared: &Prepared,
    began: Instant,
    say: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let mut progress = Progress { told: BTreeSet::new(), began, say };
    let mut waiting_for = vec!["the supervisor".to_owned()];
    let mut serves_since = None;
    while began.elapsed() < UP_DEADLINE {
        if let Some(why) = hopeless(&prepared.layout, began.elapsed()) {
            return Err(why);
        }
        let missing = missing(prepared, &mut progress).await;
        if missing.parts.is_empty() {
            let since = *serves_since.get_or_insert_with(Instant::now);
            if missing.redundancy.is_empty() || since.elapsed() > REPLICAS_PATIENCE {
                for what in missing.redundancy {
                    progress.tell(format!("note: {what}"));
                }
                return Ok(());
            }
        }
        waiting_for = missing.parts;
        sleep(POLL_INTERVAL).await;
    }
    let lines = (ERROR_LOG_LINES / waiting_for.len().max(1)).max(FEWEST_ERROR_LOG_LINES);
    let logs: Vec<String> = waiting_for.iter().map(|name| log_end(&prepared.layout, name, lines)).collect();
    let seconds = UP_DEADLINE.as_secs();
    Err(format!("after {seconds} s these do not serve: {}\n{}", waiting_for.join(", "), logs.join("\n")))
}

/// What is still to come.
#[derive(Default)]
struct StillMissing {
    /// Parts without which the cluster does not take SQL.
    parts: Vec<String>,
    /// What the cluster lacks to survive the loss of a tablet.
    redundancy: Vec<String>,
}

impl StillMissing {
    fn part(name: &str) -> Self {
        Self { parts: vec![name.into()], ..Self::default() }
    }
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

async fn missing(prepared: &Prepared, progress: &mut Progress<'_>) -> StillMissing {
    let state = State::read(&prepared.layout);
    if !state.topology_written {
        return StillMissing::part("etcd");
    }
    progress.tell(format!("etcd holds the topology of cluster {}", prepared.cluster.metadata.name));
    let control = format!("127.0.0.1:{}", prepared.ports.control);
    let Ok(seen) = client::look(&control, prepared.identity.as_ref()).await else {
        return StillMissing::part("control");
    };
    progress.tell("control answers".into());
    let mut missing = missing_tablets(prepared, &seen, progress);
    for (number, &port) in &prepared.ports.gates {
        if greets(port).await {
            progress.tell(format!("gate {number} takes clients on port {port}"));
        } else {
            missing.parts.push(format!("gate-{number}"));
        }
    }
    missing
}

fn missing_tablets(prepared: &Prepared, seen: &Seen, progress: &mut Progress<'_>) -> StillMissing {
    let mut missing = StillMissing::default();
    for (shard, own) in &prepared.ports.tablets {
        let (keyspace, range) = (shard.keyspace.as_str(), shard.range.to_string());
        let serving = seen.shards.iter().find(|s| s.serving && s.keyspace == keyspace && s.range == range);
        let Some(serving) = serving else {
            missing.parts.extend(own.iter().map(|tablet| format!("tablet-{}", tablet.alias)));
            continue;
        };
        progress.tell(format!("shard {shard} serves (tablet {})", serving.primary));
        let replicas =
            own.iter().map(|tablet| tablet.alias.to_string()).filter(|alias| *alias != serving.primary);
        for alias in replicas {
            let tablet = seen.tablets.iter().find(|tablet| tablet.alias == alias);
            if tablet.is_some_and(|tablet| tablet.state == "replicating") {
                progress.tell(format!("tablet {alias} replicates"));
            } else {
                let reason = tablet.map(|tablet| tablet.reason.as_str()).filter(|reason| !reason.is_empty());
                let why = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
                missing
                    .redundancy
                    .push(format!("tablet {alias} of shard {shard} does not replicate yet{why}"));
            }
        }
        if own.len() > 1 && !serving.risk.is_empty() {
            missing.redundancy.push(format!("shard {shard} cannot fail over yet: {}", serving.risk));
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
        .then(|| format!("the supervisor does not start\n{}", log_end(layout, SUPERVISOR, ERROR_LOG_LINES)))
}

fn log_end(layout: &Layout, name: &str, lines: usize) -> String {
    let log = layout.log(name);
    format!("the end of {}:\n{}", log.display(), indented(&last_lines(&log, lines)))
}

fn indented(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("    {line}")).collect();
    if lines.is_empty() { "    (its log is empty)".into() } else { lines.join("\n") }
}
