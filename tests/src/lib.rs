//! The harness of the tests that run real programs: Shoal's own, as built beside the test, and the
//! MySQL server and etcd that `make deps` provides.
//!
//! ```text
//!   tests/tests/*.rs
//!      │ starts                          asks
//!      ├─> cluster ──> shoal local up ──> gate ──────────┐
//!      ├─> mysqld ───> one plain mysqld, the judge ──────┼─> differential: outcome, compare
//!      ├─> etcd                                          │
//!      ├─> raw_client: packets as no driver would send ──┘
//!      └─> faults ───> a cluster of single processes, broken on purpose; a ledger of what was acknowledged
//! ```
//!
//! Everything starts on ports that the kernel gave and lives in one folder of its own; when that folder is
//! dropped, nothing that runs may still name it. After a failed test the folder stays, and its path is printed.
//!
//! This crate never is needed by another one, and never waits by sleeping for a time instead of for a fact.

pub mod cluster;
pub mod differential;
pub mod etcd;
pub mod faults;
pub mod folder;
pub mod mysqld;
pub mod ports;
pub mod process;
pub mod programs;
pub mod raw_client;
pub mod reference;
pub mod signals;
pub mod tidy;
pub mod weights;
