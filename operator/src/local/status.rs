//! `shoal local status`: what runs and what does not.

use std::time::{Duration, SystemTime};

use super::layout::{Layout, STANDBY, SUPERVISOR};
use super::logs::last_lines_after;
use super::process::ProcessId;
use super::supervisor::{Phase, State};
use crate::limits::ERROR_LOG_LINES;

/// One process of a local cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its part.
    pub name: String,
    /// How it is.
    pub state: RowState,
    /// Its number, while it runs.
    pub pid: Option<u32>,
    /// The port that its users connect to.
    pub port: Option<u16>,
    /// The port where monitoring finds it.
    pub http: Option<u16>,
    /// How often it was started again.
    pub restarts: u32,
    /// How long it has run.
    pub uptime: Option<Duration>,
}

/// How a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// It runs.
    Running,
    /// It has ended and is about to be started again.
    Restarting,
    /// It kept ending and was left down.
    Down,
    /// It does not run, and nobody would start it again.
    Gone,
}

impl RowState {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Down => "down",
            Self::Gone => "gone",
        }
    }
}

/// How the cluster in a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Supervisors first, then parts by name.
    pub rows: Vec<Row>,
    /// The end of the log of each part that was left down, with how its last process ended.
    pub troubles: Vec<Trouble>,
}

/// A part that was left down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The part.
    pub name: String,
    /// How its last process ended.
    pub last_end: String,
    /// The end of what its last process wrote to its log.
    pub log: Vec<String>,
}

impl Status {
    /// Whether no process of the cluster runs.
    pub fn is_down(&self) -> bool {
        self.rows.iter().all(|row| row.state != RowState::Running)
    }

    /// Whether everything runs.
    pub fn is_whole(&self) -> bool {
        self.rows.iter().all(|row| row.state == RowState::Running)
    }
}

/// Looks at the cluster in a folder.
pub fn status(layout: &Layout) -> Status {
    let state = State::read(layout);
    let mut names = vec![SUPERVISOR.to_owned(), STANDBY.to_owned()];
    let mut parts = run_file_names(layout);
    parts.extend(state.parts.keys().cloned());
    parts.sort();
    parts.dedup();
    names.extend(parts.into_iter().filter(|name| name != SUPERVISOR && name != STANDBY));
    let supervised = living(layout, SUPERVISOR).is_some() || living(layout, STANDBY).is_some();
    let absent = if supervised { RowState::Restarting } else { RowState::Gone };
    let rows: Vec<Row> = names.iter().map(|name| row(layout, &state, name, absent)).collect();
    let down = rows.iter().filter(|row| row.state == RowState::Down);
    let troubles = down.map(|row| trouble(layout, &state, &row.name)).collect();
    Status { rows, troubles }
}

/// What is known of a part that was left down.
pub(super) fn trouble(layout: &Layout, state: &State, name: &str) -> Trouble {
    let part = state.parts.get(name);
    let last_end = part.and_then(|part| part.last_end.clone()).unwrap_or_else(|| "ended".into());
    let log = last_lines_after(&layout.log(name), part.map_or(0, |p| p.log_start), ERROR_LOG_LINES);
    Trouble { name: name.to_owned(), last_end, log }
}

fn living(layout: &Layout, name: &str) -> Option<ProcessId> {
    ProcessId::read(&layout.run_file(name)).filter(ProcessId::is_alive)
}

/// A part without a process is `absent`, unless it was left down.
fn row(layout: &Layout, state: &State, name: &str, absent: RowState) -> Row {
    let part = state.parts.get(name);
    let process = living(layout, name);
    let row_state = match (&process, part.map(|p| p.phase)) {
        (Some(_), _) => RowState::Running,
        (None, Some(Phase::Down)) => RowState::Down,
        (None, _) => absent,
    };
    // A run file is written by the process itself when it starts.
    let written = layout.run_file(name).metadata().and_then(|m| m.modified()).ok();
    let uptime = written.and_then(|at| SystemTime::now().duration_since(at).ok());
    Row {
        name: name.to_owned(),
        state: row_state,
        uptime: uptime.filter(|_| process.is_some()),
        pid: process.map(|p| p.pid),
        port: part.map(|p| p.port).filter(|&port| port != 0),
        http: part.map(|p| p.http).filter(|&port| port != 0),
        restarts: part.map_or(0, |p| p.restarts),
    }
}

/// Names of all parts that have a run file.
pub(super) fn run_file_names(layout: &Layout) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(layout.run()) else { return Vec::new() };
    let state = layout.state_file();
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| *path != state);
    let mut names: Vec<String> = files
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".json")?.to_owned();
            (!name.starts_with('.')).then_some(name)
        })
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::layout::write_whole;
    use crate::local::supervisor::PartState;

    #[test]
    fn every_part_is_told_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        std::fs::create_dir(layout.run()).unwrap();
        std::fs::create_dir(layout.logs()).unwrap();
        assert!(status(&layout).is_down());

        let own = ProcessId::own().unwrap();
        let ended = ProcessId { start_ticks: own.start_ticks - 1, ..own.clone() };
        own.write(&layout.run_file(SUPERVISOR)).unwrap();
        own.write(&layout.run_file(STANDBY)).unwrap();
        own.write(&layout.run_file("etcd")).unwrap();
        ended.write(&layout.run_file("control")).unwrap();
        let part = |phase, restarts| PartState {
            phase,
            port: 4711,
            http: 0,
            restarts,
            last_end: Some("exit status: 1".into()),
            log_start: 8,
        };
        let mut state = State::default();
        state.parts.insert("etcd".into(), part(Phase::Running, 2));
        state.parts.insert("control".into(), part(Phase::Running, 0));
        state.parts.insert("tablet-zone1-101".into(), part(Phase::Down, 5));
        write_whole(&layout.state_file(), &serde_json::to_vec(&state).unwrap()).unwrap();
        std::fs::write(layout.log("tablet-zone1-101"), "earlier\nno disk\n").unwrap();

        let seen = status(&layout);
        let told: Vec<(&str, &str, u32)> =
            seen.rows.iter().map(|r| (r.name.as_str(), r.state.as_str(), r.restarts)).collect();
        let expected = [
            ("supervisor", "running", 0),
            ("standby", "running", 0),
            ("control", "restarting", 0),
            ("etcd", "running", 2),
            ("tablet-zone1-101", "down", 5),
        ];
        assert_eq!(told, expected);
        assert!(!seen.is_whole() && !seen.is_down());
        assert_eq!(seen.troubles.len(), 1);
        assert_eq!(
            (seen.troubles[0].last_end.as_str(), &seen.troubles[0].log[..]),
            ("exit status: 1", &["no disk".to_owned()][..])
        );

        ended.write(&layout.run_file(SUPERVISOR)).unwrap();
        ended.write(&layout.run_file(STANDBY)).unwrap();
        let told: Vec<&str> = status(&layout).rows.iter().map(|r| r.state.as_str()).collect();
        assert_eq!(told, ["gone", "gone", "gone", "running", "down"]);
    }
}
