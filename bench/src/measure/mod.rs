//! What is counted while a load runs.
//!
//! ```text
//!   round: every way once, one after the other ──► slices (queries, times, CPU)
//!   trace: every way once more, under strace and perf ──► system calls, instructions
//! ```

pub mod cpu;
pub mod round;
pub mod taken;
pub mod trace;
pub mod way;
