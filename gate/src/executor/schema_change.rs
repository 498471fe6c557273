//! Makes a schema change on every shard of a keyspace, reads the schema back from MySQL and writes it to the
//! topology.
//!
//! ```text
//!   lock ─► [try on a copy] ─► [put down what begins] ─► shard after shard ─► read back ─► records
//!                                                          first: [a new table: judge, or undo]
//! ```
//!
//! In brackets: where there are several shards, or a sharded table. What some shards have made and others not
//! stays put down (`pending`): the same statement goes on with it, and `abandon` takes it back.

mod abandon;
pub mod database;
mod judge;
mod pending;
mod read_back;
mod trial;
mod views;
mod vschema;

use std::collections::BTreeSet;
use std::rc::Rc;

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use proto::wire::CapabilityFlags;
use proto::wire::reply::ERROR_TEXT_AT;
use topo::records::{NewTable, SchemaChangeRecord, SchemaRecord, TableVschema};
use topo::snapshot::Keyspace;
use topo::store::Outcome;
use topo::topology::{Lock, LockError, Transaction};

use super::control::Row;
use super::done::{nothing_done, together};
use super::line::{Line, LineError};
use crate::accounts::denied::names_account;
use crate::backend::SessionClass;
use crate::backend::settings::Settings;
use crate::clients::Client;
use crate::hold::decide::error_code;
use crate::limits::{
    MAX_RENUMBERED_TABLES, RECORD_ATTEMPTS, SCHEMA_LOCK_TTL, SCHEMA_LOCK_WAIT, SCHEMA_SEEN_TIMEOUT,
};
use crate::numbers::begin_anew;
use crate::plan::SchemaChange;
use crate::sql::character_set::{CharacterSet, DEFAULT_COLLATION};
use crate::worker::Worker;
pub use abandon::abandon;
use pending::State;
use trial::Verdict;
use vschema::{Entry, StoredVschema};

/// A schema change that was made, or that MySQL refused.
pub struct Made {
    /// The payload of MySQL's answer, OK or error.
    pub answer: Vec<u8>,
    /// What the client is told besides, each a row of the error table.
    pub notes: Vec<ClientError>,
    /// What MySQL has warned of: rows of SHOW WARNINGS.
    pub warnings: Vec<Row>,
}

impl Made {
    fn plain(answer: Vec<u8>) -> Self {
        Self { answer, notes: Vec::new(), warnings: Vec::new() }
    }
}

/// Makes the change.
pub async fn run(
    worker: &Worker,
    change: &SchemaChange,
    (class, client): (&SessionClass, &Client),
    sql: &[u8],
) -> Result<Made, ClientError> {
    let lock = lock(worker, &change.keyspace, client).await?;
    let asking = questioning(class);
    // What is tried is tried under the session's settings, and in its character set.
    let trying =
        SessionClass { settings: class.settings.clone(), collation: class.collation, ..asking.clone() };
    let made = match tried(worker, change, &trying, sql).await {
        Ok(Verdict::Fit(rows_of)) => {
            let creates = change.creates.clone().map(|table| NewTable { rows_of, ..table });
            let change = SchemaChange { creates, ..change.clone() };
            match Shards::open(worker, &change.keyspace, &asking).await {
                Ok(shards) => shards.under(class).make(&change, (sql, client), &lock).await,
                Err(error) => Err(error),
            }
        }
        Ok(Verdict::Refused(refusal)) => Ok(Made::plain(refusal)),
        Ok(Verdict::Unfit(error)) | Err(error) => Err(error),
    };
    lock.release().await;
    made
}

/// Tries a change that has to be tried, unless it is gone on with.
async fn tried(
    worker: &Worker,
    change: &SchemaChange,
    class: &SessionClass,
    sql: &[u8],
) -> Result<Verdict, ClientError> {
    let Some(trial) = &change.trial else { return Ok(Verdict::Fit(None)) };
    if pending::read(worker, &change.keyspace).await?.is_some_and(|record| record.sql.as_bytes() == sql) {
        return Ok(Verdict::Fit(None));
    }
    trial::judge(worker, &change.keyspace, class, (trial, sql)).await
}

/// The lock on schema changes of the keyspace. A client whose statement is ended meanwhile waits no longer.
pub(super) async fn lock(
    worker: &Worker,
    keyspace: &KeyspaceName,
    client: &Client,
) -> Result<Lock, ClientError> {
    let topology = &worker.shared.topology;
    let key = topology.keys().schema_change_lock(keyspace);
    let patience = async {
        tokio::select! {
            () = tokio::time::sleep(SCHEMA_LOCK_WAIT) => {}
            () = client.ending().interrupted() => {}
        }
    };
    let lock = topology.lock_until(&key, &worker.shared.name, SCHEMA_LOCK_TTL, patience).await;
    lock.map_err(|error| match error {
        LockError::Held { .. } if client.ending().is_interrupted() => ErrorId::Interrupted.plain(),
        LockError::Held { .. } => ErrorId::SchemaChangeBusy.with(keyspace),
        LockError::Topology(_) => ErrorId::TopologyUnavailable.plain(),
    })
}

/// The session's class, without its settings, and with the one form of answers that the gate's own questions are read
/// under: MySQL tells names and definitions in the connection's character set, and in another one loses what that lacks.
fn questioning(class: &SessionClass) -> SessionClass {
    let capabilities = class.capabilities | CapabilityFlags::CLIENT_DEPRECATE_EOF;
    let collation = match CharacterSet::of_collation(class.collation) {
        Ok(CharacterSet::Utf8mb4) => class.collation,
        _ => DEFAULT_COLLATION,
    };
    SessionClass { capabilities, collation, settings: Rc::default(), ..class.clone() }
}

fn note(table: &str, entry: &TableVschema) -> ClientError {
    let by = entry.column_vindexes.first();
    let by = by.map(|by| format!("table {table} is sharded by column {} with vindex {}", by.column, by.name));
    ErrorId::AutomaticEntry.with(by.unwrap_or_default())
}

enum Changed {
    /// Every shard has made it; MySQL's answer.
    Everywhere(Vec<u8>),
    /// No shard has; MySQL's error.
    Nowhere(Vec<u8>),
    /// No shard has, because together they could not keep it true.
    Unfit(ClientError),
}

/// A line to every shard, all of them open before anything is changed on one.
struct Shards<'a> {
    worker: &'a Worker,
    keyspace: KeyspaceName,
    sharded: bool,
    /// What the statement is executed under; the gate's own questions are not.
    settings: Rc<Settings>,
    /// The same of its character set.
    collation: u8,
    lines: Vec<Line<'a>>,
    /// The vschema entries that new tables are given, because they have none.
    entries: Vec<(String, TableVschema)>,
    /// What the first shard has warned of: every shard warns of the same.
    warnings: Vec<Row>,
}

impl<'a> Shards<'a> {
    async fn open(
        worker: &'a Worker,
        name: &KeyspaceName,
        class: &'a SessionClass,
    ) -> Result<Self, ClientError> {
        let snapshot = worker.shared.feed.snapshot();
        let keyspace: &Keyspace =
            snapshot.keyspace(name.as_str()).ok_or_else(|| ErrorId::UnknownDatabase.with(name))?;
        let mut lines = Vec::new();
        for shard in &keyspace.shards {
            lines.push(Line::open(worker, class, &shard.shard).await?);
        }
        if lines.is_empty() {
            return Err(ErrorId::ShardUnavailable.with(name));
        }
        let (keyspace, sharded) = (keyspace.name.clone(), keyspace.sharded);
        let (settings, entries, warnings) = (Rc::default(), Vec::new(), Vec::new());
        let collation = class.collation;
        Ok(Self { worker, keyspace, sharded, settings, collation, lines, entries, warnings })
    }

    /// The statement is executed under the settings and in the character set of this class.
    fn under(self, class: &SessionClass) -> Self {
        Self { settings: class.settings.clone(), collation: class.collation, ..self }
    }

    async fn make(
        mut self,
        change: &SchemaChange,
        (sql, client): (&[u8], &Client),
        lock: &Lock,
    ) -> Result<Made, ClientError> {
        let record = if self.lines.len() > 1 { Some(self.begin(change, sql, lock).await?) } else { None };
        let answer = match self.change(change, record.as_ref(), (sql, client)).await {
            Ok(Changed::Nowhere(answer)) => return self.forget(lock).await.map(|()| Made::plain(answer)),
            Ok(Changed::Unfit(error)) => return self.forget(lock).await.and(Err(error)),
            Ok(Changed::Everywhere(answer)) => Ok(answer),
            Err(error) => Err(error),
        };
        let notes = self.entries.iter().map(|(table, entry)| note(table, entry)).collect();
        let warnings = std::mem::take(&mut self.warnings);
        let after = After { renames: &change.renames, names: &change.names, made: answer.is_ok() };
        // Also what only some shards have done is read back: plans must not follow the schema before it.
        let recorded = self.record(lock, after).await;
        answer.and_then(|answer| recorded.map(|()| Made { answer, notes, warnings }))
    }

    /// What is put down of the change: that it begins, or what was when an earlier attempt at it began.
    async fn begin(
        &mut self,
        change: &SchemaChange,
        sql: &[u8],
        lock: &Lock,
    ) -> Result<SchemaChangeRecord, ClientError> {
        if let Some(record) = pending::read(self.worker, &self.keyspace).await? {
            if record.sql.as_bytes() == sql && record.settings == self.settings.text() {
                return Ok(record);
            }
            self.settle(&record).await?;
        }
        let under = self.settings.text();
        pending::begin(self.worker, change, (sql, under), (&mut self.lines, lock)).await
    }

    /// Makes sure that another change is not half made: no shard has it, or all have.
    async fn settle(&mut self, record: &SchemaChangeRecord) -> Result<(), ClientError> {
        let mut made = 0;
        for line in &mut self.lines {
            made += usize::from(pending::state(line, &self.keyspace, record).await? == State::Made);
        }
        match (made, &record.creates) {
            (0, _) => Ok(()),
            (all, Some(table)) if all == self.lines.len() => self.judge(table).await,
            (all, None) if all == self.lines.len() => Ok(()),
            _ => Err(ErrorId::HalfMade.with(&record.sql)),
        }
    }

    async fn change(
        &mut self,
        change: &SchemaChange,
        record: Option<&SchemaChangeRecord>,
        (sql, client): (&[u8], &Client),
    ) -> Result<Changed, ClientError> {
        // One shard cannot differ from others, and only there nobody has looked yet.
        let new_table = match (record, &change.creates) {
            (Some(record), _) => record.creates.clone(),
            (None, Some(table)) if self.sharded && !self.exists(&table.name).await? => Some(table.clone()),
            (None, _) => None,
        };
        let mut answers = Vec::new();
        for place in 0..self.lines.len() {
            let line = &mut self.lines[place];
            let made = match record {
                Some(record) => pending::state(line, &self.keyspace, record).await?,
                None => State::AsBefore,
            };
            if made == State::AsBefore {
                match line.execute_under(sql, (&self.settings, self.collation, client)).await {
                    Ok((answer, warnings)) => {
                        if answers.is_empty() {
                            self.warnings = warnings;
                        }
                        answers.push(answer);
                    }
                    Err(error) => {
                        let at = line.shard().to_string();
                        return self.stopped(&at, (error, answers.len()), record, new_table.as_ref()).await;
                    }
                }
            }
            if let (0, Some(table)) = (place, &new_table)
                && let Err(error) = self.judge(table).await
            {
                return self.undo(table, record).await.map(|()| Changed::Unfit(error));
            }
        }
        if answers.is_empty() {
            return Ok(Changed::Everywhere(nothing_done()));
        }
        let answer = together(&answers);
        answer
            .map(Changed::Everywhere)
            .ok_or_else(|| ErrorId::Internal.with("an OK packet that cannot be read"))
    }

    /// A shard did not make the change, after so many others did. MySQL's error is the answer if no shard has it
    /// then.
    async fn stopped(
        &mut self,
        shard: &str,
        (error, made_now): (LineError, usize),
        record: Option<&SchemaChangeRecord>,
        new_table: Option<&NewTable>,
    ) -> Result<Changed, ClientError> {
        let refusal = match error {
            LineError::Refused(packet) => packet,
            LineError::Failed(_) if made_now > 0 => return Err(ErrorId::PartialDdl.with(shard)),
            LineError::Failed(error) => return Err(error),
        };
        let Some(record) = record else { return Ok(Changed::Nowhere(refusal)) };
        let mut some_have_it = made_now > 0;
        for line in &mut self.lines {
            some_have_it |= pending::state(line, &self.keyspace, record).await? == State::Made;
        }
        match new_table {
            _ if !some_have_it => Ok(Changed::Nowhere(refusal)),
            Some(table) => self.undo(table, Some(record)).await.map(|()| Changed::Nowhere(refusal)),
            None => {
                let code = error_code(&refusal).unwrap_or_default();
                let text = String::from_utf8_lossy(refusal.get(ERROR_TEXT_AT..).unwrap_or_default());
                // The account behind is nobody whom the client knows.
                let said = if names_account(code) { String::new() } else { format!(": {text}") };
                Err(ErrorId::PartialDdl.with(format_args!("{shard} (MySQL's error {code}{said})")))
            }
        }
    }

    /// Finds how a new table is sharded; an error if the shards could not keep it true.
    async fn judge(&mut self, table: &NewTable) -> Result<(), ClientError> {
        if !self.sharded {
            return Ok(());
        }
        let vschema = StoredVschema::read(self.worker, &self.keyspace).await?;
        let schema = self.read_back().await?;
        let keys = read_back::foreign_keys(&mut self.lines[0], &self.keyspace, &table.name).await?;
        if let Entry::Automatic(entry) = vschema.entry_for(table, &schema, &keys)? {
            self.entries.push((table.name.clone(), entry));
        }
        Ok(())
    }

    /// Takes a new table away again where there was none. Nobody's rows can be in it: no gate has routed by it yet.
    async fn undo(
        &mut self,
        table: &NewTable,
        record: Option<&SchemaChangeRecord>,
    ) -> Result<(), ClientError> {
        let name = format!("{}.{}", quoted(self.keyspace.as_str()), quoted(&table.name));
        let undo = format!("DROP TABLE IF EXISTS {name}");
        let had_none = |line: &&mut Line<'_>| record.is_none_or(|record| pending::had_nothing(line, record));
        for line in self.lines.iter_mut().filter(had_none) {
            let undone = line.execute(undo.as_bytes()).await;
            undone.map_err(|_| ErrorId::PartialDdl.with(line.shard()))?;
        }
        Ok(())
    }

    async fn forget(&self, lock: &Lock) -> Result<(), ClientError> {
        if self.lines.len() == 1 {
            return Ok(());
        }
        pending::forget(self.worker, &self.keyspace, lock).await
    }

    async fn exists(&mut self, table: &str) -> Result<bool, ClientError> {
        let keyspace = self.keyspace.clone();
        Ok(read_back::table_type(self.first()?, &keyspace, table).await?.is_some())
    }

    async fn read_back(&mut self) -> Result<SchemaRecord, ClientError> {
        let (keyspace, sharded) = (self.keyspace.clone(), self.sharded);
        let line = self.first()?;
        let mut schema = read_back::read_back(line, &keyspace).await?;
        if sharded {
            schema.views = views::read_back(line, &keyspace).await?;
        }
        Ok(schema)
    }

    /// Reads the schema back, writes it to the topology with what the vschema gains and loses by it, and waits
    /// until this gate routes by it.
    async fn record(mut self, lock: &Lock, after: After<'_>) -> Result<(), ClientError> {
        let worker = self.worker;
        let unrecorded = ErrorId::SchemaNotRecorded.with(&self.keyspace);
        let schema = self.read_back().await?;
        for _ in 0..RECORD_ATTEMPTS {
            let transaction = self.records(&schema, &after).await?.while_locked(lock);
            let transaction = self.numbers_anew(transaction, &schema, after.names, lock)?;
            if let Ok(Outcome::Committed(revision)) = worker.shared.topology.commit(transaction).await {
                self.lines.into_iter().for_each(Line::close);
                // The client's next statement must find its table here.
                let seen = worker.shared.feed.at_least(revision, SCHEMA_SEEN_TIMEOUT).await;
                return seen.map(|_| ()).map_err(|_| unrecorded);
            }
        }
        Err(unrecorded)
    }

    async fn records(&self, schema: &SchemaRecord, after: &After<'_>) -> Result<Transaction, ClientError> {
        let keys = self.worker.shared.topology.keys();
        let mut transaction = Transaction::new()
            .put(&keys.schema(&self.keyspace), schema)
            .map_err(|error| ErrorId::Internal.with(error))?;
        if after.made {
            transaction = transaction.delete(&keys.schema_change(&self.keyspace));
        }
        if !self.sharded {
            return Ok(transaction);
        }
        let renames = if after.made { after.renames } else { &[] };
        let vschema = StoredVschema::read(self.worker, &self.keyspace).await?;
        vschema.write(transaction, (&self.entries, renames), schema)
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

/// What is written when a change is over, for this time at least.
struct After<'a> {
    /// Tables that have another name then.
    renames: &'a [(String, String)],
    /// Every name in the statement.
    names: &'a BTreeSet<String>,
    /// Whether every shard has made it.
    made: bool,
}

/// The text as a literal of MySQL's.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The name in quotes.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
