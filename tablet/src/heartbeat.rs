//! The heartbeat: a row that a primary's agent writes under its term, twice a second.
//!
//! A write that was acknowledged proves that this mysqld can commit under the term. Replicas apply the row
//! like any other, so its age there is their lag. The writer has a task and a connection of its own: a commit
//! that waits for a replica keeps nobody but itself waiting.
//!
//! One that waits is left alone after a while, and another is written to a row beside it. That is more than
//! patience: a replica that already has a transaction when it connects may never acknowledge it, and what it
//! acknowledges later counts for all that came before. So the commits of clients, too, get out of such a wait.

use std::time::Duration;

use proto::ids::{TabletAlias, Term};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::limits::{FIRST_HEARTBEAT_PATIENCE, HEARTBEAT_INTERVAL, HEARTBEAT_ROWS, MAX_HEARTBEAT_PATIENCE};
use crate::session::{AgentSession, SessionError};

/// Schema of what Shoal keeps in every shard; no client statement may name it.
pub const OWN_SCHEMA: &str = "_shoal";
/// MySQL's codes for a schema and a table that are not there.
const NOT_THERE: [u16; 2] = [1049, 1146];

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

/// Age of the newest heartbeat here, in milliseconds by the clocks of the two machines; `None`: there never
/// was one.
pub async fn lag_ms(session: &mut AgentSession) -> Result<Option<u64>, SessionError> {
    let age = format!(
        "SELECT CAST(GREATEST(0, TIMESTAMPDIFF(MICROSECOND, MAX(at), UTC_TIMESTAMP(6)) DIV 1000) AS UNSIGNED) \
         FROM {OWN_SCHEMA}.heartbeat"
    );
    match session.row::<Option<u64>>(&age).await {
        Err(error) if error.code().is_some_and(|code| NOT_THERE.contains(&code)) => Ok(None),
        answer => answer,
    }
}

/// What the writer is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Orders {
    /// Write under this term; `None`: pause.
    term: Option<Term>,
    /// Which life of mysqld this is about.
    life: u64,
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
        self.orders.send_modify(|orders| *orders = Orders { term: None, life: orders.life + 1 });
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
            // The row of a write that waits is locked.
            let row = unanswered % HEARTBEAT_ROWS;
            let beat = format!(
                "REPLACE INTO {OWN_SCHEMA}.heartbeat VALUES ({row}, '{alias}', {term}, UTC_TIMESTAMP(6))"
            );
            session.set_deadline(patience(unanswered));
            match session.run(&beat).await {
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

/// How long a write may take before another is begun beside it: longer each time, so that the rows suffice for
/// an outage of several minutes.
fn patience(unanswered: u32) -> Duration {
    (FIRST_HEARTBEAT_PATIENCE * 2_u32.pow(unanswered.min(16))).min(MAX_HEARTBEAT_PATIENCE)
}
