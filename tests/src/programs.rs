//! Where the programs are that a test runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, thread};

use anyhow::{Context, Result, bail, ensure};
use tablet::mysqld::installation::{Installation, cache_dir};

/// A program of this workspace, built beside the running test.
pub fn own(name: &str) -> Result<PathBuf> {
    let test = env::current_exe()?;
    let path = test.ancestors().nth(2).context("the test has no folder above it")?.join(name);
    if !path.is_file() {
        bail!("{} is not there; `cargo build --workspace --all-targets` builds it", path.display());
    }
    Ok(path)
}

/// A program of the version before this one; the first test that asks for it may wait until it is built.
pub fn previous(name: &str) -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("previous");
    let output =
        Command::new(&script).stdin(Stdio::null()).output().context("tests/previous does not run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(Path::new(String::from_utf8(output.stdout)?.trim_end()).join(name))
}

/// A program of the machine or of the cache that `make deps` fills.
pub fn foreign(name: &str) -> Result<PathBuf> {
    places(name).into_iter().next().with_context(|| format!("{name} is not on PATH; run `make deps`"))
}

/// The mysqld that tablets take as well.
pub fn mysqld() -> Result<Installation> {
    // On a thread of its own, because a test may itself run inside a runtime.
    let search = || -> Result<Installation> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(Installation::find(None, &cache_dir()))?)
    };
    let found = thread::scope(|scope| scope.spawn(search).join());
    found.unwrap_or_else(|_| bail!("the search for a mysqld panicked"))
}

fn places(name: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([cache_dir().join("bin")]);
    folders.map(|folder| folder.join(name)).filter(|path| path.is_file()).collect()
}
