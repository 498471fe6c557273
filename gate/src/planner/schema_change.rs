//! DDL: which schema changes every shard may make, and what the shards together could not keep true.
//!
//! What a statement does is never derived from our reading of it: MySQL makes the change and its schema is
//! read back. Here only the words are looked at that could break what holds over all shards: a statement with such a
//! word is tried on a copy of its table first. A new table is judged after it was made on one shard.

use std::collections::BTreeSet;

use proto::errors::{ClientError, ErrorId};
use topo::records::{NewKind, NewTable, ObjectKind, SchemaObject};
use topo::snapshot::{Keyspace, Sharding, Table};

use super::pins::sharding_key;
use super::target;
use super::{Request, database, foreign_key, per_shard, verb};
use crate::plan::{Abandon, Plan, SchemaChange, Trial};
use crate::sql::kind::Ddl;
use crate::sql::words::{Name, Words};

/// The plan for a schema change.
pub(super) fn plan(request: &Request<'_>, ddl: Ddl) -> Result<Plan, ClientError> {
    if ddl == Ddl::Event {
        return Err(ErrorId::Event.plain());
    }
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
        change.trial = trial(request.words, ddl, keyspace, &change.renames)?;
        change.about = about(request.words, ddl, keyspace, &change);
        let names = request.words.names.iter();
        change.names = names.map(|name| name.text.replace("``", "`")).collect();
    }
    Ok(Plan::ChangeSchema(change))
}

/// The plan for a statement that says nothing that could differ between the shards.
pub(super) fn of_keyspace(keyspace: &Keyspace) -> Result<Plan, ClientError> {
    Ok(Plan::ChangeSchema(SchemaChange { verb: "CREATE", ..plain(keyspace) }))
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
            if has("SELECT") || has("ROW") || words.names.iter().filter(|w| w.is("TABLE")).count() > 1 {
                return Err(ErrorId::UnsupportedStatement.with("CREATE TABLE … SELECT in a sharded keyspace"));
            }
            created_table(&words.names).map(Some).ok_or_else(|| ErrorId::NotUnderstood.plain())
        }
        Ddl::RenameTable => check_renames(renames, keyspace).map(|()| None),
        Ddl::AlterTable if !renames.is_empty() => check_renames(renames, keyspace).map(|()| None),
        Ddl::CreateIndex | Ddl::AlterTable => Ok(None),
        Ddl::Trigger => per_shard::check_trigger(request, keyspace).map(|()| None),
        Ddl::Function => per_shard::check_function(request).map(|()| None),
        Ddl::Other if is_about_view(&words.names) => created_view(&words.names),
        Ddl::Other if words.names.first().is_some_and(|first| first.is("DROP")) => Ok(None),
        Ddl::Other => Err(ErrorId::WrongPerShard.with("a procedure")),
        Ddl::AlterDatabase | Ddl::CreateDatabase | Ddl::DropDatabase | Ddl::Event => Ok(None),
    }
}

/// How a change is tried whose words do not tell whether the shards may make it; `None`: they do.
fn trial(
    words: &Words<'_>,
    ddl: Ddl,
    keyspace: &Keyspace,
    renames: &[(String, String)],
) -> Result<Option<Trial>, ClientError> {
    let mut names = words.names.iter();
    let table = match ddl {
        Ddl::CreateIndex if words.has("UNIQUE") => {
            names.find(|name| name.is("ON"));
            table_name(&mut names)
        }
        // It adds foreign keys and does nothing else.
        Ddl::AlterTable if words.has("REFERENCES") => return Ok(None),
        Ddl::AlterTable if renames.is_empty() && is_risky(words, keyspace) => {
            // It would be another table, or part of one.
            let leaves =
                |pair: &[Name<'_>]| pair[0].is("RENAME") && !pair[1].is_one_of(&["COLUMN", "INDEX", "KEY"]);
            if words.names.windows(2).any(leaves) || LEAVES_IN_ALTER.iter().any(|word| words.has(word)) {
                return Err(ErrorId::NotUnderstood.plain());
            }
            table_name(&mut names.skip(2))
        }
        _ => return Ok(None),
    };
    let (table, key) = sharding_key(keyspace, &table.ok_or_else(|| ErrorId::NotUnderstood.plain())?)?;
    let entry = keyspace.vschema().tables.get(&table.name);
    let numbered =
        entry.and_then(|entry| entry.auto_increment.as_ref()).map(|numbers| numbers.column.clone());
    let trial = Trial { table: table.name.clone(), key: key.column.clone(), numbered };
    check_columns_stay(words, table, &trial)?;
    Ok(Some(trial))
}

/// Refuses a change in which another column could come under the name of one that rows are found or numbered by: the
/// copy that is tried has no rows that would show it. Such a column must leave in the same statement.
fn check_columns_stay(words: &Words<'_>, table: &Table, trial: &Trial) -> Result<(), ClientError> {
    // MySQL takes some letters for those of ASCII, and a copy has no foreign keys.
    if words.names.iter().any(|name| !name.text.is_ascii()) || words.has("FOREIGN") {
        return Err(ErrorId::NotUnderstood.plain());
    }
    let leaves = |column: &str| leaves(&words.names, column);
    if leaves(&trial.key) {
        return Err(ErrorId::ShardingColumnDdl.with(format_args!("{} of {}", trial.key, trial.table)));
    }
    if let Some(column) = trial.numbered.as_ref().filter(|column| leaves(column)) {
        return Err(ErrorId::NumberedColumnDdl.with(format_args!("{column} of {}", trial.table)));
    }
    let numbers = words.has("AUTO_INCREMENT") || words.has("SERIAL");
    let mut columns = table.schema.iter().flat_map(|schema| &schema.columns);
    match columns.find(|column| column.auto_increment && numbers && leaves(&column.name)) {
        Some(_) => {
            Err(ErrorId::UnenforceableDdl.with(format_args!("numbering the rows of {} anew", trial.table)))
        }
        None => Ok(()),
    }
}

/// Whether a column is dropped, or has another name afterwards.
fn leaves(words: &[Name<'_>], column: &str) -> bool {
    let is_column = |name: &Name<'_>| name.text.replace("``", "`").eq_ignore_ascii_case(column);
    words.iter().enumerate().any(|(place, name)| {
        let before = |offset: usize| place.checked_sub(offset).and_then(|place| words.get(place));
        let is = |offset: usize, word: &str| before(offset).is_some_and(|name| name.is(word));
        // COLUMN may stand between the two.
        let skipped = if is(1, "COLUMN") { 2 } else { 1 };
        let stays = words.get(place + 1).is_some_and(is_column);
        is_column(name) && (is(skipped, "DROP") || is(skipped, "RENAME") || (is(skipped, "CHANGE") && !stays))
    })
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
        Ddl::CreateTable | Ddl::Other if change.creates.is_some() => {
            change.creates.iter().map(|table| object(ObjectKind::Table, table.name.clone())).collect()
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

/// Words in ALTER TABLE that may bring a key the shards cannot keep, or touch the sharding column.
const RISKY_IN_ALTER: [&str; 9] =
    ["CHANGE", "CONVERT", "EXCHANGE", "PRIMARY", "RENAME", "SERIAL", "TABLESPACE", "UNION", "UNIQUE"];
/// MySQL's name for the primary key that it makes where a table has none.
const GENERATED_KEY: &str = "my_row_id";
/// Those of them that bring rows from elsewhere.
const LEAVES_IN_ALTER: [&str; 3] = ["EXCHANGE", "TABLESPACE", "UNION"];

/// Whether an ALTER TABLE might do more than every shard may do by itself.
fn is_risky(words: &Words<'_>, keyspace: &Keyspace) -> bool {
    // KEY after anything but these makes a primary key of a column. A FOREIGN KEY that got here is dropped.
    let no_key_of_a_column = ["ADD", "DROP", "FOREIGN", "FULLTEXT", "SPATIAL"];
    let makes_key = |pair: &[Name<'_>]| pair[1].is("KEY") && !pair[0].is_one_of(&no_key_of_a_column);
    // As an option of the table it says where numbers go on; a column would be numbered on each shard by itself.
    let numbers_column = |name: &Name<'_>| name.is("AUTO_INCREMENT") && !name.is_set();
    RISKY_IN_ALTER.iter().any(|word| words.has(word))
        || words.names.iter().any(numbers_column)
        || words.names.windows(2).any(makes_key)
        || names_sharding_column(&words.names, keyspace)
        // The generated key, which each shard numbers by itself, is out of sight.
        || words.names.iter().any(|name| name.text.eq_ignore_ascii_case(GENERATED_KEY))
        // MySQL takes some letters for those of ASCII, and so a name for that of the sharding column.
        || words.names.iter().any(|name| !name.text.is_ascii())
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
    Some(NewTable { name, like, kind: NewKind::Table })
}

/// Whether a CREATE, ALTER or DROP is about a view: the word may also stand in the body of a procedure.
fn is_about_view(words: &[Name<'_>]) -> bool {
    let first =
        words.iter().find(|word| word.is_one_of(&["VIEW", "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT"]));
    first.is_some_and(|word| word.is("VIEW"))
}

/// The view that a CREATE VIEW makes; `None` for DROP VIEW.
fn created_view(words: &[Name<'_>]) -> Result<Option<NewTable>, ClientError> {
    let before = || words.iter().take_while(|word| !word.is("VIEW"));
    if words.first().is_some_and(|first| first.is("DROP")) {
        return Ok(None);
    }
    // What was there could not be brought back where the new one does not fit.
    if before().any(|word| word.is_one_of(&["ALTER", "REPLACE"])) {
        let form = "a view that takes another one's place in a sharded keyspace (drop that one first)";
        return Err(ErrorId::UnsupportedStatement.with(form));
    }
    let mut rest = words.iter().skip(before().count() + 1).peekable();
    if rest.next_if(|word| word.is("IF")).is_some() {
        rest.nth(1);
    }
    let name = table_name(&mut rest).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    Ok(Some(NewTable { name, like: None, kind: NewKind::View }))
}

/// The table, or the view, that a schema change names first.
fn first_table(words: &[Name<'_>], ddl: Ddl) -> Option<String> {
    let before: &[&str] = match ddl {
        Ddl::CreateTable | Ddl::AlterTable | Ddl::DropTable | Ddl::RenameTable => &["TABLE", "TABLES"],
        Ddl::Truncate => &["TRUNCATE"],
        Ddl::CreateIndex | Ddl::DropIndex | Ddl::Trigger => &["ON"],
        Ddl::Other if is_about_view(words) => &["VIEW"],
        _ => return None,
    };
    let after = words.iter().skip_while(|word| !word.is_one_of(before)).skip(1);
    let mut names = after.skip_while(|word| word.is_one_of(&["IF", "NOT", "EXISTS", "TABLE"]));
    table_name(&mut names)
}

/// The next name, without the schema before it.
fn table_name<'a>(words: &mut impl Iterator<Item = &'a Name<'a>>) -> Option<String> {
    let name = words.next()?;
    let name = if name.is_qualifier() { words.next()? } else { name };
    Some(name.text.replace("``", "`"))
}

fn names_sharding_column(words: &[Name<'_>], keyspace: &Keyspace) -> bool {
    let keys = words.iter().filter_map(|word| sharding_key(keyspace, word.text).ok());
    keys.map(|(_, key)| &key.column)
        .any(|column| words.iter().any(|word| word.text.eq_ignore_ascii_case(column)))
}
