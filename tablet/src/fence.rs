//! The fence: mysqld itself keeps data sessions out (`offline_mode`) and writes off (`super_read_only`).
//!
//! Both are needed. XA COMMIT passes `super_read_only`, and the agent passes `offline_mode`.

use proto::account::AGENT_ACCOUNT;
use proto::ids::KeyspaceName;
use tokio::time::{Instant, sleep};

use crate::limits::{FENCE_DEADLINE, SESSIONS_DEADLINE, SESSIONS_POLL};
use crate::session::{AgentSession, LOCK_WAIT_TIMEOUT, SessionError};

/// How the fence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceState {
    /// No data session, no write.
    Raised,
    /// Open to data sessions and writes.
    Lifted,
    /// One part is up and the other is not: something was interrupted.
    Half,
}

/// What mysqld says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its fence.
    pub fence: FenceState,
    /// What it has executed.
    pub gtid_executed: String,
    /// `SELECT VERSION()`.
    pub version: String,
}

/// Why the fence does not stand as asked.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// A statement failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The statements succeeded but reading back shows something else.
    #[error("the fence is {found:?} after it was to be {wanted:?}")]
    Otherwise {
        /// What was asked for.
        wanted: FenceState,
        /// What is.
        found: FenceState,
    },
    /// Something on the server stands in the way for longer than the agent waits.
    #[error("the fence could not be raised within {FENCE_DEADLINE:?}: {0}")]
    TooSlow(SessionError),
    /// Data sessions outlive offline_mode.
    #[error("{0} data sessions did not end within {SESSIONS_DEADLINE:?}")]
    SessionsStay(u64),
}

/// Looks at mysqld.
pub async fn look(session: &mut AgentSession) -> Result<Look, SessionError> {
    let (super_read_only, read_only, offline, gtids, version): (bool, bool, bool, String, String) = session
        .row(
            "SELECT @@GLOBAL.super_read_only, @@GLOBAL.read_only, @@GLOBAL.offline_mode, \
             @@GLOBAL.gtid_executed, VERSION()",
        )
        .await?;
    let fence = match (super_read_only, read_only, offline) {
        (true, true, true) => FenceState::Raised,
        (false, false, false) => FenceState::Lifted,
        _ => FenceState::Half,
    };
    Ok(Look { fence, gtid_executed: gtids.replace('\n', ""), version })
}

/// Raises the fence: first no more data sessions, then no more writes. Safe to repeat.
///
/// The sessions that are there end soon after; `sessions_end` waits for that.
pub async fn raise(session: &mut AgentSession) -> Result<(), FenceError> {
    let deadline = Instant::now() + FENCE_DEADLINE;
    session.run("SET GLOBAL offline_mode = ON").await?;
    // This waits for running writes and table locks, which offline_mode is ending meanwhile.
    while let Err(error) = session.run("SET GLOBAL super_read_only = ON").await {
        let waiting = matches!(error, SessionError::Refused { code: LOCK_WAIT_TIMEOUT, .. });
        if !waiting {
            return Err(error.into());
        }
        if Instant::now() >= deadline {
            return Err(FenceError::TooSlow(error));
        }
    }
    expect(session, FenceState::Raised).await
}

/// Lifts the fence: first writes, so that the keyspace's schema can be made where it lacks, then data
/// sessions. Safe to repeat.
pub async fn lift(session: &mut AgentSession, keyspace: &KeyspaceName) -> Result<(), FenceError> {
    // Turning read_only off turns super_read_only off with it; the other way round read_only would stay.
    session.run("SET GLOBAL read_only = OFF").await?;
    // CREATE DATABASE IF NOT EXISTS would be logged as a transaction each time.
    let schemas =
        format!("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '{keyspace}'");
    if session.row::<u64>(&schemas).await? == 0 {
        session.run(&format!("CREATE DATABASE `{keyspace}`")).await?;
    }
    session.run("SET GLOBAL offline_mode = OFF").await?;
    expect(session, FenceState::Lifted).await
}

/// Waits until no session but the server's and the agent's is left.
pub async fn sessions_end(session: &mut AgentSession) -> Result<(), FenceError> {
    let others = format!(
        "SELECT COUNT(*) FROM performance_schema.processlist \
         WHERE user NOT IN ('{AGENT_ACCOUNT}', 'system user', 'event_scheduler')"
    );
    let deadline = Instant::now() + SESSIONS_DEADLINE;
    loop {
        match session.row::<u64>(&others).await? {
            0 => return Ok(()),
            left if Instant::now() >= deadline => return Err(FenceError::SessionsStay(left)),
            _ => sleep(SESSIONS_POLL).await,
        }
    }
}

async fn expect(session: &mut AgentSession, wanted: FenceState) -> Result<(), FenceError> {
    match look(session).await?.fence {
        found if found == wanted => Ok(()),
        found => Err(FenceError::Otherwise { wanted, found }),
    }
}
