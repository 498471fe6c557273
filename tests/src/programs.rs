//! Where the programs are that a test runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The oldest mysqld that is taken, as `--version` says it.
const OLDEST_MYSQLD: (u32, u32) = (8, 4);

/// A program of this workspace, built beside the running test.
pub fn own(name: &str) -> Result<PathBuf> {
    let test = env::current_exe()?;
    let path = test.ancestors().nth(2).context("the test has no folder above it")?.join(name);
    if !path.is_file() {
        bail!("{} is not there; `cargo build --workspace --all-targets` builds it", path.display());
    }
    Ok(path)
}

/// A program of the machine or of the cache that `make deps` fills.
pub fn foreign(name: &str) -> Result<PathBuf> {
    places(name)?.into_iter().next().with_context(|| format!("{name} is not on PATH; run `make deps`"))
}

/// A mysqld that is new enough and not MariaDB's.
pub fn mysqld() -> Result<PathBuf> {
    let places = places("mysqld")?;
    let found = places.iter().find(|path| fits(&said_version(path)));
    found.cloned().with_context(|| format!("no fitting mysqld among {places:?}; run `make deps`"))
}

/// What `mysqld --version` prints, or nothing.
pub fn said_version(mysqld: &Path) -> String {
    let output = Command::new(mysqld).args(["--no-defaults", "--version"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// The version number within what a mysqld says of itself.
pub fn version_number(said: &str) -> Option<&str> {
    said.split_once("Ver ")?.1.split([' ', '-']).next()
}

/// The folder that `make deps` fills.
pub fn cache() -> Result<PathBuf> {
    if let Some(cache) = env::var_os("SHOAL_CACHE") {
        return Ok(cache.into());
    }
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    Ok(base.context("neither SHOAL_CACHE nor HOME is set")?.join("shoal"))
}

fn places(name: &str) -> Result<Vec<PathBuf>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([cache()?.join("bin")]);
    Ok(folders.map(|folder| folder.join(name)).filter(|path| path.is_file()).collect())
}

fn fits(said: &str) -> bool {
    let mut numbers =
        version_number(said).unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    !said.contains("MariaDB") && version >= OLDEST_MYSQLD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart_by_what_they_say() {
        assert!(fits("/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))"));
        assert!(fits("mysqld  Ver 8.4.0 for Linux on x86_64 (MySQL Community Server - GPL)"));
        assert!(!fits("mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)"));
        assert!(!fits("mysqld  Ver 10.11.4-MariaDB-1 for debian-linux-gnu on x86_64 (Debian 12)"));
        assert!(!fits(""));
    }
}
