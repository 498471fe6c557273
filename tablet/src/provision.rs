//! A tablet's data made anew as a copy of a donor's (MySQL's CLONE).
//!
//! ```text
//!   mark on disk ─► old source forgotten ─► CLONE: data dropped, copy fetched, mysqld ends by itself
//!        │                                     │ fails: mysqld is killed
//!        └───── mysqld is started again ◄──────┘
//!                 └─► the donor's source forgotten ─► mark removed
//! ```
//!
//! A copy that is complete has the donor's data, accounts, GTIDs and replication settings, and its own server
//! UUID. One that was interrupted is an empty server without GTIDs. Either way the replication settings that
//! mysqld starts with are not this tablet's, and to start an applier with them could apply what some other
//! source once sent. So they are forgotten at the first start after a copy, which the mark on disk tells.

use crate::replication::{self, Login, Source};
use crate::session::{AgentSession, SessionError};
use proto::account::REPLICATION_ACCOUNT;

/// MySQL's code for "copied; now somebody has to start this server again".
const RESTART_FAILED: u16 = 3707;

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

/// Replaces all data by the donor's, on a session of its own that waits for `CLONE_DEADLINE`.
///
/// Between `Supervisor::begin_copy` and, where this fails, `Supervisor::give_copy_up`. The fence must be raised,
/// and nobody may count on this replica's acknowledgements any more. When this returns well, mysqld ends by
/// itself.
pub async fn clone_from(session: &mut AgentSession, donor: &Source, login: &Login) -> Result<(), CloneError> {
    let Source { host, port } = donor;
    replication::forget_source(session).await?;
    session.run(&format!("SET GLOBAL clone_valid_donor_list = '{host}:{port}'")).await?;
    // CLONE is refused under it. read_only stays on, and offline_mode keeps everybody out.
    session.run("SET GLOBAL super_read_only = OFF").await?;
    let tls = if login.tls.is_some() { " REQUIRE SSL" } else { "" };
    let clone = format!(
        "CLONE INSTANCE FROM '{REPLICATION_ACCOUNT}'@'{host}':{port} IDENTIFIED BY '{}'{tls}",
        login.password
    );
    match session.run(&clone).await {
        Ok(()) => Ok(()),
        Err(error) if error.code() == Some(RESTART_FAILED) => Ok(()),
        // mysqld has ended, or else will not have when the agent expects it to.
        Err(SessionError::Broken(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How far a running copy is; on another session than the one that copies.
pub async fn progress(session: &mut AgentSession) -> Result<Option<Progress>, SessionError> {
    let row: Option<(String, u64, u64)> = session
        .optional_row(
            "SELECT stage, data, estimate FROM performance_schema.clone_progress \
             WHERE state = 'In Progress' ORDER BY begin_time DESC LIMIT 1",
        )
        .await?;
    Ok(row.map(|(stage, received_bytes, expected_bytes)| Progress { stage, received_bytes, expected_bytes }))
}

/// What is to be done once a mysqld that was given a copy is up.
pub(crate) async fn settle(session: &mut AgentSession) -> Result<(), SessionError> {
    replication::forget_source(session).await
}
