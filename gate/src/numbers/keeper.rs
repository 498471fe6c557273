//! The one task of a gate that takes blocks of numbers from the topology.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use proto::ids::KeyspaceName;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use topo::Topology;
use topo::records::SequenceRecord;
use topo::store::Outcome;
use topo::topology::{Stored, Transaction};
use tracing::warn;

use super::{Ask, Hands, NoNumber, Run, Wanted, locked, with_hand};
use crate::limits::{MAX_NUMBER_CONFLICTS, MIN_BLOCKS_OF_A_TYPE, PASSED_NUMBERS_INTERVAL};

/// Answers the questions of all threads, one after the other.
pub struct Keeper {
    topology: Topology,
    hands: Arc<Mutex<Hands>>,
    asks: mpsc::Receiver<Ask>,
    /// Records as they were written or read last, by key.
    known: HashMap<String, Option<Stored<SequenceRecord>>>,
    /// Tables whose record is to be told of numbers that clients wrote, and when.
    to_tell: HashMap<(KeyspaceName, String), (Instant, Ask)>,
    told: HashMap<(KeyspaceName, String), Instant>,
}

/// A block that was taken from the record; `end` is not in it.
struct Block {
    incarnation: u64,
    first: u64,
    end: u64,
}

impl Keeper {
    pub(super) fn new(topology: Topology, hands: Arc<Mutex<Hands>>, asks: mpsc::Receiver<Ask>) -> Self {
        let (known, to_tell, told) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { topology, hands, asks, known, to_tell, told }
    }

    /// Serves until `ended`.
    pub async fn run(mut self, ended: CancellationToken) {
        loop {
            let wake = self.to_tell.values().map(|(when, _)| *when).min();
            let telling = async {
                match wake {
                    Some(when) => sleep_until(when).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = ended.cancelled() => return,
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.answer(ask).await,
                    None => return,
                },
                () = telling => self.tell_due().await,
            }
        }
    }

    async fn answer(&mut self, mut ask: Ask) {
        let Some(reply) = ask.reply.take() else {
            let table = (ask.keyspace.clone(), ask.table.clone());
            let when =
                self.told.get(&table).map_or_else(Instant::now, |told| *told + PASSED_NUMBERS_INTERVAL);
            self.to_tell.entry(table).or_insert((when, ask));
            return;
        };
        let answer = self.run_of(&ask).await;
        // Whoever asked may be gone; its numbers are lost then.
        let _ = reply.send(answer);
        if answer == Err(NoNumber::Unavailable) {
            // Those who asked meanwhile need not wait for the same, one after the other.
            while let Ok(ask) = self.asks.try_recv() {
                let _ = ask.reply.map(|reply| reply.send(Err(NoNumber::Unavailable)));
            }
        }
    }

    /// Tells the records of passed numbers whose time has come.
    async fn tell_due(&mut self) {
        let now = Instant::now();
        let due = self.to_tell.iter().filter(|(_, (when, _))| *when <= now).map(|(table, _)| table.clone());
        for table in due.collect::<Vec<_>>() {
            let Some((_, ask)) = self.to_tell.remove(&table) else { continue };
            self.told.insert(table, now);
            if with_hand(&self.hands, &wanted(&ask), |hand| hand.is_covered()) {
                continue;
            }
            // Where the record does not know yet, the shards will be asked, which have the number. Where it cannot
            // be reached, the next statement tells it.
            if let Ok(block) = self.block(&ask).await {
                self.absorb(&ask, &block);
            }
        }
    }

    async fn run_of(&mut self, ask: &Ask) -> Result<Run, NoNumber> {
        // Whoever asked before may have brought enough.
        if ask.floor.is_none()
            && let Some(run) = with_hand(&self.hands, &wanted(ask), |hand| hand.take(ask.count))
        {
            return Ok(run);
        }
        let block = self.block(ask).await?;
        // InnoDB's counter stops at the last number of the type, and gives that one again and again.
        if block.first >= ask.max {
            return Ok(Run { first: ask.max, count: ask.count });
        }
        self.absorb(ask, &block);
        Ok(with_hand(&self.hands, &wanted(ask), |hand| {
            hand.take(ask.count).unwrap_or_else(|| hand.take_last(ask.count, ask.max))
        }))
    }

    fn absorb(&self, ask: &Ask, block: &Block) {
        let mut hands = locked(&self.hands);
        let tables = hands.entry(ask.keyspace.clone()).or_default();
        tables.entry(ask.table.clone()).or_default().absorb(block.incarnation, block.first, block.end);
    }

    /// Takes the next block of the record, as many numbers as are asked for at least; fewer where the type ends.
    async fn block(&mut self, ask: &Ask) -> Result<Block, NoNumber> {
        let key = self.topology.keys().sequence(&ask.keyspace, Some(&ask.table));
        let by_type = (ask.max / MIN_BLOCKS_OF_A_TYPE).max(1);
        let (block, floor, under) =
            with_hand(&self.hands, &wanted(ask), |hand| (hand.block(), hand.floor(), hand.incarnation()));
        let size = block.min(by_type).max(ask.count).max(1);
        for _ in 0..MAX_NUMBER_CONFLICTS {
            let found = self.record(&key).await?;
            let record = found.as_ref().map(|found| found.value.clone()).unwrap_or_default();
            let seed =
                ask.floor.filter(|floor| floor.incarnation == record.incarnation).map(|floor| floor.next);
            // Where the numbers began anew, what clients had written before counts for nothing.
            let passed = if under == record.incarnation { floor } else { 0 };
            let Some(next) = record.next.max(seed) else {
                self.known.remove(&key);
                return Err(NoNumber::AskShards(record.incarnation));
            };
            let first = next.max(passed).min(ask.max);
            let end = first.saturating_add(size).min(ask.max);
            let record = SequenceRecord { next: Some(end), incarnation: record.incarnation };
            let revision = found.map(|found| found.revision);
            let block = Block { incarnation: record.incarnation, first, end };
            if self.write(&key, record, revision).await? {
                return Ok(block);
            }
        }
        Err(NoNumber::Unavailable)
    }

    async fn record(&mut self, key: &str) -> Result<Option<Stored<SequenceRecord>>, NoNumber> {
        if let Some(known) = self.known.get(key) {
            return Ok(known.clone());
        }
        let found = self.topology.read::<SequenceRecord>(key).await.map_err(|error| {
            warn!(%error, "cannot read a sequence record");
            NoNumber::Unavailable
        })?;
        Ok(found)
    }

    /// Writes the record if it has not changed; `false`: it has.
    async fn write(
        &mut self,
        key: &str,
        record: SequenceRecord,
        revision: Option<topo::store::Revision>,
    ) -> Result<bool, NoNumber> {
        self.known.remove(key);
        let transaction = match revision {
            Some(revision) => Transaction::new().replace(key, &record, revision),
            None => Transaction::new().create(key, &record),
        };
        let transaction = transaction.map_err(|_| NoNumber::Unavailable)?;
        match self.topology.commit(transaction).await {
            Ok(Outcome::Committed(revision)) => {
                self.known.insert(key.to_owned(), Some(Stored { value: record, revision }));
                Ok(true)
            }
            Ok(Outcome::Conflict) => Ok(false),
            Err(error) => {
                warn!(%error, "cannot take a block of numbers");
                Err(NoNumber::Unavailable)
            }
        }
    }
}

fn wanted(ask: &Ask) -> Wanted<'_> {
    Wanted {
        keyspace: &ask.keyspace,
        table: &ask.table,
        incarnation: ask.incarnation,
        max: ask.max,
        count: ask.count,
    }
}
