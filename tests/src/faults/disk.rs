//! A small file system of its own, to be filled and freed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::rights;
use crate::signals::is_alive;

/// What the mounts are called, followed by the process that made them.
const SOURCE: &str = "shoal-small-disk-";
/// The file that takes the room.
const BALLAST: &str = "ballast";
/// What the ballast grows by.
const CHUNK_BYTES: usize = 64 * 1024;

/// A mounted tmpfs of a bounded size; unmounted when this is dropped, whatever still uses it.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many mebibytes at a folder, which is made if it is not there.
    pub fn mount(path: &Path, mebibytes: u32) -> Result<Self> {
        rights::check(&["mount", "umount"])?;
        sweep()?;
        fs::create_dir_all(path)?;
        let source = format!("{SOURCE}{}", std::process::id());
        let size = format!("size={mebibytes}m,mode=0700");
        let path_text = path.display().to_string();
        run("mount", &["-t", "tmpfs", "-o", &size, &source, &path_text])?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes all room that is left.
    pub fn fill(&self) -> Result<()> {
        let mut ballast = File::options().create(true).append(true).open(self.path.join(BALLAST))?;
        let mut chunk = CHUNK_BYTES;
        loop {
            match ballast.write_all(&vec![b'.'; chunk]) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull && chunk > 1 => chunk /= 2,
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives the room back.
    pub fn free(&self) -> Result<()> {
        // Cut first: a child that is just being started may hold the file open, and so keep the room.
        let ballast = self.path.join(BALLAST);
        File::options().write(true).open(&ballast)?.set_len(0)?;
        Ok(fs::remove_file(ballast)?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = run("umount", &["-l", &self.path.display().to_string()]) {
            eprintln!("a small disk stays mounted: {error:#}");
        }
    }
}

/// Unmounts what killed runs have left.
fn sweep() -> Result<()> {
    for line in fs::read_to_string("/proc/mounts")?.lines() {
        let mut words = line.split(' ');
        let (Some(source), Some(path)) = (words.next(), words.next()) else { continue };
        let owner = source.strip_prefix(SOURCE).and_then(|pid| pid.parse().ok());
        if owner.is_some_and(|pid| !is_alive(pid)) {
            // Another test may be sweeping, too.
            let _ = run("umount", &["-l", path]);
        }
    }
    Ok(())
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("no {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{program} {}: {said}", arguments.join(" "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_nothing_until_it_is_freed_and_goes_away_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("disk");
        let disk = SmallDisk::mount(&at, 2).unwrap();
        fs::write(at.join("before"), "x").unwrap();
        disk.fill().unwrap();
        let error = fs::write(at.join("more"), vec![0; 1 << 16]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        disk.free().unwrap();
        fs::write(at.join("more"), vec![0; 1 << 16]).unwrap();
        drop(disk);
        assert!(!at.join("before").exists(), "it is still mounted");
    }

    #[test]
    fn what_a_killed_run_left_is_unmounted() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("left");
        fs::create_dir(&at).unwrap();
        let mut ended = Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let source = format!("{SOURCE}{}", ended.id());
        run("mount", &["-t", "tmpfs", "-o", "size=1m", &source, &at.display().to_string()]).unwrap();
        fs::write(at.join("file"), "x").unwrap();
        let _next = SmallDisk::mount(&folder.path().join("next"), 1).unwrap();
        assert!(!at.join("file").exists(), "it is still mounted");
    }
}
