//! One thread of a load: a runtime of its own with its share of the connections.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::Result;
use hdrhistogram::Histogram;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::client::Client;
use super::rows::{Random, Rows};
use super::work::Work;
use super::{Order, Report, Stage, empty_histogram};
use crate::limits::WARM_UP;

/// What a thread takes of a load.
pub(super) struct Share {
    pub(super) order: Order,
    /// Which of the threads it is; the connections are dealt over them.
    pub(super) thread: usize,
    pub(super) threads: usize,
}

/// A connection and what it asks for next.
struct Asker {
    client: Client,
    number: usize,
    work: Work,
    rows: Arc<Rows>,
    random: Random,
}

/// Starts the thread. It ends when it is told to leave, or when the load is gone.
pub(super) fn start(
    share: Share,
    stages: watch::Receiver<Stage>,
    reports: mpsc::UnboundedSender<Report>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(format!("load-{}", share.thread)).spawn(move || {
        if let Err(error) = runtime.block_on(serve(&share, stages, &reports)) {
            // Nobody listens any more when the run has failed already.
            let _ = reports.send(Report::Failed(error));
        }
    })
}

async fn serve(
    share: &Share,
    mut stages: watch::Receiver<Stage>,
    reports: &mpsc::UnboundedSender<Report>,
) -> Result<()> {
    let mut askers = Vec::new();
    let order = &share.order;
    for number in (share.thread..order.case.connections).step_by(share.threads) {
        askers.push(Asker {
            client: Client::connect(&order.endpoint).await?,
            number,
            work: order.case.work,
            rows: order.rows.clone(),
            random: Random::new(number as u64),
        });
    }
    (askers, _) = ask_together(askers, Instant::now() + WARM_UP).await?;
    reports.send(Report::Ready)?;
    while stages.changed().await.is_ok() {
        let stage = *stages.borrow_and_update();
        match stage {
            Stage::Idle => {}
            Stage::Running { until } => {
                let latency;
                (askers, latency) = ask_together(askers, until).await?;
                reports.send(Report::Done(latency))?;
            }
            Stage::Leave => break,
        }
    }
    for asker in askers {
        asker.client.leave().await;
    }
    Ok(())
}

async fn ask_together(askers: Vec<Asker>, until: Instant) -> Result<(Vec<Asker>, Histogram<u32>)> {
    let mut asking: JoinSet<_> = askers.into_iter().map(|asker| asker.ask(until)).collect();
    let (mut askers, mut latency) = (Vec::with_capacity(asking.len()), empty_histogram()?);
    while let Some(asked) = asking.join_next().await {
        let (asker, share) = asked??;
        latency.add(&share)?;
        askers.push(asker);
    }
    Ok((askers, latency))
}

impl Asker {
    /// Executes one statement after the other, and no transaction by half. The end of one is the start of the next, so that
    /// the clock is read once for each.
    async fn ask(mut self, until: Instant) -> Result<(Self, Histogram<u32>)> {
        let mut latency = empty_histogram()?;
        let mut steps = Vec::new();
        let mut asked = Instant::now();
        while asked < until {
            self.work.steps(self.number, &self.rows, &mut self.random, &mut steps);
            for step in &steps {
                self.client.ask(*step, &self.rows).await?;
                let answered = Instant::now();
                latency.saturating_record((answered - asked).as_nanos() as u64);
                asked = answered;
            }
        }
        Ok((self, latency))
    }
}
