//! The step between the agent and its mysqld: `shoal-tablet launch`.
//!
//! The agent starts this program again, which takes a session of its own (so that nothing that ends the
//! agent's session or process group ends mysqld), writes down who it is, and becomes mysqld. Because the
//! process record is on disk before mysqld begins, an agent that is killed at any point finds its mysqld
//! again.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

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
        write_record(&self.record)?;
        Err(Command::new(program).args(arguments).exec())
    }
}

fn write_record(path: &Path) -> io::Result<()> {
    let record = ProcessRecord::of(std::process::id())?
        .ok_or_else(|| io::Error::other("this process is not in /proc"))?;
    durable::write(path, &serde_json::to_vec(&record)?)
}
