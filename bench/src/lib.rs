//! Measures what a gate costs: point selects through it, beside the same without it and through a proxy that
//! does not look at what it passes on. And what a planned change of primary costs: how long writes stand still.
//!
//! ```text
//!   config ─┬─► run ─┬─► cluster   started for the run by `shoal local up`, and ended
//!           │        ├─► forward   the blind proxy, a process of its own
//!           │        ├─► load      connections that ask, and check every answer
//!           │        ├─► measure   rounds: queries, times, CPU; then system calls and instructions
//!           │        └─► report    medians and spreads, for people and for programs
//!           ├─► shop: rows of a shop, loaded through a gate for a demonstration
//!           └─► reparent: writers ─► runs ─► gaps, and the truth from the primaries ─► report
//! ```
//!
//! This crate never links the gate or the tablet: it sees them as their clients and the system do.

pub mod cluster;
pub mod config;
pub mod forward;
pub mod limits;
pub mod load;
pub mod measure;
pub mod reparent;
pub mod report;
pub mod run;
pub mod shop;
