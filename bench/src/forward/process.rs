//! The forwarder as a process that the bench has started.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::limits::PROGRAM_TIMEOUT;

/// A running forwarder; it ends when this is dropped.
#[derive(Debug)]
pub struct Forwarder {
    child: Child,
    port: u16,
}

impl Forwarder {
    /// Starts this very program as a forwarder.
    pub async fn start(to: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["forward", "--to", to]).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("the forwarder does not start")?;
        let output = child.stdout.take().context("the forwarder has no output")?;
        let mut line = String::new();
        let read = timeout(PROGRAM_TIMEOUT, BufReader::new(output).read_line(&mut line)).await;
        ensure!(read.context("the forwarder does not become ready")?? > 0, "the forwarder ended at once");
        let port = line.trim().parse().with_context(|| format!("the forwarder's port is {line:?}"))?;
        Ok(Self { child, port })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process id.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("the forwarder has ended")
    }
}
