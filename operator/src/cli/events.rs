//! `shoal events`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use proto::rpc::control::{Event, GetEventsRequest};

use super::cluster::ClusterArgs;
use super::table::table;
use super::time::utc;
use super::{CliError, say};
use crate::control::client::{AskError, question};
use crate::limits::EVENT_LINES;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal events                           what happened lately, oldest first
  shoal events shop/-80                  to one shard
  shoal events zone1-101 -n 1000         to one tablet, as far back as is known
  shoal events cluster                   to the cluster as a whole
  shoal events -f                        and then whatever happens, as it happens

Times are UTC, by the clock of the control service. The newest 1,000 events are kept.")]
pub(super) struct EventsArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only events of this shard, such as shop/-80, or tablet, such as zone1-101, or of the `cluster`
    object: Option<String>,
    /// Show new events as they happen
    #[arg(short, long)]
    follow: bool,
    /// How many of the newest
    #[arg(short = 'n', long, default_value_t = EVENT_LINES, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    lines: u32,
}

pub(super) async fn run(args: &EventsArgs) -> Result<ExitCode, CliError> {
    let mut control = args.cluster.control().await?;
    let request = GetEventsRequest { limit: args.lines, object: args.object.clone().unwrap_or_default() };
    if !args.follow {
        let answer = control.get_events(question(request)).await.map_err(AskError::from)?;
        let rows: Vec<Vec<String>> = answer.into_inner().events.iter().map(|e| words(e).to_vec()).collect();
        if rows.is_empty() {
            say("no such event is known");
        }
        print!("{}", table(&["TIME", "OBJECT", "REASON", "OBSERVATION"], &rows));
        return Ok(ExitCode::SUCCESS);
    }
    let mut events = control.watch_events(request).await.map_err(AskError::from)?.into_inner();
    let mut out = io::stdout().lock();
    while let Some(event) = events.message().await.map_err(AskError::from)? {
        let [time, object, reason, observation] = words(&event);
        // How wide the columns will have to be is not known yet.
        writeln!(out, "{time}  {object:<12}  {reason:<19}  {observation}")?;
        out.flush()?;
    }
    Err(CliError::Ended("control ended; it will be back, ask again"))
}

fn words(event: &Event) -> [String; 4] {
    [utc(event.at_ms), event.object.clone(), event.reason.clone(), event.observation.clone()]
}
