//! mysqld's error log: its end, for errors that quote it, and its length, which is bounded.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::limits::{LOG_TAIL_BYTES, LOG_TAIL_LINES, MAX_LOG_BYTES};

/// Renames a log that is long, in place of the one that was set aside before. Tells whether it was.
pub fn set_aside(path: &Path, aside: &Path) -> std::io::Result<bool> {
    if end(path) <= MAX_LOG_BYTES {
        return Ok(false);
    }
    std::fs::rename(path, aside)?;
    Ok(true)
}

/// Where the log ends now, so that a later tail shows only what was written since.
pub fn end(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}

/// The last lines that were written after `since`, each indented; says so when there are none.
///
/// A log that cannot be read gives that as its text: the tail stands inside another error, which must not
/// be lost over it.
pub fn tail(path: &Path, since: u64) -> String {
    let text = match read_end(path, since) {
        Ok(text) => text,
        Err(error) => return format!("  ({} cannot be read: {error})", path.display()),
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return format!("  ({} has no new lines)", path.display());
    }
    let first = lines.len().saturating_sub(LOG_TAIL_LINES);
    lines[first..].iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn read_end(path: &Path, since: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(since.max(length.saturating_sub(LOG_TAIL_BYTES))))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_of_this_start_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("mysqld.log");
        assert!(tail(&log, 0).contains("cannot be read"));
        std::fs::write(&log, "an older start\n").unwrap();
        let since = end(&log);
        assert!(tail(&log, since).contains("no new lines"));
        let lines: String = (0..100).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&log, format!("an older start\n{lines}")).unwrap();
        let shown = tail(&log, since);
        assert_eq!(shown.lines().count(), LOG_TAIL_LINES);
        assert!(shown.ends_with("  line 99") && !shown.contains("older"), "{shown}");
    }
}
