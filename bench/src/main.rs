//! Measures what a gate costs.

use std::process::ExitCode;

use anyhow::{Result, bail};
use bench::config::{CommandLine, Config, Part};
use bench::forward;
use bench::run::Bench;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let CommandLine { config, part } = CommandLine::parse();
    let done =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Into::into).and_then(
            |runtime| match part {
                Some(Part::Forward(forward)) => runtime.block_on(forward::serve(forward.to)),
                None => runtime.block_on(measure(config)),
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

/// A run, which Ctrl-C ends as soon as its cluster can be ended in order.
async fn measure(config: Config) -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let started = Bench::build(config)?.start().await?;
    let running = started.run();
    tokio::select! {
        done = running => return done,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    bail!("interrupted before everything was measured; the cluster is ended")
}
