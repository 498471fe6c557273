//! The logs of the parts: the last lines of one, following them, and keeping them small.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::layout::Layout;
use crate::limits::{LOG_FOLLOW_INTERVAL, LOG_TAIL_BYTES, MAX_LOG_BYTES};

/// The last lines of a log; none if it cannot be read.
pub fn last_lines(log: &Path, count: usize) -> Vec<String> {
    last_lines_after(log, 0, count)
}

/// The last lines of what a log holds after `start` bytes, or of all of it if it is shorter, as after a cut.
pub(super) fn last_lines_after(log: &Path, start: u64, count: usize) -> Vec<String> {
    let Ok(text) = read_end(log, start) else { return Vec::new() };
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
}

fn read_end(log: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    let start = if start <= length { start } else { 0 };
    file.seek(SeekFrom::Start(start.max(length.saturating_sub(LOG_TAIL_BYTES))))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A log for a process to write to. Every write goes to the end, also after the file was cut.
pub(super) fn open(log: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(log)
}

/// Cuts every log that has grown over the bound; what it held is kept once, as `.1`.
///
/// The processes go on writing to the same file, which cannot be replaced under them; lines written between
/// the copy and the cut are lost.
pub(super) fn bound_all(layout: &Layout) -> io::Result<()> {
    for entry in std::fs::read_dir(layout.logs())?.flatten() {
        let log = entry.path();
        if log.extension().is_some_and(|e| e == "log") && entry.metadata()?.len() > MAX_LOG_BYTES {
            cut(&log)?;
        }
    }
    Ok(())
}

fn cut(log: &Path) -> io::Result<()> {
    std::fs::copy(log, log.with_extension("log.1"))?;
    OpenOptions::new().write(true).open(log)?.set_len(0)
}

/// A log with the name of its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The part.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// The logs there are, by name: those of all parts, or those whose part has the name or begins with it.
pub fn find(layout: &Layout, name: Option<&str>) -> Vec<Log> {
    let Ok(entries) = std::fs::read_dir(layout.logs()) else { return Vec::new() };
    let mut logs: Vec<Log> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.strip_suffix(".log")?.to_owned();
            Some(Log { name, path: entry.path() })
        })
        .collect();
    // mysqld writes its error log into its tablet's folder.
    let tablets = std::fs::read_dir(layout.tablets()).into_iter().flatten().flatten();
    logs.extend(tablets.filter_map(|tablet| {
        let path = tablet.path().join("mysqld.log");
        let name = format!("mysqld-{}", tablet.file_name().to_str()?);
        path.exists().then_some(Log { name, path })
    }));
    logs.sort_by(|a, b| a.name.cmp(&b.name));
    let Some(wanted) = name else { return logs };
    if logs.iter().any(|log| log.name == wanted) {
        logs.retain(|log| log.name == wanted);
    } else {
        logs.retain(|log| log.name.starts_with(wanted));
    }
    logs
}

/// Writes lines as they come, until the output is closed. Starts at the present ends of the logs.
pub async fn follow(logs: Vec<Log>, mut out: impl Write) -> io::Result<()> {
    let mut at: Vec<(Log, u64)> = Vec::new();
    for log in logs {
        let end = log.path.metadata().map_or(0, |m| m.len());
        at.push((log, end));
    }
    let several = at.len() > 1;
    loop {
        for (log, seen) in &mut at {
            for line in new_lines(log, seen) {
                if several { writeln!(out, "{:<18} {line}", log.name)? } else { writeln!(out, "{line}")? }
            }
        }
        out.flush()?;
        tokio::time::sleep(LOG_FOLLOW_INTERVAL).await;
    }
}

/// The whole lines after `seen`, which moves on past them. A log that is shorter than that was cut.
fn new_lines(log: &Log, seen: &mut u64) -> Vec<String> {
    let Ok(mut file) = File::open(&log.path) else { return Vec::new() };
    let length = file.metadata().map_or(0, |m| m.len());
    if length < *seen {
        *seen = 0;
    }
    let mut bytes = Vec::new();
    let read =
        file.seek(SeekFrom::Start(*seen)).and_then(|_| file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes));
    let whole = match (read, bytes.iter().rposition(|&b| b == b'\n')) {
        (Ok(_), Some(newline)) => newline + 1,
        // A line longer than what is read at once is shown in pieces.
        (Ok(read), None) if read as u64 == LOG_TAIL_BYTES => read,
        _ => return Vec::new(),
    };
    *seen += whole as u64;
    String::from_utf8_lossy(&bytes[..whole]).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_and_what_comes_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("etcd.log");
        assert!(last_lines(&path, 5).is_empty());
        let mut writer = open(&path).unwrap();
        writer.write_all(b"one\ntwo\nthree\n").unwrap();
        assert_eq!(last_lines(&path, 2), ["two", "three"]);
        assert_eq!(last_lines_after(&path, 8, 2), ["three"]);
        assert_eq!(last_lines_after(&path, 99, 1), ["three"]);
        let log = Log { name: "etcd".into(), path: path.clone() };
        let mut seen = 14;
        writer.write_all(b"four\nfi").unwrap();
        assert_eq!(new_lines(&log, &mut seen), ["four"]);
        writer.write_all(b"ve\n").unwrap();
        assert_eq!(new_lines(&log, &mut seen), ["five"]);
        cut(&path).unwrap();
        writer.write_all(b"six\n").unwrap();
        assert_eq!(new_lines(&log, &mut seen), ["six"]);
        assert_eq!(std::fs::read_to_string(path.with_extension("log.1")).unwrap().lines().count(), 5);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "six\n");
    }

    #[test]
    fn only_logs_over_the_bound_are_cut() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        std::fs::create_dir(layout.logs()).unwrap();
        std::fs::write(layout.log("small"), "small\n").unwrap();
        File::create(layout.log("large")).unwrap().set_len(MAX_LOG_BYTES + 1).unwrap();
        bound_all(&layout).unwrap();
        assert_eq!(std::fs::read_to_string(layout.log("small")).unwrap(), "small\n");
        assert_eq!(layout.log("large").metadata().unwrap().len(), 0);
    }

    #[test]
    fn logs_are_found_by_name_or_by_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        std::fs::create_dir(layout.logs()).unwrap();
        for name in ["gate-1", "gate-10", "etcd"] {
            std::fs::write(layout.log(name), "").unwrap();
        }
        let names = |wanted| find(&layout, wanted).into_iter().map(|l| l.name).collect::<Vec<_>>();
        assert_eq!(names(None), ["etcd", "gate-1", "gate-10"]);
        assert_eq!(names(Some("gate-1")), ["gate-1"]);
        assert_eq!(names(Some("gate")), ["gate-1", "gate-10"]);
        assert!(names(Some("nobody")).is_empty());
    }
}
