//! Finds the programs that a test runs.

use std::path::PathBuf;

/// The program on PATH that `fits`, else the one that `make deps` has put into the cache.
pub(crate) fn find(program: &str, fits: impl Fn(&PathBuf) -> bool) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(cache_bin());
    let mut candidates = folders.map(|folder| folder.join(program)).filter(|file| file.is_file());
    let found = candidates.find(|file| fits(file));
    found.unwrap_or_else(|| {
        panic!("there is no usable {program}, neither on PATH nor in the cache: run `make deps`")
    })
}

fn cache_bin() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = var("SHOAL_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|cache| cache.join("shoal")))
        .or_else(|| var("HOME").map(|home| home.join(".cache/shoal")))?;
    Some(cache.join("bin"))
}
