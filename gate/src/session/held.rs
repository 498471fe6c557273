//! What becomes of a statement that its shard has not executed, because the shard changes its primary.

use proto::errors::ClientError;
use proto::wire::connection::Connection;
use topo::snapshot::Shard;

use super::{Session, SessionEnd};
use crate::backend::Unreached;
use crate::hold::end::HoldEnd;
use crate::hold::{Patience, Verdict};
use crate::limits::MAX_READ_AHEAD_BYTES;
use crate::plan::Rewrite;

/// How an attempt with a statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The client has its answer.
    Answered,
    /// Nothing was executed: plan it again, by the newest snapshot.
    Again,
    /// Nothing was executed: it is planned in other words.
    Rewrite(Rewrite),
}

impl Session {
    /// Waits until a held shard is released, or tells the client why not.
    pub(super) async fn hold(&mut self, shard: &Shard, patience: &mut Patience) -> Result<Next, SessionEnd> {
        let end = self.until_released(shard, patience).await?;
        match end.error(&shard.shard) {
            None => Ok(Next::Again),
            Some(error) => self.answer_error(&error).await.map(|()| Next::Answered),
        }
    }

    /// Waits until a held shard is released.
    pub(super) async fn until_released(
        &mut self,
        shard: &Shard,
        patience: &mut Patience,
    ) -> Result<HoldEnd, SessionEnd> {
        let worker = self.worker.clone();
        let held = worker.shared.holding.until_released(shard, patience, left(&mut self.client));
        let end = tokio::select! {
            end = held => end,
            () = self.presence.ending().interrupted() => HoldEnd::Interrupted,
        };
        match end {
            HoldEnd::Left => Err(SessionEnd::Left),
            end => Ok(end),
        }
    }

    /// No connection to the shard: nothing was executed.
    pub(super) async fn unreached(
        &mut self,
        shard: &Shard,
        unreached: Unreached,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        match self.give_up(shard, unreached, patience).await? {
            None => Ok(Next::Again),
            Some(error) => self.answer_error(&error).await.map(|()| Next::Answered),
        }
    }

    /// What the client is told where there is no connection to the shard; `None`: try again.
    pub(super) async fn give_up(
        &mut self,
        shard: &Shard,
        unreached: Unreached,
        patience: &mut Patience,
    ) -> Result<Option<ClientError>, SessionEnd> {
        let worker = self.worker.clone();
        let holding = &worker.shared.holding;
        let verdict = match unreached {
            Unreached::Fenced => holding.after_refusal(shard, patience, left(&mut self.client)).await,
            _ => holding.after_failure(shard, patience),
        };
        match verdict {
            Verdict::Again => Ok(None),
            Verdict::Left => Err(SessionEnd::Left),
            Verdict::Final => Ok(Some(unreached.give_up(&shard.shard))),
        }
    }

    /// The server refused the statement before it executed anything, by this error packet.
    pub(super) async fn refused(
        &mut self,
        shard: &Shard,
        packet: &[u8],
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        if self.again_after_refusal(shard, patience).await? {
            return Ok(Next::Again);
        }
        self.answer_packet(packet).await.map(|()| Next::Answered)
    }

    /// Whether a statement that the server refused before it executed anything is to be tried again.
    pub(super) async fn again_after_refusal(
        &mut self,
        shard: &Shard,
        patience: &mut Patience,
    ) -> Result<bool, SessionEnd> {
        let worker = self.worker.clone();
        match worker.shared.holding.after_refusal(shard, patience, left(&mut self.client)).await {
            Verdict::Again => Ok(true),
            Verdict::Left => Err(SessionEnd::Left),
            Verdict::Final => Ok(false),
        }
    }
}

/// Ends when the client has closed its connection. What it sends meanwhile stays in its buffer; a client that
/// sends very much ahead is no longer watched.
async fn left(client: &mut Connection) {
    let enough = client.buffered().len() + MAX_READ_AHEAD_BYTES;
    while client.buffered().len() < enough {
        if !matches!(client.fill().await, Ok(1..)) {
            return;
        }
    }
    std::future::pending().await
}
