//! `shoal-tablet`: the agent beside a mysqld.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, Parser, Subcommand};
use proto::ids::{ShardRef, TabletAlias};
use proto::program::logs::{self, LogFormat};
use proto::program::shutdown::until_told_to_end;
use proto::program::{Flags, failpoint};
use proto::tls::Part;
use tablet::mysqld::launch::Launch;
use tablet::{Config, Tablet};
use tokio::net::TcpListener;

/// This program as the kernel knows it, also after its file was replaced by a newer one.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// The agent beside a mysqld: creates, starts, supervises and stops it, and serves it to the gates of the
/// cluster once the topology says that it is primary.
#[derive(Parser)]
#[command(name = "shoal-tablet", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the tablet until SIGTERM or SIGINT, which stop its mysqld in order.
    ///
    /// A mysqld that an earlier agent left running in the directory is taken over as it is. A new one starts
    /// fenced (no data session, no write) until the topology names this tablet as its shard's primary.
    Run(Box<RunArgs>),
    /// Stop the mysqld of a tablet whose agent no longer runs.
    ///
    /// The order is the agent's: fence, end the data sessions, shut down. While an agent runs, send SIGTERM to
    /// it instead.
    Stop(StopArgs),
    #[command(hide = true)]
    Launch(Launch),
}

#[derive(Args)]
struct RunArgs {
    /// Name of the cluster.
    #[arg(long)]
    cluster: String,
    /// Client URLs of the cluster's etcd, such as http://127.0.0.1:2379.
    #[arg(long, value_name = "URL[,URL]", value_delimiter = ',', required = true)]
    etcd: Vec<String>,
    /// The tablet's name: its cell and a number of its own, such as zone1-101.
    #[arg(long)]
    alias: TabletAlias,
    /// The shard whose data it holds, such as shop/-80, or shop/- for an unsharded keyspace.
    #[arg(long, value_name = "KEYSPACE/RANGE")]
    shard: ShardRef,
    /// Directory for everything of the tablet; made if it is not there, and never shared.
    #[arg(long)]
    dir: PathBuf,
    /// Address of this machine on which mysqld and the agent listen.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port of mysqld.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    mysql_port: u16,
    /// Port of the agent's gRPC service; 0: a free one, which the topology then tells.
    #[arg(long, value_name = "PORT")]
    rpc_port: u16,
    /// Directory with the files data.secret and agent.secret, from which the accounts' passwords are derived.
    #[arg(long, value_name = "DIR")]
    secrets: PathBuf,
    /// What every program takes.
    #[command(flatten)]
    program: Flags,
    /// The mysqld to use (MySQL 8.4 or newer); otherwise the first usable one on PATH, or the one of `make deps`.
    #[arg(long, value_name = "PATH")]
    mysqld: Option<PathBuf>,
}

#[derive(Args)]
struct StopArgs {
    /// Directory of the tablet.
    #[arg(long)]
    dir: PathBuf,
}

fn main() -> ExitCode {
    let command = match Cli::parse().command {
        // Before any thread is started: this becomes another program.
        Command::Launch(launch) => return fail(&anyhow!(launch.become_it())),
        command => command,
    };
    logs::init(match &command {
        Command::Run(args) => args.program.log_format,
        _ => LogFormat::default(),
    });
    let _failpoints = failpoint::set_up();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match command {
                Command::Run(args) => Box::pin(run(*args)).await,
                Command::Stop(args) => stop(args).await,
                Command::Launch(_) => Ok(()),
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("shoal-tablet: {error:#}");
    ExitCode::FAILURE
}

async fn run(args: RunArgs) -> anyhow::Result<()> {
    let shutdown = until_told_to_end()?;
    let exposed = args.program.expose(Part::Tablet).await?;
    let address = (args.host, args.rpc_port);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on port {} of {} for gRPC; end the program that uses it, or name another --rpc-port",
            args.rpc_port, args.host
        )
    })?;
    let config = Config {
        cluster: args.cluster,
        etcd: args.etcd,
        alias: args.alias,
        shard: args.shard,
        dir: args.dir,
        host: args.host,
        mysql_port: args.mysql_port,
        secrets: args.secrets,
        mysqld: args.mysqld,
        identity: args.program.identity()?,
        readiness: exposed.readiness.clone(),
        launcher: THIS_PROGRAM.into(),
    };
    Ok(Box::pin(Tablet::build(config).await?.run(listener, shutdown)).await?)
}

async fn stop(args: StopArgs) -> anyhow::Result<()> {
    match tablet::stop(&args.dir).await? {
        true => println!("stopped the mysqld of {}", args.dir.display()),
        false => println!("no mysqld runs in {}", args.dir.display()),
    }
    Ok(())
}
