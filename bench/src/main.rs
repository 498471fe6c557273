//! Measures what a gate and a change of primary cost.

use std::future::Future;
use std::process::ExitCode;

use anyhow::{Result, bail};
use bench::config::{CommandLine, Config, Part, ReparentConfig};
use bench::reparent::ReparentBench;
use bench::run::Bench;
use bench::shop;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let CommandLine { config, part } = CommandLine::parse();
    let done =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Into::into).and_then(
            |runtime| match part {
                Some(Part::Shop(config)) => runtime.block_on(shop::load(config)),
                Some(Part::Reparent(config)) => runtime.block_on(reparents(config)),
                None => runtime.block_on(statements(config)),
            },
        );
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn statements(config: Config) -> Result<()> {
    let bench = Bench::build(config)?;
    until_interrupted(bench.start(), |started| started.run()).await
}

async fn reparents(config: ReparentConfig) -> Result<()> {
    let bench = ReparentBench::build(config)?;
    until_interrupted(bench.start(), |started| started.run()).await
}

/// A run, which Ctrl-C ends as soon as its cluster can be ended in order.
async fn until_interrupted<S, R: Future<Output = Result<()>>>(
    start: impl Future<Output = Result<S>>,
    run: impl FnOnce(S) -> R,
) -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let running = run(start.await?);
    tokio::select! {
        done = running => return done,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    bail!("interrupted before everything was measured; what was started is ended")
}
