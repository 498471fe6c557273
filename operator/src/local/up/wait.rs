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
    ERROR_LOG_LINES, FEWEST_ERROR_LOG_LINES, POLL_INTERVAL, PROGRESS_INTERVAL, REPLICAS_PATIENCE,
    SHOWN_WAITS, SUPERVISOR_START_DEADLINE, UP_DEADLINE,
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
    let mut progress = Progress { told: BTreeSet::new(), began, last: began, say };
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
        progress.tell_of_waiting(&missing, Instant::now());
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
    /// When something was last told.
    last: Instant,
    say: &'a mut dyn FnMut(&str),
}

impl Progress<'_> {
    /// Tells each thing once, with the time.
    fn tell(&mut self, what: String) {
        if self.told.insert(what.clone()) {
            self.tell_at(Instant::now(), &what);
        }
    }

    /// Tells what is waited for, when nothing was told for a while.
    fn tell_of_waiting(&mut self, missing: &StillMissing, now: Instant) {
        if now.duration_since(self.last) < PROGRESS_INTERVAL {
            return;
        }
        let of = if missing.parts.is_empty() { &missing.redundancy } else { &missing.parts };
        let first = of.iter().take(SHOWN_WAITS).filter_map(|what| what.lines().next());
        let first: Vec<&str> = first.collect();
        let more = of.len().saturating_sub(first.len());
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        self.tell_at(now, &format!("waiting: {}{more}", first.join("; ")));
    }

    fn tell_at(&mut self, now: Instant, what: &str) {
        self.last = now;
        (self.say)(&format!("{:>5.1} s  {what}", now.duration_since(self.began).as_secs_f64()));
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
        match (own.len() > 1, serving.risk.is_empty()) {
            (false, _) => {}
            (true, true) => progress.tell(format!("shard {shard} can fail over")),
            (true, false) => {
                missing.redundancy.push(format!("shard {shard} cannot fail over yet: {}", serving.risk));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_without_news_is_told_with_what_it_is_for() {
        let (began, mut said) = (Instant::now(), Vec::new());
        let mut say = |line: &str| said.push(line.to_owned());
        let mut progress = Progress { told: BTreeSet::new(), began, last: began, say: &mut say };
        let replicas = StillMissing {
            redundancy: (1..=SHOWN_WAITS + 2).map(|n| format!("tablet {n} starts\nits log")).collect(),
            ..StillMissing::default()
        };
        progress.tell_of_waiting(&replicas, began);
        progress.tell_of_waiting(&replicas, began + PROGRESS_INTERVAL);
        progress.tell_of_waiting(&replicas, began + PROGRESS_INTERVAL);
        progress.tell_of_waiting(&StillMissing::part("etcd"), began + 2 * PROGRESS_INTERVAL);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("  waiting: tablet 1 starts; tablet 2 starts; "), "{said:?}");
        assert!(said[0].ends_with("; and 2 more"), "{said:?}");
        assert!(said[1].ends_with("waiting: etcd"), "{said:?}");
    }
}
