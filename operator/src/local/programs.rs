//! Where the programs of a cluster are.

use std::path::{Path, PathBuf};

/// The programs that a local cluster starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The topology store.
    pub etcd: PathBuf,
    /// Control, and this very platform's supervisor.
    pub operator: PathBuf,
    /// The tablet agent.
    pub tablet: PathBuf,
    /// The gate.
    pub gate: PathBuf,
}

/// A program that is nowhere to be found.
#[derive(Debug, thiserror::Error)]
#[error("the program {name} is missing: it is not {}; {advice}", list(.searched))]
pub struct Missing {
    name: &'static str,
    searched: Vec<String>,
    advice: &'static str,
}

fn list(places: &[String]) -> String {
    places.join(", not ")
}

impl Programs {
    /// Finds them all, or names the first that is missing.
    pub fn find() -> Result<Self, Missing> {
        const BUILD: &str = "build it with `cargo build`";
        Ok(Self {
            etcd: find("etcd", "run `make deps`")?,
            operator: find("shoal-operator", BUILD)?,
            tablet: find("shoal-tablet", BUILD)?,
            gate: find("shoal-gate", BUILD)?,
        })
    }
}

/// Looks beside the running program, then on PATH, then in the cache that `make deps` fills.
pub fn find(name: &'static str, advice: &'static str) -> Result<PathBuf, Missing> {
    let mut searched = Vec::new();
    if let Some(dir) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        let beside = dir.join(name);
        if is_program(&beside) {
            return Ok(beside);
        }
        searched.push(format!("in {}", dir.display()));
    }
    if let Some(found) = on_path(name) {
        return Ok(found);
    }
    searched.push("on PATH".into());
    if let Some(dir) = cache_bin() {
        let cached = dir.join(name);
        if is_program(&cached) {
            return Ok(cached);
        }
        searched.push(format!("in {}", dir.display()));
    }
    Err(Missing { name, searched, advice })
}

/// The program as a shell would find it.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_absolute() && is_program(file))
}

/// Whether the file can be run.
pub(super) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// `bin` of the cache folder: `$SHOAL_CACHE`, or `shoal` in the user's cache folder.
fn cache_bin() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = set("SHOAL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("shoal")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/shoal")))?;
    Some(cache.join("bin"))
}
