//! The control loops, the platforms and the command line of Shoal.
//!
//! ```text
//!   shoal ── cli ──┬─ get, reparent ─► control (gRPC)      shard: observe → decide → act
//!                  │                     │    └─► reparent ◄───────┤      └─► events
//!                  └─ local up ─┐        └───── topology (etcd) ◄──┴──► tablets (gRPC)
//!                               ▼
//!   cluster file ─ spec ─► local: render → supervisor → etcd, control, tablets, gates
//! ```
//!
//! This crate never touches data: no statement and no row passes through it, and it never talks to mysqld.

pub mod cli;
pub mod control;
pub mod events;
pub mod limits;
pub mod local;
pub mod spec;

mod agents;
mod doctor;
mod measures;
mod reach;
mod reparent;
mod schema;
mod shard;
mod sight;
