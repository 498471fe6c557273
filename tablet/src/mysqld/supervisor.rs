//! Keeps one mysqld: takes over a living one, starts one where there is none, and counts how often it dies.
//!
//! ```text
//!   Down ──start──► Running ──ends──► Down (waits, longer each time) ──too often──► given up
//!    ▲  adopt ──────►
//! ```

use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use metrics::Counter;
use proto::ids::KeyspaceName;
use proto::program::metrics::CounterId;
use rustix::process::Signal;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::config::{self, Settings};
use super::error_log;
use super::installation::Installation;
use super::process::{Deaths, Ending, MysqldProcess, Start};
use super::template::{self, TemplateError};
use crate::accounts::{self, Secrets, Transport};
use crate::decide::Mysqld;
use crate::dir::TabletDir;
use crate::durable;
use crate::fence;
use crate::limits::{
    FIRST_BACKOFF, MAX_BACKOFF, MAX_STARTS_IN_A_ROW, SHUTDOWN_DEADLINE, STARTUP_DEADLINE, STARTUP_POLL,
    STEADY_AFTER,
};
use crate::provision;
use crate::replication::{self, Switch};
use crate::session::{AgentSession, SessionError};

const STARTS: CounterId =
    CounterId::new("shoal_tablet_mysqld_starts_total", "Starts of mysqld that the agent has tried.");

/// MySQL's code for a wrong password.
const ACCESS_DENIED: u16 = 1045;

/// Everything that a start needs.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The program.
    pub installation: Installation,
    /// Where templates are.
    pub cache: PathBuf,
    /// This program, which becomes mysqld.
    pub launcher: PathBuf,
    /// Also the tablet's uid.
    pub server_id: u32,
    /// Where mysqld listens.
    pub listen: SocketAddr,
    /// Whose accounts to make.
    pub keyspace: KeyspaceName,
    /// Their passwords.
    pub secrets: Secrets,
    /// Directory with `ca.pem`, `cert.pem` and `key.pem`; `None`: connections are plain.
    pub tls: Option<PathBuf>,
}

impl Recipe {
    /// The settings file of mysqld in this directory.
    fn settings(&self, dir: &TabletDir) -> String {
        config::render(&Settings {
            server_id: self.server_id,
            listen: self.listen,
            data_dir: &dir.data(),
            socket: dir.socket(),
            log: &dir.log(),
            init_file: &dir.init_file(),
            // As root, mysqld runs only when told so by name.
            user: rustix::process::geteuid().is_root().then_some("root"),
            tls: self.tls.as_deref(),
        })
    }
}

/// Why mysqld does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens on its port.
    #[error(
        "mysqld cannot have {0}: the port is in use; end the program that uses it, or name another --mysql-port"
    )]
    PortInUse(SocketAddr),
    /// Its address cannot be listened on.
    #[error("mysqld cannot listen on {address}: {source}; name an address of this machine with --host")]
    BadAddress {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// There is no data directory.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Something on this machine failed.
    #[error("cannot start mysqld: {0}")]
    Io(#[from] io::Error),
    /// It ended before it took SQL.
    #[error("mysqld {ending} before it was ready; the last lines of {log}:\n{tail}")]
    Ended {
        /// How.
        ending: Ending,
        /// Its error log.
        log: String,
        /// The end of it.
        tail: String,
    },
    /// It runs, but with the replication settings that came with a copy.
    #[error("what came with the copy of a donor's data cannot be put in order: {0}")]
    Unsettled(SessionError),
    /// It runs but does not take SQL.
    #[error("mysqld was not ready within {STARTUP_DEADLINE:?} ({why}); the last lines of {log}:\n{tail}")]
    NotReady {
        /// What the last login met.
        why: SessionError,
        /// Its error log.
        log: String,
        /// The end of it.
        tail: String,
    },
}

/// Why a long error log goes on.
#[derive(Debug, thiserror::Error)]
pub enum TendError {
    /// It cannot be renamed.
    #[error("mysqld's log cannot be set aside: {0}")]
    Io(#[from] io::Error),
    /// mysqld does not begin another.
    #[error("mysqld begins no new log: {0}")]
    Session(#[from] SessionError),
}

/// Keeps one mysqld.
#[derive(Debug)]
pub struct Supervisor {
    recipe: Recipe,
    process: Option<MysqldProcess>,
    running_since: Instant,
    starts_in_a_row: u32,
    starts: Counter,
    next_start: Instant,
    failure: Option<String>,
    deaths: Deaths,
    end_expected: bool,
    copy_mark: PathBuf,
}

impl Supervisor {
    /// Takes over the mysqld that runs for the directory, if there is one.
    pub async fn new(recipe: Recipe, dir: &TabletDir) -> io::Result<Self> {
        let copy_mark = dir.copy_mark();
        let mut process = MysqldProcess::adopt(&dir.process_record()).await?;
        if let Some(found) = &process {
            tracing::info!(pid = found.pid(), "found mysqld running");
            let unfit = if copy_mark.exists() {
                Some("it was being given a copy when its agent ended")
            } else if std::fs::read_to_string(dir.my_cnf()).ok() != Some(recipe.settings(dir)) {
                // An agent of another version, whose accounts and plugins are not those that this one needs.
                Some("it was started with other settings")
            } else {
                None
            };
            if let Some(why) = unfit {
                tracing::info!("killing it: {why}");
                found.kill().await?;
                process = None;
            }
        }
        let now = Instant::now();
        Ok(Self {
            recipe,
            process,
            running_since: now,
            starts_in_a_row: 0,
            starts: STARTS.handle(&[]),
            next_start: now,
            failure: None,
            deaths: Deaths::default(),
            end_expected: false,
            copy_mark,
        })
    }

    /// Starts in a row, none of which held; grows while mysqld crash-loops.
    pub fn starts_in_a_row(&self) -> u32 {
        self.starts_in_a_row
    }

    /// How often it has died, and how.
    pub fn deaths(&self) -> &Deaths {
        &self.deaths
    }

    /// Whether mysqld has died too often in a row and is left down.
    pub fn given_up(&self) -> bool {
        self.absence() == Some(Mysqld::GivenUp)
    }

    /// Notes on disk that the data is about to be replaced by a copy. The next end of mysqld is expected: it is
    /// started again at once, and not counted as a crash.
    pub fn begin_copy(&mut self) -> io::Result<()> {
        if let Err(error) = durable::write(&self.copy_mark, b"") {
            // A mark without a copy would cost what was received and is not applied.
            durable::remove(&self.copy_mark)?;
            return Err(error);
        }
        self.end_expected = true;
        Ok(())
    }

    /// Ends a mysqld whose copy failed, or that does not end after one; started again it is in order.
    pub fn give_copy_up(&mut self) -> io::Result<()> {
        self.process.as_ref().map_or(Ok(()), |process| process.signal(Signal::KILL))
    }

    /// The process, if one runs.
    pub fn process(&self) -> Option<&MysqldProcess> {
        self.process.as_ref()
    }

    /// What is to be done about a mysqld that does not run; `None` when one runs.
    pub fn absence(&self) -> Option<Mysqld> {
        match () {
            () if self.process.is_some() => None,
            () if self.starts_in_a_row >= MAX_STARTS_IN_A_ROW => Some(Mysqld::GivenUp),
            () if Instant::now() < self.next_start => Some(Mysqld::StartLater),
            () => Some(Mysqld::StartDue),
        }
    }

    /// Why it does not run, for `Status`; with what to do once it was given up.
    pub fn failure(&self) -> Option<String> {
        let failure = self.failure.as_ref().filter(|_| self.process.is_none())?;
        Some(match self.absence() {
            Some(Mysqld::GivenUp) => format!(
                "given up after {MAX_STARTS_IN_A_ROW} starts in a row, restart the tablet once the cause is repaired: \
                 {failure}"
            ),
            _ => failure.clone(),
        })
    }

    /// Waits until mysqld has ended, or for ever when none runs. Safe to cancel.
    pub async fn ended(&self) -> Ending {
        match &self.process {
            Some(process) => process.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Waits until the time of the next start has come, or for ever when none is to come. Safe to cancel.
    pub async fn start_due(&self) {
        match self.absence() {
            Some(Mysqld::StartDue | Mysqld::StartLater) => sleep_until(self.next_start).await,
            _ => std::future::pending().await,
        }
    }

    /// Takes note that mysqld has ended.
    pub fn note_end(&mut self, ending: Ending, dir: &TabletDir) {
        if self.process.take().is_none() {
            return;
        }
        if std::mem::take(&mut self.end_expected) {
            tracing::info!("mysqld {ending}, as expected");
            self.starts_in_a_row = 0;
            self.next_start = Instant::now();
            return;
        }
        if self.running_since.elapsed() >= STEADY_AFTER {
            self.starts_in_a_row = 0;
        }
        self.deaths.count += 1;
        self.deaths.last = ending.to_string();
        let failure =
            format!("mysqld {ending}; the last lines of its log:\n{}", error_log::tail(&dir.log(), 0));
        tracing::warn!("{failure}");
        self.note_failure(failure);
    }

    fn note_failure(&mut self, failure: String) {
        let doublings = self.starts_in_a_row.saturating_sub(1).min(16);
        let backoff = match self.starts_in_a_row {
            0 => Duration::ZERO,
            _ => (FIRST_BACKOFF * 2_u32.pow(doublings)).min(MAX_BACKOFF),
        };
        self.next_start = Instant::now() + backoff;
        self.failure = Some(failure);
    }

    /// Starts mysqld and waits until it takes SQL. It is fenced then. A start that fails leaves no process.
    pub async fn start(&mut self, dir: &TabletDir, session: &mut AgentSession) -> Result<(), StartError> {
        self.starts_in_a_row += 1;
        self.starts.increment(1);
        let began = Instant::now();
        let mut started = Box::pin(self.try_start(dir, session)).await;
        if started.is_ok() {
            started = self.settle_copy(session).await;
        }
        match &started {
            Ok(()) => {
                self.running_since = Instant::now();
                self.failure = None;
                let millis = began.elapsed().as_millis();
                tracing::info!(pid = self.process().map(MysqldProcess::pid), millis, "mysqld is up, fenced");
            }
            Err(error) => {
                self.note_failure(error.to_string());
                if let Some(process) = self.process.take() {
                    process.stop(SHUTDOWN_DEADLINE).await?;
                }
            }
        }
        started
    }

    async fn try_start(&mut self, dir: &TabletDir, session: &mut AgentSession) -> Result<(), StartError> {
        session.reset();
        let log = dir.log();
        error_log::set_aside(&log, &dir.old_log())?;
        let log_begins = error_log::end(&log);
        // An agent that was killed in the midst of a start may have left a mysqld that showed only now.
        let process = match MysqldProcess::adopt(&dir.process_record()).await? {
            Some(found) => found,
            None => self.launch(dir).await?,
        };
        let process = self.process.insert(process);
        let tail = || error_log::tail(&log, log_begins);
        tokio::select! {
            ending = process.ended() => {
                Err(StartError::Ended { ending, log: log.display().to_string(), tail: tail() })
            }
            ready = ready(session) => match ready {
                // The passwords have done their work.
                Ok(()) => Ok(durable::remove(&dir.init_file())?),
                Err(why) => Err(StartError::NotReady { why, log: log.display().to_string(), tail: tail() }),
            },
        }
    }

    async fn settle_copy(&mut self, session: &mut AgentSession) -> Result<(), StartError> {
        self.end_expected = false;
        if self.copy_mark.exists() {
            provision::settle(session).await.map_err(StartError::Unsettled)?;
            durable::remove(&self.copy_mark)?;
        }
        Ok(())
    }

    async fn launch(&self, dir: &TabletDir) -> Result<MysqldProcess, StartError> {
        check_port(self.recipe.listen)?;
        self.write_files(dir).await?;
        let command = [
            self.recipe.installation.program.clone().into_os_string(),
            joined("--defaults-file=", dir.my_cnf()),
        ];
        let start = Start {
            launcher: &self.recipe.launcher,
            record: &dir.process_record(),
            log: &dir.log(),
            command: &command,
        };
        Ok(MysqldProcess::start(&start)?)
    }

    fn transport(&self) -> Transport {
        match self.recipe.tls {
            Some(_) => Transport::Tls,
            None => Transport::Plain,
        }
    }

    async fn write_files(&self, dir: &TabletDir) -> Result<(), StartError> {
        let recipe = self.recipe.clone();
        let data = dir.data();
        let provide = move || template::provide(&recipe.installation, &recipe.cache, &data);
        tokio::task::spawn_blocking(provide).await.map_err(io::Error::other)??;
        let accounts = accounts::init_file(&self.recipe.keyspace, &self.recipe.secrets, self.transport());
        dir.clear_socket().map_err(io::Error::other)?;
        durable::write(&dir.my_cnf(), self.recipe.settings(dir).as_bytes())?;
        durable::write(&dir.init_file(), accounts.as_bytes())?;
        Ok(())
    }

    /// Lets mysqld begin a new error log where the present one is long; the one before it stays.
    pub async fn tend_log(&self, dir: &TabletDir, session: &mut AgentSession) -> Result<(), TendError> {
        if error_log::set_aside(&dir.log(), &dir.old_log())? {
            session.run("FLUSH NO_WRITE_TO_BINLOG ERROR LOGS").await?;
        }
        Ok(())
    }

    /// Stops mysqld in order, see `stop_mysqld`.
    pub async fn stop(&mut self, dir: &TabletDir, session: &mut AgentSession) -> io::Result<()> {
        stop_mysqld(self.process.take(), dir, Some(session)).await
    }

    /// Ends mysqld at once: it could not be fenced.
    pub async fn kill(&mut self, dir: &TabletDir) -> io::Result<()> {
        if let Some(process) = &self.process {
            let ending = process.kill().await?;
            let before = self.deaths.count;
            self.note_end(ending, dir);
            if self.deaths.count > before {
                self.deaths.last += ", by its agent, which could not fence it";
            }
        }
        Ok(())
    }
}

/// Stops mysqld in order: no new data session, no write, the sessions that are there ended, then a clean
/// shutdown. Where the fence cannot be raised, mysqld is killed: a shutdown could release commits that wait
/// for a replica, and acknowledge them; from a kill InnoDB recovers. Leaves nothing that stands for a running
/// process.
pub async fn stop_mysqld(
    process: Option<MysqldProcess>,
    dir: &TabletDir,
    session: Option<&mut AgentSession>,
) -> io::Result<()> {
    if let Some(process) = process {
        let fenced = match session {
            Some(session) => fence_for_good(&process, session).await,
            None => false,
        };
        let ending = if fenced { process.stop(SHUTDOWN_DEADLINE).await? } else { process.kill().await? };
        tracing::info!(pid = process.pid(), "mysqld {ending}");
    }
    dir.sweep().map_err(io::Error::other)
}

/// Tells whether the fence stands and no data session is left, or mysqld has ended by itself.
async fn fence_for_good(process: &MysqldProcess, session: &mut AgentSession) -> bool {
    let fenced = async {
        // First those whose commits may wait for a replica: once they are gone, only the agent's own heartbeat
        // can, and ending its wait acknowledges nothing to anybody.
        fence::shut_out(session).await?;
        replication::set_source_semi_sync(session, Switch::Off).await?;
        fence::raise(session).await?;
        Ok::<(), fence::FenceError>(fence::send_replicas_away(session).await?)
    };
    let fenced = tokio::select! {
        fenced = fenced => fenced,
        _ = process.ended() => Ok(()),
    };
    session.close().await;
    if let Err(error) = &fenced {
        tracing::warn!(%error, pid = process.pid(), "killing mysqld, because it could not be fenced first");
    }
    fenced.is_ok()
}

/// mysqld would find out too, but only after a second, and say so only in its log.
fn check_port(address: SocketAddr) -> Result<(), StartError> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(StartError::PortInUse(address)),
        Err(source) => Err(StartError::BadAddress { address, source }),
    }
}

/// Waits until the agent can log in.
async fn ready(session: &mut AgentSession) -> Result<(), SessionError> {
    let mut last = SessionError::Silent;
    let logged_in = timeout(STARTUP_DEADLINE, async {
        while let Err(error) = fence::state(session).await {
            // The init file has run before the first login, so this will not change.
            if matches!(error, SessionError::Refused { code: ACCESS_DENIED, .. }) {
                return Err(error);
            }
            last = error;
            sleep(STARTUP_POLL).await;
        }
        Ok(())
    });
    match logged_in.await {
        Ok(done) => done,
        Err(_) => Err(last),
    }
}

fn joined(option: &str, value: PathBuf) -> OsString {
    let mut text = OsString::from(option);
    text.push(value);
    text
}
