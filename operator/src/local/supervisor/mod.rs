//! The supervisor: keeps every part of a local cluster running, and itself.
//!
//! Two of them run at any time. The one that holds the lock is active; the other waits for the lock, which the
//! kernel gives it the moment the first one ends, however it ends. A supervisor holds nothing else that could
//! be lost: it finds the running parts by their run files. It therefore handles no signal: to end it in order
//! and to kill it are the same thing.

mod keeper;
mod state;

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use proto::tls::Part as TlsPart;
use tokio::task::JoinSet;

pub use state::{PartState, Phase, State};

use keeper::Keeper;
use state::Reporter;

use super::apply::{ApplyError, apply};
use super::layout::{Layout, STANDBY, SUPERVISOR, make_private_dir, remove_if_there};
use super::lock::FileLock;
use super::logs;
use super::ports::Ports;
use super::process::ProcessId;
use super::programs::{Missing, Programs};
use super::render::{Observed, Part, TopologyState, etcd_url, render};
use crate::limits::{ETCD_RETRY, LOG_CHECK_INTERVAL};
use crate::spec::{BadFile, ShoalCluster, parse};

/// Marks every process of a local cluster: set in its environment, to the cluster's folder.
pub const MARK: &str = "SHOAL_LOCAL_DIR";

/// What a supervisor is told on its command line.
#[derive(Debug, Clone)]
pub struct Config {
    /// The cluster's folder.
    pub layout: Layout,
    /// The mysqld that the user named, if any.
    pub mysqld: Option<PathBuf>,
}

/// Why a supervisor cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// A file could not be used.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// The stored cluster file is not good.
    #[error(transparent)]
    BadFile(#[from] BadFile),
    /// A program is missing.
    #[error(transparent)]
    Missing(#[from] Missing),
}

/// The command line of a supervisor, as a part that another one keeps.
pub(super) fn part(config: &Config, programs: &Programs) -> Part {
    let mut arguments = vec!["local".to_owned(), "--dir".into(), config.layout.dir().display().to_string()];
    if let Some(mysqld) = &config.mysqld {
        arguments.extend(["--mysqld".into(), mysqld.display().to_string()]);
    }
    Part {
        name: STANDBY.into(),
        program: programs.operator.clone(),
        arguments,
        folder: config.layout.dir().to_owned(),
        port: 0,
        http: 0,
    }
}

/// The command that starts a part as the process of its run file, with its log.
pub(super) fn launch_command(layout: &Layout, programs: &Programs, part: &Part) -> io::Result<Command> {
    make_private_dir(&part.folder)?;
    let log = logs::open(&layout.log(log_name(part)))?;
    let mut command = Command::new(&programs.operator);
    command.arg("launch").arg("--run-file").arg(layout.run_file(&part.name));
    command.arg("--marker").arg(layout.stopping()).arg("--").arg(&part.program).args(&part.arguments);
    command.current_dir(&part.folder).env(MARK, layout.dir());
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// Both supervisors write to one log.
fn log_name(part: &Part) -> &str {
    if part.name == STANDBY { SUPERVISOR } else { &part.name }
}

/// Waits to be the active supervisor and then is, until the process ends. Returns only when the cluster is
/// being stopped, or when it cannot be supervised at all.
pub fn run(config: Config) -> Result<(), SupervisorError> {
    let layout = &config.layout;
    let lock_file = layout.supervisor_lock();
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error| SupervisorError::Io(what, error)
    };
    let _active = FileLock::take(&lock_file).map_err(failed("cannot lock the supervisor's lock"))?;
    if layout.stopping().exists() {
        return Ok(());
    }
    become_active(layout).map_err(failed("cannot write the supervisor's run file"))?;
    let text =
        std::fs::read_to_string(layout.cluster_file()).map_err(failed("cannot read the cluster file"))?;
    let ports = std::fs::read(layout.ports_file()).map_err(failed("cannot read the ports"))?;
    let cluster = parse(&layout.cluster_file().display().to_string(), &text)?;
    let ports: Ports =
        serde_json::from_slice(&ports).map_err(|error| failed("cannot read the ports")(error.into()))?;
    let supervised =
        Supervised { programs: Arc::new(Programs::find()?), config: config.clone(), cluster, ports };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed("cannot start the supervisor's runtime"))?;
    runtime.block_on(supervised.keep_all());
    Ok(())
}

/// From now on this process is the supervisor and no longer the standby.
fn become_active(layout: &Layout) -> io::Result<()> {
    let own = ProcessId::own()?;
    own.write(&layout.run_file(SUPERVISOR))?;
    if ProcessId::read(&layout.run_file(STANDBY)) == Some(own) {
        remove_if_there(&layout.run_file(STANDBY))?;
    }
    Ok(())
}

struct Supervised {
    config: Config,
    cluster: ShoalCluster,
    ports: Ports,
    programs: Arc<Programs>,
}

impl Supervised {
    async fn keep_all(self) {
        let layout = &self.config.layout;
        let before = State::read(layout);
        tracing::info!(dir = %layout.dir().display(), "supervising");
        let reporter = Reporter::start(layout.clone(), before.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_logs_small(layout.clone()));
        let mut started = Vec::new();
        let mut start = |part: Part, tasks: &mut JoinSet<()>| {
            if !started.contains(&part.name) {
                started.push(part.name.clone());
                let keeper = Keeper::new(layout.clone(), self.programs.clone(), part, reporter.clone());
                let restarts = before.parts.get(keeper.name()).map_or(0, |p| p.restarts);
                tasks.spawn(keeper.keep(restarts));
            }
        };
        start(part(&self.config, &self.programs), &mut tasks);
        for part in self.wanted(TopologyState::Behind) {
            start(part, &mut tasks);
        }
        if before.topology_written || self.write_topology(&reporter).await {
            reporter.topology_written().await;
            for part in self.wanted(TopologyState::Written) {
                start(part, &mut tasks);
            }
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a part of the supervisor has failed; the standby takes over");
                return;
            }
        }
    }

    fn wanted(&self, topology: TopologyState) -> Vec<Part> {
        let observed = Observed {
            layout: &self.config.layout,
            ports: &self.ports,
            programs: &self.programs,
            mysqld: self.config.mysqld.as_deref(),
            topology,
            tls: self.ports.tls,
        };
        render(&self.cluster, &observed)
    }

    /// Writes the cluster file's records, however long etcd takes; false if the topology refuses them.
    async fn write_topology(&self, reporter: &Reporter) -> bool {
        loop {
            match self.try_to_write().await {
                Ok(()) => return true,
                Err(ApplyError::Refused(why)) => {
                    tracing::error!(why, "the topology does not take the cluster file");
                    reporter.refused(why).await;
                    return false;
                }
                Err(error) => tracing::info!(%error, "cannot write the topology yet, trying again"),
            }
            tokio::time::sleep(ETCD_RETRY).await;
        }
    }
}

impl Supervised {
    async fn try_to_write(&self) -> Result<(), ApplyError> {
        let tls = self.ports.tls;
        let identity = self.config.layout.identity(TlsPart::Control, tls);
        let identity = identity.map_err(|error| ApplyError::Refused(error.to_string()))?;
        apply(&self.cluster, &etcd_url(&self.ports, tls), identity.as_ref()).await
    }
}

async fn keep_logs_small(layout: Layout) {
    loop {
        if let Err(error) = logs::bound_all(&layout) {
            tracing::warn!(%error, "cannot keep the logs small");
        }
        tokio::time::sleep(LOG_CHECK_INTERVAL).await;
    }
}
