//! DDL: which schema changes every shard may make, and what the shards together could not keep true.
//!
//! What a statement does is never derived from our reading of it: MySQL makes the change and its schema is
//! read back. Here only the words are looked at that could break what holds over all shards; a statement with
//! such a word is refused unless it is plainly harmless. A new table is judged after it was made on one shard.

use proto::errors::{ClientError, ErrorId};
use sqlparser::ast::{AlterTableOperation, CreateIndex, Expr, IndexColumn, Statement, TableConstraint};
use topo::snapshot::Keyspace;

use super::pins::sharding_key;
use super::target::{self, TableName};
use super::{Request, verb};
use crate::plan::{NewTable, Plan, SchemaChange};
use crate::sql::kind::Ddl;
use crate::sql::parse::parse;
use crate::sql::words::{Name, Words};

/// The plan for a schema change.
pub(super) fn plan(request: &Request<'_>, ddl: Ddl) -> Result<Plan, ClientError> {
    let keyspace = target::of_schema_change(request)?;
    let creates = if keyspace.sharded { check_sharded(request, ddl, keyspace)? } else { None };
    let names = request.words.names.iter().filter(|_| keyspace.sharded);
    let names = names.map(|name| name.text.replace("``", "`")).collect();
    Ok(Plan::ChangeSchema(SchemaChange { keyspace: keyspace.name.clone(), verb: verb(ddl), creates, names }))
}

/// Gives the table that is created, if one is.
fn check_sharded(
    request: &Request<'_>,
    ddl: Ddl,
    keyspace: &Keyspace,
) -> Result<Option<NewTable>, ClientError> {
    let words = request.words;
    let has = |word: &str| words.has(word);
    if has("FOREIGN") || has("REFERENCES") {
        return Err(ErrorId::UnenforceableDdl.with("a foreign key"));
    }
    match ddl {
        Ddl::DropTable | Ddl::Truncate | Ddl::DropIndex => Ok(None),
        Ddl::CreateTable => {
            if has("SELECT") || has("ROW") || words.names.iter().filter(|w| w.is("TABLE")).count() > 1 {
                return Err(ErrorId::UnsupportedStatement.with("CREATE TABLE … SELECT in a sharded keyspace"));
            }
            created_table(&words.names).map(Some).ok_or_else(|| ErrorId::NotUnderstood.plain())
        }
        Ddl::CreateIndex if !has("UNIQUE") => Ok(None),
        Ddl::AlterTable if !is_risky(words, keyspace) => Ok(None),
        Ddl::CreateIndex | Ddl::AlterTable => check_unique(request, keyspace).map(|()| None),
        Ddl::RenameTable => Err(ErrorId::UnsupportedStatement.with("RENAME TABLE in a sharded keyspace")),
        Ddl::Other => Err(ErrorId::UnsupportedStatement.with("this schema change in a sharded keyspace")),
    }
}

/// Words in ALTER TABLE that may bring a key the shards cannot keep, or touch the sharding column.
const RISKY_IN_ALTER: [&str; 9] =
    ["CHANGE", "CONVERT", "EXCHANGE", "PRIMARY", "RENAME", "SERIAL", "TABLESPACE", "UNION", "UNIQUE"];

/// Whether an ALTER TABLE might do more than every shard may do by itself.
fn is_risky(words: &Words<'_>, keyspace: &Keyspace) -> bool {
    // KEY after anything but these makes a primary key of a column.
    let makes_key =
        |pair: &[Name<'_>]| pair[1].is("KEY") && !pair[0].is_one_of(&["ADD", "DROP", "FULLTEXT", "SPATIAL"]);
    // As an option of the table it says where numbers go on; a column would be numbered on each shard by itself.
    let numbers_column = |name: &Name<'_>| name.is("AUTO_INCREMENT") && !name.is_set();
    RISKY_IN_ALTER.iter().any(|word| words.has(word))
        || words.names.iter().any(numbers_column)
        || words.names.windows(2).any(makes_key)
        || names_sharding_column(&words.names, keyspace)
        // MySQL takes some letters for those of ASCII, and so a name for that of the sharding column.
        || words.names.iter().any(|name| !name.text.is_ascii())
}

fn created_table(words: &[Name<'_>]) -> Option<NewTable> {
    let mut rest = words.iter().skip_while(|word| !word.is("TABLE")).skip(1).peekable();
    if rest.next_if(|word| word.is("IF")).is_some() {
        rest.nth(1)?;
    }
    let name = table_name(&mut rest)?;
    let like = rest.next_if(|word| word.is("LIKE")).and_then(|_| table_name(&mut rest));
    Some(NewTable { name, like })
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

/// Lets only new unique keys pass that include the sharding column.
fn check_unique(request: &Request<'_>, keyspace: &Keyspace) -> Result<(), ClientError> {
    let refused = || ErrorId::NotUnderstood.plain();
    match parse(request.raw).map_err(|_| refused())? {
        Statement::CreateIndex(CreateIndex { table_name, columns, .. }) => {
            let table = TableName::read(&table_name).ok_or_else(refused)?;
            includes_sharding_column(&columns, &table, keyspace)
        }
        Statement::AlterTable(alter) => {
            let table = TableName::read(&alter.name).ok_or_else(refused)?;
            for operation in &alter.operations {
                match operation {
                    AlterTableOperation::AddConstraint {
                        constraint: TableConstraint::Unique(unique),
                        ..
                    } => {
                        includes_sharding_column(&unique.columns, &table, keyspace)?;
                    }
                    AlterTableOperation::AddConstraint { constraint: TableConstraint::Index(_), .. } => {}
                    _ => return Err(refused()),
                }
            }
            Ok(())
        }
        _ => Err(refused()),
    }
}

fn includes_sharding_column(
    columns: &[IndexColumn],
    table: &TableName,
    keyspace: &Keyspace,
) -> Result<(), ClientError> {
    let (_, key) = sharding_key(keyspace, &table.table)?;
    let includes = columns.iter().any(|column| match &column.column.expr {
        Expr::Identifier(name) => name.value.eq_ignore_ascii_case(&key.column),
        _ => false,
    });
    if includes {
        Ok(())
    } else {
        Err(ErrorId::UnenforceableDdl.with("a unique key without the sharding column"))
    }
}
