//! The `shoal` command line. One file for each command.

mod cluster;
mod completions;
mod describe;
mod doctor;
mod events;
mod explain;
mod get;
mod local_down;
mod local_ephemeral;
mod local_logs;
mod local_status;
mod local_up;
mod output;
mod reparent;
mod schema;
mod shown;
mod sql;
mod table;
mod time;
mod vschema;
mod watch;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use proto::tls::IdentityError;

use crate::control::client::AskError;
use crate::local::down::DownError;
use crate::local::ephemeral::EphemeralError;
use crate::local::layout::Layout;
use crate::local::reach::NotReached;
use crate::local::up::UpError;
use crate::schema::work::SchemaError;

/// Exit code of a command that failed, or of `status` when a part does not run.
const FAILED: u8 = 1;
/// Exit code of `status` when nothing runs.
const NOT_UP: u8 = 3;

/// Shoal makes many MySQL servers look like one.
#[derive(Debug, Parser)]
#[command(
    name = "shoal",
    version,
    after_help = "\
Examples:
  shoal local up                         a cluster on this machine: 2 shards, user app, password app
  shoal local up -f cluster.yaml         the cluster that the file describes
  shoal local status                     what runs
  shoal sql shop                         talk SQL to it
  shoal get shards                       who is primary, whether it serves, whether it could fail over
  shoal get tablets                      every MySQL server, and how it is
  shoal doctor                           what is wrong and what to do
  shoal explain SH2001                   what an error means and what to do
  shoal reparent shop/-80                make another tablet the primary of a shard
  shoal vschema get shop                 how its tables are sharded, as Vitess writes it
  shoal events -f                        what happens, as it happens
  shoal local down                       stop it; the data stays"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole cluster on this machine
    Local(LocalArgs),
    /// Show what a cluster consists of
    Get(get::GetArgs),
    /// Show one keyspace, shard or tablet with all that belongs to it
    Describe(describe::DescribeArgs),
    /// Talk SQL to the cluster, with MySQL's own client
    Sql(sql::SqlArgs),
    /// Make another tablet the primary of a shard
    Reparent(reparent::ReparentArgs),
    /// Show what happened in a cluster
    Events(events::EventsArgs),
    /// Compare a keyspace's tables with a file of wanted ones, and make them so
    Schema(schema::SchemaArgs),
    /// Show, change or judge how a keyspace's tables are sharded, in Vitess' JSON
    Vschema(vschema::VschemaArgs),
    /// Look at everything of a cluster and say what to do
    Doctor(doctor::DoctorArgs),
    /// Tell what an error means and what to do
    Explain(explain::ExplainArgs),
    /// Print the script by which a shell completes the words of this program
    Completions(completions::CompletionsArgs),
}

#[derive(Debug, Args)]
struct LocalArgs {
    #[command(flatten)]
    dir: DirArgs,
    #[command(subcommand)]
    command: LocalCommand,
}

/// The option that names a local cluster.
#[derive(Debug, Clone, Args)]
struct DirArgs {
    /// Folder of the cluster, with its data and logs [default: $SHOAL_DIR or ~/.local/share/shoal/default]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl DirArgs {
    fn layout(&self) -> io::Result<Layout> {
        Layout::new(&self.dir.clone().unwrap_or_else(Layout::default_dir))
    }
}

#[derive(Debug, Subcommand)]
enum LocalCommand {
    /// Start a cluster and wait until it takes SQL
    Up(local_up::UpArgs),
    /// Stop the cluster; its data stays
    Down,
    /// Show the cluster's processes
    #[command(after_help = "\
PORT      where the part's users connect: SQL for tablets and gates, gRPC for control
HTTP      where it serves /metrics, /healthz and /readyz

Exit code: 0 everything runs, 1 something does not, 3 nothing runs.")]
    Status(output::OutputArgs),
    /// Show what the cluster's processes say
    Logs(local_logs::LogsArgs),
}

/// Why a command failed, in words for the user.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Up(#[from] UpError),
    #[error(transparent)]
    Down(#[from] DownError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("{0}")]
    NoCluster(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("{0}")]
    Ended(&'static str),
    #[error(transparent)]
    Sql(#[from] sql::SqlError),
    #[error(transparent)]
    Ephemeral(#[from] EphemeralError),
    #[error(transparent)]
    NotReached(#[from] NotReached),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(CliError::from).and_then(|runtime| runtime.block_on(run(cli)));
    match done {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(CliError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(FAILED)
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, CliError> {
    match cli.command {
        Command::Get(args) => get::run(&args).await,
        Command::Describe(args) => describe::run(&args).await,
        Command::Sql(args) => sql::run(&args).await,
        Command::Schema(args) => schema::run(&args).await,
        Command::Doctor(args) => doctor::run(&args).await,
        Command::Explain(args) => explain::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Reparent(args) => reparent::run(&args).await,
        Command::Events(args) => events::run(&args).await,
        Command::Vschema(args) => vschema::run(&args).await,
        Command::Local(LocalArgs { dir, command }) => match command {
            LocalCommand::Up(up) => local_up::run(&dir, up).await,
            LocalCommand::Down => local_down::run(&dir.layout()?).await,
            LocalCommand::Status(output) => local_status::run(&dir.layout()?, &output),
            LocalCommand::Logs(logs) => local_logs::run(&dir.layout()?, &logs).await,
        },
    }
}

/// Progress, which is not what the command answers.
fn say(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("Examples:") && help.contains("shoal local up"), "{help}");
    }

    #[test]
    fn the_folder_can_be_named_before_and_after_the_command() {
        for words in
            [["shoal", "local", "--dir", "/x", "status"], ["shoal", "local", "status", "--dir", "/x"]]
        {
            let Command::Local(args) = Cli::try_parse_from(words).unwrap().command else {
                panic!("{words:?}")
            };
            assert_eq!(args.dir.dir, Some(PathBuf::from("/x")));
        }
    }
}
