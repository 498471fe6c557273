//! How a schema change is tried before any shard makes it, where its words do not tell what comes of it.
//!
//! A change of a table is tried on a copy of the table, a view under another name, and the query whose rows a new
//! table begins with as a view.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::{Keyspace, Table};

use super::Request;
use super::pins::sharding_key;
use super::schema_change::table_name;
use crate::plan::{TRIAL_TABLE, TRIAL_VIEW, TableTrial, Trial, ViewTrial};
use crate::sql::kind::Ddl;
use crate::sql::tokens::{Token, TokenKind, tokens};
use crate::sql::words::{Name, Words};

/// How the change is tried; `None`: its words tell that the shards may make it.
pub(super) fn of(
    request: &Request<'_>,
    ddl: Ddl,
    keyspace: &Keyspace,
    renames: &[(String, String)],
) -> Result<Option<Trial>, ClientError> {
    let words = request.words;
    match ddl {
        Ddl::CreateIndex if words.has("UNIQUE") => {
            let mut names = words.names.iter();
            names.find(|name| name.is("ON"));
            of_table(request, keyspace, table_name(&mut names), "ON").map(Some)
        }
        // It adds foreign keys and does nothing else.
        Ddl::AlterTable if words.has("REFERENCES") => Ok(None),
        Ddl::AlterTable if renames.is_empty() && is_risky(words, keyspace) => {
            check_rows_stay(words)?;
            of_table(request, keyspace, table_name(&mut words.names.iter().skip(2)), "TABLE").map(Some)
        }
        Ddl::CreateTable if begins_with_rows(words) => {
            let query = query(request.raw).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
            Ok(Some(Trial::Rows { query }))
        }
        Ddl::View if words.names.first().is_some_and(|first| !first.is("DROP")) => of_view(request).map(Some),
        _ => Ok(None),
    }
}

fn of_table(
    request: &Request<'_>,
    keyspace: &Keyspace,
    name: Option<String>,
    before: &str,
) -> Result<Trial, ClientError> {
    let name = name.ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    let (table, key) = sharding_key(keyspace, &name)?;
    let entry = keyspace.vschema().tables.get(&table.name);
    let numbered =
        entry.and_then(|entry| entry.auto_increment.as_ref()).map(|numbers| numbers.column.clone());
    let elsewhere = elsewhere(request.raw, before, TRIAL_TABLE);
    let trial = TableTrial { table: table.name.clone(), key: key.column.clone(), numbered, elsewhere };
    check_columns_stay(request.words, table, &trial)?;
    Ok(Trial::Table(trial))
}

fn of_view(request: &Request<'_>) -> Result<Trial, ClientError> {
    let refused = || ErrorId::NotUnderstood.plain();
    let words = &request.words.names;
    let mut rest = words.iter().skip_while(|word| !word.is("VIEW")).skip(1).peekable();
    if rest.next_if(|word| word.is("IF")).is_some() {
        rest.nth(1);
    }
    let name = table_name(&mut rest).ok_or_else(refused)?;
    let mut elsewhere = elsewhere(request.raw, "VIEW", TRIAL_VIEW).ok_or_else(refused)?;
    if words.first().is_some_and(|first| first.is("ALTER")) {
        // What it says holds also where there is nothing to alter.
        let alter =
            plain_tokens(&elsewhere).and_then(|tokens| tokens.first().copied()).ok_or_else(refused)?;
        elsewhere.replace_range(alter.start..alter.end, "CREATE OR REPLACE");
    }
    let mut before = words.iter().take_while(|word| !word.is("VIEW"));
    let takes_place = before.any(|word| word.is_one_of(&["ALTER", "REPLACE"]));
    Ok(Trial::View(ViewTrial { name, takes_place, elsewhere }))
}

/// The statement about another thing of its database: the name after the word is replaced by that one. `None`: it has
/// that name in other places, too.
fn elsewhere(sql: &str, before: &str, name: &str) -> Option<String> {
    let bytes = sql.as_bytes();
    let tokens = plain_tokens(sql)?;
    let mut at = tokens.iter().position(|token| token.is(bytes, before))? + 1;
    if tokens.get(at)?.is(bytes, "IF") {
        at += 1;
        at += tokens[at..].iter().take_while(|token| token.is_one_of(bytes, &["NOT", "EXISTS"])).count();
    }
    let is_name = |token: &&Token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
    let is_point = |at: usize| tokens.get(at).is_some_and(|token| token.is_symbol(bytes, b'.'));
    // Its database stays as it is.
    at += if is_point(at + 1) { 2 } else { 0 };
    let token = tokens.get(at).filter(is_name)?;
    let text = |token: &Token| sql[token.start..token.end].trim_matches('`').to_lowercase();
    let qualifies = |place: usize| is_name(&&tokens[place]) && is_point(place + 1);
    if (at + 1..tokens.len()).any(|place| qualifies(place) && text(&tokens[place]) == text(token)) {
        return None;
    }
    Some(format!("{}`{name}`{}", &sql[..token.start], &sql[token.end..]))
}

/// Whether a CREATE TABLE ends with a query. TABLE begins it, too, and VALUES before ROW.
fn begins_with_rows(words: &Words<'_>) -> bool {
    let tables = words.names.iter().filter(|word| word.is("TABLE")).count();
    words.has("SELECT") || words.has("ROW") || tables > 1
}

/// The query that ends a CREATE TABLE, with the parentheses around it.
fn query(sql: &str) -> Option<String> {
    let bytes = sql.as_bytes();
    let tokens = plain_tokens(sql)?;
    let mut depth = 0_usize;
    // The TABLE of CREATE TABLE is no query.
    let after_create = tokens.iter().position(|token| token.is(bytes, "TABLE"))? + 1;
    for (at, token) in tokens.iter().enumerate().skip(after_create) {
        let opens = |token: &Token| token.of(bytes) == b"(";
        let first = tokens[at..].iter().find(|token| !opens(token))?;
        let begins = first.is_one_of(bytes, &["SELECT", "TABLE", "VALUES", "WITH"]);
        match token.of(bytes) {
            _ if depth == 0 && begins => return Some(sql[token.start..].to_owned()),
            b"(" => depth += 1,
            b")" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The tokens of a text that is the client's own, byte for byte.
fn plain_tokens(sql: &str) -> Option<Vec<Token>> {
    if sql.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let tokens = tokens(sql.as_bytes())?;
    Some(tokens.into_iter().filter(|token| token.kind != TokenKind::Comment).collect())
}

/// Words in ALTER TABLE that may bring a key the shards cannot keep, or touch the sharding column.
const RISKY_IN_ALTER: [&str; 9] =
    ["CHANGE", "CONVERT", "EXCHANGE", "PRIMARY", "RENAME", "SERIAL", "TABLESPACE", "UNION", "UNIQUE"];
/// MySQL's name for the primary key that it makes where a table has none.
const GENERATED_KEY: &str = "my_row_id";

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

fn names_sharding_column(words: &[Name<'_>], keyspace: &Keyspace) -> bool {
    let keys = words.iter().filter_map(|word| sharding_key(keyspace, word.text).ok());
    keys.map(|(_, key)| &key.column)
        .any(|column| words.iter().any(|word| word.text.eq_ignore_ascii_case(column)))
}

/// Refuses what a copy does not show: a table under another name, and rows from elsewhere.
fn check_rows_stay(words: &Words<'_>) -> Result<(), ClientError> {
    let refused = |form: &str| Err(ErrorId::UnsupportedStatement.with(form));
    let leaves = |pair: &[Name<'_>]| pair[0].is("RENAME") && !pair[1].is_one_of(&["COLUMN", "INDEX", "KEY"]);
    if words.names.windows(2).any(leaves) {
        return refused("a new name beside another change in one ALTER TABLE of a sharded keyspace");
    }
    if words.has("EXCHANGE") {
        // A shard that has swapped the two looks as before; to go on with a change that stopped would swap them back.
        return refused("ALTER TABLE … EXCHANGE PARTITION in a sharded keyspace");
    }
    match ["TABLESPACE", "UNION"].iter().find(|word| words.has(word)) {
        Some(word) => refused(&format!("ALTER TABLE … {word} in a sharded keyspace")),
        None => Ok(()),
    }
}

/// Refuses a change in which another column could come under the name of one that rows are found or numbered by: the
/// copy that is tried has no rows that would show it. Such a column must leave in the same statement.
fn check_columns_stay(words: &Words<'_>, table: &Table, trial: &TableTrial) -> Result<(), ClientError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_said_about_another_thing() {
        let said = |sql: &str, before: &str| elsewhere(sql, before, "x");
        let same = |sql: &str, before: &str, expected: &str| {
            assert_eq!(said(sql, before).as_deref(), Some(expected), "{sql}");
        };
        same("alter table t add unique key (a)", "TABLE", "alter table `x` add unique key (a)");
        same(
            "ALTER TABLE /* t */ shop . `t` ENGINE=InnoDB",
            "TABLE",
            "ALTER TABLE /* t */ shop . `x` ENGINE=InnoDB",
        );
        same("create unique index i on `t`(b, t)", "ON", "create unique index i on `x`(b, t)");
        same(
            "create or replace view if not exists v as select 'v.a'",
            "VIEW",
            "create or replace view if not exists `x` as select 'v.a'",
        );
        for sql in [
            "alter table t add check (`T` .a > 5)",
            "alter table",
            "alter table 'a'",
            "alter table t\u{fffd}",
        ] {
            assert_eq!(said(sql, "TABLE"), None, "{sql}");
        }
    }

    #[test]
    fn the_rows_of_a_new_table_are_found() {
        let found = |sql: &str| query(sql);
        for (before, query) in [
            ("create table n (a int) ignore as ", "select 1"),
            ("create table n ", "select * from t where a in (select 2)"),
            ("create table n ", "(select 1)"),
            ("create table if not exists n (a int check (a > (1))) ", "((select 1) union (table t))"),
            ("create table n ", "with a as (select 1) select * from a"),
            ("create table n as ", "table t"),
            (
                "create table n (a int) partition by range (a) (partition p values less than (1)) ",
                "values row(1)",
            ),
        ] {
            assert_eq!(found(&format!("{before}{query}")).as_deref(), Some(query));
        }
        assert_eq!(found("create table n (a int default (1))"), None);
    }
}
