//! The same statement on one plain MySQL and on a cluster: whatever a client can see must be equal.
//!
//! ```text
//!   script (a .sql file) ──> statements ──┬──> session on the judge ──> outcome ─┐
//!                                         └──> session on the gate ───> outcome ─┴─> compare ──> differences
//! ```

pub mod compare;
pub mod keyspaces;
mod lift;
pub mod outcome;
pub mod run;
pub mod script;
pub mod session;

#[cfg(test)]
mod compare_tests;
