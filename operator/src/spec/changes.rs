//! What a newer cluster file changes of an older one, as far as it cannot be applied.
//!
//! New keyspaces, users, vindexes and tables, more tablets, other passwords, roles and gates, another durability
//! can be applied at any start. What would need data to move, or would make rows unreachable, is refused by name.

use super::parse::locate;
use super::{BadFile, KeyspaceSpec, Problem, ShoalCluster, VschemaSpec};

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
    let none = VschemaSpec::default();
    let (before, now) = (old.vschema.as_ref().unwrap_or(&none), new.vschema.as_ref().unwrap_or(&none));
    for (name, vindex) in &before.vindexes {
        if now.vindexes.get(name) != Some(vindex) {
            let what = format!(
                "vindex {name} of keyspace {} cannot be changed or taken out, rows lie by it; write `{name}: {{type: {}}}` again",
                old.name, vindex.kind
            );
            found.push((format!("{path}.vschema.vindexes.{name}"), what));
        }
    }
    for (name, table) in &before.tables {
        if now.tables.get(name) != Some(table) {
            let keys: Vec<String> = table
                .column_vindexes
                .iter()
                .map(|c| format!("{{column: {}, name: {}}}", c.column, c.name))
                .collect();
            let what = format!(
                "the sharding of table {}.{name} cannot be changed or taken out, its rows lie by it; write `column_vindexes: [{}]` again",
                old.name,
                keys.join(", ")
            );
            found.push((format!("{path}.vschema.tables.{name}"), what));
        }
    }
}
