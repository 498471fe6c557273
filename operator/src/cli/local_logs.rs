//! `shoal local logs`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;

use super::CliError;
use crate::limits::LOG_LINES;
use crate::local::layout::Layout;
use crate::local::logs::{find, follow, last_lines};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal local logs                       the last lines of everything
  shoal local logs gate-1 -f             what a gate says, as it says it
  shoal local logs mysqld                the error logs of all mysqlds")]
pub(super) struct LogsArgs {
    /// A process as in `shoal local status`, or the beginning of its name; `mysqld` for MySQL's error logs
    name: Option<String>,
    /// Show new lines as they come
    #[arg(short, long)]
    follow: bool,
    /// How many lines of each log
    #[arg(short = 'n', long, default_value_t = LOG_LINES, value_name = "N")]
    lines: usize,
}

pub(super) async fn run(layout: &Layout, args: &LogsArgs) -> Result<ExitCode, CliError> {
    let logs = find(layout, args.name.as_deref());
    if logs.is_empty() {
        let known: Vec<String> = find(layout, None).into_iter().map(|log| log.name).collect();
        return Err(CliError::NoCluster(match (&args.name, known.is_empty()) {
            (Some(name), false) => format!("no log is named {name:?}; there are {}", known.join(", ")),
            _ => format!(
                "there are no logs in {}; name the cluster's folder with --dir",
                layout.dir().display()
            ),
        }));
    }
    let mut out = io::stdout().lock();
    for log in &logs {
        if logs.len() > 1 {
            writeln!(out, "==> {} <==", log.name)?;
        }
        for line in last_lines(&log.path, args.lines) {
            writeln!(out, "{line}")?;
        }
    }
    if args.follow {
        follow(logs, out).await?;
    }
    Ok(ExitCode::SUCCESS)
}
