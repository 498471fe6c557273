//! Vschemas, given and taken as Vitess' JSON.
//!
//! Control does not look into tables. What moves rows of a table that exists is refused here, and left to a gate,
//! which sees whether the table is empty.

use proto::ids::KeyspaceName;
use proto::limits::MAX_RECORD_BYTES;
use proto::rpc::control::{ApplyVschemaRequest, ApplyVschemaResponse, GetVschemaResponse, VschemaFinding};
use tonic::Status;
use topo::records::{EntryOrigin, KeyspaceRecord, SchemaRecord, VschemaRecord};
use topo::store::{Compare, Outcome};
use topo::topology::{LockError, Transaction};
use topo::vschema::{Document, Finding, Setting, Verdict, moved_tables, read, report, write};
use topo::{Stored, Topology};

use super::view::unavailable;
use crate::limits::{SCHEMA_LOCK_TTL, SCHEMA_LOCK_WAIT};

/// A keyspace with what is stored of its tables.
struct Known {
    keyspace: KeyspaceRecord,
    schema: SchemaRecord,
    vschema: Option<Stored<VschemaRecord>>,
}

impl Known {
    async fn read(topology: &Topology, name: &KeyspaceName) -> Result<Self, Status> {
        let keys = topology.keys();
        let keyspace =
            topology.read::<KeyspaceRecord>(&keys.keyspace(Some(name))).await.map_err(unavailable)?;
        let keyspace = keyspace.ok_or_else(|| {
            Status::not_found(format!("there is no keyspace {name}; `shoal get keyspaces` lists them"))
        })?;
        let schema = topology.read::<SchemaRecord>(&keys.schema(name)).await.map_err(unavailable)?;
        Ok(Self {
            keyspace: keyspace.value,
            schema: schema.map(|stored| stored.value).unwrap_or_default(),
            vschema: topology.read(&keys.vschema(name)).await.map_err(unavailable)?,
        })
    }

    fn setting(&self) -> Setting<'_> {
        Setting { sharded: self.keyspace.sharded, schema: Some(&self.schema) }
    }

    /// The stored vschema, empty where there is none.
    fn before(&self) -> VschemaRecord {
        self.vschema.as_ref().map(|stored| stored.value.clone()).unwrap_or_default()
    }

    /// What becomes of a vschema that is to take the place of the stored one.
    fn judge(&self, document: &Document) -> (VschemaRecord, Vec<Finding>) {
        let refused =
            |path: &str, what: String| Finding { path: path.to_owned(), verdict: Verdict::Refused, what };
        let before = self.before();
        let after = with_automatic_entries(&before, document.record.clone());
        let mut findings = report(&after, self.setting());
        let sharded = self.keyspace.sharded;
        if document.sharded.is_some_and(|said| said != sharded) {
            let what = match sharded {
                true => "the keyspace is sharded; take \"sharded\": false out",
                false => "the keyspace is unsharded, and cannot become sharded by its vschema",
            };
            findings.push(refused("sharded", what.to_owned()));
        }
        let moved = if sharded { moved_tables(&before, &after) } else { Vec::new() };
        for table in moved.into_iter().filter(|table| self.schema.tables.contains_key(*table)) {
            let what = "the table exists, and its rows would no longer lie where they are looked for; while it has no \
                 rows, a gate can change it by ALTER VSCHEMA";
            findings.push(refused(&format!("tables.{table}"), what.to_owned()));
        }
        (after, findings)
    }
}

/// The vschema as JSON, with what becomes of each part.
pub(super) async fn get(topology: &Topology, name: &KeyspaceName) -> Result<GetVschemaResponse, Status> {
    let known = Known::read(topology, name).await?;
    let record = known.before();
    let json = serde_json::to_string_pretty(&write(&record, known.setting()));
    let json = json.map_err(|error| Status::internal(error.to_string()))?;
    Ok(GetVschemaResponse { json, findings: told(report(&record, known.setting())) })
}

/// Puts a vschema in the place of the stored one, unless a part of it is refused.
pub(super) async fn apply(
    topology: &Topology,
    request: ApplyVschemaRequest,
) -> Result<ApplyVschemaResponse, Status> {
    let ApplyVschemaRequest { keyspace, json, dry_run } = request;
    let name = keyspace.parse::<KeyspaceName>();
    let name = name.map_err(|error| Status::invalid_argument(error.to_string()))?;
    if json.len() > MAX_RECORD_BYTES {
        return Err(Status::invalid_argument(format!("a vschema has at most {MAX_RECORD_BYTES} bytes")));
    }
    let document = match read(&json) {
        Ok(document) => document,
        Err(mistakes) => return Ok(ApplyVschemaResponse { findings: told(mistakes), ..Default::default() }),
    };
    let key = topology.keys().schema_change_lock(&name);
    let lock = topology.lock_within(&key, "control", SCHEMA_LOCK_TTL, SCHEMA_LOCK_WAIT).await;
    let lock = lock.map_err(|error| match error {
        LockError::Held { .. } => Status::aborted(format!(
            "a schema change of keyspace {name} is under way; try again when it is done"
        )),
        LockError::Topology(error) => unavailable(error),
    })?;
    let known = Known::read(topology, &name).await?;
    let (after, findings) = known.judge(&document);
    let changes = after != known.before();
    let refused = findings.iter().any(|finding| finding.verdict == Verdict::Refused);
    if refused || dry_run || !changes {
        lock.release().await;
        return Ok(ApplyVschemaResponse { findings: told(findings), changes, applied: false });
    }
    let key = topology.keys().vschema(&name);
    let unchanged = match &known.vschema {
        Some(stored) => Compare::Unchanged(key.clone(), stored.revision),
        None => Compare::Absent(key.clone()),
    };
    let transaction =
        Transaction::new().put(&key, &after).map_err(|error| Status::internal(error.to_string()))?;
    let outcome = topology.commit(transaction.only_if(unchanged).while_locked(&lock)).await;
    lock.release().await;
    match outcome.map_err(unavailable)? {
        Outcome::Committed(_) => {
            Ok(ApplyVschemaResponse { findings: told(findings), changes, applied: true })
        }
        Outcome::Conflict => Err(Status::aborted(format!(
            "somebody else changed the vschema of {name} meanwhile; look and try again"
        ))),
    }
}

/// Entries that gates made belong to their tables: they stay where the new vschema does not speak of them, and keep
/// their mark where it says the same.
fn with_automatic_entries(before: &VschemaRecord, mut after: VschemaRecord) -> VschemaRecord {
    for (name, entry) in &before.tables {
        if entry.origin != EntryOrigin::Automatic {
            continue;
        }
        let table = after.tables.entry(name.clone()).or_insert_with(|| entry.clone());
        table.origin = EntryOrigin::Automatic;
        if table != entry {
            table.origin = EntryOrigin::Declared;
            continue;
        }
        for by in &entry.column_vindexes {
            if let (false, Some(vindex)) =
                (after.vindexes.contains_key(&by.name), before.vindexes.get(&by.name))
            {
                after.vindexes.insert(by.name.clone(), vindex.clone());
            }
        }
    }
    after
}

fn told(findings: Vec<Finding>) -> Vec<VschemaFinding> {
    let told = |Finding { path, verdict, what }| VschemaFinding { path, verdict: verdict.to_string(), what };
    findings.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use topo::records::{Column, ColumnType, TableSchema, TableVschema, VindexDefinition, Visibility};
    use topo::store::MemoryStore;

    use super::*;

    const JSON: &str = r#"{"sharded": true, "vindexes": {"v": {"type": "xxhash"}, "look": {"type": "lookup_unique",
        "params": {"table": "idx"}, "owner": "t"}},
        "tables": {"t": {"column_vindexes": [{"column": "id", "name": "v"}, {"column": "a", "name": "look"}]}}}"#;

    async fn topology() -> Topology {
        let topology = Topology::new(Arc::new(MemoryStore::new()), "test");
        let key = topology.keys().keyspace(Some(&shop()));
        topology.put(&key, &KeyspaceRecord::sharded()).await.unwrap();
        topology
    }

    fn shop() -> KeyspaceName {
        "shop".parse().unwrap()
    }

    async fn given(topology: &Topology, json: &str) -> ApplyVschemaResponse {
        let request = ApplyVschemaRequest { keyspace: "shop".into(), json: json.into(), dry_run: false };
        apply(topology, request).await.unwrap()
    }

    async fn tried(topology: &Topology, json: &str) -> ApplyVschemaResponse {
        let request = ApplyVschemaRequest { keyspace: "shop".into(), json: json.into(), dry_run: true };
        apply(topology, request).await.unwrap()
    }

    fn refused(response: &ApplyVschemaResponse) -> Vec<&str> {
        let refused = response.findings.iter().filter(|finding| finding.verdict == "refused");
        refused.map(|finding| finding.path.as_str()).collect()
    }

    async fn stored(topology: &Topology) -> Option<VschemaRecord> {
        topology.read(&topology.keys().vschema(&shop())).await.unwrap().map(|stored| stored.value)
    }

    async fn create_table(topology: &Topology, name: &str) {
        let column = Column {
            name: "id".into(),
            kind: ColumnType::Integer { bits: 64, unsigned: false },
            sql_type: "bigint".into(),
            nullable: false,
            auto_increment: false,
            visibility: Visibility::Visible,
        };
        let table = TableSchema { columns: vec![column], indexes: Vec::new() };
        let record =
            SchemaRecord { tables: BTreeMap::from([(name.to_owned(), table)]), ..SchemaRecord::default() };
        topology.put(&topology.keys().schema(&shop()), &record).await.unwrap();
    }

    #[tokio::test]
    async fn a_vschema_is_tried_applied_and_given_back() {
        let topology = topology().await;
        let tried = tried(&topology, JSON).await;
        assert_eq!((tried.changes, tried.applied, stored(&topology).await), (true, false, None));
        assert!(tried.findings.iter().any(|f| f.verdict == "kept" && f.path == "vindexes.look"), "{tried:?}");
        let applied = given(&topology, JSON).await;
        assert_eq!((applied.changes, applied.applied, applied.findings), (true, true, tried.findings));
        let again = given(&topology, JSON).await;
        assert_eq!((again.changes, again.applied), (false, false));
        let back = get(&topology, &shop()).await.unwrap();
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!((value(&back.json), back.findings), (value(JSON), again.findings));
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_and_changes_nothing() {
        let topology = topology().await;
        for (json, path) in [
            ("{", ""),
            (r#"{"sharded": false}"#, "sharded"),
            (r#"{"tables": {"t": {}}}"#, "tables.t"),
            (r#"{"vindexes": {"v": {"type": "xxhsah"}}}"#, "vindexes.v"),
        ] {
            let response = given(&topology, json).await;
            assert_eq!((refused(&response), response.applied), (vec![path], false), "{json}");
        }
        assert_eq!(stored(&topology).await, None);
        let nowhere = ApplyVschemaRequest { keyspace: "nowhere".into(), json: "{}".into(), dry_run: false };
        assert!(
            apply(&topology, nowhere).await.unwrap_err().message().contains("there is no keyspace nowhere")
        );
    }

    #[tokio::test]
    async fn rows_of_a_table_that_exists_stay_where_they_are() {
        let topology = topology().await;
        given(&topology, JSON).await;
        let other = JSON.replace("xxhash", "hash");
        assert!(refused(&tried(&topology, &other).await).is_empty(), "no table, no rows");
        create_table(&topology, "t").await;
        assert_eq!(refused(&given(&topology, &other).await), ["tables.t"]);
        assert_eq!(refused(&given(&topology, "{}").await), ["tables.t"]);
        let without_lookup = r#"{"vindexes": {"v": {"type": "xxhash"}},
            "tables": {"t": {"column_vindexes": [{"column": "ID", "name": "v"}]}}}"#;
        assert!(given(&topology, without_lookup).await.applied);
    }

    #[tokio::test]
    async fn entries_that_gates_made_stay_with_their_tables() {
        let topology = topology().await;
        let automatic = TableVschema { origin: EntryOrigin::Automatic, ..TableVschema::by("id", "xxhash") };
        let record = VschemaRecord {
            vindexes: [("xxhash".to_owned(), VindexDefinition::of("xxhash"))].into(),
            tables: [("auto".to_owned(), automatic.clone())].into(),
            ..VschemaRecord::default()
        };
        topology.put(&topology.keys().vschema(&shop()), &record).await.unwrap();
        create_table(&topology, "auto").await;
        assert!(given(&topology, JSON).await.applied);
        let after = stored(&topology).await.unwrap();
        assert_eq!((&after.tables["auto"], after.tables.len(), after.vindexes.len()), (&automatic, 2, 3));
        // What is given back says nothing of the mark, and comes back without harm to it.
        let back = get(&topology, &shop()).await.unwrap();
        assert!(!given(&topology, &back.json).await.changes);
    }
}
