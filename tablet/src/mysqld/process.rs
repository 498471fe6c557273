//! One mysqld process: started, found again, watched and signalled.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, timeout};

use crate::limits::{KILL_DEADLINE, LAUNCH_DEADLINE, STARTUP_POLL};
use crate::mysqld::launch;

/// Who a process is: a pid alone may since have become somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// Its number.
    pub pid: u32,
    /// When it began, in clock ticks since the machine's start.
    pub started_ticks: u64,
    /// Which start of the machine that counts from.
    pub boot_id: String,
}

impl ProcessRecord {
    /// The record of a process that lives now; `None` when there is none with this number.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        let stat = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat,
            // ESRCH: it ended between the opening and the reading.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
        Ok(living_since(&stat).map(|started_ticks| Self { pid, started_ticks, boot_id }))
    }

    fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)); `None` for a process that is dead and only not yet
/// waited for. The name in field 2 may hold blanks and brackets, so fields are counted from its end.
fn living_since(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

/// How a process ended, as far as this process may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// It was started by an earlier agent, so only that it ended is known.
    Unseen,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exited with status {status}"),
            Self::Killed(signal) => write!(f, "was killed by signal {signal}"),
            Self::Unseen => f.write_str("ended (only the agent that started it could see how)"),
        }
    }
}

/// Ends of mysqld, since the agent started, that were no part of anything.
#[derive(Debug, Clone, Default)]
pub struct Deaths {
    /// How many.
    pub count: u32,
    /// How the last one was, in words that follow "it".
    pub last: String,
}

/// A mysqld that lived when this was made. Dropping it leaves the process alone.
#[derive(Debug)]
pub struct MysqldProcess {
    pid: Pid,
    handle: AsyncFd<OwnedFd>,
}

/// What to start, and where its traces go.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// This program (`shoal-tablet`), which becomes mysqld.
    pub launcher: &'a Path,
    /// Where it writes who it is.
    pub record: &'a Path,
    /// Where output goes; mysqld writes its error log there too.
    pub log: &'a Path,
    /// mysqld with its arguments.
    pub command: &'a [OsString],
}

impl MysqldProcess {
    /// Starts mysqld, detached from this process.
    pub fn start(start: &Start<'_>) -> io::Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(start.log)?;
        let child = Command::new(start.launcher)
            .arg(launch::SUBCOMMAND)
            .arg("--record")
            .arg(start.record)
            .arg("--")
            .args(start.command)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .current_dir("/")
            .spawn()?;
        // The child is not waited for before it ends, so its number cannot have become another's here.
        Self::open(child.id())
    }

    /// The mysqld that an earlier agent left, if it still lives. One that was launched a moment ago is waited
    /// for until it has written down who it is.
    pub async fn adopt(record: &Path) -> io::Result<Option<Self>> {
        let deadline = Instant::now() + LAUNCH_DEADLINE;
        while launch::is_held(record)? {
            if let Some(process) = Self::find(record)? {
                return Ok(Some(process));
            }
            if Instant::now() >= deadline {
                let text = format!("a mysqld runs for {}, but not the one that it names", record.display());
                return Err(io::Error::other(text));
            }
            sleep(STARTUP_POLL).await;
        }
        Ok(None)
    }

    /// The process of the record, if it still lives.
    fn find(record: &Path) -> io::Result<Option<Self>> {
        let Some(known) = ProcessRecord::read(record)? else { return Ok(None) };
        if ProcessRecord::of(known.pid)?.as_ref() != Some(&known) {
            return Ok(None);
        }
        let process = match Self::open(known.pid) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
                return Ok(None);
            }
            opened => opened?,
        };
        // The handle may have been opened on a newcomer with the same number: look again, now that it is held.
        let still = ProcessRecord::of(known.pid)?.as_ref() == Some(&known);
        Ok(still.then_some(process))
    }

    fn open(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("a process number that Linux does not give"))?;
        let handle = rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        #[expect(
            deprecated,
            reason = "its replacement is unsafe for types that may change their descriptor; OwnedFd does not"
        )]
        let handle = AsyncFd::with_interest(handle, Interest::READABLE)?;
        Ok(Self { pid, handle })
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits until the process has ended. Safe to cancel and to call again.
    pub async fn ended(&self) -> Ending {
        // A pidfd is readable once its process has ended, and stays so.
        match self.handle.readable().await {
            Ok(mut guard) => guard.retain_ready(),
            Err(error) => tracing::error!(%error, "the process handle of mysqld cannot be watched"),
        }
        self.reap()
    }

    /// Takes the status of an own child, so that nothing of it stays in the process table.
    fn reap(&self) -> Ending {
        match rustix::process::waitpid(Some(self.pid), WaitOptions::NOHANG) {
            Ok(Some((_, status))) => ending(status),
            Ok(None) | Err(_) => Ending::Unseen,
        }
    }

    /// Sends a signal to exactly this process; one that has ended is no error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(self.handle.get_ref(), signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the process in order; kills it when that takes longer than `patience`.
    pub async fn stop(&self, patience: Duration) -> io::Result<Ending> {
        self.signal(Signal::TERM)?;
        match timeout(patience, self.ended()).await {
            Ok(ending) => Ok(ending),
            Err(_) => {
                tracing::warn!(pid = self.pid(), "mysqld does not shut down within {patience:?}: killing it");
                self.kill().await
            }
        }
    }

    /// Ends the process at once.
    pub async fn kill(&self) -> io::Result<Ending> {
        self.signal(Signal::KILL)?;
        timeout(KILL_DEADLINE, self.ended()).await.map_err(|_| {
            io::Error::other(format!("mysqld (pid {}) does not end, even when killed", self.pid()))
        })
    }
}

fn ending(status: WaitStatus) -> Ending {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Killed(signal),
        (None, None) => Ending::Unseen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_times_are_read_past_any_name() {
        let stat = |name: &str, state: &str| {
            let rest: Vec<String> = (4..=52).map(|n| n.to_string()).collect();
            format!("77 ({name}) {state} {}\n", rest.join(" "))
        };
        assert_eq!(living_since(&stat("mysqld", "S")), Some(22));
        assert_eq!(living_since(&stat("a ) S (b) x", "R")), Some(22));
        assert_eq!(living_since(&stat("mysqld", "Z")), None);
        assert_eq!(living_since("77 (mysqld"), None);
    }

    #[tokio::test]
    async fn a_process_is_found_again_and_a_newcomer_is_not_taken_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("process.json");
        assert!(MysqldProcess::find(&path).unwrap().is_none(), "no record");
        #[expect(clippy::zombie_processes, reason = "`stop` waits for it")]
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let record = ProcessRecord::of(child.id()).unwrap().unwrap();
        let write =
            |record: &ProcessRecord| std::fs::write(&path, serde_json::to_vec(record).unwrap()).unwrap();

        write(&ProcessRecord { started_ticks: record.started_ticks + 1, ..record.clone() });
        assert!(MysqldProcess::find(&path).unwrap().is_none(), "another start time");
        write(&ProcessRecord { boot_id: "another".into(), ..record.clone() });
        assert!(MysqldProcess::find(&path).unwrap().is_none(), "another boot");

        write(&record);
        let found = MysqldProcess::find(&path).unwrap().unwrap();
        assert!(timeout(Duration::from_millis(20), found.ended()).await.is_err(), "it lives");
        assert_eq!(found.stop(Duration::from_secs(5)).await.unwrap(), Ending::Killed(15));
        assert!(MysqldProcess::find(&path).unwrap().is_none(), "it is gone");
        found.signal(Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn a_process_that_ignores_its_end_is_killed() {
        #[expect(clippy::zombie_processes, reason = "`stop` waits for it")]
        let child =
            Command::new("sh").args(["-c", "trap '' TERM; while :; do sleep 1; done"]).spawn().unwrap();
        let process = MysqldProcess::open(child.id()).unwrap();
        // The trap is set once the signal is ignored, which /proc shows.
        let ignored = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let line = status.lines().find(|l| l.starts_with("SigIgn:")).unwrap().to_owned();
            u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap() & (1 << 14) != 0
        };
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !ignored() {
            assert!(std::time::Instant::now() < deadline);
            tokio::task::yield_now().await;
        }
        assert_eq!(process.stop(Duration::from_millis(50)).await.unwrap(), Ending::Killed(9));
    }
}
