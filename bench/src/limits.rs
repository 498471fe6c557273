//! The bench's bounds, by name.

use std::time::Duration;

/// Most connections of one load; a tablet takes 500.
pub const MAX_CONNECTIONS: usize = 256;
/// Most numbers of connections that one run compares.
pub const MAX_CONNECTION_COUNTS: usize = 8;
/// Most rounds of one run.
pub const MAX_ROUNDS: usize = 100;
/// Longest measurement of one configuration in one round, in seconds.
pub const MAX_SECONDS: u64 = 60;
/// Most rows of a table: each is inserted by a statement of its own.
pub const MAX_ROWS: usize = 100_000;
/// Share of CPU time, in percent, that the machine's host and programs that are no part of it may take during a
/// measurement; a round in which they took more is repeated.
pub const MAX_TAKEN_PERCENT: f64 = 10.0;
/// How often rounds are repeated in all, for each number of connections, in percent of the rounds wanted.
pub const MAX_REPEATED_PERCENT: usize = 100;
/// How long a load runs before anything is counted.
pub const WARM_UP: Duration = Duration::from_millis(200);
/// How long system calls are counted.
pub const COUNTED: Duration = Duration::from_secs(1);
/// Longest wait for one answer; a run in which one takes longer has failed.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for a load's connections to be made and warmed up, or for all rows to be read once.
pub const OPEN_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest time to insert one table's rows.
pub const FILL_TIMEOUT: Duration = Duration::from_secs(300);
/// Connections that insert rows.
pub const FILL_CONNECTIONS: usize = 16;
/// Longest time for `shoal local up` and for `shoal local down`.
pub const CLUSTER_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest wait until another program of the run is ready, or has ended after it was told to.
pub const PROGRAM_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether another program is ready.
pub const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Statements that a program has served before those that valgrind's counts are of, and how many those are.
pub const WARM_STATEMENTS: usize = 1000;
/// See above.
pub const COUNTED_STATEMENTS: usize = 4000;
/// Longest time for a program to start, or to end, under valgrind.
pub const VALGRIND_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections that stand idle while the memory of a proxy is looked at.
pub const IDLE_CONNECTIONS: usize = 400;
/// Slowest answer that is told apart from slower ones.
pub const MAX_LATENCY: Duration = Duration::from_secs(10);
/// Most tablets of a shard whose primary is moved.
pub const MAX_TABLETS: usize = 5;
/// How long writes are watched before a reparent, to know what a gap is without one; and after it, until the
/// first of them have come through.
pub const WATCHED: Duration = Duration::from_secs(1);
/// Longest wait until all tablets of a shard do their part again after a reparent.
pub const WHOLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the tablets are listed in the meantime, each time by a program of its own.
pub const LIST_INTERVAL: Duration = Duration::from_millis(250);
/// How many different failures of writes a report shows.
pub const SHOWN_FAILURES: usize = 5;
/// Most customers of a shop: about ten times as many rows.
pub const MAX_CUSTOMERS: u64 = 10_000_000;
/// Customers whose rows one connection makes at once; all of them are in memory.
pub const SHOP_BATCH: u64 = 100;
/// Most rows of one INSERT of a shop.
pub const INSERTED_ROWS: usize = 250;
/// Most orders of a customer.
pub const MAX_ORDERS: u64 = 5;
/// Most lines of an order.
pub const MAX_LINES: u64 = 4;
/// How often a bar of progress is drawn anew.
pub const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// Characters of a statement that an error shows.
pub const SHOWN_STATEMENT: usize = 160;
