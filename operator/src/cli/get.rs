//! `shoal get`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use proto::rpc::control::{GetKeyspacesRequest, GetShardsRequest, GetTabletsRequest};

use super::table::table;
use super::{CliError, DirArgs};
use crate::control::client::connect;
use crate::local::ports::Ports;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal get keyspaces                    of the local cluster
  shoal get shards shop                  of one keyspace
  shoal get tablets --control 10.0.0.7:15999")]
pub(super) struct GetArgs {
    #[command(flatten)]
    dir: DirArgs,
    /// Address of the control service, instead of that of a local cluster
    #[arg(long, global = true, value_name = "HOST:PORT", conflicts_with = "dir")]
    control: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The logical databases
    Keyspaces,
    /// Key ranges with their primaries
    Shards {
        /// Only those of this keyspace
        keyspace: Option<String>,
    },
    /// MySQL servers with their agents
    Tablets {
        /// Only those of this keyspace
        keyspace: Option<String>,
    },
}

pub(super) async fn run(args: &GetArgs) -> Result<ExitCode, CliError> {
    let mut control = connect(&control_address(args)?).await?;
    let refused = crate::control::client::AskError::from;
    let text = match &args.what {
        What::Keyspaces => {
            let answer = control.get_keyspaces(GetKeyspacesRequest {}).await.map_err(refused)?;
            let rows = answer.into_inner().keyspaces.into_iter().map(|k| {
                let kind = if k.sharded { "sharded" } else { "unsharded" };
                vec![k.name, kind.into(), format!("{}/{}", k.serving, k.shards), k.tables.to_string()]
            });
            table(&["KEYSPACE", "KIND", "SERVING", "TABLES"], &rows.collect::<Vec<_>>())
        }
        What::Shards { keyspace } => {
            let request = GetShardsRequest { keyspace: keyspace.clone().unwrap_or_default() };
            let answer = control.get_shards(request).await.map_err(refused)?;
            let rows = answer.into_inner().shards.into_iter().map(|s| {
                let serving = if s.serving { "yes" } else { "no" };
                vec![format!("{}/{}", s.keyspace, s.range), s.primary, s.term.to_string(), serving.into()]
            });
            table(&["SHARD", "PRIMARY", "TERM", "SERVING"], &rows.collect::<Vec<_>>())
        }
        What::Tablets { keyspace } => {
            let request = GetTabletsRequest { keyspace: keyspace.clone().unwrap_or_default() };
            let answer = control.get_tablets(request).await.map_err(refused)?;
            let rows = answer.into_inner().tablets.into_iter().map(|t| {
                let shard = format!("{}/{}", t.keyspace, t.range);
                let term = t.term.to_string();
                vec![t.alias, shard, t.role, term, t.state, t.mysql_address, t.agent_address, t.mysql_version]
            });
            let titles = ["TABLET", "SHARD", "ROLE", "TERM", "STATE", "MYSQL", "AGENT", "VERSION"];
            table(&titles, &rows.collect::<Vec<_>>())
        }
    };
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

/// The named address, or that of the local cluster's control.
fn control_address(args: &GetArgs) -> Result<String, CliError> {
    if let Some(address) = &args.control {
        return Ok(address.clone());
    }
    let layout = args.dir.layout()?;
    let ports = std::fs::read(layout.ports_file()).ok();
    let ports: Option<Ports> = ports.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let ports = ports.ok_or_else(|| {
        let dir = layout.dir().display();
        CliError::NoCluster(format!(
            "there is no cluster in {dir}; name its folder with --dir, or the control service with --control"
        ))
    })?;
    Ok(format!("127.0.0.1:{}", ports.control))
}
