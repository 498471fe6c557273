//! The folder that a test keeps everything in.

use std::path::Path;
use std::thread::panicking;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::pids_naming;

/// A folder that is removed at the end of the test, unless the test fails: then it stays, with all logs.
///
/// Dropping it fails the test when a process is left that names the folder in its command line.
#[derive(Debug)]
pub struct Folder(Option<TempDir>);

impl Folder {
    /// A new, empty folder.
    pub fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("shoal-test-").tempdir().context("no temporary folder")?;
        Ok(Self(Some(dir)))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Some(dir) = self.0.take() else { return };
        if panicking() {
            eprintln!("the logs of the failed test are in {}", dir.keep().display());
            return;
        }
        let left = pids_naming(dir.path());
        assert!(left.is_empty(), "processes are left that use {}: {left:?}", dir.path().display());
    }
}
