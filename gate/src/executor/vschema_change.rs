//! Changes a vschema in the topology, so that no row comes to lie where it is not looked for.
//!
//! ```text
//!   lock ─► read ─► change, judge ─► tables whose sharding changes are empty on every shard?
//!        ─► [no key: gates refuse statements on them] ─► still empty? ─► the new vschema
//! ```
//!
//! A table is taken out of service before its sharding changes and looked at once more, so that a row which a gate
//! had sent by the old vschema meanwhile is found.

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use proto::wire::CapabilityFlags;
use topo::records::{KeyspaceRecord, SchemaRecord, TableVschema, VschemaRecord};
use topo::store::{Compare, Outcome, Revision};
use topo::topology::{Lock, Transaction};
use topo::vschema::{ChangeError, Setting, Verdict, moved_tables, new_findings};

use super::line::{Line, LineError};
use super::schema_change::lock;
use crate::backend::SessionClass;
use crate::clients::Client;
use crate::hold::decide::error_code;
use crate::limits::{SCHEMA_SEEN_TIMEOUT, TABLE_LOCK_WAIT};
use crate::plan::VschemaChange;
use crate::worker::Worker;

/// Makes the change.
pub async fn run(
    worker: &Worker,
    change: &VschemaChange,
    (class, client): (&SessionClass, &Client),
) -> Result<(), ClientError> {
    let lock = lock(worker, &change.keyspace, client).await?;
    // The gate's own questions are read under one form of answer.
    let mut class = class.clone();
    class.capabilities |= CapabilityFlags::CLIENT_DEPRECATE_EOF;
    let vschema = Vschema { worker, class: &class, lock: &lock, keyspace: &change.keyspace };
    let changed = vschema.change(change).await;
    lock.release().await;
    changed
}

struct Vschema<'a> {
    worker: &'a Worker,
    class: &'a SessionClass,
    lock: &'a Lock,
    keyspace: &'a KeyspaceName,
}

impl Vschema<'_> {
    async fn change(&self, change: &VschemaChange) -> Result<(), ClientError> {
        let topology = &self.worker.shared.topology;
        let keys = topology.keys();
        let away = |_| ErrorId::TopologyUnavailable.plain();
        let keyspace =
            topology.read::<KeyspaceRecord>(&keys.keyspace(Some(self.keyspace))).await.map_err(away)?;
        let keyspace = keyspace.ok_or_else(|| ErrorId::UnknownDatabase.with(self.keyspace))?;
        let schema = topology.read::<SchemaRecord>(&keys.schema(self.keyspace)).await.map_err(away)?;
        let stored = topology.read::<VschemaRecord>(&keys.vschema(self.keyspace)).await.map_err(away)?;
        let revision = stored.as_ref().map(|stored| stored.revision);
        let before = stored.map(|stored| stored.value).unwrap_or_default();
        let setting =
            Setting { sharded: keyspace.value.sharded, schema: schema.as_ref().map(|schema| &schema.value) };

        let after = change.change.apply(&before, setting).map_err(|error| match error {
            ChangeError::Conflict(what) => ErrorId::VschemaConflict.with(what),
            ChangeError::Unserved(what) => ErrorId::VschemaUnserved.with(what),
        })?;
        let findings = new_findings(&before, &after, setting);
        if let Some(refused) = findings.iter().find(|finding| finding.verdict == Verdict::Refused) {
            let what = format!("{}: {}", refused.path, refused.what);
            return Err(ErrorId::VschemaUnserved.with(what));
        }
        let moved = if setting.sharded { moved_tables(&before, &after) } else { Vec::new() };
        let in_use = self.empty_tables(&moved).await?;
        if in_use.is_empty() {
            return self.write(&after, revision).await.map(|_| ());
        }
        let mut between = before.clone();
        for table in &in_use {
            between.tables.insert((*table).to_owned(), TableVschema::default());
        }
        let revision = self.write(&between, revision).await?;
        if let Err(error) = self.empty_tables(&in_use).await {
            // What rows there are lie by the vschema of before.
            self.write(&before, Some(revision)).await?;
            return Err(error);
        }
        self.write(&after, Some(revision)).await.map(|_| ())
    }

    /// Which of the tables there are; an error if one of them has rows.
    async fn empty_tables<'t>(&self, tables: &[&'t str]) -> Result<Vec<&'t str>, ClientError> {
        if tables.is_empty() {
            return Ok(Vec::new());
        }
        let snapshot = self.worker.shared.feed.snapshot();
        let keyspace = snapshot.keyspace(self.keyspace.as_str());
        let keyspace = keyspace.ok_or_else(|| ErrorId::UnknownDatabase.with(self.keyspace))?;
        let mut found = Vec::new();
        for shard in &keyspace.shards {
            let mut line = Line::open(self.worker, self.class, &shard.shard).await?;
            for table in tables {
                if self.is_empty(&mut line, table).await? && !found.contains(table) {
                    found.push(*table);
                }
            }
            // The line is not given back: it may hold a lock, and its session waits otherwise than others.
        }
        Ok(found)
    }

    /// Whether there is the table, without rows. The lock waits for transactions that may have rows of it.
    async fn is_empty(&self, line: &mut Line<'_>, table: &str) -> Result<bool, ClientError> {
        const NO_TABLE: u16 = 1146;
        let name = format!("`{}`.`{}`", self.keyspace, table.replace('`', "``"));
        let patience = format!("SET SESSION lock_wait_timeout = {}", TABLE_LOCK_WAIT.as_secs());
        for sql in [patience, format!("LOCK TABLES {name} READ")] {
            match line.execute(sql.as_bytes()).await {
                Ok(_) => {}
                Err(LineError::Refused(packet)) if error_code(&packet) == Some(NO_TABLE) => return Ok(false),
                Err(LineError::Refused(_)) => return Err(ErrorId::VschemaTableBusy.with(table)),
                Err(LineError::Failed(error)) => return Err(error),
            }
        }
        match line.query(&format!("SELECT 1 FROM {name} LIMIT 1")).await {
            Ok(rows) if rows.is_empty() => Ok(true),
            Ok(_) => Err(ErrorId::VschemaRows.with(table)),
            Err(LineError::Refused(_)) => Err(ErrorId::VschemaTableBusy.with(table)),
            Err(LineError::Failed(error)) => Err(error),
        }
    }

    /// Writes the record over the one of `revision`, and waits until this gate routes by it.
    async fn write(
        &self,
        record: &VschemaRecord,
        revision: Option<Revision>,
    ) -> Result<Revision, ClientError> {
        let topology = &self.worker.shared.topology;
        let key = topology.keys().vschema(self.keyspace);
        let unchanged = match revision {
            Some(revision) => Compare::Unchanged(key.clone(), revision),
            None => Compare::Absent(key.clone()),
        };
        let transaction =
            Transaction::new().put(&key, record).map_err(|error| ErrorId::Internal.with(error))?;
        match topology.commit(transaction.only_if(unchanged).while_locked(self.lock)).await {
            Ok(Outcome::Committed(revision)) => {
                let seen = self.worker.shared.feed.at_least(revision, SCHEMA_SEEN_TIMEOUT).await;
                let unseen = |_| ErrorId::SchemaNotRecorded.with(self.keyspace);
                seen.map(|_| revision).map_err(unseen)
            }
            Ok(Outcome::Conflict) => Err(ErrorId::SchemaChangeBusy.with(self.keyspace)),
            Err(_) => Err(ErrorId::TopologyUnavailable.plain()),
        }
    }
}
