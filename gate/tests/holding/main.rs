//! What becomes of statements while a shard changes its primary, on fake mysqlds that do as they are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is a test")]

mod bed;
mod ends;
mod fake;
mod repeats;
mod schema;

use std::time::Duration;

/// How long anything may take that is to come.
const DEADLINE: Duration = Duration::from_secs(10);
