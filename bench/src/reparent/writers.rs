//! Clients that insert rows, one after the other, and note which were acknowledged and when.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits::ANSWER_TIMEOUT;
use crate::load::answer::WrongAnswer;
use crate::load::client::{Client, Endpoint};

/// The table that they write; its rows are spread over the shards by `id`.
pub(super) const CREATE_TABLE: &str =
    "CREATE TABLE writes (id BIGINT NOT NULL PRIMARY KEY, writer INT NOT NULL, text CHAR(60) NOT NULL)";

/// A row that the cluster said it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// Its id.
    pub(super) id: u64,
    /// When, from the writers' start.
    pub(super) at: Duration,
    /// Time from the statement to its answer.
    pub(super) took: Duration,
}

/// What writers have done.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// Rows that are there.
    pub(super) acknowledged: Vec<Acknowledged>,
    /// What statements that failed were answered, or what happened to them.
    pub(super) failures: Vec<String>,
}

/// Running writers.
#[derive(Debug)]
pub(super) struct Writers {
    start: Instant,
    end: watch::Sender<bool>,
    tasks: JoinSet<Result<Written>>,
}

/// One of them.
#[derive(Debug)]
struct Writer {
    endpoint: Endpoint,
    number: u64,
    step: u64,
    start: Instant,
    written: Written,
}

impl Writers {
    /// Connects all of them and lets them write.
    pub(super) async fn start(endpoint: &Endpoint, count: usize) -> Result<Self> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            clients.push(Client::connect(endpoint).await?);
        }
        let (start, (end, told)) = (Instant::now(), watch::channel(false));
        let writer = |number: usize| Writer {
            endpoint: endpoint.clone(),
            number: number as u64,
            step: count as u64,
            start,
            written: Written::default(),
        };
        let tasks = clients
            .into_iter()
            .enumerate()
            .map(|(n, client)| writer(n).write(client, told.clone()))
            .collect();
        Ok(Self { start, end, tasks })
    }

    /// Time since they began.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Lets them end; what all have done, in the order of time.
    pub(super) async fn end(mut self) -> Result<Written> {
        self.end.send_replace(true);
        let mut all = Written::default();
        while let Some(written) = self.tasks.join_next().await {
            let written = written??;
            all.acknowledged.extend(written.acknowledged);
            all.failures.extend(written.failures);
        }
        all.acknowledged.sort_by_key(|row| row.at);
        Ok(all)
    }
}

impl Writer {
    /// Writes until it is told to end. After a failure it goes on with the next row: whether the one that failed
    /// is there is not known.
    async fn write(mut self, client: Client, end: watch::Receiver<bool>) -> Result<Written> {
        let mut client = Some(client);
        for place in 0.. {
            if *end.borrow() {
                break;
            }
            let mut connected = match client.take() {
                Some(client) => client,
                None => Client::connect(&self.endpoint).await?,
            };
            let id = 1 + self.number + place * self.step;
            let sql =
                format!("INSERT INTO writes VALUES ({id}, {}, 'row {place} of this writer')", self.number);
            let sent = self.start.elapsed();
            let answered = timeout(ANSWER_TIMEOUT, connected.execute(&sql)).await;
            let at = self.start.elapsed();
            match answered.unwrap_or_else(|_| Err(anyhow!("no answer for {} s", ANSWER_TIMEOUT.as_secs()))) {
                Ok(()) => {
                    self.written.acknowledged.push(Acknowledged { id, at, took: at - sent });
                    client = Some(connected);
                }
                Err(error) => {
                    // After an error packet the session goes on; after anything else there is none.
                    client = error.downcast_ref::<WrongAnswer>().is_some().then_some(connected);
                    self.written.failures.push(error.root_cause().to_string());
                }
            }
        }
        if let Some(client) = client {
            client.leave().await;
        }
        Ok(self.written)
    }
}
