//! One program of a cluster: how it is started, again and again.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::faults::network::Network;
use crate::process::{last_lines, wait_for};
use crate::signals;

/// The variable that names failpoints and what they do, such as `reparent::held=panic`.
const FAILPOINTS: &str = "FAILPOINTS";
/// How long a killed process may take to be gone.
const GONE_DEADLINE: Duration = Duration::from_secs(10);

/// A program that is a child of the test.
#[derive(Debug)]
pub struct Part {
    name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    host: Option<usize>,
    log: PathBuf,
    child: Option<Child>,
}

impl Part {
    /// A part that does not run yet; its output goes to `logs/<name>.log`.
    pub(super) fn new(name: &str, program: PathBuf, logs: &Path) -> Self {
        let log = logs.join(format!("{name}.log"));
        Self { name: name.to_owned(), program, arguments: Vec::new(), host: None, log, child: None }
    }

    /// Adds an option with its value.
    pub(super) fn option(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.arguments.extend([name.into(), value.into()]);
        self
    }

    /// Adds a word.
    pub(super) fn word(mut self, word: &str) -> Self {
        self.arguments.push(word.into());
        self
    }

    /// Puts the part on a host of the cluster's network.
    pub(super) fn on(mut self, host: Option<usize>) -> Self {
        self.host = host;
        self
    }

    /// Its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Starts it, with these failpoints; empty: none.
    pub(super) fn start(&mut self, network: Option<&Network>, failpoints: &str) -> Result<()> {
        ensure!(self.ended()?.is_some(), "{} runs already", self.name);
        let mut command = match (self.host, network) {
            (Some(host), Some(network)) => network.command(host, &self.program),
            _ => Command::new(&self.program),
        };
        match failpoints {
            "" => command.env_remove(FAILPOINTS),
            points => command.env(FAILPOINTS, points),
        };
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn().with_context(|| format!("{} does not start", self.name))?);
        Ok(())
    }

    /// Its process id.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.child.as_ref().with_context(|| format!("{} does not run", self.name))?.id())
    }

    /// How it ended; `None` while it runs. One that was never started has ended well.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?),
            None => Ok(Some(ExitStatus::default())),
        }
    }

    /// Waits until it has ended by itself.
    pub fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let mut ended = None;
        wait_for(&format!("{} ends", self.name), limit, || {
            ended = self.ended().ok().flatten();
            ended.is_some()
        })
        .with_context(|| last_lines(&self.log))?;
        ended.context("it has ended")
    }

    /// kill -9, and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill()?;
        child.wait()?;
        wait_for("the killed process is gone", GONE_DEADLINE, || !signals::is_alive(child.id()))
    }

    /// SIGTERM.
    pub fn tell_to_end(&self) -> Result<()> {
        signals::tell_to_end(self.pid()?)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{} could not be killed: {error:#}", self.name);
        }
    }
}
