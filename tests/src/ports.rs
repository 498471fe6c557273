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
    free_ports(1)
}

/// The first of so many ports in a row, each as [`free_port`] gives one.
pub fn free_ports(count: u16) -> Result<u16> {
    let start = process::id().wrapping_mul(STRIDE);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(count.into(), Ordering::Relaxed)) % COUNT;
        let first = u16::try_from(FIRST + offset)?;
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return Ok(first);
        }
    }
    bail!("no {count} ports in a row are free from {FIRST} to {}", FIRST + COUNT)
}
