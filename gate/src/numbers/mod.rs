//! The numbers of AUTO_INCREMENT columns of sharded tables: unique over all shards and gates.
//!
//! ```text
//!   session ─► Numbers ─► hand of the table: the block that this gate holds        no wait, nothing written
//!                 │ used up                                  ▲
//!                 └────────► keeper ─► sequence record ──────┘    one block, by compare-and-set
//!                               │ the record does not know
//!                               └────► the session asks the shards, and comes again with a floor
//! ```
//!
//! A table's numbers behave as InnoDB's counter does, of which a hand is a piece: a statement gets consecutive ones,
//! none is ever given back, and a value that a client wrote moves the counter behind it. What a gate holds when it
//! ends is lost, as in MySQL what a failed statement had is lost. A value that a client wrote into another gate's
//! block is found by the collision: see `session/numbered`.

mod hand;
mod keeper;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::ids::KeyspaceName;
use tokio::sync::{mpsc, oneshot};
use topo::Topology;
use topo::keys::Keys;
use topo::records::{RecordError, SequenceRecord};
use topo::topology::{Lock, Transaction};

use crate::limits::MAX_NUMBER_REQUESTS;
use hand::Hand;
pub use keeper::Keeper;

/// What numbers are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The keyspace of the table.
    pub keyspace: &'a KeyspaceName,
    /// The table.
    pub table: &'a str,
    /// The incarnation that the snapshot has of it.
    pub incarnation: u64,
    /// The largest number that the column holds.
    pub max: u64,
    /// How many, consecutive; at least one.
    pub count: u64,
}

/// Consecutive numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first one.
    pub first: u64,
    /// How many there are: fewer than wanted where the column's type ends.
    pub count: u64,
}

/// What the shards say that numbers must not be below of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// Under which incarnation they were asked.
    pub incarnation: u64,
    /// No row and no counter of a shard has reached this number.
    pub next: u64,
}

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoNumber {
    /// The record does not know yet: the shards are to be asked, under this incarnation.
    #[error("the shards are to be asked")]
    AskShards(u64),
    /// The block in hand is used up and the topology cannot be reached.
    #[error("the topology cannot be reached")]
    Unavailable,
}

/// Hands, by keyspace and table.
type Hands = HashMap<KeyspaceName, HashMap<String, Hand>>;

/// A question to the keeper.
#[derive(Debug)]
struct Ask {
    keyspace: KeyspaceName,
    table: String,
    incarnation: u64,
    max: u64,
    /// 0: only the floor of the hand is to be told to the record.
    count: u64,
    floor: Option<Floor>,
    reply: Option<oneshot::Sender<Result<Run, NoNumber>>>,
}

/// The numbers that one gate holds; shared by its threads.
#[derive(Debug)]
pub struct Numbers {
    hands: Arc<Mutex<Hands>>,
    asks: mpsc::Sender<Ask>,
}

impl Numbers {
    /// Nothing in hand yet, and the keeper that is to run beside it.
    pub fn new(topology: &Topology) -> (Self, Keeper) {
        let (asks, receiver) = mpsc::channel(MAX_NUMBER_REQUESTS);
        let hands = Arc::new(Mutex::new(Hands::new()));
        (Self { hands: hands.clone(), asks }, Keeper::new(topology.clone(), hands, receiver))
    }

    /// The next numbers of a table; all are above the floor, if one is given.
    pub async fn take(&self, wanted: &Wanted<'_>, floor: Option<Floor>) -> Result<Run, NoNumber> {
        if floor.is_none()
            && let Some(run) = with_hand(&self.hands, wanted, |hand| hand.take(wanted.count))
        {
            return Ok(run);
        }
        let (reply, answer) = oneshot::channel();
        let ask = ask(wanted, floor, Some(reply));
        self.asks.send(ask).await.map_err(|_| NoNumber::Unavailable)?;
        answer.await.unwrap_or(Err(NoNumber::Unavailable))
    }

    /// A client has written this number by itself: later ones are above it. Other gates learn of it soon.
    pub fn passed(&self, wanted: &Wanted<'_>, number: u64) {
        let covered = with_hand(&self.hands, wanted, |hand| hand.pass(number));
        if !covered {
            // A lost word costs a collision, no more: the floor stays in the hand, and the next one tells it.
            let _ = self.asks.try_send(ask(&Wanted { count: 0, ..wanted.clone() }, None, None));
        }
    }
}

fn ask(
    wanted: &Wanted<'_>,
    floor: Option<Floor>,
    reply: Option<oneshot::Sender<Result<Run, NoNumber>>>,
) -> Ask {
    Ask {
        keyspace: wanted.keyspace.clone(),
        table: wanted.table.to_owned(),
        incarnation: wanted.incarnation,
        max: wanted.max,
        count: wanted.count,
        floor,
        reply,
    }
}

fn locked(hands: &Mutex<Hands>) -> MutexGuard<'_, Hands> {
    // A hand is whole whenever the lock is free.
    hands.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_hand<T>(hands: &Mutex<Hands>, wanted: &Wanted<'_>, act: impl FnOnce(&mut Hand) -> T) -> T {
    let mut hands = locked(hands);
    if let Some(hand) = hands.get_mut(wanted.keyspace).and_then(|tables| tables.get_mut(wanted.table)) {
        hand.belong_to(wanted.incarnation);
        return act(hand);
    }
    let mut hand = Hand::default();
    hand.belong_to(wanted.incarnation);
    let result = act(&mut hand);
    hands.entry(wanted.keyspace.clone()).or_default().insert(wanted.table.to_owned(), hand);
    result
}

/// Begins the tables' numbers anew, in the transaction that records a schema change: the next number is found from
/// the shards, and blocks that gates still hold are worth nothing. To be called for every table that the change
/// created, altered, renamed, emptied or dropped.
pub fn begin_anew<'a>(
    mut transaction: Transaction,
    keys: &Keys,
    keyspace: &KeyspaceName,
    tables: impl IntoIterator<Item = &'a str>,
    lock: &Lock,
) -> Result<Transaction, RecordError> {
    // Locks are taken one after the other, so the revision only grows.
    let incarnation = u64::try_from(lock.taken().0).unwrap_or_default();
    let record = SequenceRecord { next: None, incarnation };
    for table in tables {
        transaction = transaction.put(&keys.sequence(keyspace, Some(table)), &record)?;
    }
    Ok(transaction)
}

#[cfg(test)]
mod tests;
