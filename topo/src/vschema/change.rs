use std::collections::BTreeMap;

use super::Setting;
use super::kind::{Standing, standing};
use crate::records::{
    AutoIncrement, ColumnVindex, EntryOrigin, TableKind, TableVschema, VindexDefinition, VschemaRecord,
};

/// One change of a vschema, as `ALTER VSCHEMA` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `CREATE VINDEX`.
    CreateVindex(VindexSpec),
    /// `DROP VINDEX`.
    DropVindex(String),
    /// `ADD TABLE`.
    AddTable(String),
    /// `DROP TABLE`.
    DropTable(String),
    /// `ON table ADD VINDEX`.
    AddColumnVindex {
        /// The table.
        table: String,
        /// Its columns.
        columns: Vec<String>,
        /// The vindex; one of no type is defined already.
        vindex: VindexSpec,
    },
    /// `ON table DROP VINDEX`.
    DropColumnVindex {
        /// The table.
        table: String,
        /// Name of the vindex.
        vindex: String,
    },
    /// `ADD SEQUENCE`.
    AddSequence(String),
    /// `DROP SEQUENCE`.
    DropSequence(String),
    /// `ON table ADD AUTO_INCREMENT`.
    AddAutoIncrement {
        /// The table.
        table: String,
        /// Which column, and from which sequence.
        numbers: AutoIncrement,
    },
    /// `ON table DROP AUTO_INCREMENT`.
    DropAutoIncrement(String),
}

/// A vindex as a statement names or defines it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VindexSpec {
    /// Its name.
    pub name: String,
    /// What it is; of no type where the statement only names it.
    pub definition: VindexDefinition,
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// It does not fit what the vschema has.
    #[error("{0}")]
    Conflict(String),
    /// It has no meaning in this keyspace.
    #[error("{0}")]
    Unserved(String),
}

impl Change {
    /// The vschema after the change, in a keyspace of this kind. Whether what it says can be used is for the report
    /// to tell.
    pub fn apply(&self, before: &VschemaRecord, setting: Setting<'_>) -> Result<VschemaRecord, ChangeError> {
        let mut after = before.clone();
        match self {
            Self::CreateVindex(vindex) => create_vindex(&mut after, vindex)?,
            Self::DropVindex(name) => drop_vindex(&mut after, name)?,
            Self::AddTable(_) if setting.sharded => {
                let what = "a table of a sharded keyspace is added with its sharding key: ALTER VSCHEMA ON table ADD VINDEX \
                     vindex (column) USING type";
                return Err(ChangeError::Unserved(what.to_owned()));
            }
            Self::AddTable(name) => add_table(&mut after, name, TableKind::Usual)?,
            Self::AddSequence(_) if setting.sharded => {
                let what = "a sequence is one row, which a sharded keyspace has no place for: add it to an unsharded one, \
                     by its full name";
                return Err(ChangeError::Unserved(what.to_owned()));
            }
            Self::AddSequence(name) => add_table(&mut after, name, TableKind::Sequence)?,
            Self::DropTable(name) => {
                after.tables.remove(name).ok_or_else(|| no_table(name))?;
            }
            Self::DropSequence(name) => match after.tables.get(name) {
                Some(table) if table.kind == TableKind::Sequence => drop(after.tables.remove(name)),
                _ => return Err(conflict(format!("the vschema has no sequence {name}"))),
            },
            Self::AddColumnVindex { table, columns, vindex } => {
                add_column_vindex(&mut after, table, columns, vindex)?;
            }
            Self::DropColumnVindex { table, vindex } => drop_column_vindex(&mut after, table, vindex)?,
            Self::AddAutoIncrement { table, numbers } => {
                let entry = after.tables.get_mut(table).ok_or_else(|| no_table(table))?;
                if let Some(there) = &entry.auto_increment {
                    let what = format!(
                        "column {} of table {table} has AUTO_INCREMENT already; drop that first",
                        there.column
                    );
                    return Err(conflict(what));
                }
                entry.auto_increment = Some(numbers.clone());
            }
            Self::DropAutoIncrement(table) => {
                let entry = after.tables.get_mut(table).ok_or_else(|| no_table(table))?;
                if entry.auto_increment.take().is_none() {
                    return Err(conflict(format!("table {table} has no AUTO_INCREMENT in the vschema")));
                }
            }
        }
        Ok(after)
    }
}

fn conflict(what: String) -> ChangeError {
    ChangeError::Conflict(what)
}

fn no_table(name: &str) -> ChangeError {
    conflict(format!("the vschema has no table {name}"))
}

fn create_vindex(record: &mut VschemaRecord, vindex: &VindexSpec) -> Result<(), ChangeError> {
    if record.vindexes.contains_key(&vindex.name) {
        return Err(conflict(format!("the vschema has a vindex {} already", vindex.name)));
    }
    record.vindexes.insert(vindex.name.clone(), vindex.definition.clone());
    Ok(())
}

fn drop_vindex(record: &mut VschemaRecord, name: &str) -> Result<(), ChangeError> {
    let uses = |table: &TableVschema| table.column_vindexes.iter().any(|by| by.name == name);
    if let Some((table, _)) = record.tables.iter().find(|(_, table)| uses(table)) {
        let what =
            format!("table {table} uses vindex {name}; ALTER VSCHEMA ON {table} DROP VINDEX {name} first");
        return Err(conflict(what));
    }
    match record.vindexes.remove(name) {
        Some(_) => Ok(()),
        None => Err(conflict(format!("the vschema has no vindex {name}"))),
    }
}

fn add_table(record: &mut VschemaRecord, name: &str, kind: TableKind) -> Result<(), ChangeError> {
    if record.tables.contains_key(name) {
        return Err(conflict(format!("the vschema has a table {name} already")));
    }
    record.tables.insert(name.to_owned(), TableVschema { kind, ..TableVschema::default() });
    Ok(())
}

fn add_column_vindex(
    record: &mut VschemaRecord,
    table: &str,
    columns: &[String],
    VindexSpec { name, definition }: &VindexSpec,
) -> Result<(), ChangeError> {
    match record.vindexes.get(name) {
        None if definition.kind.is_empty() => {
            let what = format!(
                "the vschema has no vindex {name}; define it here by USING and its type, such as xxhash"
            );
            return Err(conflict(what));
        }
        None => drop(record.vindexes.insert(name.clone(), definition.clone())),
        Some(there) if !definition.kind.is_empty() && there != definition => {
            let what =
                format!("vindex {name} is defined otherwise, with type {}; choose another name", there.kind);
            return Err(conflict(what));
        }
        Some(_) => {}
    }
    let entry = record.tables.entry(table.to_owned()).or_default();
    if entry.column_vindexes.iter().any(|by| by.name == *name) {
        return Err(conflict(format!("table {table} has vindex {name} already")));
    }
    // The key that a gate chose gives way to the one that somebody asks for; further ones come behind it.
    let was = std::mem::take(&mut entry.origin);
    if was == EntryOrigin::Automatic && !is_lookup(&record.vindexes, name) {
        entry.column_vindexes.clear();
    }
    let column = columns.first().cloned().unwrap_or_default();
    let columns = if columns.len() > 1 { columns.to_vec() } else { Vec::new() };
    entry.column_vindexes.push(ColumnVindex {
        column,
        columns,
        name: name.clone(),
        ..ColumnVindex::default()
    });
    Ok(())
}

fn is_lookup(vindexes: &BTreeMap<String, VindexDefinition>, name: &str) -> bool {
    let standing = vindexes.get(name).and_then(standing);
    matches!(standing, Some(Standing::Lookup | Standing::UniqueLookup))
}

fn drop_column_vindex(record: &mut VschemaRecord, table: &str, vindex: &str) -> Result<(), ChangeError> {
    let entry = record.tables.get_mut(table).ok_or_else(|| no_table(table))?;
    let place = entry.column_vindexes.iter().position(|by| by.name == vindex);
    let place = place.ok_or_else(|| conflict(format!("table {table} has no vindex {vindex}")))?;
    if place == 0 && entry.column_vindexes.len() > 1 {
        let what = format!("table {table} is sharded by vindex {vindex}; drop its other vindexes first");
        return Err(conflict(what));
    }
    entry.column_vindexes.remove(place);
    if entry.column_vindexes.is_empty() {
        record.tables.remove(table);
    }
    Ok(())
}
