//! Makes a schema change on every shard of a keyspace, reads the schema back from MySQL and writes it to the
//! topology.
//!
//! ```text
//!   lock ─► first shard ─► [new sharded table: read back, judge, or undo] ─► other shards ─► read back ─► record
//! ```

use std::collections::BTreeMap;

use proto::account::DataRole;
use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use proto::wire::CapabilityFlags;
use topo::records::{Column, ColumnType, IndexSchema, SchemaRecord, TableSchema, Visibility};
use topo::snapshot::{Keyspace, Sharding, ShardingKey, Table};
use topo::store::Outcome;
use topo::topology::{Lock, LockError, Transaction};

use super::control::Row;
use super::done::together;
use super::line::{Line, LineError};
use crate::backend::SessionClass;
use crate::limits::{SCHEMA_LOCK_TTL, SCHEMA_LOCK_WAIT, SCHEMA_SEEN_TIMEOUT};
use crate::plan::SchemaChange;
use crate::worker::Worker;

/// Makes the change; gives the payload of MySQL's answer, OK or error.
pub async fn run(
    worker: &Worker,
    change: &SchemaChange,
    class: &SessionClass,
    sql: &[u8],
) -> Result<Vec<u8>, ClientError> {
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
        Ok(Changed::Refused(packet)) => return Ok(packet),
        Ok(Changed::Everywhere(packet)) => Ok(packet),
        Err(error) => Err(error),
    };
    // Also what only some shards have done is read back: plans must not follow the schema before it.
    let recorded = record(worker, shards, &lock).await;
    lock.release().await;
    answer.and_then(|packet| recorded.map(|()| packet))
}

/// Reads the schema back, writes it to the topology, and waits until this gate routes by it.
async fn record(worker: &Worker, mut shards: Shards<'_>, lock: &Lock) -> Result<(), ClientError> {
    let topology = &worker.shared.topology;
    let unrecorded = ErrorId::SchemaNotRecorded.with(&shards.keyspace);
    let schema = shards.read_back().await?;
    let transaction = Transaction::new()
        .put(&topology.keys().schema(&shards.keyspace), &schema)
        .map_err(|error| ErrorId::Internal.with(error))?
        .while_locked(lock);
    shards.close();
    let Ok(Outcome::Committed(revision)) = topology.commit(transaction).await else {
        return Err(unrecorded);
    };
    // The client's next statement must find its table here.
    let seen = worker.shared.feed.at_least(revision, SCHEMA_SEEN_TIMEOUT).await;
    seen.map(|_| ()).map_err(|_| unrecorded)
}

enum Changed {
    Everywhere(Vec<u8>),
    Refused(Vec<u8>),
}

/// A line to every shard, all of them open before anything is changed on one.
struct Shards<'a> {
    keyspace: KeyspaceName,
    lines: Vec<Line<'a>>,
    /// The sharding of the table that is created.
    table: Option<Table>,
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
        let table = change.creates.as_deref().and_then(|name| keyspace.table(name)).cloned();
        Ok(Self { keyspace: change.keyspace.clone(), lines, table })
    }

    async fn change(&mut self, change: &SchemaChange, sql: &[u8]) -> Result<Changed, ClientError> {
        let new_table = match &change.creates {
            Some(table) if !self.exists(table).await? => Some(table.clone()),
            _ => None,
        };
        let answer = match self.first()?.execute(sql).await {
            Ok(answer) => answer,
            Err(error) => return error.answer().map(Changed::Refused),
        };
        if let Some(table) = new_table {
            self.judge(&table).await?;
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

    /// Drops a new table that the shards could not keep true, and says why.
    async fn judge(&mut self, name: &str) -> Result<(), ClientError> {
        let schema = self.read_back().await?;
        let sharding = self.table.as_ref().and_then(|table| table.sharding.as_ref());
        let verdict = match (schema.tables.get(name), sharding) {
            (Some(table), Some(sharding)) => check_new_table(name, table, sharding),
            _ => Err(ErrorId::NoVschemaEntry.with(name)),
        };
        if let Err(error) = verdict {
            let undo = format!("DROP TABLE {}.{}", quoted(self.keyspace.as_str()), quoted(name));
            let first = self.first()?;
            let undone = first.execute(undo.as_bytes()).await;
            undone.map_err(|_| ErrorId::PartialDdl.with(first.shard()))?;
            return Err(error);
        }
        Ok(())
    }

    async fn exists(&mut self, table: &str) -> Result<bool, ClientError> {
        let sql = format!(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = {} AND table_name = {}",
            literal(self.keyspace.as_str()),
            literal(table)
        );
        Ok(!self.ask(&sql).await?.is_empty())
    }

    async fn read_back(&mut self) -> Result<SchemaRecord, ClientError> {
        let schema = literal(self.keyspace.as_str());
        let columns = self.ask(&COLUMNS.replace("{}", &schema)).await?;
        let indexes = self.ask(&INDEXES.replace("{}", &schema)).await?;
        let mut tables: BTreeMap<String, TableSchema> = BTreeMap::new();
        for row in columns {
            let (table, column) = column(row).ok_or_else(unreadable)?;
            tables.entry(table).or_default().columns.push(column);
        }
        for row in indexes {
            add_to_index(&mut tables, row).ok_or_else(unreadable)?;
        }
        let programs = self.ask(&PROGRAMS.replace("{}", &schema)).await?;
        let programs = programs.into_iter().flatten().flatten().next().and_then(|count| count.parse().ok());
        Ok(SchemaRecord { tables, stored_programs: programs.ok_or_else(unreadable)? })
    }

    async fn ask(&mut self, sql: &str) -> Result<Vec<Row>, ClientError> {
        self.first()?.query(sql).await.map_err(|error| match error {
            LineError::Refused(_) => ErrorId::Internal.with("MySQL refused to describe its schema"),
            LineError::Failed(error) => error,
        })
    }

    fn first(&mut self) -> Result<&mut Line<'a>, ClientError> {
        self.lines.first_mut().ok_or_else(|| ErrorId::ShardUnavailable.with(&self.keyspace))
    }

    fn close(self) {
        self.lines.into_iter().for_each(Line::close);
    }
}

/// What the shards together must be able to keep of a new table: its sharding column can be mapped exactly, and
/// every unique key includes it, so that equal keys meet on one shard.
fn check_new_table(name: &str, table: &TableSchema, sharding: &Sharding) -> Result<(), ClientError> {
    let (column, vindex) = match sharding {
        Sharding::By(key) => (&key.column, key.vindex),
        Sharding::Declared { column, vindex } => (column, *vindex),
        Sharding::Unusable { column, why } => {
            return Err(ErrorId::BadShardingColumn.with(format_args!("column {column} of {name} ({why})")));
        }
    };
    let key = ShardingKey::find(table, column, vindex)
        .map_err(|why| ErrorId::BadShardingColumn.with(format_args!("column {column} of {name} ({why})")))?;
    if let Some(numbered) = table.columns.iter().find(|column| column.auto_increment) {
        let what = format!("AUTO_INCREMENT of column {}", numbered.name);
        return Err(ErrorId::UnenforceableDdl.with(what));
    }
    let includes_key =
        |index: &IndexSchema| index.columns.iter().any(|c| c.eq_ignore_ascii_case(&key.column));
    match table.indexes.iter().find(|index| index.unique && !includes_key(index)) {
        Some(index) => {
            Err(ErrorId::UnenforceableDdl.with(format_args!("unique key {} of {name}", index.name)))
        }
        None => Ok(()),
    }
}

const COLUMNS: &str = "SELECT c.table_name, c.column_name, c.data_type, c.column_type, c.is_nullable, c.extra, \
     c.character_maximum_length, c.character_set_name, c.collation_name \
     FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) \
     WHERE table_schema = {} AND t.table_type = 'BASE TABLE' ORDER BY table_name, c.ordinal_position";

/// A column of which an index has only a prefix counts as an expression.
const INDEXES: &str = "SELECT table_name, index_name, non_unique, IF(sub_part IS NULL, column_name, NULL) \
     FROM information_schema.statistics \
     WHERE table_schema = {} ORDER BY table_name, index_name <> 'PRIMARY', index_name, seq_in_index";

const PROGRAMS: &str = "SELECT (SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = {}) \
     + (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = {})";

fn column(row: Row) -> Option<(String, Column)> {
    let [table, name, data_type, sql_type, nullable, extra, length, character_set, collation]: [Option<
        String,
    >; 9] = row.try_into().ok()?;
    let (data_type, sql_type, extra) = (data_type?, sql_type?, extra?);
    let unsigned = sql_type.contains("unsigned");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let integer = |bits| ColumnType::Integer { bits, unsigned };
    let kind = match data_type.as_str() {
        "tinyint" => integer(8),
        "smallint" => integer(16),
        "mediumint" => integer(24),
        "int" => integer(32),
        "bigint" => integer(64),
        "binary" | "varbinary" => ColumnType::Binary { length, fixed: data_type == "binary" },
        "char" | "varchar" => ColumnType::Text {
            length,
            fixed: data_type == "char",
            character_set: character_set?,
            collation: collation?,
        },
        _ => ColumnType::Other,
    };
    let visibility = if extra.contains("INVISIBLE") { Visibility::Invisible } else { Visibility::Visible };
    let column = Column {
        name: name?,
        kind,
        sql_type,
        nullable: nullable? == "YES",
        auto_increment: extra.contains("auto_increment"),
        visibility,
    };
    Some((table?, column))
}

fn add_to_index(tables: &mut BTreeMap<String, TableSchema>, row: Row) -> Option<()> {
    let [table, index, non_unique, column]: [Option<String>; 4] = row.try_into().ok()?;
    let (index, column) = (index?, column.unwrap_or_default());
    let indexes = &mut tables.get_mut(&table?)?.indexes;
    match indexes.last_mut().filter(|last| last.name == index) {
        Some(last) => last.columns.push(column),
        None => indexes.push(IndexSchema { name: index, unique: non_unique? == "0", columns: vec![column] }),
    }
    Some(())
}

fn unreadable() -> ClientError {
    ErrorId::Internal.with("MySQL described its schema in a way that cannot be read")
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
