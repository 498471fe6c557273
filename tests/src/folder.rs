//! The folder that a test keeps everything in.

use std::path::{Path, PathBuf};
use std::thread::{self, panicking};
use std::{env, fs, io};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::pids_naming;

/// A folder that is removed at the end of the test. If the test panics it stays; otherwise its logs are kept
/// beside the build until the test runs again, because a test can also fail by the error that it returns.
///
/// Dropping it fails the test when a process is left that has to do with the folder.
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
            eprintln!("everything of the failed test is in {}", dir.keep().display());
            return;
        }
        let kept = keep_logs(dir.path());
        // Shown for tests that fail, as all that they print.
        println!(
            "the logs are in {}",
            kept.map_or_else(|error| error.to_string(), |path| path.display().to_string())
        );
        let left = pids_naming(dir.path());
        assert!(left.is_empty(), "processes are left that use {}: {left:?}", dir.path().display());
    }
}

/// Copies the logs to a place with the test's name, which is that of its thread.
fn keep_logs(folder: &Path) -> io::Result<PathBuf> {
    let test = env::current_exe()?;
    let name = thread::current().name().unwrap_or("unnamed").replace("::", "-");
    let target = test.ancestors().nth(3).unwrap_or(Path::new("."));
    let kept = target.join("test-logs").join(name).join(folder.file_name().unwrap_or_default());
    // Only the newest run is kept, and a test may have several folders.
    forget_earlier_runs(&kept)?;
    fs::create_dir_all(&kept)?;
    fs::write(kept.join("pid"), std::process::id().to_string())?;
    copy_logs(folder, "", &kept)?;
    Ok(kept)
}

fn forget_earlier_runs(kept: &Path) -> io::Result<()> {
    let own = std::process::id().to_string();
    for run in kept.parent().and_then(|runs| fs::read_dir(runs).ok()).into_iter().flatten() {
        let run = run?.path();
        if fs::read_to_string(run.join("pid")).is_ok_and(|pid| pid != own) {
            fs::remove_dir_all(run)?;
        }
    }
    Ok(())
}

fn copy_logs(folder: &Path, prefix: &str, kept: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            copy_logs(&entry.path(), &format!("{name}-"), kept)?;
        } else if name.ends_with(".log") {
            fs::copy(entry.path(), kept.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_outlive_the_folder() {
        let folder = Folder::new().unwrap();
        fs::create_dir(folder.path().join("cluster")).unwrap();
        fs::write(folder.path().join("cluster/gate.log"), "what happened").unwrap();
        let kept = keep_logs(folder.path()).unwrap();
        let gone = folder.path().to_owned();
        drop(folder);
        assert!(!gone.exists());
        assert_eq!(fs::read_to_string(kept.join("cluster-gate.log")).unwrap(), "what happened");
        assert!(kept.to_string_lossy().contains("folder-tests-logs_outlive_the_folder"), "{kept:?}");
    }
}
