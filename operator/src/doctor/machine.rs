//! The cluster's processes, and the disk that they write to.

use std::time::Duration;

use super::{Finding, Level};
use crate::limits::{DISK_LEFT_ERROR_BYTES, DISK_LEFT_WARNING_BYTES, RESTARTED_LATELY};
use crate::local::layout::Layout;
use crate::local::status::{RowState, Status};

/// The check of all processes together.
pub(super) const PROCESSES: &str = "processes";

/// Every process that is not as it should be; or one finding that all are.
pub(super) fn processes(status: &Status) -> Vec<Finding> {
    if status.is_down() {
        return vec![Finding::bad(PROCESSES, Level::Error, "nothing runs", "start it with `shoal local up`")];
    }
    let mut findings = Vec::new();
    for row in &status.rows {
        let (name, logs) = (&row.name, format!("`shoal local logs {}`", row.name));
        let of =
            |level, what: String, cure: String| Finding::bad(format!("process {name}"), level, what, cure);
        let lately = row.restarts > 0 && row.uptime.is_none_or(|up| up < RESTARTED_LATELY);
        match row.state {
            RowState::Running if lately => findings.push(of(
                Level::Warning,
                match row.restarts {
                    1 => format!("was started again {} ago", ago(row.uptime)),
                    times => {
                        format!("was started again {times} times, the last time {} ago", ago(row.uptime))
                    }
                },
                format!("see in {logs} why it ended; it runs now"),
            )),
            RowState::Running => {}
            RowState::Restarting => findings.push(of(
                Level::Warning,
                format!("has ended and is being started again (the {}. time)", row.restarts + 1),
                format!("wait a moment; if it stays, see in {logs} why it ends"),
            )),
            RowState::Down => {
                let why = status.troubles.iter().find(|trouble| trouble.name == *name);
                let last = why.map_or_else(String::new, |why| format!(": {}", why.last_end));
                findings.push(of(
                    Level::Error,
                    format!("kept ending and was left down{last}"),
                    format!("repair what {logs} tells, then `shoal local down` and `shoal local up`"),
                ));
            }
            RowState::Gone => findings.push(of(
                Level::Error,
                "does not run, and no supervisor is there to start it".into(),
                "`shoal local down`, which ends what is left, and then `shoal local up`".into(),
            )),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(PROCESSES, format!("all {} run", status.rows.len())));
    }
    findings
}

fn ago(uptime: Option<Duration>) -> String {
    let seconds = uptime.unwrap_or_default().as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

/// The space that is left where the cluster's data is.
pub(super) fn disk(layout: &Layout) -> Finding {
    match rustix::fs::statvfs(layout.dir()) {
        Ok(space) => judge_disk(space.f_bavail * space.f_frsize, &layout.dir().display().to_string()),
        Err(error) => Finding::bad(
            "disk",
            Level::Warning,
            format!("the space that is left in {} cannot be told: {error}", layout.dir().display()),
            "see whether the folder is there and may be read",
        ),
    }
}

fn judge_disk(left: u64, dir: &str) -> Finding {
    let gib = left as f64 / 1024.0 / 1024.0 / 1024.0;
    let what = format!("{gib:.1} GiB left for {dir}");
    let cure = "make room: a mysqld without space for its binary log stops taking writes";
    match left {
        0..DISK_LEFT_ERROR_BYTES => Finding::bad("disk", Level::Error, what, cure),
        DISK_LEFT_ERROR_BYTES..DISK_LEFT_WARNING_BYTES => Finding::bad("disk", Level::Warning, what, cure),
        _ => Finding::good("disk", what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::status::{Row, Trouble};

    fn row(name: &str, state: RowState, restarts: u32, uptime_s: u64) -> Row {
        let uptime = Some(Duration::from_secs(uptime_s));
        Row { name: name.into(), state, pid: Some(1), port: None, http: None, restarts, uptime }
    }

    #[test]
    fn processes_are_judged_one_by_one_when_something_is_wrong() {
        let whole = Status { rows: vec![row("etcd", RowState::Running, 0, 9)], troubles: vec![] };
        assert_eq!(processes(&whole), [Finding::good(PROCESSES, "all 1 run")]);
        let rows = vec![
            row("etcd", RowState::Running, 3, 30),
            row("control", RowState::Running, 3, 7200),
            row("gate-1", RowState::Restarting, 1, 0),
            row("tablet-a-1", RowState::Down, 6, 0),
            row("standby", RowState::Gone, 0, 0),
        ];
        let trouble = Trouble { name: "tablet-a-1".into(), last_end: "exit status: 1".into(), log: vec![] };
        let found = processes(&Status { rows, troubles: vec![trouble] });
        let told: Vec<(&str, Level)> = found.iter().map(|f| (f.check.as_str(), f.level)).collect();
        let expected = [
            ("process etcd", Level::Warning),
            ("process gate-1", Level::Warning),
            ("process tablet-a-1", Level::Error),
            ("process standby", Level::Error),
        ];
        assert_eq!(told, expected);
        assert_eq!(found[2].what, "kept ending and was left down: exit status: 1");
        assert!(found[2].cure.contains("`shoal local logs tablet-a-1`"));
        let nothing = Status { rows: vec![row("etcd", RowState::Gone, 0, 0)], troubles: vec![] };
        assert_eq!(processes(&nothing)[0].cure, "start it with `shoal local up`");
    }

    #[test]
    fn a_full_disk_is_found_before_it_is_full() {
        let level = |bytes| judge_disk(bytes, "/x").level;
        assert_eq!(level(DISK_LEFT_WARNING_BYTES), Level::Good);
        assert_eq!(level(DISK_LEFT_WARNING_BYTES - 1), Level::Warning);
        assert_eq!(level(DISK_LEFT_ERROR_BYTES - 1), Level::Error);
        assert_eq!(judge_disk(3 << 30, "/x").what, "3.0 GiB left for /x");
    }
}
