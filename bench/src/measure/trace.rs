//! System calls of a proxy, counted by strace where it is there and may do it.
//!
//! It attaches to the running process while the load stands idle, and leaves it when the load is idle again.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::way::Prepared;
use crate::limits::{COUNTED, POLL_INTERVAL, PROGRAM_TIMEOUT};
use crate::load::{Case, Load};

/// Something counted, per query; or why it could not be.
pub type Counted<T> = std::result::Result<T, String>;

/// How often a system call is made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SystemCall {
    /// Its name.
    pub name: String,
    /// Calls per query.
    pub per_query: f64,
}

/// System calls of the proxy, the most frequent first.
pub async fn system_calls(way: &Prepared, case: Case) -> Result<Counted<Vec<SystemCall>>> {
    let output = NamedTempFile::new()?;
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-o"]).arg(output.path());
    // strace makes itself the tracer of every thread.
    let attached = |_: u32, proxy: u32| tracer(proxy).is_some_and(|tracer| tracer != 0);
    let queries = match count(way, case, command, attached).await? {
        Ok(queries) => queries,
        Err(reason) => return Ok(Err(reason)),
    };
    let summary = std::fs::read_to_string(output.path())?;
    let mut calls = parse_summary(&summary).with_context(|| format!("strace said\n{summary}"))?;
    for call in &mut calls {
        call.per_query /= queries as f64;
    }
    calls.sort_by(|a, b| b.per_query.total_cmp(&a.per_query));
    Ok(Ok(calls))
}

/// Runs a load with the counting program attached; the number of queries.
async fn count(
    way: &Prepared,
    case: Case,
    mut command: Command,
    attached: impl Fn(u32, u32) -> bool,
) -> Result<Counted<u64>> {
    let Some(proxy) = way.proxy else { bail!("there is no process to count for") };
    let mut load = Load::open(&way.order(case)).await?;
    command.arg("-p").arg(proxy.to_string());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut counter = match command.spawn() {
        Ok(counter) => counter,
        Err(error) => {
            load.close().await?;
            return Ok(Err(format!(
                "{} does not run: {error}",
                command.as_std().get_program().to_string_lossy()
            )));
        }
    };
    let pid = counter.id().context("the counting program has no id")?;
    let deadline = Instant::now() + PROGRAM_TIMEOUT;
    while !attached(pid, proxy) {
        if counter.try_wait()?.is_some() || Instant::now() > deadline {
            load.close().await?;
            return Ok(Err(last_words(counter).await?));
        }
        sleep(POLL_INTERVAL).await;
    }
    let tally = load.run(COUNTED).await;
    let pid = Pid::from_raw(pid.cast_signed()).context("process 0 counts")?;
    kill_process(pid, Signal::INT)?;
    timeout(PROGRAM_TIMEOUT, counter.wait()).await.context("the counting program does not end")??;
    load.close().await?;
    Ok(Ok(tally?.queries))
}

/// What the program said last, once it is ended.
async fn last_words(mut counter: Child) -> Result<String> {
    // It may have ended by itself.
    let _ = counter.start_kill();
    let output = timeout(PROGRAM_TIMEOUT, counter.wait_with_output()).await??;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(said.lines().next_back().unwrap_or("it does not attach to the process").to_owned())
}

/// Who traces the threads of a process: 0 while one of them is not traced. A thread that ends while it is looked at
/// does not count.
fn tracer(pid: u32) -> Option<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let tracers = tasks.filter_map(|task| {
        let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("TracerPid:")?.trim().parse().ok())
    });
    tracers.min()
}

/// The table of `strace -c`: share, seconds, time per call, calls, perhaps errors, name.
fn parse_summary(summary: &str) -> Result<Vec<SystemCall>> {
    let mut calls = Vec::new();
    for line in summary.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [share, _, _, count, .., name] = words[..] else { continue };
        if share.parse::<f64>().is_err() || name == "total" {
            continue;
        }
        let per_query = count.parse().with_context(|| format!("no count in {line:?}"))?;
        calls.push(SystemCall { name: name.to_owned(), per_query });
    }
    ensure!(!calls.is_empty(), "no system calls were counted");
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_strace_is_read() {
        let summary = "% time     seconds  usecs/call     calls    errors syscall\n\
                       ------ ----------- ----------- --------- --------- ----------------\n\
                       \x2060.00    0.060000           3     20000           sendto\n\
                       \x2040.00    0.040000           2     20010        10 recvfrom\n\
                       ------ ----------- ----------- --------- --------- ----------------\n\
                       100.00    0.100000           2     40010        10 total\n";
        let calls = parse_summary(summary).unwrap();
        let seen: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.per_query)).collect();
        assert_eq!(seen, [("sendto", 20000.0), ("recvfrom", 20010.0)]);
        assert!(parse_summary("").is_err());
    }

    #[test]
    fn an_untraced_process_has_no_tracer() {
        assert_eq!(tracer(std::process::id()), Some(0));
        assert_eq!(tracer(u32::MAX), None);
    }
}
