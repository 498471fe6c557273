//! The fence: mysqld itself keeps data sessions out (`offline_mode`) and writes off (`super_read_only`).
//!
//! Both are needed. XA COMMIT passes `super_read_only`, and the agent and replicas pass `offline_mode`.
//!
//! ```text
//!            open_writes          admit
//!   Raised ─────────────► Proving ─────► Lifted          raise: from anywhere, data sessions out first
//!    │ ▲ ▲                   ▲             │             demote: from Lifted, writes off first, so that
//!    │ │ └─── raise, demote ─┴── reopen ◄──┘                     nothing is cut off in the midst
//!    │ └── raise, turn_readers_out ──┐
//!    └──────── admit_readers ────► Reading               a replica's: between it and the states of a
//! ```                                                    primary there is always Raised
//!
//! No data session lives in two of a primary's life, a replica's life and another primary's life: all are gone
//! before readers are let in, and the fence goes up before a reader's mysqld takes writes. So whoever has found
//! out once on which side a session is knows it for as long as the session lasts.

use proto::account::{AGENT_ACCOUNT, REPLICATION_ACCOUNT};
use proto::ids::KeyspaceName;
use tokio::time::{Instant, sleep};

use crate::heartbeat;
use crate::limits::{DRAIN_DEADLINE, FENCE_DEADLINE, SESSIONS_DEADLINE, SESSIONS_POLL};
use crate::session::{AgentSession, LOCK_WAIT_TIMEOUT, SessionError};

/// MySQL's code for a session that is not there any more.
const NO_SUCH_THREAD: u16 = 1094;

/// How the fence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceState {
    /// No data session, no write.
    Raised,
    /// No data session, but the agent may write.
    Proving,
    /// Open to data sessions and writes.
    Lifted,
    /// Open to data sessions, but not to writes: a replica that is read, or a demotion that was interrupted.
    Reading,
    /// Anything else: something was interrupted.
    Half,
}

/// What a fence is made of, as `FenceState::of` takes it.
pub const FENCE_VARIABLES: &str = "@@GLOBAL.super_read_only, @@GLOBAL.read_only, @@GLOBAL.offline_mode";

impl FenceState {
    /// The state by the values of `FENCE_VARIABLES`.
    pub fn of(values: (bool, bool, bool)) -> Self {
        match values {
            (true, true, true) => Self::Raised,
            (false, false, true) => Self::Proving,
            (false, false, false) => Self::Lifted,
            (true, true, false) => Self::Reading,
            _ => Self::Half,
        }
    }
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

/// Why a primary was not demoted in good order.
#[derive(Debug, thiserror::Error)]
pub enum DemoteError {
    /// A commit that waits for a replica, a long statement or a table lock keeps writes from being turned off.
    #[error("a commit that waits for a replica, a long statement or a table lock stands in the way: {0}")]
    WritesStay(SessionError),
    /// Something else failed.
    #[error(transparent)]
    Fence(#[from] FenceError),
}

impl From<SessionError> for DemoteError {
    fn from(error: SessionError) -> Self {
        Self::Fence(error.into())
    }
}

/// How the fence stands now.
pub async fn state(session: &mut AgentSession) -> Result<FenceState, SessionError> {
    let values = session.row(&format!("SELECT {FENCE_VARIABLES}")).await?;
    Ok(FenceState::of(values))
}

/// Raises the fence: first no more data sessions, then no more writes. Safe to repeat.
///
/// The sessions that are there end soon after; `sessions_end` waits for that.
pub async fn raise(session: &mut AgentSession) -> Result<(), FenceError> {
    let deadline = Instant::now() + FENCE_DEADLINE;
    session.run("SET GLOBAL offline_mode = ON").await?;
    // This waits for running writes and table locks, which offline_mode is ending meanwhile.
    while let Err(error) = session.run("SET GLOBAL super_read_only = ON").await {
        if error.code() != Some(LOCK_WAIT_TIMEOUT) {
            return Err(error.into());
        }
        if Instant::now() >= deadline {
            return Err(FenceError::TooSlow(error));
        }
    }
    expect(session, FenceState::Raised).await
}

/// Raises the fence of a serving primary such that no write is cut off, nor a read that takes less than
/// `DRAIN_DEADLINE`: first writes end (what comes after is refused before it runs, so it may be sent again
/// elsewhere), then, once the statements in progress are done, data sessions. When this fails, `reopen` lets
/// the primary serve on.
pub async fn demote(session: &mut AgentSession) -> Result<(), DemoteError> {
    if let Err(error) = session.run("SET GLOBAL super_read_only = ON").await {
        return Err(match error.code() {
            Some(LOCK_WAIT_TIMEOUT) => DemoteError::WritesStay(error),
            _ => error.into(),
        });
    }
    statements_end(session).await?;
    session.run("SET GLOBAL offline_mode = ON").await?;
    sessions_end(session).await?;
    Ok(expect(session, FenceState::Raised).await?)
}

/// Lets a primary serve on whose demotion failed half-way. Safe to repeat.
pub async fn reopen(session: &mut AgentSession) -> Result<(), FenceError> {
    // Turning read_only off turns super_read_only off with it; the other way round read_only would stay.
    session.run("SET GLOBAL read_only = OFF").await?;
    admit(session).await
}

/// Lets the agent, and nobody else, write, and makes the schemas that lack. Safe to repeat.
pub async fn open_writes(session: &mut AgentSession, keyspace: &KeyspaceName) -> Result<(), FenceError> {
    session.run("SET GLOBAL read_only = OFF").await?;
    // CREATE DATABASE IF NOT EXISTS would be logged as a transaction each time.
    let schemas =
        format!("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '{keyspace}'");
    if session.row::<u64>(&schemas).await? == 0 {
        session.run(&format!("CREATE DATABASE `{keyspace}`")).await?;
    }
    heartbeat::make_table(session).await?;
    Ok(())
}

/// Lets data sessions in, where writes are open. Safe to repeat.
pub async fn admit(session: &mut AgentSession) -> Result<(), FenceError> {
    session.run("SET GLOBAL offline_mode = OFF").await?;
    expect(session, FenceState::Lifted).await
}

/// Lets data sessions in that read, where the fence is raised, once all that were there before are gone.
pub async fn admit_readers(session: &mut AgentSession) -> Result<(), FenceError> {
    sessions_end(session).await?;
    session.run("SET GLOBAL offline_mode = OFF").await?;
    expect(session, FenceState::Reading).await
}

/// Raises the fence of a replica that is read, and waits until its readers are gone. Safe to repeat.
pub async fn turn_readers_out(session: &mut AgentSession) -> Result<(), FenceError> {
    shut_out(session).await?;
    expect(session, FenceState::Raised).await
}

/// Lets no data session in, and waits until those that were there are gone. Safe to repeat.
pub async fn shut_out(session: &mut AgentSession) -> Result<(), FenceError> {
    session.run("SET GLOBAL offline_mode = ON").await?;
    sessions_end(session).await
}

/// Waits until no session but the server's, the agent's and the replicas' is left.
pub async fn sessions_end(session: &mut AgentSession) -> Result<(), FenceError> {
    let deadline = Instant::now() + SESSIONS_DEADLINE;
    loop {
        match data_sessions(session, "TRUE").await? {
            0 => return Ok(()),
            left if Instant::now() >= deadline => return Err(FenceError::SessionsStay(left)),
            _ => sleep(SESSIONS_POLL).await,
        }
    }
}

/// Ends the sessions of replicas, which come back after a second. For a mysqld that is about to shut down: it
/// lets its replicas go only after it waited eight seconds for all else to end.
pub async fn send_replicas_away(session: &mut AgentSession) -> Result<(), SessionError> {
    let replicas =
        format!("SELECT id FROM performance_schema.processlist WHERE user = '{REPLICATION_ACCOUNT}'");
    for id in session.rows::<u64>(&replicas).await? {
        match session.run(&format!("KILL {id}")).await {
            Err(error) if error.code() != Some(NO_SUCH_THREAD) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Waits, not for long, until no data session runs a statement.
async fn statements_end(session: &mut AgentSession) -> Result<(), FenceError> {
    let deadline = Instant::now() + DRAIN_DEADLINE;
    while data_sessions(session, "command <> 'Sleep'").await? > 0 && Instant::now() < deadline {
        sleep(SESSIONS_POLL).await;
    }
    Ok(())
}

async fn data_sessions(session: &mut AgentSession, which: &str) -> Result<u64, SessionError> {
    let count = format!(
        "SELECT COUNT(*) FROM performance_schema.processlist WHERE {which} AND user NOT IN \
         ('{AGENT_ACCOUNT}', '{REPLICATION_ACCOUNT}', 'system user', 'event_scheduler')"
    );
    session.row(&count).await
}

async fn expect(session: &mut AgentSession, wanted: FenceState) -> Result<(), FenceError> {
    match state(session).await? {
        found if found == wanted => Ok(()),
        found => Err(FenceError::Otherwise { wanted, found }),
    }
}
