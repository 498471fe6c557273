//! The bounds of this crate.

use std::time::Duration;

/// Longest wait for the answer to one call to the store.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a store to answer for the first time; a program that gets no answer then says so and ends.
pub const FIRST_CONTACT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often an idle connection to etcd is probed (etcd closes connections that probe more often than every 5 s).
pub(crate) const STORE_PROBE_INTERVAL: Duration = Duration::from_secs(6);
/// Longest wait for the answer to a probe before the connection counts as broken.
pub(crate) const STORE_PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest answer that is taken from etcd, in bytes: a list of the cluster, or the changes since an outage.
pub(crate) const MAX_STORE_ANSWER_BYTES: usize = 256 * 1024 * 1024;
/// Most compares, and most writes, of one transaction (etcd's default).
pub const MAX_COMMIT_OPERATIONS: usize = 128;
/// Most bytes written by one transaction, keys included (etcd refuses requests over 1.5 MiB).
pub const MAX_COMMIT_BYTES: usize = 1280 * 1024;
/// Batches that a watch holds for a slow reader before it stops reading from the store.
pub(crate) const WATCH_QUEUE: usize = 64;
/// Revisions that the memory store keeps for watches.
pub(crate) const MEMORY_HISTORY: usize = 4096;
/// Shortest lease, which is also the unit in which etcd counts them.
pub const MIN_LEASE_TTL: Duration = Duration::from_secs(1);
/// A lease is kept alive this many times within its ttl.
pub(crate) const KEEP_ALIVES_PER_TTL: u32 = 3;
/// First wait before a failed list or watch is tried again; doubled each time.
pub(crate) const FIRST_RETRY_DELAY: Duration = Duration::from_millis(50);
/// Longest wait before a failed list or watch is tried again.
pub(crate) const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);
/// Longest password that is hashed or checked, in bytes: the work of SHA-crypt grows with its square.
pub const MAX_PASSWORD_BYTES: usize = 256;
/// MySQL's bound for the name of a table, in characters.
pub const MAX_TABLE_NAME: usize = 64;
