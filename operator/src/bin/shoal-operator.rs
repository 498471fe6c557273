//! `shoal-operator`: control, and the supervisor of a local cluster.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use operator::control::{Config, Control};
use operator::local::layout::Layout;
use operator::local::{ephemeral, launch, supervisor};
use proto::program::logs::{self, LogFormat};
use proto::program::shutdown::until_told_to_end;
use proto::program::{Flags, failpoint};
use proto::tls::Part;
use tokio::net::TcpListener;

/// The control loops and the local platform of Shoal.
#[derive(Parser)]
#[command(
    name = "shoal-operator",
    version,
    after_help = "\
Example:
  shoal-operator control --cluster shop --etcd http://127.0.0.1:2379 --listen 127.0.0.1:15999

For a whole cluster on one machine use `shoal local up`, which starts this program where it is needed."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the control service and the loop of every shard, until SIGTERM or SIGINT
    Control {
        /// Name of the cluster
        #[arg(long)]
        cluster: String,
        /// Client URLs of the cluster's etcd, such as http://127.0.0.1:2379
        #[arg(long, value_name = "URL[,URL]", value_delimiter = ',', required = true)]
        etcd: Vec<String>,
        /// Where to serve gRPC
        #[arg(long, value_name = "HOST:PORT")]
        listen: SocketAddr,
        /// What every program takes
        #[command(flatten)]
        program: Flags,
    },
    /// Supervise the local cluster in a folder; `shoal local up` prepares the folder and starts this
    Local {
        /// Folder of the cluster
        #[arg(long)]
        dir: PathBuf,
        /// The mysqld to run [default: the one on PATH, or that of `make deps`]
        #[arg(long, value_name = "PATH")]
        mysqld: Option<PathBuf>,
    },
    /// Wait until standard input ends, then end the local cluster in a folder and remove it with the folder
    #[command(hide = true)]
    Guard {
        #[arg(long)]
        dir: PathBuf,
    },
    /// Become another program, after writing down which process that is
    #[command(hide = true)]
    Launch {
        #[arg(long)]
        run_file: PathBuf,
        #[arg(long)]
        marker: PathBuf,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    logs::init(match &cli.command {
        Command::Control { program, .. } => program.log_format,
        _ => LogFormat::default(),
    });
    let _failpoints = failpoint::set_up();
    let done = match cli.command {
        Command::Control { cluster, etcd, listen, program } => control(cluster, etcd, listen, &program),
        Command::Local { dir, mysqld } => local(dir, mysqld),
        Command::Guard { dir } => {
            return if ephemeral::guard(&dir) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Command::Launch { run_file, marker, command } => {
            launch(&run_file, &marker, &command).map(|never| match never {}).map_err(anyhow::Error::from)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shoal-operator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn control(cluster: String, etcd: Vec<String>, listen: SocketAddr, program: &Flags) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let shutdown = until_told_to_end()?;
        let exposed = program.expose(Part::Control).await?;
        let config = Config { cluster, etcd, identity: program.identity()? };
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("cannot listen on {listen}; end the program that uses it, or name another --listen")
        })?;
        let control = Control::build(&config).await?;
        exposed.readiness.ready_until(shutdown.clone());
        Ok(control.run(listener, shutdown).await?)
    })
}

fn local(dir: PathBuf, mysqld: Option<PathBuf>) -> anyhow::Result<()> {
    let layout = Layout::new(&dir).with_context(|| dir.display().to_string())?;
    Ok(supervisor::run(supervisor::Config { layout, mysqld })?)
}
