//! `shoal-operator launch`: the step between a supervisor and the program that it starts.
//!
//! The process writes its own run file and then becomes the program. So there is no moment at which a part
//! runs and no file says so, wherever its supervisor is killed; and of two supervisors that start a part at
//! the same time, one finds the other's run file.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::layout::Layout;
use super::lock::FileLock;
use super::process::ProcessId;

/// Why the program was not started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The part has a living process already.
    #[error("process {0} plays this part already")]
    Running(u32),
    /// The cluster is being stopped.
    #[error("the cluster is being stopped")]
    Stopping,
    /// A file or the program itself could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Returns when no launch stands between its look at the stopping mark and its run file. The caller has set
/// the mark, so that every launch has written its run file by then, or sees the mark and gives up.
pub(super) fn settle(layout: &Layout) -> io::Result<()> {
    let held_here = [layout.supervisor_lock(), layout.command_lock()];
    for entry in std::fs::read_dir(layout.run())? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "lock") && !held_here.contains(&path) {
            FileLock::take(&path)?;
        }
    }
    Ok(())
}

/// Becomes the program, as the process that `run_file` names, in a session of its own.
///
/// `marker` is the file that forbids every start while it is there.
pub fn launch(run_file: &Path, marker: &Path, command: &[OsString]) -> Result<Infallible, LaunchError> {
    let failed = |what: String| move |source| LaunchError::Io { what, source };
    let [program, arguments @ ..] = command else {
        return Err(failed("cannot start".into())(io::Error::other("no program was named")));
    };
    {
        let lock = run_file.with_extension("lock");
        let _one_at_a_time =
            FileLock::take(&lock).map_err(failed(format!("cannot lock {}", lock.display())))?;
        if marker.exists() {
            return Err(LaunchError::Stopping);
        }
        if let Some(other) = ProcessId::read(run_file).filter(ProcessId::is_alive) {
            return Err(LaunchError::Running(other.pid));
        }
        let written = ProcessId::own().and_then(|own| own.write(run_file));
        written.map_err(failed(format!("cannot write {}", run_file.display())))?;
    }
    // Without a terminal and a session of its own, the part outlives its supervisor and the user's shell. It
    // fails only for a leader of its group, which is as good.
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "stays in its session");
    }
    let source = Command::new(program).args(arguments).exec();
    Err(LaunchError::Io { what: format!("cannot start {}", program.to_string_lossy()), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_runs_or_a_cluster_that_stops_is_not_started() {
        let dir = tempfile::tempdir().unwrap();
        let (run_file, marker) = (dir.path().join("etcd.json"), dir.path().join("stopping"));
        let command = ["/not/there/etcd".into()];
        let own = ProcessId::own().unwrap();
        own.write(&run_file).unwrap();
        assert!(
            matches!(launch(&run_file, &marker, &command), Err(LaunchError::Running(pid)) if pid == own.pid)
        );
        std::fs::write(&marker, "").unwrap();
        assert!(matches!(launch(&run_file, &marker, &command), Err(LaunchError::Stopping)));
        assert_eq!(ProcessId::read(&run_file), Some(own));
    }
}
