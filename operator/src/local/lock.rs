//! Locks that the kernel releases when their holder dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::limits::POLL_INTERVAL;

/// A lock that is held; dropping it, or the end of the process, lets go of it.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    /// The lock, or `None` while somebody else holds it.
    pub(super) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The lock, or `None` when somebody else has held it for as long as the patience lasts.
    pub(super) async fn take_within(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        let deadline = Instant::now() + patience;
        loop {
            let taken = Self::try_take(path)?;
            if taken.is_some() || Instant::now() > deadline {
                return Ok(taken);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The lock, as soon as nobody else holds it. Blocks its thread.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Ok(Self { _file: file })
    }
}

/// The file is closed in children at exec, so that a lock never outlives its holder in one of them.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}
