//! Ports that nothing listens on.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// A loopback port that the kernel gave a moment ago and that is closed again.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("the kernel gave no port")?;
    Ok(listener.local_addr()?.port())
}
