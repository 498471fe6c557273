//! A cluster that is gone when the process that wanted it is gone, however that one ends.
//!
//! ```text
//!   shoal local up --ephemeral ── makes a folder ── starts the guard ── starts the cluster ── waits
//!                                                        │ reads a pipe
//!        ends, or is killed: the pipe is closed ────────►│ `down`, removes the folder
//! ```
//!
//! The guard is a process of its own, in a session of its own, and is there before anything is to be cleaned up. It is
//! the only one that cleans up, so that what happens after kill -9 is what happens always.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::down::{DownError, down};
use super::layout::Layout;
use super::programs::{Missing, find};
use super::supervisor::MARK;

/// Why there is no ephemeral cluster, or why it is not gone.
#[derive(Debug, thiserror::Error)]
pub enum EphemeralError {
    /// No folder could be made.
    #[error("cannot make a temporary folder: {0}; name another place with TMPDIR")]
    NoFolder(io::Error),
    /// The guard's program is missing.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The guard could not be started.
    #[error("cannot start the process that removes the cluster in the end: {0}")]
    NoGuard(io::Error),
    /// The command that was to run beside it could not be started.
    #[error("cannot start {0}: {1}")]
    NotStarted(String, io::Error),
    /// Something of the cluster is left.
    #[error("the cluster could not be removed: {0}")]
    Left(String),
}

/// The folder of an ephemeral cluster, with the process that ends the cluster and removes the folder.
#[derive(Debug)]
pub struct Ephemeral {
    layout: Layout,
    guard: Child,
}

impl Ephemeral {
    /// A new folder, guarded from now on.
    pub fn new() -> Result<Self, EphemeralError> {
        let program = find("shoal-operator", "build it with `cargo build`")?;
        let folder = tempfile::Builder::new().prefix("shoal-ephemeral-").tempdir();
        let folder = folder.map_err(EphemeralError::NoFolder)?;
        let layout = Layout::new(folder.path()).map_err(EphemeralError::NoFolder)?;
        let mut guard = Command::new(program);
        guard.arg("guard").arg("--dir").arg(layout.dir()).current_dir("/").env_remove(MARK);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let guard = guard.spawn().map_err(EphemeralError::NoGuard)?;
        // From here on it is the guard who removes it.
        let _ = folder.keep();
        Ok(Self { layout, guard })
    }

    /// Where the cluster is.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Ends the cluster; returns when nothing of it is left.
    pub async fn end(self) -> Result<(), EphemeralError> {
        // Takes the pipe's end with it before it waits.
        let done = self.guard.wait_with_output().await;
        let done = done.map_err(|error| EphemeralError::Left(error.to_string()))?;
        match done.status.success() {
            true => Ok(()),
            false => Err(EphemeralError::Left(String::from_utf8_lossy(&done.stderr).trim_end().to_owned())),
        }
    }
}

/// The guard: waits until its standard input ends, then ends the cluster in the folder and removes it. Whether
/// nothing is left; what went wrong was told then.
pub fn guard(dir: &Path) -> bool {
    // What ends its parent's group or terminal is not for this process. It is no leader of a group, so it succeeds.
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "stays in its session");
    }
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    match clean_up(dir) {
        Ok(()) => true,
        Err(why) => {
            // Who would read it may be gone.
            let _ = writeln!(io::stderr(), "{why}");
            false
        }
    }
}

fn clean_up(dir: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let layout = Layout::new(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    match runtime.block_on(down(&layout, &mut |_| {})) {
        // Killed before it was a cluster.
        Ok(()) | Err(DownError::NoCluster(_)) => {}
        Err(error) => return Err(format!("{error}; the data is in {}", dir.display())),
    }
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(format!("{}: {error}", dir.display())),
        _ => Ok(()),
    }
}

/// The program that a command names, as a shell would find it.
pub fn command_program(name: &std::ffi::OsStr) -> Option<PathBuf> {
    let path = Path::new(name);
    if path.components().count() > 1 {
        return super::programs::is_program(path).then(|| path.to_owned());
    }
    super::programs::on_path(&name.to_string_lossy())
}
