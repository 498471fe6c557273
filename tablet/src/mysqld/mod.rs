//! The life of one mysqld: which program, which data, which settings, which process.
//!
//! ```text
//!   installation ── template ──► data directory ─┐
//!                   config ────► my.cnf          ├─► process ──► supervisor
//!                   accounts ──► init file      ─┘      ▲
//!                                              launch ──┘ (between fork and mysqld)
//! ```

pub mod config;
pub mod error_log;
pub mod installation;
pub mod launch;
pub mod process;
pub mod supervisor;
pub mod template;
