//! `shoal local status`.

use std::process::ExitCode;
use std::time::Duration;

use super::table::table;
use super::{CliError, FAILED, NOT_UP, say};
use crate::local::layout::Layout;
use crate::local::status::{Row, status};

pub(super) fn run(layout: &Layout) -> Result<ExitCode, CliError> {
    if !layout.ports_file().exists() {
        return Err(CliError::NoCluster(format!(
            "there is no cluster in {}; name its folder with --dir, or start one with `shoal local up`",
            layout.dir().display()
        )));
    }
    let status = status(layout);
    if status.is_down() {
        say(&format!("the cluster in {} is down; start it with `shoal local up`", layout.dir().display()));
        return Ok(ExitCode::from(NOT_UP));
    }
    print!("{}", table(&["NAME", "STATE", "PID", "PORT", "HTTP", "RESTARTS", "UPTIME"], &rows(&status.rows)));
    for trouble in &status.troubles {
        println!("\n{} was left down ({}); the end of its log:", trouble.name, trouble.last_end);
        for line in &trouble.log {
            println!("    {line}");
        }
    }
    Ok(if status.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn rows(rows: &[Row]) -> Vec<Vec<String>> {
    let number = |n: Option<u32>| n.map_or_else(|| "-".into(), |n| n.to_string());
    rows.iter()
        .map(|row| {
            vec![
                row.name.clone(),
                row.state.as_str().to_owned(),
                number(row.pid),
                number(row.port.map(u32::from)),
                number(row.http.map(u32::from)),
                row.restarts.to_string(),
                row.uptime.map_or_else(|| "-".into(), in_words),
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

    #[test]
    fn times_are_short() {
        let said: Vec<String> = [5, 65, 3700, 90000].map(Duration::from_secs).map(in_words).to_vec();
        assert_eq!(said, ["5s", "1m5s", "1h1m", "1d1h"]);
    }
}
