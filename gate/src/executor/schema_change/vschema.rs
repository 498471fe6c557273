//! What a schema change does to the keyspace's vschema: new tables that it says nothing of are given an entry, and
//! such entries go with their tables. Entries that somebody asked for stay.

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use topo::records::{
    EntryOrigin, NewTable, RowsOf, SchemaRecord, TableSchema, TableVschema, ViewSchema, VindexDefinition,
    VschemaRecord,
};
use topo::snapshot::{Sharding, ShardingKey};
use topo::store::Compare;
use topo::topology::{Stored, Transaction};

use super::judge;
use super::read_back::ForeignKey;
use crate::worker::Worker;

/// What the vschema has to say of a new table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It has an entry.
    Declared,
    /// It is given this one.
    Automatic(TableVschema),
}

/// Entries of new tables, and tables that have another name.
type Changes<'a> = (&'a [(String, TableVschema)], &'a [(String, String)]);

/// The vschema as it is in the topology.
pub(super) struct StoredVschema {
    key: String,
    stored: Option<Stored<VschemaRecord>>,
}

impl StoredVschema {
    pub(super) async fn read(worker: &Worker, keyspace: &KeyspaceName) -> Result<Self, ClientError> {
        let topology = &worker.shared.topology;
        let key = topology.keys().vschema(keyspace);
        let stored = topology.read(&key).await.map_err(|_| ErrorId::TopologyUnavailable.plain())?;
        Ok(Self { key, stored })
    }

    /// How a new table is sharded, by the schema that it was found to have.
    pub(super) fn entry_for(
        &self,
        table: &NewTable,
        schema: &SchemaRecord,
        keys: &[ForeignKey],
    ) -> Result<Entry, ClientError> {
        let mut vschema = self.stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
        let entry = entry_for(&vschema, table, schema)?;
        if let Entry::Automatic(entry) = &entry {
            vschema = changed(vschema, (&[(table.name.clone(), entry.clone())], &[]), schema);
        }
        keys.iter().try_for_each(|key| judge::foreign_key(&table.name, key, &vschema, schema))?;
        Ok(entry)
    }

    /// Whether it says something of a table of this name.
    pub(super) fn has(&self, table: &str) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.value.tables.contains_key(table))
    }

    /// The sharding key of a view, by the schema of its table.
    pub(super) fn key_of_view(
        &self,
        view: &ViewSchema,
        schema: &SchemaRecord,
    ) -> Result<ShardingKey, ClientError> {
        let none = VschemaRecord::default();
        let vschema = self.stored.as_ref().map_or(&none, |stored| &stored.value);
        let (entry, table) = (vschema.tables.get(&view.table), schema.tables.get(&view.table));
        let sharding = entry.map(|entry| Sharding::of(vschema, entry, table));
        let shown = TableSchema { columns: view.columns.clone(), indexes: Vec::new() };
        match Sharding::of_view(view, &shown, sharding.as_ref()) {
            Sharding::By(key) => Ok(key),
            _ => Err(ErrorId::WrongPerShard.with("a query without the sharding column of its table")),
        }
    }

    /// The transaction with what changes of the vschema, if anything.
    pub(super) fn write(
        self,
        transaction: Transaction,
        changes: Changes<'_>,
        schema: &SchemaRecord,
    ) -> Result<Transaction, ClientError> {
        let before = self.stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
        let after = changed(before.clone(), changes, schema);
        let unchanged = match &self.stored {
            Some(stored) => Compare::Unchanged(self.key.clone(), stored.revision),
            None => Compare::Absent(self.key.clone()),
        };
        if after == before {
            return Ok(transaction);
        }
        transaction.only_if(unchanged).put(&self.key, &after).map_err(|error| ErrorId::Internal.with(error))
    }
}

fn entry_for(vschema: &VschemaRecord, table: &NewTable, schema: &SchemaRecord) -> Result<Entry, ClientError> {
    let NewTable { name, like, rows_of } = table;
    let found = schema.tables.get(name).ok_or_else(|| ErrorId::NoVschemaEntry.with(name))?;
    let judged = |entry: &TableVschema| {
        let key = judge::table(name, found, &Sharding::of(vschema, entry, Some(found)))?;
        rows_of.as_ref().map_or(Ok(()), |rows_of| judge::rows(name, (found, &key), rows_of, vschema, schema))
    };
    // An entry from before the table counts as the user's: somebody has made it meanwhile, or it was left.
    if let Some(entry) = vschema.tables.get(name) {
        return judged(entry).map(|()| Entry::Declared);
    }
    // A table that is made like another one, or of its rows, is sharded as that one is.
    let original = |name: &String| vschema.tables.get(name).cloned();
    let by_rows = |rows_of: &RowsOf| {
        let by = original(&rows_of.table)?.column_vindexes.into_iter().next()?;
        Some(TableVschema::by(&rows_of.column, &by.name))
    };
    let alike = like.as_ref().and_then(original).or_else(|| rows_of.as_ref().and_then(by_rows));
    let entry = match alike {
        Some(entry) => judged(&entry).map(|()| entry)?,
        None => TableVschema::by(&judge::choose(name, found)?.column, &judge::vindex_name(vschema)),
    };
    Ok(Entry::Automatic(TableVschema { origin: EntryOrigin::Automatic, ..entry }))
}

/// The vschema with the new entries, with those of tables of another name moved, and without automatic ones whose
/// tables are gone.
fn changed(
    mut vschema: VschemaRecord,
    (entries, renames): Changes<'_>,
    schema: &SchemaRecord,
) -> VschemaRecord {
    for (from, to) in renames {
        let Some(entry) = vschema.tables.get(from).cloned() else { continue };
        // One that the new name has already says the same, or the change would have been refused.
        if !vschema.tables.contains_key(to) {
            vschema.tables.insert(to.clone(), entry);
            vschema.tables.remove(from);
        }
    }
    for (table, entry) in entries {
        for by in &entry.column_vindexes {
            let automatic = || VindexDefinition::of(judge::AUTOMATIC.as_str());
            vschema.vindexes.entry(by.name.clone()).or_insert_with(automatic);
        }
        vschema.tables.insert(table.clone(), entry.clone());
    }
    let stays = |name: &String, entry: &mut TableVschema| {
        entry.origin == EntryOrigin::Declared || schema.tables.contains_key(name)
    };
    vschema.tables.retain(stays);
    vschema
}

#[cfg(test)]
mod tests {
    use super::*;
    use topo::records::{Column, ColumnType, IndexSchema, Visibility};

    fn column(name: &str, kind: ColumnType) -> Column {
        Column {
            name: name.into(),
            sql_type: format!("{kind:?}"),
            kind,
            nullable: false,
            auto_increment: false,
            visibility: Visibility::Visible,
        }
    }

    fn unique(name: &str, columns: &[&str]) -> IndexSchema {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        IndexSchema { name: name.into(), unique: true, columns }
    }

    /// Columns d (a double), a and b (integers).
    fn schema(indexes: &[IndexSchema]) -> SchemaRecord {
        let integer = || ColumnType::Integer { bits: 64, unsigned: false };
        let columns = vec![column("d", ColumnType::Other), column("a", integer()), column("b", integer())];
        let table = TableSchema { columns, indexes: indexes.to_vec() };
        SchemaRecord { tables: [("t".to_owned(), table)].into(), ..SchemaRecord::default() }
    }

    fn made(vschema: &VschemaRecord, like: Option<&str>, indexes: &[IndexSchema]) -> String {
        let table = NewTable { name: "t".into(), like: like.map(Into::into), rows_of: None };
        match entry_for(vschema, &table, &schema(indexes)) {
            Ok(Entry::Declared) => "declared".into(),
            Ok(Entry::Automatic(entry)) => {
                assert_eq!(entry.origin, EntryOrigin::Automatic);
                let by = &entry.column_vindexes[0];
                format!("{} {}", by.column, by.name)
            }
            Err(error) => error.id.row().id.to_owned(),
        }
    }

    #[test]
    fn the_first_usable_column_of_the_primary_key_is_taken() {
        let none = VschemaRecord::default();
        let cases: [(&[IndexSchema], &str); 7] = [
            (&[unique("PRIMARY", &["a"])], "a xxhash"),
            (&[unique("PRIMARY", &["b", "a"])], "b xxhash"),
            (&[unique("PRIMARY", &["d", "a"])], "a xxhash"),
            (&[unique("PRIMARY", &["d"])], "SH2012"),
            (&[], "SH2026"),
            // The one column that both have.
            (&[unique("PRIMARY", &["b", "a"]), unique("u", &["a"])], "a xxhash"),
            (&[unique("PRIMARY", &["b"]), unique("u", &["a"])], "SH2008"),
        ];
        for (indexes, expected) in cases {
            assert_eq!(made(&none, None, indexes), expected, "{indexes:?}");
        }
    }

    #[test]
    fn what_the_vschema_says_comes_first() {
        let vschema = VschemaRecord {
            vindexes: [
                ("xxhash".to_owned(), VindexDefinition::of("hash")),
                ("by_b".to_owned(), VindexDefinition::of("hash")),
            ]
            .into(),
            tables: [("t".to_owned(), TableVschema::by("b", "by_b"))].into(),
            ..VschemaRecord::default()
        };
        assert_eq!(made(&vschema, None, &[unique("PRIMARY", &["b"])]), "declared");
        assert_eq!(made(&vschema, None, &[unique("PRIMARY", &["a"])]), "SH2008");
        let other = VschemaRecord {
            tables: [("original".to_owned(), TableVschema::by("b", "by_b"))].into(),
            ..vschema
        };
        assert_eq!(made(&other, Some("original"), &[unique("PRIMARY", &["a", "b"])]), "b by_b");
        assert_eq!(made(&other, Some("stranger"), &[unique("PRIMARY", &["a", "b"])]), "a xxhash_1");
    }

    #[test]
    fn automatic_entries_go_with_their_tables() {
        let automatic = TableVschema { origin: EntryOrigin::Automatic, ..TableVschema::by("a", "xxhash") };
        let before = VschemaRecord {
            tables: [
                ("gone".to_owned(), automatic.clone()),
                ("asked_for".to_owned(), TableVschema::by("a", "xxhash")),
            ]
            .into(),
            ..VschemaRecord::default()
        };
        let after = changed(before, (&[("t".to_owned(), automatic)], &[]), &schema(&[]));
        assert_eq!(after.tables.keys().collect::<Vec<_>>(), ["asked_for", "t"]);
        assert_eq!(after.vindexes["xxhash"], VindexDefinition::of("xxhash"));
    }

    #[test]
    fn entries_move_with_their_tables() {
        let by = |column: &str| TableVschema::by(column, "xxhash");
        let before = VschemaRecord {
            tables: [("a".to_owned(), by("a")), ("b".to_owned(), by("b"))].into(),
            ..VschemaRecord::default()
        };
        let moved = |renames: &[(&str, &str)]| {
            let renames: Vec<_> = renames.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let after = changed(before.clone(), (&[], &renames), &schema(&[]));
            let column = |entry: &TableVschema| entry.column_vindexes[0].column.clone();
            after.tables.iter().map(|(name, entry)| format!("{name}={}", column(entry))).collect::<Vec<_>>()
        };
        assert_eq!(moved(&[("a", "c")]), ["b=b", "c=a"]);
        assert_eq!(moved(&[("a", "c"), ("b", "a"), ("c", "b")]), ["a=b", "b=a"]);
        assert_eq!(moved(&[("x", "y")]), ["a=a", "b=b"]);
    }
}
