//! The control loops, the platforms and the command line of Shoal.
//!
//! ```text
//!   shoal ── cli ──┬─ get ───────► control (gRPC) ◄── primary: observe → decide → act
//!                  │                  │                            │
//!                  └─ local up ─┐     └──── topology (etcd) ◄──────┘──► tablets (gRPC)
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
mod primary;
