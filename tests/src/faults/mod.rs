//! Breaks things, and counts what was lost.
//!
//! ```text
//!   ledger::Ledger ── writers ──> gates ──> mysqlds        what clients were told …
//!        │ stop                                │
//!        ▼                                     ▼ Unix sockets, as the agents' account
//!   history ────────────> verdict <──────── truth          … held against what is there
//!
//!   cluster   every part a child process of the test, with a network and a disk of its own when wanted
//!   network   namespaces: cut, one-way loss      proxy    one TCP connection: delay, stall, cut, reset
//!   disk      a small file system, filled
//!   rights    what networks and disks ask of the machine
//! ```
//!
//! Failpoints are named in the environment (`FAILPOINTS`) of the one process that is to meet them; only builds
//! that include this crate have them.

pub mod cluster;
pub mod disk;
pub mod ledger;
pub mod network;
pub mod proxy;
mod rights;
