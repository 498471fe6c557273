//! A child process that ends with the test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a program may take to come up.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);
/// How many last lines of a log an error shows.
const SHOWN_LOG_LINES: usize = 15;

/// A running program whose output goes to a log file; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts the program, with its output to `log`.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("{name} does not start: {command:?}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says so; an error with the log's end if the program ends before or takes too long.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}:\n{}", self.name, last_lines(&self.log));
            }
            if Instant::now() > deadline {
                bail!("{} is not up after {START_DEADLINE:?}:\n{}", self.name, last_lines(&self.log));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of a log, for an error.
pub fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..].join("\n")
}

/// Waits for a condition that is not about one process; an error that names it when time is up.
pub fn wait_for(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + limit;
    while !condition() {
        if Instant::now() > deadline {
            bail!("after {limit:?} still not: {what}");
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// The processes that have to do with a folder, with their command lines: those that name it there, work in
/// it, or write their output into it.
pub fn pids_naming(folder: &Path) -> Vec<(u32, String)> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .filter_map(|pid| Some((pid, fs::read(format!("/proc/{pid}/cmdline")).ok()?)))
        .map(|(pid, raw)| (pid, String::from_utf8_lossy(&raw).replace('\0', " ")))
        .filter(|(pid, line)| line.contains(&*folder.to_string_lossy()) || is_inside(*pid, folder))
        .collect()
}

fn is_inside(pid: u32, folder: &Path) -> bool {
    let links = ["cwd", "fd/1", "fd/2"].map(|link| fs::read_link(format!("/proc/{pid}/{link}")));
    links.into_iter().flatten().any(|target| target.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;

    #[test]
    fn a_process_left_behind_is_found_and_fails_the_test() {
        let folder = Folder::new().unwrap();
        let script = folder.path().join("stays");
        let child = Command::new("sh")
            .args(["-c", "read line; true"])
            .arg(&script)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let left = Running { name: "sh".to_owned(), child, log: script };
        wait_for("its command line", START_DEADLINE, || !pids_naming(folder.path()).is_empty()).unwrap();
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(folder)));
        assert!(dropped.is_err(), "a left process went unnoticed");
        drop(left);
    }

    #[test]
    fn an_early_end_is_an_error_with_the_last_lines() {
        let folder = Folder::new().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo why it ended; exit 3"]);
        let mut running = Running::start("sh", &mut command, &folder.path().join("log")).unwrap();
        let error = running.wait_until(|| false).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("why it ended"), "{error}");
    }
}
