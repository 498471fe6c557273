//! Takes a half-made schema change back: `ABANDON SCHEMA CHANGE [BY statement]`.

use std::collections::BTreeSet;

use proto::errors::{ClientError, ErrorId};
use topo::records::SchemaChangeRecord;
use topo::topology::Lock;

use super::pending::{self, State};
use super::{After, Made, Shards, lock, questioning};
use crate::backend::SessionClass;
use crate::clients::Client;
use crate::executor::done::nothing_done;
use crate::plan::Abandon;
use crate::worker::Worker;

/// Makes every shard be as it was before the change, and forgets the change. It is looked at that they are.
pub async fn abandon(
    worker: &Worker,
    plan: &Abandon,
    (class, client): (&SessionClass, &Client),
) -> Result<Made, ClientError> {
    let lock = lock(worker, &plan.keyspace, client).await?;
    let class = questioning(class);
    let made = match Shards::open(worker, &plan.keyspace, &class).await {
        Ok(shards) => take_back(shards, plan, (&lock, client)).await,
        Err(error) => Err(error),
    };
    lock.release().await;
    made
}

async fn take_back(
    mut shards: Shards<'_>,
    plan: &Abandon,
    (lock, client): (&Lock, &Client),
) -> Result<Made, ClientError> {
    let record = pending::read(shards.worker, &plan.keyspace).await?;
    let record = record.ok_or_else(|| ErrorId::NothingHalfMade.with(&plan.keyspace))?;
    let made = having_it(&mut shards, &record).await?;
    match (&plan.by, &record.creates) {
        (Some(undo), _) => {
            for place in made {
                if let Err(error) = shards.lines[place].execute_for(Some(client), undo.as_bytes()).await {
                    return error.answer().map(Made::plain);
                }
            }
        }
        (None, Some(table)) => shards.undo(table, Some(&record)).await?,
        (None, None) if made.is_empty() => {}
        (None, None) => {
            let names: Vec<String> =
                made.iter().map(|place| shards.lines[*place].shard().to_string()).collect();
            return Err(ErrorId::NeedsUndoing.with(names.join(", ")));
        }
    }
    if let Some(place) = having_it(&mut shards, &record).await?.first() {
        return Err(ErrorId::NotUndone.with(shards.lines[*place].shard()));
    }
    // With the record of the schema goes that of the change.
    shards.record(lock, After { renames: &[], names: &BTreeSet::new(), made: true }).await?;
    Ok(Made::plain(nothing_done()))
}

/// Places of the shards that have made the change.
async fn having_it(shards: &mut Shards<'_>, record: &SchemaChangeRecord) -> Result<Vec<usize>, ClientError> {
    let mut having = Vec::new();
    for (place, line) in shards.lines.iter_mut().enumerate() {
        if pending::state(line, &shards.keyspace, record).await? == State::Made {
            having.push(place);
        }
    }
    Ok(having)
}
