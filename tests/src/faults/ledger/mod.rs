//! Many writers through the gates that keep a ledger of what they were told.
//!
//! A writer has a connection of its own and one write under way at a time. Each write has an id and a value that
//! no other has. Every so many writes it overwrites its row of `registers`, so that an old write that is executed
//! late shows; all others insert a row into `ledger`, which has no key that would keep a repeated write out.

mod history;
mod truth;
mod verdict;
mod writer;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

pub use history::{Deed, Fate, History, Period, Write, WriteId};
pub use truth::{TabletPlace, Watch, read_truth};
pub use verdict::{Content, Finding, Part, Row, Verdict, judge};
pub use writer::{classify, connect, statement};

use crate::differential::session::Address;
use crate::process::wait_for;

/// The tables; both are sharded by their first column.
pub const TABLES: [&str; 2] = ["ledger", "registers"];
/// The columns that they are sharded by.
pub const SHARDING_COLUMNS: [&str; 2] = ["id", "writer"];

/// How the tables are made. `ledger` has no key of its own: MySQL adds an invisible counter, by which the rows
/// stand in the order in which they were made.
const CREATE: [&str; 2] = [
    "CREATE TABLE ledger (id BIGINT UNSIGNED NOT NULL, writer INT UNSIGNED NOT NULL, number INT UNSIGNED NOT NULL, \
     value VARCHAR(64) NOT NULL)",
    "CREATE TABLE registers (writer BIGINT UNSIGNED NOT NULL PRIMARY KEY, number INT UNSIGNED NOT NULL, \
     value VARCHAR(64) NOT NULL)",
];
/// Acknowledgements of each writer that show that it writes again, on whichever shard.
const SIGNS_OF_LIFE: u64 = 12;
/// How long the last writes may take.
const STOP_DEADLINE: Duration = Duration::from_secs(40);

/// How the writers write.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many there are.
    pub writers: u32,
    /// Pause between an answer and the next write.
    pub pause: Duration,
    /// Longest wait for an answer; then the write's fate is unknown and the connection is given up.
    pub patience: Duration,
}

impl Default for Load {
    fn default() -> Self {
        Self { writers: 8, pause: Duration::from_millis(5), patience: Duration::from_secs(30) }
    }
}

/// Makes the tables and a register for each writer.
pub async fn prepare(gate: &Address, writers: u32) -> Result<()> {
    let mut conn = connect(gate).await?;
    for statement in CREATE {
        conn.query_drop(statement).await.context(statement)?;
    }
    for writer in 1..=writers {
        let insert = format!("INSERT INTO registers (writer, number, value) VALUES ({writer}, 0, '')");
        conn.query_drop(&insert).await.context(insert)?;
    }
    Ok(conn.disconnect().await?)
}

/// What writers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Write,
    /// Finish the write that is under way, and wait.
    Rest,
    End,
}

/// Writers at work.
pub struct Ledger {
    runtime: Runtime,
    writers: TaskTracker,
    orders: watch::Sender<Order>,
    shared: Arc<Shared>,
    count: u32,
}

/// What the writers write down.
pub(crate) struct Shared {
    pub(crate) gates: Vec<Address>,
    pub(crate) load: Load,
    pub(crate) history: Mutex<History>,
    /// Writers that rest.
    pub(crate) resting: AtomicU32,
    /// Acknowledged writes of each writer.
    pub(crate) acknowledged: Vec<AtomicU64>,
}

impl Ledger {
    /// Makes the tables and sets the writers to work; each goes round the gates when it loses its connection.
    pub fn start(gates: &[Address], load: Load) -> Result<Self> {
        let first = gates.first().context("no gate")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(prepare(first, load.writers))?;
        let shared = Arc::new(Shared {
            gates: gates.to_vec(),
            load,
            history: Mutex::default(),
            resting: AtomicU32::new(0),
            acknowledged: (0..load.writers).map(|_| AtomicU64::new(0)).collect(),
        });
        let (writers, (orders, follow)) = (TaskTracker::new(), watch::channel(Order::Write));
        for index in 1..=load.writers {
            writers.spawn_on(writer::run(index, shared.clone(), follow.clone()), runtime.handle());
        }
        writers.close();
        let ledger = Self { runtime, writers, orders, shared, count: load.writers };
        ledger.wait_for_life(STOP_DEADLINE)?;
        Ok(ledger)
    }

    /// Acknowledged writes so far.
    pub fn acknowledged(&self) -> u64 {
        self.counts().iter().sum()
    }

    fn counts(&self) -> Vec<u64> {
        self.shared.acknowledged.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// Waits until every writer has had a dozen acknowledgements from now on.
    pub fn wait_for_life(&self, limit: Duration) -> Result<()> {
        let before = self.counts();
        let lives = || self.counts().iter().zip(&before).all(|(now, then)| now - then >= SIGNS_OF_LIFE);
        wait_for("every writer writes again", limit, lives).with_context(|| {
            format!("{before:?} acknowledged, now {:?}; last: {}", self.counts(), self.last_failures())
        })
    }

    /// Waits until no write was acknowledged for so long.
    pub fn wait_for_silence(&self, silence: Duration, limit: Duration) -> Result<()> {
        let (mut last, mut since) = (self.acknowledged(), Instant::now());
        wait_for("no write is acknowledged", limit, || {
            let now = self.acknowledged();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            since.elapsed() >= silence
        })
    }

    /// Figures from a moment until now.
    pub fn period_since(&self, from: Instant) -> Period {
        self.history().period(from, Instant::now())
    }

    /// What is known now.
    pub fn history(&self) -> History {
        self.shared.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn last_failures(&self) -> String {
        let history = self.history();
        let failed = history.writes.iter().rev().filter(|write| write.fate != Fate::Acknowledged).take(3);
        failed.map(|write| format!("{:?} {:?}", write.id, write.fate)).collect::<Vec<_>>().join("; ")
    }

    /// Does something with the history while all writers rest between two writes.
    pub fn at_rest<T>(&self, work: impl FnOnce(&History) -> Result<T>) -> Result<T> {
        self.orders.send_replace(Order::Rest);
        let all_rest = || self.shared.resting.load(Ordering::SeqCst) == self.count;
        let done = wait_for("all writers rest", STOP_DEADLINE, all_rest).and_then(|()| work(&self.history()));
        self.orders.send_replace(Order::Write);
        done
    }

    /// Lets the writers finish what is under way, and gives the history.
    pub fn stop(self) -> Result<History> {
        self.orders.send_replace(Order::End);
        let ended =
            self.runtime.block_on(async { tokio::time::timeout(STOP_DEADLINE, self.writers.wait()).await });
        ensure!(ended.is_ok(), "some of {} writers do not end", self.count);
        Ok(self.history())
    }
}
