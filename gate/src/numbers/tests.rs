use std::collections::BTreeSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use topo::store::MemoryStore;

use super::*;
use crate::limits::FIRST_NUMBER_BLOCK;

/// The numbers of one gate, with its keeper at work.
struct Gate {
    numbers: Numbers,
    keyspace: KeyspaceName,
    ended: CancellationToken,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl Gate {
    fn new(topology: &Topology) -> Self {
        let (numbers, keeper) = Numbers::new(topology);
        let ended = CancellationToken::new();
        tokio::spawn(keeper.run(ended.clone()));
        Self { numbers, keyspace: "shop".parse().unwrap(), ended }
    }

    fn wanted(&self, count: u64, max: u64) -> Wanted<'_> {
        Wanted { keyspace: &self.keyspace, table: "t", incarnation: 0, max, count }
    }

    /// As a session does: where the record does not know, the shards say that they have nothing.
    async fn take(&self, count: u64, max: u64) -> (u64, u64) {
        let wanted = self.wanted(count, max);
        let run = match self.numbers.take(&wanted, None).await {
            Err(NoNumber::AskShards(incarnation)) => {
                self.numbers.take(&wanted, Some(Floor { incarnation, next: 1 })).await
            }
            taken => taken,
        };
        let run = run.unwrap();
        (run.first, run.count)
    }
}

fn topology() -> Topology {
    Topology::new(Arc::new(MemoryStore::default()), "test")
}

const BIG: u64 = i64::MAX as u64;

#[tokio::test]
async fn one_gate_counts_from_one() {
    let topology = topology();
    let gate = Gate::new(&topology);
    assert_eq!(gate.take(1, BIG).await, (1, 1));
    assert_eq!(gate.take(3, BIG).await, (2, 3));
    // Over the ends of several blocks, and in one statement.
    let mut next = 5;
    for count in [1, 20, 2, 500, 7, 3_000, 1] {
        assert_eq!(gate.take(count, BIG).await, (next, count));
        next += count;
    }
}

#[tokio::test]
async fn numbers_of_several_gates_are_unique_and_grow() {
    let topology = topology();
    let gates: Vec<_> = (0..3).map(|_| Arc::new(Gate::new(&topology))).collect();
    let mut tasks = Vec::new();
    for client in 0..9 {
        let gate = gates[client % 3].clone();
        tasks.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            for round in 0..200 {
                let (first, count) = gate.take(1 + round % 5, BIG).await;
                assert_eq!(count, 1 + round % 5);
                seen.extend(first..first + count);
            }
            assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "a client's numbers do not grow");
            seen
        }));
    }
    let mut all = BTreeSet::new();
    let mut total = 0;
    for task in tasks {
        let seen = task.await.unwrap();
        total += seen.len();
        all.extend(seen);
    }
    assert_eq!((all.len(), total), (9 * 200 * 3, 9 * 200 * 3), "a number was given twice");
}

#[tokio::test]
async fn a_gate_that_is_gone_leaves_a_gap_and_no_number_twice() {
    let topology = topology();
    assert_eq!(Gate::new(&topology).take(1, BIG).await, (1, 1));
    assert_eq!(Gate::new(&topology).take(1, BIG).await, (1 + FIRST_NUMBER_BLOCK, 1));
}

#[tokio::test]
async fn the_shards_say_where_an_unknown_sequence_begins() {
    let topology = topology();
    let gate = Gate::new(&topology);
    let wanted = gate.wanted(1, BIG);
    assert_eq!(gate.numbers.take(&wanted, None).await, Err(NoNumber::AskShards(0)));
    // What was asked under another incarnation counts for nothing.
    let stale = Floor { incarnation: 9, next: 7 };
    assert_eq!(gate.numbers.take(&wanted, Some(stale)).await, Err(NoNumber::AskShards(0)));
    let floor = Floor { incarnation: 0, next: 500 };
    assert_eq!(gate.numbers.take(&wanted, Some(floor)).await, Ok(Run { first: 500, count: 1 }));
    // A collision: the shards have more than the record and the hand.
    let floor = Floor { incarnation: 0, next: 10_000 };
    assert_eq!(gate.numbers.take(&wanted, Some(floor)).await, Ok(Run { first: 10_000, count: 1 }));
    assert_eq!(gate.take(1, BIG).await, (10_001, 1));
}

#[tokio::test]
async fn what_clients_write_is_passed_by_all_gates() {
    let topology = topology();
    let (gate, other) = (Gate::new(&topology), Gate::new(&topology));
    assert_eq!(gate.take(1, BIG).await, (1, 1));
    gate.numbers.passed(&gate.wanted(0, BIG), 5);
    assert_eq!(gate.take(1, BIG).await, (6, 1));
    gate.numbers.passed(&gate.wanted(0, BIG), 5_000);
    assert_eq!(gate.take(1, BIG).await, (5_001, 1));
    assert!(other.take(1, BIG).await.0 > 5_001);
    // Also without a number that is taken afterwards, the record is told.
    gate.numbers.passed(&gate.wanted(0, BIG), 90_000);
    let key = topology.keys().sequence(&gate.keyspace, Some("t"));
    let told = async {
        while topology.read::<SequenceRecord>(&key).await.unwrap().unwrap().value.next < Some(90_001) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("the record is not told");
}

#[tokio::test]
async fn a_schema_change_begins_anew() {
    let topology = topology();
    let gate = Gate::new(&topology);
    assert_eq!(gate.take(5, BIG).await, (1, 5));
    let key = topology.keys().schema_change_lock(&gate.keyspace);
    let lock = topology.lock(&key, "test", Duration::from_secs(30)).await.unwrap();
    let transaction = begin_anew(Transaction::new(), topology.keys(), &gate.keyspace, ["t"], &lock).unwrap();
    topology.commit(transaction).await.unwrap();
    let incarnation = u64::try_from(lock.taken().0).unwrap();
    let wanted = Wanted { incarnation, ..gate.wanted(1, BIG) };
    assert_eq!(gate.numbers.take(&wanted, None).await, Err(NoNumber::AskShards(incarnation)));
    let floor = Floor { incarnation, next: 1 };
    assert_eq!(gate.numbers.take(&wanted, Some(floor)).await, Ok(Run { first: 1, count: 1 }));
    // A gate that has not seen the change yet, and has nothing in hand, is given by the record.
    let other = Gate::new(&topology);
    assert_eq!(other.take(1, BIG).await, (1 + FIRST_NUMBER_BLOCK, 1));
}

#[tokio::test]
async fn numbers_end_with_the_type() {
    let topology = topology();
    let gate = Gate::new(&topology);
    assert_eq!(gate.take(1, 127).await, (1, 1));
    gate.numbers.passed(&gate.wanted(0, 127), 124);
    assert_eq!(gate.take(1, 127).await, (125, 1));
    // Two are left where three are wanted.
    assert_eq!(gate.take(3, 127).await, (126, 2));
    assert_eq!(gate.take(1, 127).await, (127, 1));
    assert_eq!(gate.take(2, 127).await, (127, 2));
    gate.numbers.passed(&gate.wanted(0, 127), 127);
    assert_eq!(gate.take(1, 127).await, (127, 1));
}
