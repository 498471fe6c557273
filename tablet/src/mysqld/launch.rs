//! The step between the agent and its mysqld: `shoal-tablet launch`.
//!
//! The agent starts this program again, which takes a session of its own (so that nothing that ends the
//! agent's session or process group ends mysqld), takes a lock that mysqld then holds for as long as it
//! lives, writes down who it is, and becomes mysqld. So an agent that is killed at any point finds its
//! mysqld again, and no second one is started beside it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::FlockOperation;
use rustix::io::FdFlags;

use crate::durable;
use crate::mysqld::process::ProcessRecord;

/// The hidden subcommand's name.
pub const SUBCOMMAND: &str = "launch";

/// What to become.
#[derive(Debug, Clone, clap::Args)]
pub struct Launch {
    /// Where to write who this process is.
    #[arg(long)]
    pub record: PathBuf,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

impl Launch {
    /// Becomes the command; returns only if that fails.
    pub fn become_it(self) -> io::Error {
        match self.try_to_become_it() {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    fn try_to_become_it(self) -> io::Result<std::convert::Infallible> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program is named"));
        };
        rustix::process::setsid()?;
        let lock = open_lock(&self.record)?;
        if !take(&lock)? {
            return Err(io::Error::other("another mysqld of this directory still runs"));
        }
        // Left open for mysqld.
        rustix::io::fcntl_setfd(&lock, FdFlags::empty())?;
        write_record(&self.record)?;
        Err(Command::new(program).args(arguments).exec())
    }
}

/// Whether a mysqld lives that was launched with this record.
pub fn is_held(record: &Path) -> io::Result<bool> {
    Ok(!take(&open_lock(record)?)?)
}

fn open_lock(record: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(record.with_extension("lock"))
}

/// Takes the lock until the file is closed by everybody who has it; tells whether it was free.
fn take(lock: &File) -> io::Result<bool> {
    match rustix::fs::flock(lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn write_record(path: &Path) -> io::Result<()> {
    let record = ProcessRecord::of(std::process::id())?
        .ok_or_else(|| io::Error::other("this process is not in /proc"))?;
    durable::write(path, &serde_json::to_vec(&record)?)
}
