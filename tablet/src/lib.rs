//! The agent beside each mysqld: it creates, starts, supervises and stops it, and is the only one that
//! lifts its fence.
//!
//! ```text
//!   topology ──► shard_reader ─┐                        ┌─► mysqld/ (supervisor ─► process ─► mysqld)
//!   mysqld ────► look ─────────┼─► agent: decide ─► act ┼─► fence (over session, as _shoal_agent)
//!   disk ──────► term ─────────┘     ▲                  └─► term (on disk first)
//!   control ───► service ────────────┘     registration ──► topology
//! ```
//!
//! This crate never knows a workflow as a whole, never chooses a primary, never speaks to a gate, and holds
//! no data session: gates talk to mysqld directly.

pub mod accounts;
pub mod agent;
pub mod app;
pub mod decide;
pub mod dir;
pub mod durable;
mod exposure;
pub mod fence;
pub mod heartbeat;
mod hosting;
pub mod lag;
pub mod limits;
pub mod look;
pub mod mysqld;
pub mod provision;
pub mod registration;
pub mod replication;
pub mod service;
pub mod session;
pub mod shard_reader;
pub mod term;

pub use app::{Config, Tablet, TabletError, stop};
