//! Freezing and killing processes of the test's own.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::process::wait_for;

/// How long the threads of a process that was told to stand still may take to do so.
const STANDS_STILL_WITHIN: Duration = Duration::from_secs(10);

/// A frozen process; it goes on when this is dropped, also when the test fails.
#[derive(Debug)]
#[must_use = "the process goes on when this is dropped"]
pub struct Frozen(u32);

impl Frozen {
    /// As [`freeze`].
    pub fn freeze(pid: u32) -> Result<Self> {
        let frozen = Self(pid);
        freeze(pid)?;
        Ok(frozen)
    }

    /// SIGCONT.
    pub fn thaw(self) {}
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may have been killed in the meantime.
        let _ = thaw(self.0);
    }
}

/// SIGSTOP; returns when every thread of the process stands still.
///
/// The signal goes to one thread, which stops the others when it gets its turn: until then they still answer.
pub fn freeze(pid: u32) -> Result<()> {
    send(pid, Signal::STOP)?;
    wait_for("the process stands still", STANDS_STILL_WITHIN, || stands_still(pid))
}

/// SIGCONT.
pub fn thaw(pid: u32) -> Result<()> {
    send(pid, Signal::CONT)
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
    state(&stat).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

fn stands_still(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().all(|thread| {
        // A thread that ended while this looked has no file.
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        state(&stat).is_none_or(|state| matches!(state, 'T' | 'Z' | 'X'))
    })
}

/// The state in a `/proc/…/stat`: it follows the name, which is in parentheses and may hold anything.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
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

    #[test]
    fn a_frozen_process_stands_still_until_it_is_thawed_and_a_killed_one_is_gone() {
        let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let frozen = Frozen::freeze(child.id()).unwrap();
        assert!(stands_still(child.id()) && is_alive(child.id()));
        frozen.thaw();
        wait_for("it runs", PATIENCE, || !stands_still(child.id())).unwrap();
        kill(child.id()).unwrap();
        child.wait().unwrap();
        assert!(!is_alive(child.id()));
    }
}
