//! Files that are either wholly the old content or wholly the new, also after a power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Replaces the file's content and returns once it is on disk. Only the owner may read it.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    prepare(path, content)?.put_in_place()
}

/// New content of a file, on disk beside it.
#[must_use = "the file has its old content until this is put in its place"]
pub struct Prepared<'p> {
    path: &'p Path,
    temporary: PathBuf,
}

/// Writes new content, for the owner only, beside the file. Where that fails, the file is as it was.
pub fn prepare<'p>(path: &'p Path, content: &[u8]) -> io::Result<Prepared<'p>> {
    let temporary = beside(path);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(Prepared { path, temporary })
}

impl Prepared<'_> {
    /// Replaces the file and returns once that is on disk. Where it fails, the file has the old content or the
    /// new one.
    pub fn put_in_place(self) -> io::Result<()> {
        std::fs::rename(&self.temporary, self.path)?;
        sync_dir(self.path.parent().unwrap_or(Path::new(".")))
    }
}

/// Removes the file, if it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes sure that a rename in the directory is on disk.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn content_is_replaced_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("term.json");
        write(&path, b"a longer first content").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing temporary stays");
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
    }
}
