//! `--watch`: the same again, whenever it has changed.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use serde_json::Value;

use super::output::{Format, Shown};
use super::time::utc;
use super::{CliError, say};
use crate::control::client::AskError;
use crate::limits::WATCH_INTERVAL;

/// Goes to the top left of a terminal and clears what is below.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Fields that change with every heartbeat.
const MOVING: [&str; 2] = ["lagMs", "gtidExecuted"];

/// The option that keeps on looking.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct WatchArgs {
    /// Go on looking, once a second, and show it again whenever it has changed; Ctrl-C ends it. Off a terminal, a lag
    /// or a position that moves is no change
    #[arg(short, long, global = true)]
    watch: bool,
}

/// Shows what `look` finds, once, or again and again if that is asked for.
///
/// While it is watched, a control that does not answer is told and waited for. What is wrong with the question
/// itself ends the watch.
pub(super) async fn show(
    args: &WatchArgs,
    format: Format,
    look: impl AsyncFn() -> Result<Shown, CliError>,
) -> Result<ExitCode, CliError> {
    let mut out = io::stdout();
    let screen = out.is_terminal() && matches!(format, Format::Table | Format::Wide);
    let mut before: Option<String> = None;
    let mut missed = false;
    loop {
        match look().await {
            Ok(shown) => {
                if std::mem::take(&mut missed) {
                    say("control answers again");
                }
                // Who looks at a screen wants to see it move.
                let state = if screen { shown.text.clone() } else { lasting(&shown.value).to_string() };
                if before.as_ref() != Some(&state) {
                    let text = match (args.watch, format) {
                        (true, Format::Json) => line(&shown)?,
                        (true, Format::Yaml) => format!("---\n{}", shown.in_format(format)?),
                        (true, _) if screen => format!("{CLEAR}{}", on_screen(&shown)),
                        (true, _) if before.is_some() => format!("\n{}", shown.in_format(format)?),
                        _ => shown.in_format(format)?,
                    };
                    out.write_all(text.as_bytes())?;
                    out.flush()?;
                    before = Some(state);
                }
            }
            Err(CliError::Ask(error)) if before.is_some() && !matches!(error, AskError::Refused(_)) => {
                if !std::mem::replace(&mut missed, true) {
                    say(&format!("{error}\nstill trying; what is shown is as it was last known"));
                }
            }
            Err(error) => return Err(error),
        }
        if !args.watch {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}

/// The same without what changes all the time while nothing happens.
fn lasting(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| !MOVING.contains(&name.as_str()));
            Value::Object(fields.map(|(name, field)| (name.clone(), lasting(field))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(lasting).collect()),
        other => other.clone(),
    }
}

/// One document a line, so that a reader knows where each ends.
fn line(shown: &Shown) -> Result<String, CliError> {
    Ok(serde_json::to_string(&shown.value).map_err(io::Error::from)? + "\n")
}

fn on_screen(shown: &Shown) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let at = utc(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    format!("as of {at}; Ctrl-C ends it\n\n{}", shown.text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lag_or_position_that_moves_is_no_change() {
        let seen = |lag: u64, gtids: &str, state: &str| {
            lasting(
                &json!({"name": "shop/-80", "tablets": [{"lagMs": lag, "gtidExecuted": gtids, "state": state}]}),
            )
        };
        assert_eq!(seen(1, "a:1", "replicating"), seen(2, "a:1-2", "replicating"));
        assert_ne!(seen(1, "a:1", "replicating"), seen(1, "a:1", "fenced"));
    }
}
