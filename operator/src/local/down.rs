//! `shoal local down`: ends a cluster, whatever is left of it, and makes sure that nothing is.
//!
//! It relies on no process of the cluster: with the supervisors gone and their lock in its own hand it ends
//! the parts itself, in order, and at last whatever carries the cluster's mark.

use std::collections::BTreeSet;
use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::launch;
use super::layout::{Layout, STANDBY, SUPERVISOR, remove_if_there, write_whole};
use super::lock::FileLock;
use super::process::{Ask, ProcessId, with_environment};
use super::programs::find;
use super::supervisor::MARK;
use crate::limits::{COMMAND_PATIENCE, KILL_DEADLINE, POLL_INTERVAL, STOP_DEADLINE, TABLET_STOP_DEADLINE};

/// Why a cluster could not be stopped.
#[derive(Debug, thiserror::Error)]
pub enum DownError {
    /// The folder holds no cluster.
    #[error("there is no cluster in {0}; name its folder with --dir")]
    NoCluster(String),
    /// Another command works on the cluster.
    #[error("another `shoal local up` or `down` is at work on {0}; wait for it to end")]
    Busy(String),
    /// Something does not end.
    #[error("still running: {0}; nothing more can be done about it from here")]
    StillRunning(String),
    /// A file could not be used.
    #[error("{0}: {1}")]
    Io(String, io::Error),
}

/// The order in which parts end, by the beginning of their names: who uses another one ends before it.
const ORDER: [(&str, Duration); 4] = [
    ("gate-", STOP_DEADLINE),
    ("control", STOP_DEADLINE),
    ("tablet-", TABLET_STOP_DEADLINE),
    ("etcd", STOP_DEADLINE),
];

/// Stops the cluster in the folder. What happens is told line by line.
pub async fn down(layout: &Layout, say: &mut dyn FnMut(&str)) -> Result<(), DownError> {
    let shown = || layout.dir().display().to_string();
    if !layout.ports_file().exists() || !layout.run().exists() {
        return Err(DownError::NoCluster(shown()));
    }
    let lock = FileLock::take_within(&layout.command_lock(), COMMAND_PATIENCE).await;
    let lock = lock.map_err(io_error("cannot lock"))?;
    let Some(_at_work) = lock else { return Err(DownError::Busy(shown())) };
    let began = Instant::now();
    let ended = stop_everything(layout, say).await?;
    if ended == 0 {
        say("nothing was running");
    } else {
        say(&format!(
            "stopped {ended} processes in {:.1} s; the data stays in {}",
            began.elapsed().as_secs_f64(),
            shown()
        ));
    }
    Ok(())
}

/// Ends every process of the cluster, and tells how many there were. The caller holds the command lock.
pub(super) async fn stop_everything(layout: &Layout, say: &mut dyn FnMut(&str)) -> Result<usize, DownError> {
    write_whole(&layout.stopping(), b"").map_err(io_error("cannot write the stopping mark"))?;
    let (_no_supervisor, mut ended) = end_supervisors(layout).await?;
    launch::settle(layout).map_err(io_error("cannot wait for launches"))?;
    for (beginning, patience) in ORDER {
        let names = running_parts(layout, beginning);
        for name in &names {
            say(&format!("stopping {name}"));
        }
        let results = join_all(names.iter().map(|name| end_part(layout, name, patience))).await;
        ended += names.len();
        let mut tended = Vec::new();
        for (name, in_time) in names.iter().zip(results) {
            if in_time {
                tended.push(name.clone());
            } else {
                say(&format!("{name} did not end in {} s and was killed", patience.as_secs()));
            }
        }
        if beginning == "tablet-" {
            stop_orphaned_mysqlds(layout, &tended, say).await;
        }
    }
    ended += sweep(layout, say).await?;
    forget_processes(layout).map_err(io_error("cannot remove run files"))?;
    Ok(ended)
}

/// Ends both supervisors and gives their lock, so that none can come back, with how many there were.
async fn end_supervisors(layout: &Layout) -> Result<(FileLock, usize), DownError> {
    let deadline = Instant::now() + STOP_DEADLINE;
    let mut seen = BTreeSet::new();
    loop {
        for name in [SUPERVISOR, STANDBY] {
            if let Some(id) = ProcessId::read(&layout.run_file(name))
                && let Some(handle) = id.open()
            {
                seen.insert(id.pid);
                handle.send(Ask::End);
                handle.ends_within(STOP_DEADLINE).await;
            }
        }
        let lock = FileLock::try_take(&layout.supervisor_lock()).map_err(io_error("cannot lock"))?;
        if let Some(lock) = lock {
            return Ok((lock, seen.len()));
        }
        if Instant::now() > deadline {
            return Err(DownError::StillRunning("the supervisor".into()));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Names of the parts with a living process.
fn running_parts(layout: &Layout, beginning: &str) -> Vec<String> {
    let names = super::status::run_file_names(layout).into_iter();
    let alive = |name: &String| ProcessId::read(&layout.run_file(name)).is_some_and(|id| id.is_alive());
    names.filter(|name| name.starts_with(beginning)).filter(alive).collect()
}

/// Ends a part in order, or at once when that takes too long. Whether it ended in time.
async fn end_part(layout: &Layout, name: &str, patience: Duration) -> bool {
    let Some(id) = ProcessId::read(&layout.run_file(name)) else { return true };
    let Some(handle) = id.open() else { return true };
    handle.send(Ask::End);
    if handle.ends_within(patience).await {
        return true;
    }
    if let Some(handle) = id.open() {
        handle.send(Ask::Die);
        handle.ends_within(KILL_DEADLINE).await;
    }
    false
}

/// A mysqld whose agent was gone is still there: the tablet program stops it in the right order.
async fn stop_orphaned_mysqlds(layout: &Layout, tended: &[String], say: &mut dyn FnMut(&str)) {
    let Ok(program) = find("shoal-tablet", "") else { return };
    let Ok(tablets) = std::fs::read_dir(layout.tablets()) else { return };
    for tablet in tablets.flatten() {
        let alias = tablet.file_name().to_string_lossy().into_owned();
        if tended.contains(&format!("tablet-{alias}")) {
            continue;
        }
        let mut stop = tokio::process::Command::new(&program);
        stop.arg("stop").arg("--dir").arg(tablet.path()).stdin(Stdio::null()).kill_on_drop(true);
        match tokio::time::timeout(TABLET_STOP_DEADLINE, stop.output()).await {
            Ok(Ok(done)) if done.status.success() => {
                if let Some(line) =
                    String::from_utf8_lossy(&done.stdout).lines().find(|l| l.starts_with("stopped"))
                {
                    say(&format!("{line}, whose agent was gone"));
                }
            }
            // A folder in which no tablet ever worked; and what could not be stopped is killed by the sweep.
            other => tracing::debug!(?other, alias, "nothing was stopped"),
        }
    }
}

/// Kills whatever carries the cluster's mark, until nothing does.
async fn sweep(layout: &Layout, say: &mut dyn FnMut(&str)) -> Result<usize, DownError> {
    let mark = layout.dir().display().to_string();
    let deadline = Instant::now() + KILL_DEADLINE;
    let mut seen = BTreeSet::new();
    loop {
        let left = with_environment(MARK, &mark);
        if left.is_empty() {
            return Ok(seen.len());
        }
        for id in &left {
            let words = super::process::command_line(id.pid);
            let program = words.first().map_or("a process", String::as_str);
            if seen.insert(id.pid) {
                say(&format!("killing {program} (process {}), which was left over", id.pid));
            }
            if let Some(handle) = id.open() {
                handle.send(Ask::Die);
            }
        }
        if Instant::now() > deadline {
            let pids: Vec<String> = left.iter().map(|id| format!("process {}", id.pid)).collect();
            return Err(DownError::StillRunning(pids.join(", ")));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn forget_processes(layout: &Layout) -> io::Result<()> {
    for name in super::status::run_file_names(layout) {
        remove_if_there(&layout.run_file(&name))?;
    }
    remove_if_there(&layout.state_file())?;
    remove_if_there(&layout.stopping())
}

fn io_error(what: &str) -> impl FnOnce(io::Error) -> DownError + use<> {
    let what = what.to_owned();
    move |error| DownError::Io(what, error)
}
