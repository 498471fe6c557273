//! The heartbeat: a row that a primary's agent writes under its term, twice a second.
//!
//! A write that was acknowledged proves that this mysqld can commit under the term. Replicas apply the row
//! like any other, so its age there is their lag. The writer has a task and a connection of its own: a commit
//! that waits for a replica keeps nobody but itself waiting.
//!
//! One that waits is left alone after a while, and another is written to a row beside it. That is more than
//! patience: a replica that already has a transaction when it connects may never acknowledge it, and what it
//! acknowledges later counts for all that came before. So the commits of clients, too, get out of such a wait:
//! there is always a newer write soon after a replica has joined. The rows of those that wait are locked, also
//! when an earlier agent wrote them, and are passed over; waits get longer, so that the rows last for days.

use std::time::Duration;

use proto::ids::{TabletAlias, Term};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::limits::{
    FIRST_HEARTBEAT_PATIENCE, HEARTBEAT_INTERVAL, HEARTBEAT_ROWS, STEADY_HEARTBEAT_PATIENCE,
    STEADY_HEARTBEATS,
};
use crate::session::{AgentSession, SessionError};

/// Schema of what Shoal keeps in every shard; no client statement may name it.
pub const OWN_SCHEMA: &str = "_shoal";
/// MySQL's codes for a schema and a table that are not there.
const NOT_THERE: [u16; 2] = [1049, 1146];
/// MySQL's code for a row that another transaction has locked.
const LOCKED: u16 = 3572;

/// Makes the table of the heartbeat where it lacks.
pub async fn make_table(session: &mut AgentSession) -> Result<(), SessionError> {
    let tables = format!(
        "SELECT COUNT(*) FROM information_schema.tables \
         WHERE table_schema = '{OWN_SCHEMA}' AND table_name = 'heartbeat'"
    );
    if session.row::<u64>(&tables).await? > 0 {
        return Ok(());
    }
    session.run(&format!("CREATE DATABASE IF NOT EXISTS {OWN_SCHEMA}")).await?;
    // A few rows: the newest is the shard's last heartbeat, whoever wrote it.
    let create = format!(
        "CREATE TABLE IF NOT EXISTS {OWN_SCHEMA}.heartbeat (\
         id TINYINT UNSIGNED NOT NULL PRIMARY KEY, \
         tablet VARCHAR(64) CHARACTER SET ascii NOT NULL, \
         term BIGINT UNSIGNED NOT NULL, \
         at DATETIME(6) NOT NULL)"
    );
    session.run(&create).await
}

/// A heartbeat that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// When it was written, as its writer's clock told.
    pub at: String,
    /// How long that is ago by the clocks of the two machines, in milliseconds.
    pub age_ms: u64,
}

/// The newest heartbeat here; `None`: there never was one.
pub async fn newest(session: &mut AgentSession) -> Result<Option<Beat>, SessionError> {
    let newest = format!(
        "SELECT CAST(MAX(at) AS CHAR), \
         CAST(GREATEST(0, TIMESTAMPDIFF(MICROSECOND, MAX(at), UTC_TIMESTAMP(6)) DIV 1000) AS UNSIGNED) \
         FROM {OWN_SCHEMA}.heartbeat"
    );
    match session.row::<(Option<String>, Option<u64>)>(&newest).await {
        Err(error) if error.code().is_some_and(|code| NOT_THERE.contains(&code)) => Ok(None),
        Err(error) => Err(error),
        Ok((at, age_ms)) => Ok(at.zip(age_ms).map(|(at, age_ms)| Beat { at, age_ms })),
    }
}

/// What the writer is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Orders {
    /// Write under this term; `None`: pause.
    term: Option<Term>,
    /// Which life of mysqld this is about.
    life: u64,
    /// Replicas that could acknowledge.
    replicas: u32,
}

/// The last write that mysqld acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Proof {
    term: Term,
    life: u64,
}

/// The writer of heartbeats; ends when dropped. It begins paused.
#[derive(Debug)]
pub struct Heartbeat {
    orders: watch::Sender<Orders>,
    proof: watch::Receiver<Option<Proof>>,
    task: JoinHandle<()>,
}

impl Heartbeat {
    /// Starts the task, on a session of its own, for the tablet.
    pub fn start(session: AgentSession, alias: TabletAlias) -> Self {
        let (orders, follow) = watch::channel(Orders::default());
        let (prove, proof) = watch::channel(None);
        let task = tokio::spawn(write(session, alias, follow, prove));
        Self { orders, proof, task }
    }

    /// Writes under the term from now on.
    pub fn beat_under(&self, term: Term) {
        self.order(|orders| orders.term = Some(term));
    }

    /// Begins no further write. One that waits for a replica goes on waiting, and whoever raises the fence
    /// meets it there.
    pub fn pause(&self) {
        self.order(|orders| orders.term = None);
    }

    /// Pauses and forgets all proofs: mysqld has ended, or will.
    pub fn forget(&self) {
        self.orders.send_modify(|orders| *orders = Orders { term: None, life: orders.life + 1, replicas: 0 });
    }

    /// How many replicas could acknowledge: where there are more than before, a heartbeat that has waited for
    /// long is left alone, and a newer one written.
    pub fn note_replicas(&self, replicas: u32) {
        self.order(|orders| orders.replicas = replicas);
    }

    /// The term under which this mysqld last acknowledged a write.
    pub fn proven(&self) -> Option<Term> {
        let proof = (*self.proof.borrow())?;
        (proof.life == self.orders.borrow().life).then_some(proof.term)
    }

    /// Waits until `proven` may say something new. Safe to cancel.
    pub async fn changed(&mut self) {
        if self.proof.changed().await.is_err() {
            std::future::pending().await
        }
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        self.orders.send_if_modified(|orders| {
            let before = *orders;
            change(orders);
            *orders != before
        });
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn write(
    mut session: AgentSession,
    alias: TabletAlias,
    mut follow: watch::Receiver<Orders>,
    prove: watch::Sender<Option<Proof>>,
) {
    // How many writes in a row got no answer.
    let mut unanswered: u32 = 0;
    loop {
        let orders = *follow.borrow_and_update();
        if let Some(term) = orders.term {
            session.set_deadline(patience(unanswered));
            let beaten = tokio::select! {
                beaten = beat(&mut session, unanswered, &alias, term) => beaten,
                () = joined(STEADY_HEARTBEAT_PATIENCE, follow.clone(), orders) => Err(SessionError::Silent),
            };
            match beaten {
                Ok(()) => {
                    unanswered = 0;
                    prove.send_if_modified(|proof| {
                        let new = Some(Proof { term, life: orders.life });
                        std::mem::replace(proof, new) != new
                    });
                }
                Err(error) => {
                    unanswered = unanswered.saturating_add(1);
                    tracing::info!(%error, "no heartbeat could be written");
                }
            }
        } else {
            unanswered = 0;
            session.close().await;
        }
        let pause = async {
            match orders.term {
                Some(_) => sleep(HEARTBEAT_INTERVAL).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pause => {}
            changed = follow.changed() => if changed.is_err() { return },
        }
    }
}

async fn beat(
    session: &mut AgentSession,
    unanswered: u32,
    alias: &TabletAlias,
    term: Term,
) -> Result<(), SessionError> {
    let row = free_row(session, unanswered % HEARTBEAT_ROWS).await?;
    let beat =
        format!("REPLACE INTO {OWN_SCHEMA}.heartbeat VALUES ({row}, '{alias}', {term}, UTC_TIMESTAMP(6))");
    session.run(&beat).await
}

/// The first row from this one on that no write has locked which waits; this one, if all are.
async fn free_row(session: &mut AgentSession, from: u32) -> Result<u32, SessionError> {
    for row in (0..HEARTBEAT_ROWS).map(|more| (from + more) % HEARTBEAT_ROWS) {
        let probe = format!("SELECT id FROM {OWN_SCHEMA}.heartbeat WHERE id = {row} FOR UPDATE NOWAIT");
        match session.run(&probe).await {
            Err(error) if error.code() == Some(LOCKED) => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(row),
        }
    }
    Ok(from)
}

/// Returns when a replica has joined since the orders, but not before the pause is over: one that comes and goes
/// shall not use the rows up.
async fn joined(pause: Duration, mut follow: watch::Receiver<Orders>, before: Orders) {
    sleep(pause).await;
    let more = |now: &Orders| now.life == before.life && now.replicas > before.replicas;
    if follow.wait_for(more).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// How long a write may take before another is begun beside it: longer each time, so that the rows suffice for
/// an outage of many days.
fn patience(unanswered: u32) -> Duration {
    let doubled = (FIRST_HEARTBEAT_PATIENCE * 2_u32.pow(unanswered.min(16))).min(STEADY_HEARTBEAT_PATIENCE);
    // No further than the rows go.
    let longer = unanswered.min(HEARTBEAT_ROWS).saturating_sub(STEADY_HEARTBEATS);
    (0..longer).fold(doubled, |patience, _| patience + patience / 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_last_for_weeks_and_the_first_waits_are_short() {
        let secs = |unanswered| patience(unanswered).as_secs_f64();
        assert_eq!([0, 1, 5, 6, 32].map(secs), [0.5, 1.0, 16.0, 16.0, 16.0]);
        assert_eq!(secs(33), 17.0);
        let outage: Duration = (0..HEARTBEAT_ROWS).map(patience).sum();
        assert!(outage > Duration::from_secs(14 * 24 * 3600), "{outage:?}");
        assert_eq!(patience(u32::MAX), patience(HEARTBEAT_ROWS));
    }

    #[tokio::test]
    async fn a_replica_that_joins_ends_a_long_wait() {
        let before = Orders { term: Some(Term(1)), life: 0, replicas: 1 };
        let (orders, follow) = watch::channel(before);
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(20));
        for (now, ends) in [
            (before, false),
            (Orders { replicas: 0, ..before }, false),
            (Orders { replicas: 2, ..before }, true),
            (Orders { term: None, ..before }, false),
            (Orders { replicas: 2, life: 1, ..before }, false),
        ] {
            orders.send_replace(now);
            let joined = joined(Duration::ZERO, follow.clone(), before);
            let ended = tokio::time::timeout(if ends { long } else { short }, joined).await.is_ok();
            assert_eq!(ended, ends, "{now:?}");
        }
    }
}
