//! Makes the tables with their rows, and reads every one of them once.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{Client, Endpoint};
use super::rows::{CREATE_TABLES, OWNERS, ROWS_OF_OWNER, Rows};
use super::work::Step;
use crate::limits::{FILL_CONNECTIONS, FILL_TIMEOUT, OPEN_TIMEOUT};

#[derive(Debug, Clone, Copy)]
enum Task {
    Insert,
    Read,
}

/// Makes the tables and inserts their rows: those by key each by a statement of its own, as a gate may send them to
/// different shards.
pub async fn fill(endpoint: &Endpoint, rows: &Arc<Rows>) -> Result<()> {
    let made = async {
        let mut client = Client::connect(endpoint).await?;
        for table in CREATE_TABLES {
            client.execute(table).await?;
        }
        client.leave().await;
        each_row(endpoint, rows, Task::Insert).await
    };
    let made = timeout(FILL_TIMEOUT, made).await.context("the rows take too long; ask for fewer with --rows");
    made?.with_context(|| format!("filling the table of {}", endpoint.database))
}

/// Reads every row once.
pub async fn read_all(endpoint: &Endpoint, rows: &Arc<Rows>) -> Result<()> {
    timeout(OPEN_TIMEOUT, each_row(endpoint, rows, Task::Read))
        .await
        .context("reading all rows takes too long")?
}

async fn each_row(endpoint: &Endpoint, rows: &Arc<Rows>, task: Task) -> Result<()> {
    let mut workers: JoinSet<Result<()>> = JoinSet::new();
    for first in 1..=FILL_CONNECTIONS as u64 {
        let (endpoint, rows) = (endpoint.clone(), rows.clone());
        workers.spawn(async move {
            let mut client = Client::connect(&endpoint).await?;
            for id in (first..=rows.count()).step_by(FILL_CONNECTIONS) {
                match task {
                    Task::Insert => client.execute(&rows.insert(id)).await?,
                    Task::Read => client.ask(Step::Select { id }, &rows).await?,
                }
            }
            for owner in (first..=OWNERS).step_by(FILL_CONNECTIONS) {
                match task {
                    Task::Insert => {
                        for statement in rows.insert_owned(owner) {
                            client.execute(&statement).await?;
                        }
                    }
                    Task::Read => client.ask(Step::Range { owner, rows: ROWS_OF_OWNER }, &rows).await?,
                }
            }
            client.leave().await;
            Ok(())
        });
    }
    while let Some(worked) = workers.join_next().await {
        worked??;
    }
    Ok(())
}
