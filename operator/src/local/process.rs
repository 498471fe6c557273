//! Which process it is: a number that is never mistaken for another process that got it later.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::io::unix::AsyncFd;

use super::layout::write_whole;

/// A process of this machine, unique for all time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Its number, which the kernel may give again after it has ended.
    pub pid: u32,
    /// When it started, in clock ticks after the boot.
    pub start_ticks: u64,
    /// The boot during which it started.
    pub boot: String,
}

/// What the kernel says of a process number.
struct Stat {
    state: char,
    start_ticks: u64,
}

impl ProcessId {
    /// The process that has the number now.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = stat(pid)?;
        Some(Self { pid, start_ticks: stat.start_ticks, boot: boot_id() })
    }

    /// The calling process.
    pub fn own() -> io::Result<Self> {
        Self::of(std::process::id()).ok_or_else(|| io::Error::other("/proc does not show this process"))
    }

    /// What a run file says; `None` where there is none or it cannot be read, as after a crash amid a write.
    pub fn read(run_file: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(run_file).ok()?).ok()
    }

    /// Writes a run file.
    pub fn write(&self, run_file: &Path) -> io::Result<()> {
        write_whole(run_file, &serde_json::to_vec(self)?)
    }

    /// Whether the process runs. One that has ended and was not yet waited for does not.
    pub fn is_alive(&self) -> bool {
        self.boot == boot_id()
            && stat(self.pid).is_some_and(|s| s.start_ticks == self.start_ticks && !"ZX".contains(s.state))
    }

    /// A handle that stays with this very process; `None` if it has ended.
    pub fn open(&self) -> Option<Handle> {
        let pid = Pid::from_raw(i32::try_from(self.pid).ok()?)?;
        let fd = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
        // The number may have passed to another process before the open; after it, it cannot.
        self.is_alive().then_some(Handle { fd })
    }
}

/// A hold on one process, by the kernel's own reference.
#[derive(Debug)]
pub struct Handle {
    fd: OwnedFd,
}

/// What a handle can be asked to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// SIGTERM: end in order.
    End,
    /// SIGKILL: end now.
    Die,
}

impl Handle {
    /// Sends the signal; a process that has ended is no error.
    pub fn send(&self, ask: Ask) {
        let signal = match ask {
            Ask::End => Signal::TERM,
            Ask::Die => Signal::KILL,
        };
        if let Err(error) = pidfd_send_signal(&self.fd, signal)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(%error, "cannot signal a process");
        }
    }

    /// Returns when the process has ended.
    pub async fn ended(self) -> io::Result<()> {
        #[expect(
            deprecated,
            reason = "its replacement is unsafe for types that may change their descriptor; OwnedFd does not"
        )]
        let watched = AsyncFd::new(self.fd)?;
        watched.readable().await.map(|_| ())
    }

    /// Whether the process ends in time.
    pub async fn ends_within(self, patience: Duration) -> bool {
        matches!(tokio::time::timeout(patience, self.ended()).await, Ok(Ok(())))
    }
}

/// All processes with this entry in the environment that they were started with. One that is just becoming
/// another program may be missing: the kernel shows no environment of it for a moment.
pub fn with_environment(name: &str, value: &str) -> Vec<ProcessId> {
    let entry = format!("{name}={value}");
    let marked = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| environment.split(|&b| b == 0).any(|e| e == entry.as_bytes()))
    };
    let ids = all_pids().into_iter().filter(marked).filter_map(ProcessId::of);
    ids.filter(ProcessId::is_alive).collect()
}

/// The numbers of all processes.
pub(super) fn all_pids() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}

/// The words of a process's command line; empty for one that has ended or belongs to the kernel.
pub fn command_line(pid: u32) -> Vec<String> {
    let Ok(bytes) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return Vec::new() };
    let words = bytes.split(|&b| b == 0).filter(|w| !w.is_empty());
    words.map(|w| String::from_utf8_lossy(w).into_owned()).collect()
}

fn stat(pid: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?.chars().next()?;
    // starttime is field 22 of proc(5); the state was field 3.
    let start_ticks = fields.nth(18)?.parse().ok()?;
    Some(Stat { state, start_ticks })
}

fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_reused_number_is_not_the_same_process() {
        let own = ProcessId::own().unwrap();
        assert!(own.is_alive());
        let earlier = ProcessId { start_ticks: own.start_ticks - 1, ..own.clone() };
        let before_boot = ProcessId { boot: "another".into(), ..own };
        assert!(!earlier.is_alive() && !before_boot.is_alive());
        assert!(earlier.open().is_none());
    }

    #[tokio::test]
    async fn a_handle_sees_the_end_of_a_process_that_nobody_waited_for() {
        let mut child =
            Command::new("cat").stdin(Stdio::piped()).env("SHOAL_TEST_MARK", "4711").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        let handle = id.open().unwrap();
        // For a moment after the start the kernel shows the environment as empty.
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !with_environment("SHOAL_TEST_MARK", "4711").contains(&id) {
            assert!(std::time::Instant::now() < deadline);
        }
        assert!(with_environment("SHOAL_TEST_MARK", "471").is_empty());
        assert_eq!(command_line(id.pid), ["cat"]);
        handle.send(Ask::Die);
        assert!(handle.ends_within(Duration::from_secs(10)).await);
        assert!(!id.is_alive() && id.open().is_none());
        child.wait().unwrap();
    }

    #[test]
    fn run_files_round_trip_and_half_written_ones_name_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("etcd.json");
        assert_eq!(ProcessId::read(&file), None);
        let own = ProcessId::own().unwrap();
        own.write(&file).unwrap();
        assert_eq!(ProcessId::read(&file), Some(own));
        std::fs::write(&file, "{\"pid\": 1").unwrap();
        assert_eq!(ProcessId::read(&file), None);
    }
}
