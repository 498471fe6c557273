//! `shoal reparent`.

use std::process::ExitCode;

use clap::Args;
use proto::ids::{ShardRef, TabletAlias};
use proto::rpc::control::{ReparentOutcome, ReparentRequest};

use super::cluster::ClusterArgs;
use super::{CliError, say};
use crate::control::client::AskError;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal reparent shop/-80                to the best replica
  shoal reparent shop/-80 --to zone2-102
  shoal reparent main/-                  the one shard of an unsharded keyspace

Gates hold the shard's statements while the old primary is drained and the new one takes over; clients notice
a pause and no error. No acknowledged write is lost. If a step cannot be done in time, the primary stays where
it is, and the command says why and what to do.

Progress goes to stderr, with the milliseconds since the beginning; the outcome to stdout.
Exit code: 0 another tablet is primary, 1 the primary stays where it was, or it is not known; see
`shoal get shards` then.")]
pub(super) struct ReparentArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The shard, such as shop/-80
    #[arg(value_name = "KEYSPACE/RANGE")]
    shard: ShardRef,
    /// The replica that is to be primary [default: the one that is furthest]
    #[arg(long, value_name = "TABLET")]
    to: Option<TabletAlias>,
}

pub(super) async fn run(args: &ReparentArgs) -> Result<ExitCode, CliError> {
    let mut control = args.cluster.control().await?;
    let request = ReparentRequest {
        keyspace: args.shard.keyspace.to_string(),
        range: args.shard.range.to_string(),
        to: args.to.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    let mut progress = control.reparent(request).await.map_err(AskError::from)?.into_inner();
    while let Some(step) = progress.message().await.map_err(AskError::from)? {
        if !step.step.is_empty() {
            say(&format!("{:>6} ms  {}", step.elapsed_ms, step.step));
        }
        if let Some(outcome) = step.outcome {
            println!("{}", told(&args.shard, &outcome, step.elapsed_ms));
            return Ok(ExitCode::SUCCESS);
        }
    }
    Err(CliError::Ended(
        "control ended before it told the outcome; see `shoal get shards` and `shoal events`",
    ))
}

fn told(shard: &ShardRef, outcome: &ReparentOutcome, elapsed_ms: u64) -> String {
    let ReparentOutcome { from, to, term, held_ms } = outcome;
    format!(
        "the primary of {shard} is {to} (before: {from}) under term {term}; took {elapsed_ms} ms, statements were held \
         for {held_ms} ms"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_is_one_line() {
        let outcome = ReparentOutcome { from: "a-1".into(), to: "b-2".into(), term: 4, held_ms: 71 };
        assert_eq!(
            told(&"shop/-80".parse().unwrap(), &outcome, 180),
            "the primary of shop/-80 is b-2 (before: a-1) under term 4; took 180 ms, statements were held for 71 ms"
        );
    }
}
