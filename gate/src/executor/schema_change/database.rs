//! CREATE DATABASE and DROP DATABASE: keyspaces that live on the tablets of another one.
//!
//! ```text
//!   create: lock ─► keyspace record ─► accounts (by the host primary's agent) ─► MySQL's CREATE DATABASE
//!   drop:   lock ─► MySQL's DROP DATABASE ─► records away
//! ```
//!
//! What ends half-way is finished by the same statement again: a database that is not there yet is created, one
//! that is not there any more loses its records.

use proto::errors::{ClientError, ErrorId};
use proto::ids::{KeyspaceName, ShardRef};
use tokio::time::{Instant, sleep};
use topo::records::KeyspaceRecord;
use topo::snapshot::Shard;
use topo::store::{Outcome, Revision};
use topo::topology::{Lock, Transaction};

use super::{Made, lock, questioning};
use crate::backend::SessionClass;
use crate::clients::Client;
use crate::executor::done::nothing_done;
use crate::executor::line::Line;
use crate::hold::decide::error_code;
use crate::limits::{ACCOUNTS_POLL, ACCOUNTS_TIMEOUT, SCHEMA_SEEN_TIMEOUT};
use crate::plan::DatabaseChange;
use crate::worker::Worker;

/// MySQL's code for DROP DATABASE of one that is not there.
const NO_DATABASE_TO_DROP: u16 = 1008;

/// Makes the change. The class is the session's in the database's keyspace.
pub async fn run(
    worker: &Worker,
    change: &DatabaseChange,
    (class, client): (&SessionClass, &Client),
    sql: &[u8],
) -> Result<Made, ClientError> {
    // Not even where it is the session's default one: it is not there yet, or not any more.
    let class = SessionClass { database: None, ..questioning(class) };
    let lock = lock(worker, change.name(), client).await?;
    let sql = (sql, client);
    let made = match change {
        DatabaseChange::Create { name, host } => create(worker, (name, host), &class, (sql, &lock)).await,
        DatabaseChange::Drop { name, host } => drop(worker, (name, host), &class, (sql, &lock)).await,
    };
    lock.release().await;
    made
}

async fn create(
    worker: &Worker,
    (name, host): (&KeyspaceName, &ShardRef),
    class: &SessionClass,
    ((sql, client), lock): ((&[u8], &Client), &Lock),
) -> Result<Made, ClientError> {
    let keys = worker.shared.topology.keys();
    let key = keys.keyspace(Some(name));
    let transaction = Transaction::new()
        .create(&key, &KeyspaceRecord::hosted(host.clone()))
        .map_err(|error| ErrorId::Internal.with(error))?;
    let Some(revision) = commit(worker, transaction, lock).await? else {
        // Another gate was first, and this one has yet to learn of it.
        return Err(ErrorId::SchemaChangeBusy.with(name));
    };
    let seen = worker.shared.feed.at_least(revision, SCHEMA_SEEN_TIMEOUT).await;
    seen.map_err(|_| ErrorId::SchemaNotRecorded.with(name))?;
    accounts_are_made(worker, name, class).await?;
    let mut line = Line::open(worker, class, host).await?;
    match line.execute_for(Some(client), sql).await {
        Ok(answer) => {
            let warnings = line.warnings(&answer).await;
            line.close();
            Ok(Made { warnings, ..Made::plain(answer) })
        }
        Err(error) => {
            let refusal = error.answer()?;
            let away = Transaction::new().delete(&key);
            commit(worker, away, lock).await?;
            Ok(Made::plain(refusal))
        }
    }
}

/// Waits until the agent of the host's primary has made the accounts of the keyspace.
async fn accounts_are_made(
    worker: &Worker,
    name: &KeyspaceName,
    class: &SessionClass,
) -> Result<(), ClientError> {
    let deadline = Instant::now() + ACCOUNTS_TIMEOUT;
    loop {
        let snapshot = worker.shared.feed.snapshot();
        let keyspace = snapshot.keyspace(name.as_str());
        let shard: &Shard = keyspace
            .and_then(|keyspace| keyspace.shards.first())
            .ok_or_else(|| ErrorId::ShardUnavailable.with(name))?;
        // Where the primary changes meanwhile, the next one makes them, or has them already.
        if let Ok(backend) = worker.backend(shard, class).await {
            worker.give_back(backend);
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(ErrorId::AccountsNotMade.with(&shard.shard));
        }
        sleep(ACCOUNTS_POLL).await;
    }
}

async fn drop(
    worker: &Worker,
    (name, host): (&KeyspaceName, &ShardRef),
    class: &SessionClass,
    ((sql, client), lock): ((&[u8], &Client), &Lock),
) -> Result<Made, ClientError> {
    // A database whose creation was cut short may have no accounts yet.
    accounts_are_made(worker, name, class).await?;
    let mut line = Line::open(worker, class, host).await?;
    let (answer, warnings) = match line.execute_for(Some(client), sql).await {
        Ok(answer) => {
            let warnings = line.warnings(&answer).await;
            (answer, warnings)
        }
        Err(error) => {
            let refusal = error.answer()?;
            if error_code(&refusal) != Some(NO_DATABASE_TO_DROP) {
                return Ok(Made::plain(refusal));
            }
            // An earlier attempt has dropped it and did not get to the records.
            (nothing_done(), Vec::new())
        }
    };
    let keys = worker.shared.topology.keys();
    let transaction = Transaction::new()
        .delete(&keys.keyspace(Some(name)))
        .delete(&keys.vschema(name))
        .delete(&keys.schema(name));
    let unrecorded = || ErrorId::SchemaNotRecorded.with(name);
    let revision = commit(worker, transaction, lock).await?.ok_or_else(unrecorded)?;
    worker.shared.feed.at_least(revision, SCHEMA_SEEN_TIMEOUT).await.map_err(|_| unrecorded())?;
    Ok(Made { warnings, ..Made::plain(answer) })
}

/// The revision of the commit; `None`: a conflict.
async fn commit(
    worker: &Worker,
    transaction: Transaction,
    lock: &Lock,
) -> Result<Option<Revision>, ClientError> {
    match worker.shared.topology.commit(transaction.while_locked(lock)).await {
        Ok(Outcome::Committed(revision)) => Ok(Some(revision)),
        Ok(Outcome::Conflict) => Ok(None),
        Err(_) => Err(ErrorId::TopologyUnavailable.plain()),
    }
}
