//! Following a source, and letting commits wait for replicas.

use std::path::Path;
use std::time::Duration;

use mysql_async::Row;
use proto::account::{REPLICATION_ACCOUNT, Secret};
use proto::tls::{CA_FILE, CERTIFICATE_FILE, KEY_FILE};
use tokio::time::Instant;

use crate::limits::{
    APPLIER_TRIAL, CONNECT_RETRIES, CONNECT_RETRY_SECONDS, SHORTEST_WAIT, SOURCE_HEARTBEAT_SECONDS,
    WAIT_SLICE,
};
use crate::session::{AgentSession, SessionError};

/// MySQL's code for a variable that is not there: its plugin is not loaded.
const UNKNOWN_VARIABLE: u16 = 1193;
/// MySQL's code for a worker of the applier that stopped because one before it did.
const ANOTHER_WORKER_STOPPED: u32 = 3030;
/// MySQL's code for a privilege that is missing.
const NO_PRIVILEGE: u16 = 1227;

/// Where a source's mysqld is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its host.
    pub host: String,
    /// mysqld's port.
    pub port: u16,
}

/// How to log in at a source or donor.
#[derive(Debug, Clone)]
pub struct Login {
    /// Password of the replication account.
    pub password: String,
    /// How the two ends know each other; `None`: connections are plain.
    pub tls: Option<TlsFiles>,
}

/// The files by which a replica knows its source, and shows who it is. All empty: it does neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate authority of every mysqld.
    pub ca: String,
    /// The replica's certificate.
    pub certificate: String,
    /// The private key of the certificate.
    pub key: String,
}

impl Login {
    /// The login of the cluster's replication account; `tls`: the directory with `ca.pem`, `cert.pem`
    /// and `key.pem`.
    pub fn new(secret: &Secret, tls: Option<&Path>) -> Self {
        Self { password: secret.password(REPLICATION_ACCOUNT), tls: tls.map(TlsFiles::in_dir) }
    }
}

impl TlsFiles {
    fn in_dir(dir: &Path) -> Self {
        let path = |file: &str| dir.join(file).display().to_string();
        Self { ca: path(CA_FILE), certificate: path(CERTIFICATE_FILE), key: path(KEY_FILE) }
    }
}

/// How one of the two threads is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadState {
    /// It does not run.
    Stopped,
    /// The receiver tries to reach the source.
    Connecting,
    /// It runs.
    Running,
}

/// How a replica is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationLook {
    /// Whom it follows.
    pub source: Source,
    /// The thread that receives.
    pub receiver: ThreadState,
    /// The threads that apply.
    pub applier: ThreadState,
    /// What was received, whole transactions only.
    pub retrieved: String,
    /// What stopped a thread: the applier's before the receiver's.
    pub error: Option<(u32, String)>,
}

/// How commits are acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SemiSyncLook {
    /// Commits here wait for a replica.
    pub source_enabled: bool,
    /// What is received here is acknowledged.
    pub replica_enabled: bool,
    /// Replicas that could acknowledge now.
    pub source_clients: u32,
    /// Commits that wait now.
    pub waiting_sessions: u32,
}

/// Whether a replica acknowledges what it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// Commits of the source may count on it.
    Yes,
    /// Nobody counts on it.
    No,
}

/// Whether commits wait for a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// They do.
    On,
    /// They do not.
    Off,
}

/// Why a replica does not follow.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// A statement failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The applier does not stay up, and without it the source cannot be changed without losing what was
    /// received and is not applied.
    #[error("the applier is down, so what was received would be lost with a new source: {0}")]
    ApplierDown(String),
    /// Something that was received is not applied, and would be lost.
    #[error("not everything that was received is applied")]
    Unapplied,
}

/// How replication goes; `None`: there is no source.
pub async fn look(session: &mut AgentSession) -> Result<Option<ReplicationLook>, SessionError> {
    Ok(channel(session).await?.as_ref().map(Channel::look))
}

/// How semi-sync is set up and doing, and how many statements run.
pub async fn look_semi_sync(session: &mut AgentSession) -> Result<(SemiSyncLook, u32), SessionError> {
    // A mysqld that was started before semi-sync was a part of it lacks the variables: no error here.
    let rows: Vec<(String, String)> = session
        .rows(
            "SELECT LOWER(variable_name), variable_value FROM performance_schema.global_status \
             WHERE variable_name IN ('Threads_running', 'Rpl_semi_sync_source_clients', \
             'Rpl_semi_sync_source_wait_sessions') \
             UNION ALL SELECT variable_name, variable_value FROM performance_schema.global_variables \
             WHERE variable_name IN ('rpl_semi_sync_source_enabled', 'rpl_semi_sync_replica_enabled')",
        )
        .await?;
    let value = |name: &str| rows.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let number = |name: &str| value(name).and_then(|value| value.parse().ok()).unwrap_or_default();
    let look = SemiSyncLook {
        source_enabled: value("rpl_semi_sync_source_enabled") == Some("ON"),
        replica_enabled: value("rpl_semi_sync_replica_enabled") == Some("ON"),
        source_clients: number("rpl_semi_sync_source_clients"),
        waiting_sessions: number("rpl_semi_sync_source_wait_sessions"),
    };
    Ok((look, number("threads_running")))
}

/// Follows the source, from wherever this mysqld is now. Safe to repeat; does nothing where all is so.
///
/// What was received and is not applied stays: a source is changed by the receiver's options alone, while the
/// applier runs. With both threads stopped MySQL would begin a new relay log.
pub async fn follow(
    session: &mut AgentSession,
    source: &Source,
    acks: Acks,
    login: &Login,
) -> Result<(), ReplicationError> {
    let Some(found) = channel(session).await? else {
        set_acks(session, acks).await?;
        session.run(&change(source, login, "SOURCE_AUTO_POSITION = 1, ")).await?;
        return Ok(session.run("START REPLICA").await?);
    };
    if found.applier == ThreadState::Stopped {
        revive_applier(session, &found).await?;
    }
    // A receiver that stopped may have done so over a password that has since changed, which cannot be seen.
    let set_up = found.receiver != ThreadState::Stopped && found.fits(source, login);
    if set_up && acks == acks_now(session).await? {
        return Ok(());
    }
    session.run("STOP REPLICA IO_THREAD").await?;
    if !set_up {
        match channel(session).await? {
            Some(now) if now.applier == ThreadState::Running => {}
            now => return Err(ReplicationError::ApplierDown(Channel::applier_error(now.as_ref()))),
        }
        session.run(&change(source, login, "")).await?;
    }
    set_acks(session, acks).await?;
    Ok(session.run("START REPLICA IO_THREAD").await?)
}

/// Acknowledges nothing from the return of this on. The receiver goes on.
pub async fn stop_acking(session: &mut AgentSession) -> Result<(), SessionError> {
    let receives = channel(session).await?.is_some_and(|found| found.receiver != ThreadState::Stopped);
    // The setting counts for a receiver that starts.
    if receives {
        session.run("STOP REPLICA IO_THREAD").await?;
    }
    set_acks(session, Acks::No).await?;
    if receives {
        session.run("START REPLICA IO_THREAD").await?;
    }
    Ok(())
}

/// Receives no more, and waits until everything that was received is applied. Tells whether it is.
pub async fn apply_received(session: &mut AgentSession, patience: Duration) -> Result<bool, SessionError> {
    if channel(session).await?.is_none() {
        return Ok(true);
    }
    session.run("STOP REPLICA IO_THREAD").await?;
    // What is received is known only now.
    let Some(found) = channel(session).await? else { return Ok(true) };
    if found.applier == ThreadState::Stopped {
        session.run("START REPLICA SQL_THREAD").await?;
    }
    wait_executed(session, &found.retrieved, patience).await
}

/// Ends replication and forgets the source; refused where something that was received is not applied.
pub async fn detach(session: &mut AgentSession) -> Result<(), ReplicationError> {
    if channel(session).await?.is_none() {
        return Ok(set_acks(session, Acks::No).await?);
    }
    session.run("STOP REPLICA IO_THREAD").await?;
    let Some(found) = channel(session).await? else { return Ok(()) };
    if !wait_executed(session, &found.retrieved, Duration::ZERO).await? {
        return Err(ReplicationError::Unapplied);
    }
    forget_source(session).await?;
    Ok(set_acks(session, Acks::No).await?)
}

/// Ends replication and forgets the source, with everything that was received and is not applied.
pub(crate) async fn forget_source(session: &mut AgentSession) -> Result<(), SessionError> {
    session.run("STOP REPLICA").await?;
    session.run("RESET REPLICA ALL").await
}

/// Waits until the set is executed here. Tells whether it is.
pub async fn wait_executed(
    session: &mut AgentSession,
    gtid_set: &str,
    patience: Duration,
) -> Result<bool, SessionError> {
    let deadline = Instant::now() + patience;
    // A quote would end the literal; no GTID set has one.
    let gtid_set = gtid_set.replace(['\'', '\\'], "");
    loop {
        // Zero would mean for ever.
        let left = deadline.duration_since(Instant::now()).clamp(SHORTEST_WAIT, WAIT_SLICE);
        let wait = format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtid_set}', {:.3})", left.as_secs_f64());
        match session.row::<u8>(&wait).await? {
            0 => return Ok(true),
            _ if Instant::now() >= deadline => return Ok(false),
            _ => {}
        }
    }
}

/// Lets commits wait for a replica, or no longer.
///
/// Off acknowledges commits that wait: only after data sessions are gone.
pub async fn set_source_semi_sync(session: &mut AgentSession, switch: Switch) -> Result<(), SessionError> {
    let value = match switch {
        Switch::On => "ON",
        Switch::Off => "OFF",
    };
    match session.run(&format!("SET GLOBAL rpl_semi_sync_source_enabled = {value}")).await {
        Err(error) if switch == Switch::Off && error.code() == Some(UNKNOWN_VARIABLE) => Ok(()),
        done => done,
    }
}

async fn set_acks(session: &mut AgentSession, acks: Acks) -> Result<(), SessionError> {
    let value = match acks {
        Acks::Yes => "ON",
        Acks::No => "OFF",
    };
    match session.run(&format!("SET GLOBAL rpl_semi_sync_replica_enabled = {value}")).await {
        Err(error) if acks == Acks::No && error.code() == Some(UNKNOWN_VARIABLE) => Ok(()),
        done => done,
    }
}

async fn acks_now(session: &mut AgentSession) -> Result<Acks, SessionError> {
    let enabled: bool = session.row("SELECT @@GLOBAL.rpl_semi_sync_replica_enabled").await?;
    Ok(if enabled { Acks::Yes } else { Acks::No })
}

/// Starts the applier. One that had stopped by an error is watched until it has applied what there is, or
/// failed again.
async fn revive_applier(session: &mut AgentSession, found: &Channel) -> Result<(), ReplicationError> {
    session.run("START REPLICA SQL_THREAD").await?;
    if found.applier_error.0 == 0 || wait_executed(session, &found.retrieved, APPLIER_TRIAL).await? {
        return Ok(());
    }
    match channel(session).await? {
        Some(now) if now.applier == ThreadState::Running => Ok(()),
        now => Err(ReplicationError::ApplierDown(Channel::applier_error(now.as_ref()))),
    }
}

fn change(source: &Source, login: &Login, more: &str) -> String {
    let Source { host, port } = source;
    // The chain is verified; the name is not, since it is the part's and not the host's.
    let switch = match login.tls {
        Some(_) => "SOURCE_SSL = 1",
        None => "SOURCE_SSL = 0, GET_SOURCE_PUBLIC_KEY = 1",
    };
    let TlsFiles { ca, certificate, key } = login.tls.clone().unwrap_or_default();
    format!(
        "CHANGE REPLICATION SOURCE TO {more}SOURCE_HOST = '{host}', SOURCE_PORT = {port}, \
         SOURCE_USER = '{REPLICATION_ACCOUNT}', SOURCE_PASSWORD = '{}', {switch}, \
         SOURCE_SSL_CA = '{ca}', SOURCE_SSL_CERT = '{certificate}', SOURCE_SSL_KEY = '{key}', \
         SOURCE_CONNECT_RETRY = {CONNECT_RETRY_SECONDS}, SOURCE_RETRY_COUNT = {CONNECT_RETRIES}, \
         SOURCE_HEARTBEAT_PERIOD = {SOURCE_HEARTBEAT_SECONDS}",
        login.password
    )
}

/// What `SHOW REPLICA STATUS` says.
#[derive(Debug)]
struct Channel {
    source: Source,
    tls: TlsFiles,
    receiver: ThreadState,
    applier: ThreadState,
    retrieved: String,
    receiver_error: (u32, String),
    applier_error: (u32, String),
}

async fn channel(session: &mut AgentSession) -> Result<Option<Channel>, SessionError> {
    let row = match session.optional_row::<Row>("SHOW REPLICA STATUS").await {
        // An account of an earlier version, on a mysqld that runs on: it cannot replicate either.
        Err(error) if error.code() == Some(NO_PRIVILEGE) => return Ok(None),
        row => row?,
    };
    let Some(mut found) = row.map(|row| Channel::read(&row)) else { return Ok(None) };
    if found.applier_error.0 != 0
        && let Some(cause) = worker_error(session).await?
    {
        found.applier_error = cause;
    }
    Ok(Some(found))
}

/// What stopped a worker of the applier by itself. SHOW REPLICA STATUS tells whichever worker ended last, which may be
/// one that only waited for another, and refers to this table for the rest.
async fn worker_error(session: &mut AgentSession) -> Result<Option<(u32, String)>, SessionError> {
    session
        .optional_row(&format!(
            "SELECT last_error_number, last_error_message \
             FROM performance_schema.replication_applier_status_by_worker \
             WHERE last_error_number NOT IN (0, {ANOTHER_WORKER_STOPPED}) ORDER BY last_error_timestamp LIMIT 1"
        ))
        .await
}

impl Channel {
    fn read(row: &Row) -> Self {
        let text = |name: &str| row.get_opt::<String, _>(name).and_then(Result::ok).unwrap_or_default();
        let number = |name: &str| text(name).parse().unwrap_or_default();
        let thread = |name: &str| match text(name).as_str() {
            "Yes" => ThreadState::Running,
            "Connecting" => ThreadState::Connecting,
            _ => ThreadState::Stopped,
        };
        Self {
            source: Source {
                host: text("Source_Host"),
                port: u16::try_from(number("Source_Port")).unwrap_or_default(),
            },
            tls: TlsFiles {
                ca: text("Source_SSL_CA_File"),
                certificate: text("Source_SSL_Cert"),
                key: text("Source_SSL_Key"),
            },
            receiver: thread("Replica_IO_Running"),
            applier: thread("Replica_SQL_Running"),
            retrieved: text("Retrieved_Gtid_Set").replace('\n', ""),
            receiver_error: (number("Last_IO_Errno"), text("Last_IO_Error")),
            applier_error: (number("Last_SQL_Errno"), text("Last_SQL_Error")),
        }
    }

    fn look(&self) -> ReplicationLook {
        let error = [&self.applier_error, &self.receiver_error].into_iter().find(|(code, _)| *code != 0);
        ReplicationLook {
            source: self.source.clone(),
            receiver: self.receiver,
            applier: self.applier,
            retrieved: self.retrieved.clone(),
            error: error.cloned(),
        }
    }

    fn fits(&self, source: &Source, login: &Login) -> bool {
        self.source == *source && self.tls == login.tls.clone().unwrap_or_default()
    }

    fn applier_error(found: Option<&Self>) -> String {
        found.map_or_else(|| "there is none".to_owned(), |found| found.applier_error.1.clone())
    }
}
