//! Makes a schema change on every shard of a keyspace, reads the schema back from MySQL and writes it to the
//! topology.
//!
//! ```text
//!   lock ─► first shard ─► [new sharded table: read back, judge, or undo] ─► other shards ─► read back ─► records
//! ```

mod judge;
mod read_back;
mod vschema;

use std::collections::BTreeSet;

use proto::account::DataRole;
use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use proto::wire::CapabilityFlags;
use topo::records::{SchemaRecord, TableVschema};
use topo::snapshot::Keyspace;
use topo::store::Outcome;
use topo::topology::{Lock, LockError, Transaction};

use super::done::together;
use super::line::Line;
use crate::backend::SessionClass;
use crate::limits::{
    MAX_RENUMBERED_TABLES, RECORD_ATTEMPTS, SCHEMA_LOCK_TTL, SCHEMA_LOCK_WAIT, SCHEMA_SEEN_TIMEOUT,
};
use crate::numbers::begin_anew;
use crate::plan::{NewTable, SchemaChange};
use crate::worker::Worker;
use vschema::{Entry, StoredVschema};

/// A schema change that was made, or that MySQL refused.
pub struct Made {
    /// The payload of MySQL's answer, OK or error.
    pub answer: Vec<u8>,
    /// What the client is told besides, each a row of the error table.
    pub notes: Vec<ClientError>,
}

/// Makes the change.
pub async fn run(
    worker: &Worker,
    change: &SchemaChange,
    class: &SessionClass,
    sql: &[u8],
) -> Result<Made, ClientError> {
    if class.role < DataRole::Admin {
        return Err(ErrorId::RoleTooWeak.with(change.verb));
    }
    let topology = &worker.shared.topology;
    let key = topology.keys().schema_change_lock(&change.keyspace);
    let lock = topology
        .lock_within(&key, &worker.shared.name, SCHEMA_LOCK_TTL, SCHEMA_LOCK_WAIT)
        .await
        .map_err(|error| match error {
            LockError::Held { .. } => ErrorId::SchemaChangeBusy.with(&change.keyspace),
            LockError::Topology(_) => ErrorId::TopologyUnavailable.plain(),
        })?;
    // The gate's own questions are read under one form of answer.
    let mut class = class.clone();
    class.capabilities |= CapabilityFlags::CLIENT_DEPRECATE_EOF;
    let mut shards = Shards::open(worker, change, &class).await?;
    let answer = match shards.change(change, sql).await {
        Ok(Changed::Refused(answer)) => return Ok(Made { answer, notes: Vec::new() }),
        Ok(Changed::Everywhere(answer)) => Ok(answer),
        Err(error) => Err(error),
    };
    let notes = shards.entry.iter().map(|(table, entry)| note(table, entry)).collect();
    // Also what only some shards have done is read back: plans must not follow the schema before it.
    let recorded = shards.record(&lock, &change.names).await;
    lock.release().await;
    answer.and_then(|answer| recorded.map(|()| Made { answer, notes }))
}

fn note(table: &str, entry: &TableVschema) -> ClientError {
    let by = entry.column_vindexes.first();
    let by = by.map(|by| format!("table {table} is sharded by column {} with vindex {}", by.column, by.name));
    ErrorId::AutomaticEntry.with(by.unwrap_or_default())
}

enum Changed {
    Everywhere(Vec<u8>),
    Refused(Vec<u8>),
}

/// A line to every shard, all of them open before anything is changed on one.
struct Shards<'a> {
    worker: &'a Worker,
    keyspace: KeyspaceName,
    sharded: bool,
    lines: Vec<Line<'a>>,
    /// The vschema entry that a new table is given, because it has none.
    entry: Option<(String, TableVschema)>,
}

impl<'a> Shards<'a> {
    async fn open(
        worker: &'a Worker,
        change: &SchemaChange,
        class: &'a SessionClass,
    ) -> Result<Self, ClientError> {
        let snapshot = worker.shared.feed.snapshot();
        let keyspace: &Keyspace = snapshot
            .keyspace(change.keyspace.as_str())
            .ok_or_else(|| ErrorId::UnknownDatabase.with(&change.keyspace))?;
        let mut lines = Vec::new();
        for shard in &keyspace.shards {
            lines.push(Line::open(worker, class, &shard.shard).await?);
        }
        Ok(Self { worker, keyspace: change.keyspace.clone(), sharded: keyspace.sharded, lines, entry: None })
    }

    async fn change(&mut self, change: &SchemaChange, sql: &[u8]) -> Result<Changed, ClientError> {
        let new_table = match &change.creates {
            Some(table) if !self.exists(&table.name).await? => Some(table),
            _ => None,
        };
        let answer = match self.first()?.execute(sql).await {
            Ok(answer) => answer,
            Err(error) => return error.answer().map(Changed::Refused),
        };
        if let Some(table) = new_table {
            self.judge(table).await?;
        }
        let mut answers = vec![answer];
        for line in self.lines.iter_mut().skip(1) {
            let answer = line.execute(sql).await;
            answers.push(answer.map_err(|_| ErrorId::PartialDdl.with(line.shard()))?);
        }
        let answer =
            together(&answers).ok_or_else(|| ErrorId::Internal.with("an OK packet that cannot be read"))?;
        Ok(Changed::Everywhere(answer))
    }

    /// Finds how a new table is sharded; one that the shards could not keep true is dropped again.
    async fn judge(&mut self, table: &NewTable) -> Result<(), ClientError> {
        let verdict = self.verdict(table).await;
        match verdict {
            Ok(Entry::Declared) => Ok(()),
            Ok(Entry::Automatic(entry)) => {
                self.entry = Some((table.name.clone(), entry));
                Ok(())
            }
            Err(error) => {
                let undo = format!("DROP TABLE {}.{}", quoted(self.keyspace.as_str()), quoted(&table.name));
                let first = self.first()?;
                let undone = first.execute(undo.as_bytes()).await;
                undone.map_err(|_| ErrorId::PartialDdl.with(first.shard()))?;
                Err(error)
            }
        }
    }

    async fn verdict(&mut self, table: &NewTable) -> Result<Entry, ClientError> {
        let vschema = StoredVschema::read(self.worker, &self.keyspace).await?;
        let schema = self.read_back().await?;
        vschema.entry_for(table, &schema)
    }

    async fn exists(&mut self, table: &str) -> Result<bool, ClientError> {
        let keyspace = self.keyspace.clone();
        read_back::has_table(self.first()?, &keyspace, table).await
    }

    async fn read_back(&mut self) -> Result<SchemaRecord, ClientError> {
        let keyspace = self.keyspace.clone();
        read_back::read_back(self.first()?, &keyspace).await
    }

    /// Reads the schema back, writes it to the topology with what the vschema gains and loses by it, and waits
    /// until this gate routes by it.
    async fn record(mut self, lock: &Lock, names: &BTreeSet<String>) -> Result<(), ClientError> {
        let worker = self.worker;
        let unrecorded = ErrorId::SchemaNotRecorded.with(&self.keyspace);
        let schema = self.read_back().await?;
        for _ in 0..RECORD_ATTEMPTS {
            let transaction = self.records(&schema).await?.while_locked(lock);
            let transaction = self.numbers_anew(transaction, &schema, names, lock)?;
            if let Ok(Outcome::Committed(revision)) = worker.shared.topology.commit(transaction).await {
                self.lines.into_iter().for_each(Line::close);
                // The client's next statement must find its table here.
                let seen = worker.shared.feed.at_least(revision, SCHEMA_SEEN_TIMEOUT).await;
                return seen.map(|_| ()).map_err(|_| unrecorded);
            }
        }
        Err(unrecorded)
    }

    async fn records(&self, schema: &SchemaRecord) -> Result<Transaction, ClientError> {
        let key = self.worker.shared.topology.keys().schema(&self.keyspace);
        let transaction =
            Transaction::new().put(&key, schema).map_err(|error| ErrorId::Internal.with(error))?;
        if !self.sharded {
            return Ok(transaction);
        }
        let vschema = StoredVschema::read(self.worker, &self.keyspace).await?;
        vschema.write(transaction, self.entry.as_ref(), schema)
    }

    /// The numbers of the tables that the change may be about begin anew, where the shards say.
    fn numbers_anew(
        &self,
        transaction: Transaction,
        schema: &SchemaRecord,
        names: &BTreeSet<String>,
        lock: &Lock,
    ) -> Result<Transaction, ClientError> {
        let shared = &self.worker.shared;
        let snapshot = shared.feed.snapshot();
        let known = snapshot.keyspace(self.keyspace.as_str());
        let had = |name: &str| known.is_some_and(|keyspace| keyspace.incarnation(name) > 0);
        let has = |name: &str| {
            schema.tables.get(name).is_some_and(|table| table.columns.iter().any(|c| c.auto_increment))
        };
        let tables = names.iter().map(String::as_str).filter(|name| had(name) || has(name));
        let tables = tables.take(MAX_RENUMBERED_TABLES);
        begin_anew(transaction, shared.topology.keys(), &self.keyspace, tables, lock)
            .map_err(|error| ErrorId::Internal.with(error))
    }

    fn first(&mut self) -> Result<&mut Line<'a>, ClientError> {
        self.lines.first_mut().ok_or_else(|| ErrorId::ShardUnavailable.with(&self.keyspace))
    }
}

/// The text as a literal of MySQL's.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The name in quotes.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
