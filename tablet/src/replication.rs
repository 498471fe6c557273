//! Following a source, and letting commits wait for replicas.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proto::account::{REPLICATION_ACCOUNT, Secret};

use crate::session::{AgentSession, SessionError};

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
    /// The certificate authority of every mysqld; `None`: connections are plain.
    pub ca: Option<PathBuf>,
}

impl Login {
    /// The login of the cluster's replication account; `tls`: the directory with `ca.pem`.
    pub fn new(secret: &Secret, tls: Option<&Path>) -> Self {
        Self { password: secret.password(REPLICATION_ACCOUNT), ca: tls.map(|dir| dir.join("ca.pem")) }
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
    let _ = session;
    Ok(None)
}

/// How semi-sync is set up and doing, and how many statements run.
pub async fn look_semi_sync(session: &mut AgentSession) -> Result<(SemiSyncLook, u32), SessionError> {
    let _ = session;
    Ok((SemiSyncLook::default(), 0))
}

/// Follows the source, from wherever this mysqld is now. Safe to repeat; does nothing where all is so.
pub async fn follow(
    session: &mut AgentSession,
    source: &Source,
    acks: Acks,
    login: &Login,
) -> Result<(), ReplicationError> {
    let _ = (session, source, acks, login);
    Ok(())
}

/// Acknowledges nothing from the return of this on; the receiver goes on.
pub async fn stop_acking(session: &mut AgentSession) -> Result<(), SessionError> {
    session.run("SET GLOBAL rpl_semi_sync_replica_enabled = OFF").await
}

/// Receives no more, and waits until everything that was received is applied. Tells whether it is.
pub async fn apply_received(session: &mut AgentSession, patience: Duration) -> Result<bool, SessionError> {
    let _ = (session, patience);
    Ok(true)
}

/// Ends replication and forgets the source; refused where something received is not applied.
pub async fn detach(session: &mut AgentSession) -> Result<(), ReplicationError> {
    let _ = session;
    Ok(())
}

/// Waits until the set is executed here. Tells whether it is.
pub async fn wait_executed(
    session: &mut AgentSession,
    gtid_set: &str,
    patience: Duration,
) -> Result<bool, SessionError> {
    let _ = (session, gtid_set, patience);
    Ok(true)
}

/// Lets commits wait for a replica, or no longer.
///
/// Off acknowledges commits that wait: only after data sessions are gone.
pub async fn set_source_semi_sync(session: &mut AgentSession, switch: Switch) -> Result<(), SessionError> {
    let _ = (session, switch);
    Ok(())
}
