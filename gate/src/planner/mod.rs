//! From a normalised statement and a snapshot to a plan; pure.
//!
//! ```text
//!   rewrite    executable comments, facts of the session: put in other words first
//!   guards     what no statement may contain
//!   kind       by the first words
//!   target     which keyspace the statement is about
//!   pins       sharded: which literals fix the shard         (pins, insert)
//!   scatter    sharded: several shards without merging
//!   schema     DDL: what the shards could not keep true      (schema_change, trial, foreign_key, per_shard)
//!   vschema    ALTER VSCHEMA, SHOW VSCHEMA
//!   view       which views each shard answers for its own rows
//! ```
//!
//! The rule that everything follows: a statement is routed only where its answer is certain to be that of one
//! MySQL with all the rows; everything else is refused by name.

mod aim;
mod catalog;
mod database;
mod directive;
mod explain;
pub mod foreign_key;
mod guards;
mod insert;
mod kill;
mod listing;
mod per_shard;
mod pins;
mod rewrite;
mod scatter;
mod schema_change;
mod sequence;
mod set;
mod setting;
mod show;
mod target;
mod transaction;
mod trial;
mod user_variables;
pub mod view;
mod vschema;
mod warnings;

use std::fmt;
use std::rc::Rc;

use proto::errors::{ClientError, ErrorId, ErrorKind};
use sqlparser::ast::Statement;
use topo::snapshot::{Keyspace, Snapshot};

use crate::accounts::read as accounts;
use crate::accounts::rights::Rights;
use crate::aim::{Aim, Database, Tablets};
use crate::limits::{MAX_PLANNED_TEXT_BYTES, MAX_TOKENS_IN_A_ROW};
use crate::plan::{Afterwards, Answer, Plan, Refusal, Route, Target};
use crate::sql::fingerprint::Marks;
use crate::sql::kind::{Ddl, Kind, kind_of};
use crate::sql::parse::parse;
use crate::sql::words::{Name, Words};
use target::{TableName, Tables};

/// What is planned.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The normalised text.
    pub text: &'a str,
    /// Its words.
    pub words: &'a Words<'a>,
    /// The client's own text.
    pub raw: &'a str,
    /// What the fingerprint saw.
    pub marks: Marks,
    /// The session's default database.
    pub database: Option<&'a Database>,
    /// What its statements are narrowed to there.
    pub aim: &'a Aim,
    /// What the session's user may do.
    pub rights: &'a Rights,
    /// The cluster.
    pub snapshot: &'a Snapshot,
}

/// The plan for a statement.
pub fn plan(request: Request<'_>) -> Plan {
    let decided = decide(&request).and_then(|plan| match plan {
        // The places in the text are not those of the client's bytes, where some of them were no text.
        Plan::Rewrite(_) | Plan::Explain(_) if request.raw.contains(char::REPLACEMENT_CHARACTER) => {
            Err(ErrorId::NotUnderstood.plain())
        }
        plan => Ok(plan),
    });
    decided.unwrap_or_else(|error| {
        // Access and naming errors are the gate's own to give; for the rest MySQL may know better what is wrong.
        let judge = match error.id.row().kind {
            ErrorKind::Refused if !is_final(error.id) && kind_of(request.words) != Kind::Vexplain => {
                target::judge(&request).map(|keyspace| keyspace.name.clone())
            }
            _ => None,
        };
        Plan::Refuse { error, judge }
    })
}

fn is_final(id: ErrorId) -> bool {
    matches!(
        id,
        ErrorId::UnknownDatabase
            | ErrorId::NoDatabase
            | ErrorId::DatabaseDenied
            // MySQL is shown no statement about users: it may hold a password.
            | ErrorId::AccountForm
            | ErrorId::InexactGrant
            | ErrorId::LongUserName
            | ErrorId::SidecarSchema
            | ErrorId::SeveralKeyspaces
            | ErrorId::Transaction
            | ErrorId::UnknownShard
            | ErrorId::UnknownTabletType
            | ErrorId::ShardChosen
            | ErrorId::ReplicaChosen
            | ErrorId::VschemaConflict
            | ErrorId::VschemaSyntax
    )
}

fn decide(request: &Request<'_>) -> Result<Plan, ClientError> {
    guards::sidecar(request)?;
    if let Some(asked) = warnings::asked(request) {
        return Ok(Plan::ShowWarnings(asked));
    }
    let kind = kind_of(request.words);
    if kind == Kind::Use {
        // Its name is no word of the grammar: `@replica` in it is no variable.
        return Ok(Plan::Answer(Answer::Use(target::used(request)?)));
    }
    if kind == Kind::Account {
        return accounts::read(request.raw, request.database.and_then(Database::keyspace)).map(Plan::Account);
    }
    if let Some(rewrite) = rewrite::rewrite(request, kind)? {
        return Ok(Plan::Rewrite(rewrite));
    }
    guards::check(request, kind)?;
    match aim::on_shard(request, kind)? {
        Some(plan) => aim::on_replicas(request, kind, plan),
        None => aim::on_replicas(request, kind, by_kind(request, kind)?),
    }
}

fn by_kind(request: &Request<'_>, kind: Kind) -> Result<Plan, ClientError> {
    if kind == Kind::Query
        && let Some(plan) = sequence::plan(request)?
    {
        return Ok(plan);
    }
    match kind {
        Kind::Query | Kind::Insert | Kind::Update | Kind::Delete => rows_statement(request, kind),
        Kind::Use => Err(ErrorId::NotUnderstood.plain()),
        Kind::Set => set::plan(request),
        Kind::Transaction => transaction::plan(request),
        Kind::DistributedTransaction => Err(ErrorId::Transaction.with("XA")),
        Kind::ShowListing(listed) => listing::plan(request, listed),
        Kind::ShowProcesses => Ok(show::processes(request)),
        Kind::ShowTableStatus => show::table_status(request),
        Kind::ShowEvents => show::events(request),
        Kind::ShowSchema => show::plan(request),
        Kind::ShowServer => unsharded_only(request, "this SHOW statement", Afterwards::Reuse),
        Kind::Explain => explain::explain(request),
        Kind::Vexplain => explain::vexplain(request),
        Kind::Maintenance => maintenance(request),
        Kind::ServerOnly => {
            let word = request.words.names.first().map_or_else(String::new, Name::keyword);
            let finds_rows = ["SELECT", "TABLE", "VALUES", "WITH"].iter().any(|word| request.words.has(word));
            if word == "DO" && !finds_rows {
                return Ok(to_any(target::any(request)?, Afterwards::Close));
            }
            unsharded_only(request, &word, Afterwards::Close)
        }
        Kind::Call => per_shard::call(request),
        Kind::Kill => kill::plan(request),
        Kind::Ddl(Ddl::CreateDatabase) => database::create(request),
        Kind::Ddl(Ddl::DropDatabase) => database::drop(request),
        Kind::Ddl(ddl) => schema_change::plan(request, ddl),
        Kind::AbandonSchemaChange => schema_change::abandon(request),
        Kind::AlterVschema => vschema::alter(request),
        Kind::ShowVschema => vschema::show(request),
        Kind::SessionState(what) => Err(ErrorId::SessionState.with(what)),
        Kind::OfServer(what) => Err(ErrorId::OfServer.with(what)),
        Kind::Unsupported(what) => Err(ErrorId::UnsupportedStatement.with(what)),
        // MySQL has an error for an empty statement, too.
        Kind::Empty => Ok(to_any(target::any(request)?, Afterwards::Reuse)),
        Kind::Account | Kind::Unknown => Err(ErrorId::NotUnderstood.plain()),
    }
}

/// SELECT, INSERT, REPLACE, UPDATE, DELETE.
fn rows_statement(request: &Request<'_>, kind: Kind) -> Result<Plan, ClientError> {
    if let Some(keyspace) = target::unsharded_throughout(request) {
        return Ok(to_any(keyspace, Afterwards::Reuse));
    }
    // A longer chain of operators than this would nest deeper than the stack holds.
    if request.text.len() > MAX_PLANNED_TEXT_BYTES || request.words.longest_run > MAX_TOKENS_IN_A_ROW {
        return Err(form("so long a text, or expression"));
    }
    let (tables, statement) = match read(request.text) {
        Ok(read) => read,
        Err(error) => {
            // An unsharded keyspace takes any statement of MySQL, also those that the parser does not know.
            let keyspace = target::by_names(request)?;
            return if keyspace.sharded { Err(error) } else { Ok(to_any(keyspace, Afterwards::Reuse)) };
        }
    };
    if let Some(plan) = catalog::plan(request, &tables, &statement)? {
        return Ok(plan);
    }
    let Some(keyspace) = target::of_tables(request, &tables)? else {
        // Whatever writes, writes to a table.
        if kind != Kind::Query {
            return Err(ErrorId::NotUnderstood.plain());
        }
        return Ok(without_tables(request, target::any(request)?));
    };
    if !keyspace.sharded {
        return Ok(to_any(keyspace, Afterwards::Reuse));
    }
    let is_view = |name: &TableName| keyspace.table(&name.table).is_some_and(|table| table.view_of.is_some());
    if kind != Kind::Query && tables.references.iter().any(is_view) {
        return Err(ErrorId::UnsupportedStatement.with("a write through a view of a sharded keyspace"));
    }
    // MySQL binds these less tightly than AND, the parser more tightly than a comparison.
    if request.words.has("XOR") || request.words.has_symbol_connective {
        return Err(form("XOR, || or &&"));
    }
    if let Statement::Insert(insert) = &statement {
        return insert::plan(insert, &tables, keyspace);
    }
    let pins = match pins::of_statement(&statement, &tables, keyspace) {
        Ok(pins) => pins,
        Err(error) if error.id == ErrorId::NoShardingValue => {
            return scatter::plan(request, &statement, &tables, keyspace);
        }
        Err(error) => return Err(error),
    };
    let otherwise = match scatter::plan(request, &statement, &tables, keyspace) {
        Ok(Plan::Scatter(scatter)) => Some(scatter),
        _ => None,
    };
    Ok(Plan::Route(Rc::new(Route {
        keyspace: keyspace.name.clone(),
        target: Target::Pinned(pins),
        columns: None,
        afterwards: Afterwards::Reuse,
        refusal: Refusal::OfAll,
        tablets: Tablets::Primary,
        otherwise,
    })))
}

/// The syntax tree of a statement, and the tables that it names.
fn read(text: &str) -> Result<(Tables, Statement), ClientError> {
    let statement = parse(text).map_err(|unparsed| match unparsed.near.as_deref() {
        None => ErrorId::NotUnderstood.plain(),
        Some("EOF") => form("it ends too soon"),
        Some(literal) if literal.starts_with('?') => form("near a literal"),
        Some(near) => form(format_args!("near '{near}'")),
    })?;
    Ok((Tables::of(&statement).map_err(form)?, statement))
}

/// The error for a form of statement that has a name.
fn form(what: impl fmt::Display) -> ClientError {
    ErrorId::NotUnderstood.with(format_args!(" ({what})"))
}

fn unsharded_only(request: &Request<'_>, what: &str, afterwards: Afterwards) -> Result<Plan, ClientError> {
    let keyspace = target::by_names(request)?;
    if keyspace.sharded {
        let shard = keyspace.shards.first().map(|shard| shard.shard.range.to_string()).unwrap_or_default();
        let name = &keyspace.name;
        let cure = format!("{what} in a sharded keyspace (one shard of it takes that: USE `{name}:{shard}`)");
        return Err(ErrorId::UnsupportedStatement.with(cure));
    }
    Ok(to_any(keyspace, afterwards))
}

/// ANALYZE TABLE and the like. Every shard of a sharded keyspace does it and has rows of its own about it.
fn maintenance(request: &Request<'_>) -> Result<Plan, ClientError> {
    let keyspace = target::by_qualifier(request)?;
    if keyspace.sharded {
        return Ok(scatter::of_every_shard(keyspace, Afterwards::Close));
    }
    Ok(to_any(keyspace, Afterwards::Close))
}

/// What a server tells of its schemas.
fn of_schema(keyspace: &Keyspace) -> Plan {
    aimed(to_any(keyspace, Afterwards::Reuse), Target::Schema)
}

/// A statement without tables. A function that it calls could read those of the default keyspace.
fn without_tables(request: &Request<'_>, keyspace: &Keyspace) -> Plan {
    let plan = to_any(keyspace, Afterwards::Reuse);
    match request.database {
        Some(Database::Keyspace(_)) => plan,
        None | Some(Database::Catalogue) => aimed(plan, Target::Free),
    }
}

fn aimed(plan: Plan, target: Target) -> Plan {
    match plan {
        Plan::Route(route) => Plan::Route(Rc::new(Route { target, ..Route::clone(&route) })),
        other => other,
    }
}

fn to_any(keyspace: &Keyspace, afterwards: Afterwards) -> Plan {
    // What closes the connection by its own kind may be several transactions, such as CALL. A function or a
    // trigger is part of its statement's one transaction.
    let refusal = match afterwards {
        Afterwards::Reuse => Refusal::OfAll,
        Afterwards::Close => Refusal::OfTheRest,
    };
    // Any statement may call a function or fire a trigger, and those may set variables of the session.
    let afterwards = if keyspace.has_stored_programs { Afterwards::Close } else { afterwards };
    let (keyspace, target) = (keyspace.name.clone(), Target::Any);
    Plan::Route(Rc::new(Route {
        keyspace,
        target,
        columns: None,
        afterwards,
        refusal,
        tablets: Tablets::Primary,
        otherwise: None,
    }))
}

/// The word that a client without the right is told of.
fn verb(words: &Words<'_>, ddl: Ddl) -> &'static str {
    match ddl {
        Ddl::View if words.names.first().is_some_and(|first| first.is("DROP")) => "DROP",
        Ddl::View => "CREATE VIEW",
        Ddl::RenameTable => "DROP, ALTER",
        Ddl::CreateTable | Ddl::CreateDatabase => "CREATE",
        Ddl::AlterTable | Ddl::AlterDatabase => "ALTER",
        Ddl::DropTable | Ddl::Truncate | Ddl::DropDatabase => "DROP",
        Ddl::CreateIndex | Ddl::DropIndex => "INDEX",
        Ddl::Trigger => "TRIGGER",
        Ddl::Function | Ddl::Procedure | Ddl::Library | Ddl::Event => "CREATE",
    }
}

#[cfg(test)]
mod tests;
