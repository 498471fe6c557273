//! Freezing and killing processes of the test's own.

use std::fs;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A frozen process; it goes on when this is dropped, also when the test fails.
#[derive(Debug)]
#[must_use = "the process goes on when this is dropped"]
pub struct Frozen(u32);

impl Frozen {
    /// SIGSTOP.
    pub fn freeze(pid: u32) -> Result<Self> {
        send(pid, Signal::STOP)?;
        Ok(Self(pid))
    }

    /// SIGCONT.
    pub fn thaw(self) {}
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may have been killed in the meantime.
        let _ = send(self.0, Signal::CONT);
    }
}

/// kill -9.
pub fn kill(pid: u32) -> Result<()> {
    send(pid, Signal::KILL)
}

/// SIGTERM.
pub fn tell_to_end(pid: u32) -> Result<()> {
    send(pid, Signal::TERM)
}

/// Whether a process with the number exists and has not ended.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in parentheses and may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn send(pid: u32, signal: Signal) -> Result<()> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let target = raw.with_context(|| format!("{pid} is no process id"))?;
    kill_process(target, signal).with_context(|| format!("{signal:?} to process {pid}"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::process::wait_for;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn state(pid: u32) -> String {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").map_or(String::new(), |(_, rest)| rest[..1].to_owned())
    }

    #[test]
    fn a_frozen_process_stands_still_until_it_is_thawed_and_a_killed_one_is_gone() {
        let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let frozen = Frozen::freeze(child.id()).unwrap();
        wait_for("it is stopped", PATIENCE, || state(child.id()) == "T").unwrap();
        assert!(is_alive(child.id()));
        frozen.thaw();
        wait_for("it runs", PATIENCE, || state(child.id()) == "R").unwrap();
        kill(child.id()).unwrap();
        child.wait().unwrap();
        assert!(!is_alive(child.id()));
    }
}
