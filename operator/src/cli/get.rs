//! `shoal get`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use proto::rpc::control::control_client::ControlClient;
use proto::rpc::control::{GetKeyspacesRequest, GetShardsRequest, GetTabletsRequest, Shard, Tablet};
use tonic::transport::Channel;

use super::CliError;
use super::cluster::ClusterArgs;
use super::output::{Format, OutputArgs, Shown};
use super::shown::{self, Columns};
use super::watch::{WatchArgs, show};
use crate::control::client::{AskError, question};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal get keyspaces                    of the local cluster
  shoal get shards shop                  of one keyspace
  shoal get tablets --watch              again whenever something changed; Ctrl-C ends it
  shoal get tablets -o wide              also who has executed what
  shoal get tablets -o json | jq -r '.[] | select(.role == \"primary\") | .mysqlAddress'
  shoal get shards -o yaml --watch       one document for every change, for programs that follow; a lag or a position
                                         that moves is none
  shoal get tablets --control 10.0.0.7:15999 --tls /etc/shoal/tls")]
pub(super) struct GetArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The logical databases
    #[command(visible_aliases = ["keyspace", "ks"])]
    Keyspaces,
    /// Key ranges with their primaries, and whether they could fail over
    #[command(
        visible_alias = "shard",
        after_help = "\
SERVING   the primary takes statements
ACKERS    replicas for which commits may wait; `-`: commits wait for nobody
RISK      why no other tablet could take over now"
    )]
    Shards {
        /// Only those of this keyspace
        keyspace: Option<String>,
    },
    /// MySQL servers with their agents
    #[command(
        visible_alias = "tablet",
        after_help = "\
STATE     serving       takes statements, as primary
          replicating   receives and applies what its primary commits
          provisioning  is being given a copy of another tablet's data
          fenced        its mysqld runs and does neither; REASON says why, `shoal describe tablet` in full
          mysqld-down   its mysqld does not run, or is starting
          given-up      its mysqld died too often in a row and is left down
          unreachable   its agent does not answer
LAG       of a replica: age of the newest heartbeat of the primary that is applied
SEMI-SYNC source: its commits wait for a replica; acker: commits may wait for it
READS     a replica that keeps up admits sessions which read (`-o wide`)"
    )]
    Tablets {
        /// Only those of this keyspace
        keyspace: Option<String>,
        /// Show the transactions that each has executed, too, as `-o wide` does
        #[arg(long)]
        gtids: bool,
    },
}

pub(super) async fn run(args: &GetArgs) -> Result<ExitCode, CliError> {
    let columns = match (&args.what, args.output.output) {
        (_, Format::Wide) | (What::Tablets { gtids: true, .. }, _) => Columns::All,
        _ => Columns::Usual,
    };
    show(&args.watch, args.output.output, async || {
        let mut control = args.cluster.control().await?;
        args.what.look(&mut control, columns).await
    })
    .await
}

impl What {
    async fn look(&self, control: &mut ControlClient<Channel>, columns: Columns) -> Result<Shown, CliError> {
        match self {
            Self::Keyspaces => {
                let answer = control.get_keyspaces(question(GetKeyspacesRequest {})).await;
                let found = answer.map_err(AskError::from)?.into_inner().keyspaces;
                shown::keyspaces(&found, &shards(control, None).await?, columns)
            }
            Self::Shards { keyspace } => {
                let found = shards(control, keyspace.as_deref()).await?;
                shown::shards(&found, &tablets(control, keyspace.as_deref()).await?, columns)
            }
            Self::Tablets { keyspace, .. } => {
                shown::tablets(&tablets(control, keyspace.as_deref()).await?, columns)
            }
        }
    }
}

/// The shards of a keyspace, or all.
pub(super) async fn shards(
    control: &mut ControlClient<Channel>,
    keyspace: Option<&str>,
) -> Result<Vec<Shard>, CliError> {
    let request = GetShardsRequest { keyspace: keyspace.unwrap_or_default().to_owned() };
    Ok(control.get_shards(question(request)).await.map_err(AskError::from)?.into_inner().shards)
}

/// The tablets of a keyspace, or all.
pub(super) async fn tablets(
    control: &mut ControlClient<Channel>,
    keyspace: Option<&str>,
) -> Result<Vec<Tablet>, CliError> {
    let request = GetTabletsRequest { keyspace: keyspace.unwrap_or_default().to_owned() };
    Ok(control.get_tablets(question(request)).await.map_err(AskError::from)?.into_inner().tablets)
}
