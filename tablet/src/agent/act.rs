//! The steps of a decision, done.

use proto::program::failpoint;
use tokio::time::{Instant, timeout};

use super::Agent;
use crate::decide::{Decision, Step, Why};
use crate::fence::{self, FenceState};
use crate::limits::{APPLY_PATIENCE, FOLLOW_RETRY, PROOF_PATIENCE};
use crate::replication::{self, Acks, ReplicationError, Source, Switch};

/// An act that did not succeed, in words.
type Failure = String;

impl Agent {
    /// Tells whether to look and decide again at once.
    pub(super) async fn act(&mut self, decision: &Decision) -> bool {
        if !self.accept(decision) {
            return false;
        }
        match decision.beat {
            Some(term) => self.heartbeat.beat_under(term),
            None => self.heartbeat.pause(),
        }
        let done = match &decision.step {
            Step::Leave => Ok(false),
            Step::ReadRecord => return true,
            Step::StartMysqld => Box::pin(self.start_mysqld()).await,
            Step::Raise => {
                self.raise(&decision.why).await;
                Ok(true)
            }
            Step::Kill => {
                self.kill(&decision.why).await;
                Ok(true)
            }
            Step::LeaveSource => self.leave_source().await,
            Step::WaitForAcks => self.wait_for_acks().await,
            Step::StopWaiting => self.stop_waiting(&decision.why).await,
            Step::OpenWrites => self.open_writes().await,
            Step::Admit => self.admit(&decision.why).await,
            Step::AdmitReaders => self.admit_readers(&decision.why).await,
            Step::Follow(source, acks) => self.follow(source, *acks).await,
        };
        match done {
            Ok(go_on) => {
                self.trouble = None;
                go_on
            }
            Err(failure) => {
                // Told once, though it is tried again and again.
                if self.trouble.as_ref() != Some(&failure) {
                    tracing::warn!("{failure}");
                }
                self.trouble = Some(failure);
                false
            }
        }
    }

    /// Tells whether the step may be done.
    fn accept(&mut self, decision: &Decision) -> bool {
        let Some(accept) = decision.accept else { return true };
        match self.term.accept(accept) {
            Ok(()) => {
                tracing::info!(term = %accept.term, "accepted: {}", decision.why);
                failpoint::reach("tablet::after_term_on_disk");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the term cannot be kept, so nothing is served under it");
                // A full disk keeps a fence from being lifted, never from being raised.
                matches!(decision.step, Step::Raise | Step::Kill | Step::StopWaiting | Step::StartMysqld)
            }
        }
    }

    async fn start_mysqld(&mut self) -> Result<bool, Failure> {
        self.forget_mysqld();
        match self.supervisor.start(&self.dir, &mut self.session).await {
            Ok(()) => {
                self.provisioning = None;
                Ok(true)
            }
            Err(error) => {
                tracing::error!(%error, "mysqld does not start");
                Ok(false)
            }
        }
    }

    async fn raise(&mut self, why: &Why) {
        match fence::raise(&mut self.session).await {
            Ok(()) => tracing::info!("raised the fence: {why}"),
            Err(error) => {
                tracing::warn!(%error, "the fence could not be raised");
                self.kill(why).await;
            }
        }
    }

    async fn kill(&mut self, why: &Why) {
        tracing::warn!("killing mysqld, because it could not be fenced; {why}");
        if let Err(error) = self.supervisor.kill(&self.dir).await {
            tracing::error!(%error, "mysqld cannot be killed");
        }
        self.forget_mysqld();
    }

    async fn leave_source(&mut self) -> Result<bool, Failure> {
        let mut left = replication::detach(&mut self.session).await;
        if let Err(ReplicationError::Unapplied) = left {
            let applied = replication::apply_received(&mut self.session, APPLY_PATIENCE)
                .await
                .map_err(|error| format!("what was received could not be applied: {error}"))?;
            if !applied {
                return Err("what was received is not applied yet".to_owned());
            }
            left = replication::detach(&mut self.session).await;
        }
        left.map_err(|error| format!("the source could not be left: {error}"))?;
        tracing::info!("applied everything received, and left the source");
        Ok(true)
    }

    async fn wait_for_acks(&mut self) -> Result<bool, Failure> {
        replication::set_source_semi_sync(&mut self.session, Switch::On)
            .await
            .map_err(|error| format!("commits could not be made to wait for replicas: {error}"))?;
        Ok(true)
    }

    /// Ending the wait acknowledges the commits that wait, so their clients must be gone before.
    async fn stop_waiting(&mut self, why: &Why) -> Result<bool, Failure> {
        if let Err(error) = fence::sessions_end(&mut self.session).await {
            tracing::warn!(%error, "data sessions outlive the fence");
            self.kill(why).await;
            return Ok(true);
        }
        replication::set_source_semi_sync(&mut self.session, Switch::Off)
            .await
            .map_err(|error| format!("commits could not be freed from waiting for replicas: {error}"))?;
        Ok(true)
    }

    /// Goes on at once only when this opened them: then the heartbeat, which begins here, may have proven it.
    async fn open_writes(&mut self) -> Result<bool, Failure> {
        let opened = self.fence != Some(FenceState::Proving);
        fence::open_writes(&mut self.session, &self.shard.keyspace)
            .await
            .map_err(|error| format!("writes could not be opened: {error}"))?;
        if opened {
            let term = self.term.accepted().term;
            self.heartbeat.beat_under(term);
            let proven = async {
                while self.heartbeat.proven() != Some(term) {
                    self.heartbeat.changed().await;
                }
            };
            // One that takes longer is waited for beside the loop.
            let _ = timeout(PROOF_PATIENCE, proven).await;
        }
        Ok(opened)
    }

    async fn admit(&mut self, why: &Why) -> Result<bool, Failure> {
        failpoint::reach("tablet::before_admit");
        fence::admit(&mut self.session)
            .await
            .map_err(|error| format!("data sessions could not be let in: {error}"))?;
        tracing::info!("lifted the fence: {why}");
        Ok(true)
    }

    async fn admit_readers(&mut self, why: &Why) -> Result<bool, Failure> {
        fence::admit_readers(&mut self.session)
            .await
            .map_err(|error| format!("readers could not be let in: {error}"))?;
        tracing::info!("admitted readers: {why}");
        Ok(true)
    }

    async fn follow(&mut self, source: &Source, acks: Acks) -> Result<bool, Failure> {
        self.follow_after = Instant::now() + FOLLOW_RETRY;
        replication::follow(&mut self.session, source, acks, &self.login)
            .await
            .map_err(|error| format!("cannot follow {}:{}: {error}", source.host, source.port))?;
        tracing::info!(host = source.host, port = source.port, ?acks, "following");
        Ok(true)
    }
}
