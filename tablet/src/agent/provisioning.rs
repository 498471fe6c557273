//! A copy of a donor's data that is under way.
//!
//! ```text
//!   Copying ──► Copied (mysqld ends by itself) ──► Ended ──► started again: over
//!      └─ failed: over                                ▲
//!      └─ mysqld ended before it answered ────────────┘
//! ```

use std::{fmt, io};

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::Agent;
use crate::limits::{CLONE_DEADLINE, CLONE_END_DEADLINE};
use crate::provision::{self, CloneError, Progress};
use crate::replication::Source;

/// What became of a copy.
pub(super) enum Copied {
    /// It is complete; mysqld ends now.
    Whole,
    /// There is none.
    Failed(CloneError),
    /// It is complete, but mysqld does not end.
    NeverEnding,
}

/// A copy that is under way.
pub(super) struct Provisioning {
    donor: Source,
    progress: Option<Progress>,
    stage: Stage,
}

enum Stage {
    Copying(JoinHandle<Result<(), CloneError>>),
    /// mysqld is to end until then.
    Copied(Instant),
    Ended,
}

impl Provisioning {
    /// mysqld has ended, as it does after a copy.
    pub(super) fn note_end(&mut self) {
        self.end_task();
        self.stage = Stage::Ended;
    }

    fn end_task(&self) {
        if let Stage::Copying(task) = &self.stage {
            task.abort();
        }
    }
}

impl Drop for Provisioning {
    fn drop(&mut self) {
        self.end_task();
    }
}

impl fmt::Display for Provisioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { host, port } = &self.donor;
        write!(f, "its data is being replaced by that of {host}:{port}")?;
        match (&self.stage, &self.progress) {
            (Stage::Copying(_), Some(Progress { stage, received_bytes, expected_bytes })) => {
                write!(f, " ({stage}: {received_bytes} of {expected_bytes} bytes)")
            }
            (Stage::Copying(_), None) => Ok(()),
            (Stage::Copied(_), _) => f.write_str(" (complete; mysqld ends)"),
            (Stage::Ended, _) => f.write_str(" (complete; mysqld starts)"),
        }
    }
}

/// Waits until a copy is done, or for ever when none is under way. Safe to cancel.
pub(super) async fn copied(provisioning: &mut Option<Provisioning>) -> Copied {
    match provisioning.as_mut().map(|provisioning| &mut provisioning.stage) {
        Some(Stage::Copying(task)) => match task.await {
            Ok(Ok(())) => Copied::Whole,
            Ok(Err(error)) => Copied::Failed(error),
            // Whoever aborts it takes it away as well.
            Err(_) => std::future::pending().await,
        },
        Some(Stage::Copied(deadline)) => {
            sleep_until(*deadline).await;
            Copied::NeverEnding
        }
        Some(Stage::Ended) | None => std::future::pending().await,
    }
}

impl Agent {
    /// Begins to replace all data by the donor's, unless that cannot be noted on disk.
    pub(super) fn begin_copy(&mut self, donor: Source) -> io::Result<()> {
        self.supervisor.begin_copy()?;
        let (source, login) = (donor.clone(), self.login.clone());
        let mut session = self.another_session().with_deadline(CLONE_DEADLINE);
        let task = tokio::spawn(async move { provision::clone_from(&mut session, &source, &login).await });
        tracing::info!(host = donor.host, port = donor.port, "replacing all data by the donor's");
        self.heartbeat.forget();
        self.trouble = None;
        self.provisioning = Some(Provisioning { donor, progress: None, stage: Stage::Copying(task) });
        Ok(())
    }

    pub(super) async fn note_progress(&mut self) {
        let Some(provisioning) = &mut self.provisioning else { return };
        // A mysqld that ends waits for sessions.
        if !matches!(provisioning.stage, Stage::Copying(_)) {
            return;
        }
        if let Ok(Some(progress)) = provision::progress(&mut self.session).await {
            provisioning.progress = Some(progress);
        }
    }

    pub(super) fn note_copy(&mut self, copied: Copied) {
        match copied {
            Copied::Whole => {
                tracing::info!("the copy is complete; mysqld ends and is started again");
                self.session.reset();
                if let Some(provisioning) = &mut self.provisioning {
                    provisioning.stage = Stage::Copied(Instant::now() + CLONE_END_DEADLINE);
                }
            }
            Copied::Failed(error) => {
                let failure = format!("the donor's data could not be copied: {error}");
                tracing::warn!("{failure}");
                self.trouble = Some(failure);
                self.give_copy_up();
                self.provisioning = None;
            }
            Copied::NeverEnding => {
                tracing::warn!("mysqld does not end after a copy");
                self.give_copy_up();
                self.provisioning = None;
            }
        }
    }

    /// Only started again is mysqld in order after a copy that failed.
    fn give_copy_up(&mut self) {
        if let Err(error) = self.supervisor.give_copy_up() {
            tracing::error!(%error, "mysqld cannot be killed");
        }
    }
}
