//! What is counted while a load runs.
//!
//! ```text
//!   round: every way once, one after the other ──► slices (queries, times, CPU)
//!   trace, valgrind: every way once more, looked at by strace and valgrind ──► system calls, instructions, allocations
//!   memory: every way with idle connections
//! ```

pub mod cpu;
pub mod memory;
pub mod round;
pub mod taken;
pub mod trace;
pub mod valgrind;
pub mod way;
