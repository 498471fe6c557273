//! Statements that wait while a shard changes its primary.
//!
//! ```text
//!   statement ──► shard held? ── yes ──► wait for the topology ──► plan again by what it says then
//!                     │ no                        │ too long, too many, client gone, gate stops: told so
//!                     ▼                           ▲
//!                    shard ── refused, unreached ─┘ if the topology has moved, or moves at once
//! ```
//!
//! Every statement has one `Patience` for all its waits. Only what was certainly not executed comes here: a
//! statement that was not sent, and one that the server refused before it executed anything.

pub mod decide;
pub mod end;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use proto::ids::ShardRef;
use proto::program::metrics::Raised;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use topo::snapshot::{Shard, Snapshot, SnapshotFeed};
use topo::store::Revision;

use crate::limits::{HOLD_TIMEOUT, MAX_HELD_STATEMENTS, MAX_HOLD, MAX_REPEATS, REFUSAL_PATIENCE};
use crate::measures::HoldMeasures;
use decide::{Standing, standing};
use end::HoldEnd;

/// How many statements wait, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Statements that wait at once.
    pub places: usize,
    /// How long one of them waits in all.
    pub timeout: Duration,
    /// How long the topology may take to say why a shard refuses a statement.
    pub refusal_patience: Duration,
    /// How long one announcement of a change of primary holds a shard.
    pub hold: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            places: MAX_HELD_STATEMENTS,
            timeout: HOLD_TIMEOUT,
            refusal_patience: REFUSAL_PATIENCE,
            hold: MAX_HOLD,
        }
    }
}

/// How often and how long one statement may still wait.
#[derive(Debug, Default)]
pub struct Patience {
    /// Until when it waits in all; set by its first wait.
    deadline: Option<Instant>,
    repeats: u32,
}

impl Patience {
    /// One more attempt with a shard that has not executed the statement, if it may have one.
    fn repeat(&mut self) -> bool {
        self.repeats += 1;
        self.repeats <= MAX_REPEATS
    }
}

/// Whether a statement that a shard did not execute may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The topology has moved or is moving: plan again.
    Again,
    /// It has not: the failure is the answer.
    Final,
    /// The client is gone.
    Left,
}

/// The waiting statements of a gate.
pub struct Holding {
    feed: SnapshotFeed,
    draining: CancellationToken,
    bounds: Bounds,
    places: Semaphore,
    /// When each held shard was first seen so, and by which announcement. No more than there are shards.
    held_since: Mutex<HashMap<ShardRef, (Revision, Instant)>>,
    measures: HoldMeasures,
}

impl Holding {
    /// Nobody waits yet. Statements wait for what the feed says, until `draining`.
    pub fn new(feed: SnapshotFeed, draining: CancellationToken, bounds: Bounds) -> Self {
        let measures = HoldMeasures::default();
        let places = Semaphore::new(bounds.places);
        Self { feed, draining, places, held_since: Mutex::default(), bounds, measures }
    }

    /// Whether statements for the shard wait. An announcement that nobody brings to an end holds it for a while
    /// only: to send statements is always safe, since the fence is in mysqld.
    pub fn is_held(&self, shard: &Shard) -> bool {
        self.held_until(shard).is_some_and(|until| Instant::now() < until)
    }

    fn held_until(&self, shard: &Shard) -> Option<Instant> {
        let announced = shard.held?;
        let now = Instant::now();
        // Nothing that could panic happens under this lock.
        let mut held_since = self.held_since.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match held_since.get(&shard.shard) {
            Some((revision, since)) if *revision == announced => *since,
            _ => {
                held_since.insert(shard.shard.clone(), (announced, now));
                now
            }
        };
        Some(since + self.bounds.hold)
    }

    fn standing(&self, now: &Snapshot, used: &Shard) -> Standing {
        standing(now, used, |shard| self.is_held(shard))
    }

    /// Statements that wait now.
    pub fn waiting(&self) -> usize {
        self.bounds.places - self.places.available_permits()
    }

    /// Waits until the shard is held no more. `left` ends when the client is gone.
    pub async fn until_released(
        &self,
        shard: &Shard,
        patience: &mut Patience,
        left: impl Future<Output = ()>,
    ) -> HoldEnd {
        let Some(_place) = self.place() else { return HoldEnd::NoPlace };
        let deadline = self.deadline(patience);
        let held = self.wait(deadline, left, |now| self.standing(now, shard) != Standing::Held);
        match self.held_until(shard) {
            Some(until) => timeout_at(until, held).await.unwrap_or(HoldEnd::Released),
            None => HoldEnd::Released,
        }
    }

    /// Whether to try again after the server refused the statement without executing it: waits until the
    /// topology says that the primary changes or has changed since the statement was sent by `used`.
    pub async fn after_refusal(
        &self,
        used: &Shard,
        patience: &mut Patience,
        left: impl Future<Output = ()>,
    ) -> Verdict {
        let Some(_place) = self.place() else { return Verdict::Final };
        if !patience.repeat() {
            return Verdict::Final;
        }
        let deadline = self.deadline(patience).min(Instant::now() + self.bounds.refusal_patience);
        match self.wait(deadline, left, |now| self.standing(now, used) != Standing::Same).await {
            HoldEnd::Released => Verdict::Again,
            HoldEnd::Left => Verdict::Left,
            HoldEnd::TimedOut | HoldEnd::NoPlace | HoldEnd::Interrupted | HoldEnd::Draining => Verdict::Final,
        }
    }

    /// Whether to try again after the shard could not be reached and nothing was sent: only if the topology
    /// says already that its primary changes or has changed.
    pub fn after_failure(&self, used: &Shard, patience: &mut Patience) -> Verdict {
        let moved = self.standing(&self.feed.load(), used) != Standing::Same;
        if moved && patience.repeat() { Verdict::Again } else { Verdict::Final }
    }

    fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.try_acquire().ok()
    }

    fn deadline(&self, patience: &mut Patience) -> Instant {
        *patience.deadline.get_or_insert_with(|| Instant::now() + self.bounds.timeout)
    }

    async fn wait(
        &self,
        deadline: Instant,
        left: impl Future<Output = ()>,
        released: impl Fn(&Snapshot) -> bool,
    ) -> HoldEnd {
        let begun = Instant::now();
        let _held = Raised::new(&self.measures.held);
        let mut news = self.feed.subscribe();
        let release = async {
            loop {
                // Marked as seen first: a revision that comes after this look wakes the wait below.
                news.borrow_and_update();
                if released(&self.feed.load()) {
                    return;
                }
                if news.changed().await.is_err() {
                    // Nobody follows the topology any more; the other ends remain.
                    std::future::pending::<()>().await;
                }
            }
        };
        let end = tokio::select! {
            biased;
            () = release => HoldEnd::Released,
            () = left => HoldEnd::Left,
            () = self.draining.cancelled() => HoldEnd::Draining,
            () = sleep_until(deadline) => HoldEnd::TimedOut,
        };
        if let Some(times) = self.measures.waited(end) {
            times.record(begun.elapsed());
        }
        end
    }
}
