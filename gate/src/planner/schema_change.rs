//! DDL: which schema changes every shard may make, and what the shards together could not keep true.
//!
//! What a statement does is never derived from our reading of it: MySQL makes the change and its schema is
//! read back. Here only the words are looked at that could break what holds over all shards: a statement with such a
//! word is tried on a copy of its table first. A new table is judged after it was made on one shard.

use std::collections::BTreeSet;

use proto::errors::{ClientError, ErrorId};
use topo::records::{NewTable, ObjectKind, SchemaObject};
use topo::snapshot::{Keyspace, Sharding};

use super::{Request, database, foreign_key, per_shard, target, trial, verb};
use crate::plan::{Abandon, Plan, SchemaChange, Trial};
use crate::sql::kind::Ddl;
use crate::sql::words::{Name, Words};

/// The plan for a schema change.
pub(super) fn plan(request: &Request<'_>, ddl: Ddl) -> Result<Plan, ClientError> {
    check_anywhere(request, ddl)?;
    let named = if ddl == Ddl::AlterDatabase { database::alter(request)? } else { None };
    let keyspace = match named {
        Some(keyspace) => keyspace,
        None => target::by_qualifier(request)?,
    };
    if matches!(ddl, Ddl::CreateTable | Ddl::AlterTable)
        && target::is_elsewhere(request, keyspace)
        && !is_qualified(&request.words.names)
    {
        // It is in the default database, and like one of another, or refers to that.
        return Err(ErrorId::SeveralKeyspaces.plain());
    }
    let table = first_table(&request.words.names, ddl);
    let mut change = SchemaChange { verb: verb(request.words, ddl), table, ..plain(keyspace) };
    if keyspace.sharded {
        change.renames = renames(request.words, ddl);
        change.creates = check_sharded(request, ddl, keyspace, &change.renames)?;
        change.trial = trial::of(request, ddl, keyspace, &change.renames)?;
        change.about = about(request.words, ddl, keyspace, &change);
        let names = request.words.names.iter();
        change.names = names.map(|name| name.text.replace("``", "`")).collect();
    }
    Ok(Plan::ChangeSchema(Box::new(change)))
}

/// The plan for a statement that says nothing that could differ between the shards.
pub(super) fn of_keyspace(keyspace: &Keyspace) -> Result<Plan, ClientError> {
    Ok(Plan::ChangeSchema(Box::new(SchemaChange { verb: "CREATE", ..plain(keyspace) })))
}

/// The plan for ABANDON SCHEMA CHANGE [BY statement]. The statement is the user's own, and looked at no further:
/// it goes to the shards that have made the change, and whether they are as before is looked at afterwards.
pub(super) fn abandon(request: &Request<'_>) -> Result<Plan, ClientError> {
    let keyspace = target::default(request)?.name.clone();
    let by = match request.words.names.get(3) {
        None => None,
        Some(word) if word.is("BY") => {
            let mut rest = request.raw.trim_start();
            for word in ["ABANDON", "SCHEMA", "CHANGE", "BY"] {
                let after = rest.get(..word.len()).filter(|begin| begin.eq_ignore_ascii_case(word));
                after.ok_or_else(|| ErrorId::NotUnderstood.plain())?;
                rest = rest[word.len()..].trim_start();
            }
            Some(rest.to_owned())
        }
        Some(_) => return Err(ErrorId::NotUnderstood.plain()),
    };
    Ok(Plan::AbandonSchemaChange(Abandon { keyspace, by }))
}

/// Refuses what no keyspace takes.
fn check_anywhere(request: &Request<'_>, ddl: Ddl) -> Result<(), ClientError> {
    let words = request.words;
    let has = |first: &str, second: &str| {
        words.names.windows(2).any(|pair| pair[0].is(first) && pair[1].is(second))
    };
    match ddl {
        Ddl::Event => Err(ErrorId::Event.plain()),
        Ddl::Function if words.has("SONAME") => Err(ErrorId::OfServer.with("a loadable function")),
        // It is for what reads a binary log, and leaves a transaction that only that can end.
        Ddl::CreateTable if has("START", "TRANSACTION") => {
            Err(ErrorId::UnsupportedStatement.with("CREATE TABLE … START TRANSACTION"))
        }
        // The files are beside one server, not beside its replicas.
        Ddl::AlterTable if has("DISCARD", "TABLESPACE") || has("IMPORT", "TABLESPACE") => {
            Err(ErrorId::UnsupportedStatement.with("a table from a file (DISCARD or IMPORT TABLESPACE)"))
        }
        _ => Ok(()),
    }
}

fn plain(keyspace: &Keyspace) -> SchemaChange {
    let keyspace = keyspace.name.clone();
    SchemaChange {
        keyspace,
        verb: "ALTER",
        table: None,
        creates: None,
        renames: Vec::new(),
        about: Vec::new(),
        trial: None,
        names: BTreeSet::new(),
    }
}

/// Gives the table that is created, if one is.
fn check_sharded(
    request: &Request<'_>,
    ddl: Ddl,
    keyspace: &Keyspace,
    renames: &[(String, String)],
) -> Result<Option<NewTable>, ClientError> {
    let words = request.words;
    let has = |word: &str| words.has(word);
    let drops = |pair: &[Name<'_>]| pair[0].is("DROP") && pair[1].is("FOREIGN");
    let drops_key = words.names.windows(2).filter(|pair| drops(pair)).count()
        == words.names.iter().filter(|word| word.is("FOREIGN")).count();
    if ddl == Ddl::AlterTable && (has("REFERENCES") || !drops_key) {
        return foreign_key::check_added(request, keyspace).map(|()| None);
    }
    match ddl {
        Ddl::DropTable | Ddl::Truncate | Ddl::DropIndex => Ok(None),
        Ddl::CreateTable => {
            created_table(&words.names).map(Some).ok_or_else(|| ErrorId::NotUnderstood.plain())
        }
        Ddl::RenameTable => check_renames(renames, keyspace).map(|()| None),
        Ddl::AlterTable if !renames.is_empty() => check_renames(renames, keyspace).map(|()| None),
        Ddl::CreateIndex | Ddl::AlterTable => Ok(None),
        Ddl::Trigger => per_shard::check_trigger(request, keyspace).map(|()| None),
        Ddl::Function => per_shard::check_function(request).map(|()| None),
        Ddl::Procedure => per_shard::check_procedure(request).map(|()| None),
        Ddl::Library if words.names.first().is_some_and(|first| first.is("CREATE")) => {
            Err(ErrorId::WrongPerShard.with("a library, whose code may read and write rows,"))
        }
        Ddl::Library => Ok(None),
        Ddl::View | Ddl::AlterDatabase | Ddl::CreateDatabase | Ddl::DropDatabase | Ddl::Event => Ok(None),
    }
}

/// The tables that RENAME TABLE, or an ALTER TABLE that does nothing else, gives another name.
fn renames(words: &Words<'_>, ddl: Ddl) -> Vec<(String, String)> {
    let mut rest = words.names.iter().skip(2).peekable();
    let mut renames = Vec::new();
    match ddl {
        Ddl::RenameTable => {
            while let Some(from) = table_name(&mut rest)
                && rest.next().is_some_and(|word| word.is("TO"))
                && let Some(to) = table_name(&mut rest)
            {
                renames.push((from, to));
            }
        }
        Ddl::AlterTable => {
            if let Some(from) = table_name(&mut rest)
                && rest.next().is_some_and(|word| word.is("RENAME"))
            {
                rest.next_if(|word| word.is_one_of(&["TO", "AS"]));
                let to = table_name(&mut rest).filter(|_| rest.next().is_none());
                renames.extend(to.map(|to| (from, to)));
            }
        }
        _ => {}
    }
    renames
}

/// A table keeps its sharding under its new name. That the vschema says otherwise of that name, or that another
/// table has it now (in a swap, which gates do not all learn of at once), is fine if both are sharded alike.
fn check_renames(renames: &[(String, String)], keyspace: &Keyspace) -> Result<(), ClientError> {
    if renames.is_empty() {
        return Err(ErrorId::NotUnderstood.plain());
    }
    let by = |name: &str| match &keyspace.table(name)?.sharding {
        Some(Sharding::By(key)) => Some((key.column.to_ascii_lowercase(), key.vindex)),
        Some(Sharding::Declared { column, vindex }) => Some((column.to_ascii_lowercase(), *vindex)),
        Some(Sharding::Unusable { .. }) | None => None,
    };
    let mut all = renames.iter().flat_map(|(from, to)| [by(from), by(to)]).flatten();
    let first = all.next();
    let alike = all.all(|other| Some(&other) == first.as_ref());
    let names_are_new = renames.iter().all(|(_, to)| keyspace.table(to).is_none());
    let apart = renames.iter().all(|(_, to)| renames.iter().all(|(from, _)| from != to));
    if alike || (names_are_new && apart) {
        Ok(())
    } else {
        Err(ErrorId::UnenforceableDdl
            .with("a new name that the vschema has for a table that is sharded otherwise"))
    }
}

/// What tells whether a shard has made the change: the tables that the statement names, and those that it makes.
fn about(words: &Words<'_>, ddl: Ddl, keyspace: &Keyspace, change: &SchemaChange) -> Vec<SchemaObject> {
    let object = |kind, name: String| SchemaObject { kind, name };
    let program = |word: &str| {
        let mut rest = words.names.iter().skip_while(|name| !name.is(word)).skip(1);
        let name = rest.find(|name| !name.is_one_of(&["IF", "NOT", "EXISTS"]) && !name.is_qualifier());
        name.map(|name| name.text.replace("``", "`"))
    };
    let mut about: Vec<SchemaObject> = match ddl {
        Ddl::Trigger => {
            program("TRIGGER").map(|name| object(ObjectKind::Trigger, name)).into_iter().collect()
        }
        Ddl::Function => {
            program("FUNCTION").map(|name| object(ObjectKind::Function, name)).into_iter().collect()
        }
        Ddl::Procedure => {
            program("PROCEDURE").map(|name| object(ObjectKind::Procedure, name)).into_iter().collect()
        }
        Ddl::CreateTable if change.creates.is_some() => {
            change.creates.iter().map(|table| object(ObjectKind::Table, table.name.clone())).collect()
        }
        Ddl::View if let Some(Trial::View(view)) = &change.trial => {
            vec![object(ObjectKind::Table, view.name.clone())]
        }
        _ => {
            let known = words.names.iter().filter(|name| keyspace.table(name.text).is_some());
            let new = change.renames.iter().map(|(_, to)| to.clone());
            known
                .map(|name| name.text.to_owned())
                .chain(new)
                .map(|name| object(ObjectKind::Table, name))
                .collect()
        }
    };
    about.sort();
    about.dedup();
    about
}

/// Whether the table that a CREATE or ALTER TABLE is about has its database before it.
fn is_qualified(words: &[Name<'_>]) -> bool {
    let mut rest = words.iter().skip_while(|word| !word.is("TABLE")).skip(1);
    rest.find(|word| !word.is_one_of(&["IF", "NOT", "EXISTS"])).is_some_and(Name::is_qualifier)
}

fn created_table(words: &[Name<'_>]) -> Option<NewTable> {
    let mut rest = words.iter().skip_while(|word| !word.is("TABLE")).skip(1).peekable();
    if rest.next_if(|word| word.is("IF")).is_some() {
        rest.nth(1)?;
    }
    let name = table_name(&mut rest)?;
    let like = rest.next_if(|word| word.is("LIKE")).and_then(|_| table_name(&mut rest));
    Some(NewTable { name, like, rows_of: None })
}

/// The table, or the view, that a schema change names first.
fn first_table(words: &[Name<'_>], ddl: Ddl) -> Option<String> {
    let before: &[&str] = match ddl {
        Ddl::CreateTable | Ddl::AlterTable | Ddl::DropTable | Ddl::RenameTable => &["TABLE", "TABLES"],
        Ddl::Truncate => &["TRUNCATE"],
        Ddl::CreateIndex | Ddl::DropIndex | Ddl::Trigger => &["ON"],
        Ddl::View => &["VIEW"],
        _ => return None,
    };
    let after = words.iter().skip_while(|word| !word.is_one_of(before)).skip(1);
    let mut names = after.skip_while(|word| word.is_one_of(&["IF", "NOT", "EXISTS", "TABLE"]));
    table_name(&mut names)
}

/// The next name, without the schema before it.
pub(super) fn table_name<'a>(words: &mut impl Iterator<Item = &'a Name<'a>>) -> Option<String> {
    let name = words.next()?;
    let name = if name.is_qualifier() { words.next()? } else { name };
    Some(name.text.replace("``", "`"))
}
