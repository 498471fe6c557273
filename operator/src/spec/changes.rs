//! What a newer cluster file changes of an older one, as far as it cannot be applied.
//!
//! New keyspaces, users, vindexes and tables, more tablets, other passwords, roles and gates, another durability
//! can be applied at any start. What would need data to move, or would make rows unreachable, is refused by name.

use topo::records::VschemaRecord;
use topo::vschema::moved_tables;

use super::parse::locate;
use super::vschema::vschema_record;
use super::{BadFile, KeyspaceSpec, Problem, ShoalCluster};

/// Nothing, or every change from `old` to `new` that cannot be applied. `file` and `text` are those of `new`.
pub fn refused_changes(
    old: &ShoalCluster,
    new: &ShoalCluster,
    file: &str,
    text: &str,
) -> Result<(), BadFile> {
    let mut found: Vec<(String, String)> = Vec::new();
    if old.metadata.name != new.metadata.name {
        let what = format!(
            "this folder holds cluster {}; write its name, or use another folder (--dir)",
            old.metadata.name
        );
        found.push(("metadata.name".into(), what));
    }
    for (index, keyspace) in old.spec.keyspaces.iter().enumerate() {
        let now = new.spec.keyspaces.iter().position(|k| k.name == keyspace.name);
        match now {
            None => found.push(("spec.keyspaces".into(), removed(index, keyspace))),
            Some(at) => {
                compare_keyspaces(
                    keyspace,
                    &new.spec.keyspaces[at],
                    &format!("spec.keyspaces[{at}]"),
                    &mut found,
                );
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let located = |(path, what): (String, String)| Problem { line: locate(text, &path), path, what };
    let mut problems: Vec<Problem> = found.into_iter().map(located).collect();
    problems.sort();
    Err(BadFile { file: file.to_owned(), problems })
}

fn removed(index: usize, keyspace: &KeyspaceSpec) -> String {
    format!(
        "keyspace {} is gone (it was number {}), but it holds data; put it back",
        keyspace.name,
        index + 1
    )
}

fn compare_keyspaces(old: &KeyspaceSpec, new: &KeyspaceSpec, path: &str, found: &mut Vec<(String, String)>) {
    if old.shards != new.shards {
        let was = match &old.shards {
            None => "is unsharded; take shards out again".to_owned(),
            Some(ranges) => {
                let quoted: Vec<String> = ranges.iter().map(|r| format!("\"{r}\"")).collect();
                format!("has data on its shards; write `shards: [{}]` again", quoted.join(", "))
            }
        };
        let what = format!("the shards of an existing keyspace cannot be changed: {} {was}", old.name);
        found.push((format!("{path}.shards"), what));
    }
    if new.tablets.get() < old.tablets.get() {
        let what = format!(
            "the shards of keyspace {} have {} tablets, and none can be taken away yet; write `tablets: {}` or more",
            old.name,
            old.tablets.get(),
            old.tablets.get()
        );
        found.push((format!("{path}.tablets"), what));
    }
    compare_vschemas(old, new, path, found);
}

/// Rows lie by what a vschema says: tables and vindexes may come, and what decides nothing about rows may change.
fn compare_vschemas(old: &KeyspaceSpec, new: &KeyspaceSpec, path: &str, found: &mut Vec<(String, String)>) {
    let record = |keyspace: &KeyspaceSpec| {
        let vschema = keyspace.vschema.as_ref();
        // Both files were checked: they can be read.
        vschema.and_then(|vschema| vschema_record(vschema).ok()).unwrap_or_default()
    };
    let (before, now) = (record(old), record(new));
    for (name, vindex) in &before.vindexes {
        let there = now.vindexes.get(name);
        if there.map(|there| (&there.kind, &there.params)) != Some((&vindex.kind, &vindex.params)) {
            let what = format!(
                "vindex {name} of keyspace {} cannot be changed or taken out, rows lie by it; write `{name}: {{type: {}}}` again",
                old.name, vindex.kind
            );
            found.push((format!("{path}.vschema.vindexes.{name}"), what));
        }
    }
    if !old.is_sharded() {
        return;
    }
    // A vindex that is gone or another was told above.
    let same_vindexes = VschemaRecord { vindexes: before.vindexes.clone(), ..now };
    let moved = moved_tables(&before, &same_vindexes);
    for name in moved.into_iter().filter(|name| before.tables.contains_key(*name)) {
        let key = before.tables[name].column_vindexes.first();
        let key = key.map(|by| format!("{{column: {}, name: {}}}", by.columns().join(", "), by.name));
        let what = format!(
            "the sharding of table {}.{name} cannot be changed or taken out, its rows lie by it; write `column_vindexes: [{}]` again",
            old.name,
            key.unwrap_or_default()
        );
        found.push((format!("{path}.vschema.tables.{name}"), what));
    }
}
