//! Connections that ask for rows and check what they get.
//!
//! ```text
//!   open: connect, warm up ──► Idle ── run ──► Running(until) ──► Idle ── close ──► Leave
//! ```
//!
//! Nothing moves while a load is idle, so that counters read before and after a run hold that run and no more.

pub mod answer;
pub mod client;
pub mod fill;
pub mod rows;
mod thread;
pub mod work;

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::limits::{ANSWER_TIMEOUT, MAX_LATENCY, OPEN_TIMEOUT};
use client::Endpoint;
use rows::Rows;
use work::Work;

/// Significant decimal digits of a latency.
const LATENCY_DIGITS: u8 = 2;

/// A case that is measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Case {
    /// What is asked for.
    pub work: Work,
    /// How many connections ask at the same time.
    pub connections: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.connections == 1 { "" } else { "s" };
        write!(f, "{}, {} connection{plural}", self.work, self.connections)
    }
}

/// What a load does.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where it connects.
    pub endpoint: Endpoint,
    /// What it asks for.
    pub case: Case,
    /// The rows that are there.
    pub rows: Arc<Rows>,
}

/// What came of one run: every answer was right.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Queries answered.
    pub queries: u64,
    /// From the first question to the last answer.
    pub elapsed: Duration,
    /// Time from question to answer, in nanoseconds.
    pub latency: Histogram<u32>,
}

/// What the threads of a load are to do now.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Idle,
    Running { until: Instant },
    Leave,
}

/// What a thread says.
enum Report {
    Ready,
    Done(Histogram<u32>),
    Failed(anyhow::Error),
}

/// Open connections, spread over threads.
#[derive(Debug)]
pub struct Load {
    stage: watch::Sender<Stage>,
    reports: mpsc::UnboundedReceiver<Report>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Connects, warms up and stands idle.
    pub async fn open(order: &Order) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = order.case.connections.min(cores);
        let (stage, stages) = watch::channel(Stage::Idle);
        let (reporter, reports) = mpsc::unbounded_channel();
        let threads = (0..count)
            .map(|number| {
                let share = thread::Share { order: order.clone(), thread: number, threads: count };
                thread::start(share, stages.clone(), reporter.clone())
            })
            .collect::<std::io::Result<_>>()?;
        let mut load = Self { stage, reports, threads };
        for _ in 0..count {
            match load.report(OPEN_TIMEOUT).await.context("opening the load's connections")? {
                Report::Ready => {}
                Report::Done(_) | Report::Failed(_) => {
                    bail!("a thread of the load measured before it was told to")
                }
            }
        }
        Ok(load)
    }

    /// Asks as fast as answers come, for that long; stands idle again afterwards.
    pub async fn run(&mut self, duration: Duration) -> Result<Tally> {
        let start = Instant::now();
        self.stage.send_replace(Stage::Running { until: start + duration });
        let mut latency = empty_histogram()?;
        for _ in 0..self.threads.len() {
            match self.report(duration + ANSWER_TIMEOUT).await? {
                Report::Done(share) => latency.add(&share)?,
                Report::Ready | Report::Failed(_) => bail!("a thread of the load did not measure"),
            }
        }
        let tally = Tally { queries: latency.len(), elapsed: start.elapsed(), latency };
        self.stage.send_replace(Stage::Idle);
        if tally.queries == 0 {
            bail!("not one statement was answered");
        }
        Ok(tally)
    }

    /// Closes the connections.
    pub async fn close(self) -> Result<()> {
        self.stage.send_replace(Stage::Leave);
        let joined = tokio::task::spawn_blocking(move || {
            self.threads.into_iter().filter_map(|thread| thread.join().err()).count()
        });
        match joined.await? {
            0 => Ok(()),
            faults => bail!("{faults} threads of the load ended by a fault"),
        }
    }

    /// The next report that is not a failure.
    async fn report(&mut self, within: Duration) -> Result<Report> {
        match timeout(within, self.reports.recv()).await {
            Err(_) => bail!("no answer for {} s", within.as_secs()),
            Ok(None) => bail!("the threads of the load have ended"),
            Ok(Some(Report::Failed(error))) => Err(error),
            Ok(Some(report)) => Ok(report),
        }
    }
}

fn empty_histogram() -> Result<Histogram<u32>> {
    Ok(Histogram::new_with_bounds(1, MAX_LATENCY.as_nanos() as u64, LATENCY_DIGITS)?)
}
