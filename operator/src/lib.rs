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
//! This crate never touches data: no statement of an application and no row passes through it. It never talks to mysqld,
//! and to gates only as any client does: `doctor` asks whether they answer, `schema` has MySQL read and compare tables.

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
mod repairs;
mod reparent;
mod schema;
mod shard;
mod sight;
