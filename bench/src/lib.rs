//! Measures what a gate costs: statements through it, beside the same without it, through HAProxy, which does not look at
//! what it passes on, and through MySQL Router. And what a planned change of primary costs: how long writes stand still.
//!
//! ```text
//!   config ─┬─► run ─┬─► cluster   started for the run by `shoal local up`, and ended
//!           │        ├─► proxies   other people's, started beside the gate
//!           │        ├─► load      connections that do a work, statement by statement, and check every answer
//!           │        ├─► measure   rounds: queries, times, CPU; then system calls and instructions
//!           │        └─► report    medians and spreads, for people and for programs
//!           ├─► shop: rows of a shop, loaded through a gate for a demonstration
//!           └─► reparent: writers ─► runs ─► gaps, and the truth from the primaries ─► report
//! ```
//!
//! This crate never links the gate or the tablet: it sees them as their clients and the system do.

pub mod cluster;
pub mod config;
pub mod limits;
pub mod load;
pub mod measure;
pub mod proxies;
pub mod reparent;
pub mod report;
pub mod run;
pub mod shop;
