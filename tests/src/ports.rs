//! Ports that nothing listens on.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};

/// Ports are chosen from these: below those that local clusters choose for themselves (`FIRST_PORT` in the operator's
/// limits), and so below those that Linux hands to outgoing connections. Both would take a port between its choice
/// and its use.
const FIRST: u32 = 10_000;
const COUNT: u32 = 5_000;
/// Distance between the first choices of two processes that run at the same time.
const STRIDE: u32 = 97;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A loopback port that was free a moment ago, and that this process gives out once.
pub fn free_port() -> Result<u16> {
    let start = process::id().wrapping_mul(STRIDE);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free from {FIRST} to {}", FIRST + COUNT)
}
