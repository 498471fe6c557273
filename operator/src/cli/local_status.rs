//! `shoal local status`.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::output::{Format, OutputArgs, Shown};
use super::{CliError, FAILED, NOT_UP, say};
use crate::local::layout::Layout;
use crate::local::status::{Row, Status, status};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessFields<'a> {
    name: &'a str,
    state: &'static str,
    pid: Option<u32>,
    port: Option<u16>,
    http: Option<u16>,
    restarts: u32,
    uptime_seconds: Option<u64>,
    /// How its last process ended, and the end of its log, of one that was left down.
    last_end: Option<&'a str>,
    log: Option<&'a [String]>,
}

pub(super) fn run(layout: &Layout, output: &OutputArgs) -> Result<ExitCode, CliError> {
    if !layout.ports_file().exists() {
        return Err(CliError::NoCluster(format!(
            "there is no cluster in {}; name its folder with --dir, or start one with `shoal local up`",
            layout.dir().display()
        )));
    }
    let status = status(layout);
    let for_people = matches!(output.output, Format::Table | Format::Wide);
    if status.is_down() {
        say(&format!("the cluster in {} is down; start it with `shoal local up`", layout.dir().display()));
    }
    if !status.is_down() || !for_people {
        print!("{}", shown(&status)?.in_format(output.output)?);
    }
    Ok(match () {
        () if status.is_down() => ExitCode::from(NOT_UP),
        () if status.is_whole() => ExitCode::SUCCESS,
        () => ExitCode::from(FAILED),
    })
}

fn shown(status: &Status) -> Result<Shown, CliError> {
    let fields = |row| {
        let row: &Row = row;
        let trouble = status.troubles.iter().find(|trouble| trouble.name == row.name);
        ProcessFields {
            name: &row.name,
            state: row.state.as_str(),
            pid: row.pid,
            port: row.port,
            http: row.http,
            restarts: row.restarts,
            uptime_seconds: row.uptime.map(|time| time.as_secs()),
            last_end: trouble.map(|trouble| trouble.last_end.as_str()),
            log: trouble.map(|trouble| trouble.log.as_slice()),
        }
    };
    let items: Vec<ProcessFields<'_>> = status.rows.iter().map(fields).collect();
    let titles = ["NAME", "STATE", "PID", "PORT", "HTTP", "RESTARTS", "UPTIME"];
    let mut shown = Shown::listing(&titles, &rows(&status.rows), &items)?;
    for trouble in &status.troubles {
        shown.text +=
            &format!("\n{} was left down ({}); the end of its log:\n", trouble.name, trouble.last_end);
        trouble.log.iter().for_each(|line| shown.text += &format!("    {line}\n"));
    }
    Ok(shown)
}

fn rows(rows: &[Row]) -> Vec<Vec<String>> {
    let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    rows.iter()
        .map(|row| {
            vec![
                row.name.clone(),
                row.state.as_str().to_owned(),
                number(row.pid),
                number(row.port.map(u32::from)),
                number(row.http.map(u32::from)),
                row.restarts.to_string(),
                row.uptime.map(in_words).unwrap_or_default(),
            ]
        })
        .collect()
}

fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{}h", seconds / 86400, seconds % 86400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::status::{RowState, Trouble};

    #[test]
    fn processes_are_told_to_people_and_programs() {
        let row = |name: &str, state| Row {
            name: name.into(),
            state,
            pid: Some(7),
            port: Some(4711),
            http: None,
            restarts: 2,
            uptime: Some(Duration::from_secs(65)),
        };
        let down = Row { pid: None, uptime: None, ..row("tablet-a-1", RowState::Down) };
        let log = vec!["no disk".to_owned()];
        let trouble = Trouble { name: "tablet-a-1".into(), last_end: "exit status: 1".into(), log };
        let status = Status { rows: vec![row("etcd", RowState::Running), down], troubles: vec![trouble] };
        let shown = shown(&status).unwrap();
        let expected = "\
NAME        STATE    PID  PORT  HTTP  RESTARTS  UPTIME
etcd        running  7    4711  -     2         1m5s
tablet-a-1  down     -    4711  -     2         -

tablet-a-1 was left down (exit status: 1); the end of its log:
    no disk
";
        assert_eq!(shown.text, expected);
        let etcd = serde_json::json!({
            "name": "etcd", "state": "running", "pid": 7, "port": 4711, "http": null, "restarts": 2,
            "uptimeSeconds": 65, "lastEnd": null, "log": null,
        });
        assert_eq!(shown.value[0], etcd);
        assert_eq!(
            (&shown.value[1]["lastEnd"], &shown.value[1]["log"][0]),
            (&"exit status: 1".into(), &"no disk".into())
        );
    }

    #[test]
    fn times_are_short() {
        let said: Vec<String> = [5, 65, 3700, 90000].map(Duration::from_secs).map(in_words).to_vec();
        assert_eq!(said, ["5s", "1m5s", "1h1m", "1d1h"]);
    }
}
