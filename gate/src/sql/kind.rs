//! What kind of statement a normalised text is, told by its first words.
//!
//! This is for everything that is not planned from its syntax tree, and decides only what MySQL's own grammar
//! makes certain: the first words of a statement name its command.

use super::words::Words;

/// Kinds of statements, as far as they are treated differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but blanks and comments.
    Empty,
    /// SELECT, TABLE, VALUES, WITH, `( …`.
    Query,
    /// INSERT, REPLACE.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// USE.
    Use,
    /// SET.
    Set,
    /// BEGIN, START TRANSACTION, COMMIT, ROLLBACK, savepoints.
    Transaction,
    /// XA.
    DistributedTransaction,
    /// SHOW of what the gate knows by itself.
    ShowListing(Listed),
    /// SHOW PROCESSLIST.
    ShowProcesses,
    /// SHOW TABLE STATUS.
    ShowTableStatus,
    /// SHOW EVENTS.
    ShowEvents,
    /// DESCRIBE a table, SHOW of what is alike on every shard.
    ShowSchema,
    /// SHOW of what each server has of its own kind in an unsharded keyspace.
    ShowServer,
    /// EXPLAIN of a statement.
    Explain,
    /// VEXPLAIN of a statement: how Shoal does it.
    Vexplain,
    /// CREATE, ALTER, DROP, RENAME, TRUNCATE of something in a schema.
    Ddl(Ddl),
    /// ALTER VSCHEMA.
    AlterVschema,
    /// SHOW VSCHEMA.
    ShowVschema,
    /// ANALYZE, OPTIMIZE, CHECK, REPAIR TABLE, also of partitions: answered in rows.
    Maintenance,
    /// CHECKSUM TABLE; DO; LOAD: MySQL does them alone.
    ServerOnly,
    /// CALL.
    Call,
    /// CREATE USER, GRANT, SHOW GRANTS and the like: about users and rights. It may hold a password.
    Account,
    /// What reads or changes state of the session.
    SessionState(&'static str),
    /// KILL.
    Kill,
    /// ABANDON SCHEMA CHANGE.
    AbandonSchemaChange,
    /// CREATE, ALTER, DROP of something that a MySQL server has for all its databases.
    OfServer(&'static str),
    /// What has no meaning through a gate.
    Unsupported(&'static str),
    /// Not a word that begins a statement of MySQL.
    Unknown,
}

/// What the gate knows by itself and can list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Keyspaces, and the databases that every server has.
    Databases,
    /// Keyspaces.
    Keyspaces,
    /// Shards.
    Shards,
    /// Tablets.
    Tablets,
    /// What USE takes for shards.
    Targets,
    /// Replicas and their lag.
    Replication,
}

/// What a schema change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ddl {
    /// CREATE TABLE.
    CreateTable,
    /// ALTER TABLE.
    AlterTable,
    /// DROP TABLE.
    DropTable,
    /// TRUNCATE.
    Truncate,
    /// RENAME TABLE.
    RenameTable,
    /// CREATE INDEX.
    CreateIndex,
    /// DROP INDEX.
    DropIndex,
    /// CREATE DATABASE.
    CreateDatabase,
    /// ALTER DATABASE.
    AlterDatabase,
    /// DROP DATABASE.
    DropDatabase,
    /// Triggers.
    Trigger,
    /// Stored functions.
    Function,
    /// Stored procedures.
    Procedure,
    /// Views, also materialized ones and JSON duality views.
    View,
    /// Libraries of code for stored programs.
    Library,
    /// Events.
    Event,
}

/// Told from the words of the normalised text.
pub fn kind_of(words: &Words<'_>) -> Kind {
    let keywords: Vec<String> = words.names.iter().take(6).map(|name| name.keyword()).collect();
    let keywords: Vec<&str> = keywords.iter().map(String::as_str).collect();
    let Some((first, rest)) = keywords.split_first() else {
        return if words.longest_run == 0 { Kind::Empty } else { Kind::Unknown };
    };
    match *first {
        "SELECT" | "TABLE" | "VALUES" | "WITH" => Kind::Query,
        "INSERT" | "REPLACE" => Kind::Insert,
        "UPDATE" => Kind::Update,
        "DELETE" => Kind::Delete,
        "USE" => Kind::Use,
        "SET" if rest.first() == Some(&"PASSWORD") => Kind::Account,
        "SET" => Kind::Set,
        "GRANT" | "REVOKE" => Kind::Account,
        "BEGIN" | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" => Kind::Transaction,
        "SHOW" => show(rest),
        "DESCRIBE" | "DESC" | "EXPLAIN" => describe(rest),
        "VEXPLAIN" => Kind::Vexplain,
        "ALTER" if maintains_partitions(rest) => Kind::Maintenance,
        "CREATE" | "ALTER" | "DROP" | "RENAME" | "TRUNCATE" => schema_change(first, rest),
        "ANALYZE" | "OPTIMIZE" | "CHECK" | "REPAIR" => Kind::Maintenance,
        "CHECKSUM" | "DO" | "LOAD" => Kind::ServerOnly,
        "CALL" => Kind::Call,
        other => elsewhere(other, rest),
    }
}

fn elsewhere(first: &str, rest: &[&str]) -> Kind {
    match first {
        "START" if rest.first() == Some(&"TRANSACTION") => Kind::Transaction,
        "XA" => Kind::DistributedTransaction,
        "PREPARE" | "EXECUTE" | "DEALLOCATE" => Kind::SessionState("a prepared statement"),
        "LOCK" if matches!(rest.first(), Some(&"TABLES" | &"TABLE")) => Kind::SessionState("a table lock"),
        "UNLOCK" => Kind::SessionState("a table lock"),
        "ABANDON" if rest.starts_with(&["SCHEMA", "CHANGE"]) => Kind::AbandonSchemaChange,
        "KILL" => Kind::Kill,
        "HANDLER" => Kind::SessionState("a handler"),
        "GET" | "SIGNAL" | "RESIGNAL" => Kind::SessionState("the diagnostics area"),
        _ => {
            const ADMINISTRATION: [&str; 18] = [
                "BINLOG",
                "CACHE",
                "CHANGE",
                "CLONE",
                "FLUSH",
                "HELP",
                "IMPORT",
                "INSTALL",
                "LOCK",
                "PURGE",
                "RESET",
                "RESTART",
                "SHUTDOWN",
                "START",
                "STOP",
                "UNINSTALL",
                "ROLE",
                "ROLES",
            ];
            ADMINISTRATION
                .iter()
                .find(|word| **word == first)
                .map_or(Kind::Unknown, |word| Kind::Unsupported(word))
        }
    }
}

fn show(rest: &[&str]) -> Kind {
    let rest: Vec<&str> = rest
        .iter()
        .copied()
        .filter(|w| !matches!(*w, "FULL" | "EXTENDED" | "GLOBAL" | "SESSION" | "LOCAL"))
        .collect();
    match rest.as_slice() {
        ["DATABASES" | "SCHEMAS", ..] => Kind::ShowListing(Listed::Databases),
        ["KEYSPACES" | "VITESS_KEYSPACES", ..] => Kind::ShowListing(Listed::Keyspaces),
        ["SHARDS" | "VITESS_SHARDS", ..] => Kind::ShowListing(Listed::Shards),
        ["TABLETS" | "VITESS_TABLETS", ..] => Kind::ShowListing(Listed::Tablets),
        ["TARGETS" | "VITESS_TARGETS", ..] => Kind::ShowListing(Listed::Targets),
        ["VITESS_REPLICATION_STATUS", ..] => Kind::ShowListing(Listed::Replication),
        ["PROCESSLIST", ..] => Kind::ShowProcesses,
        ["TABLE", "STATUS", ..] => Kind::ShowTableStatus,
        ["EVENTS", ..] => Kind::ShowEvents,
        ["VSCHEMA", ..] => Kind::ShowVschema,
        ["GRANTS", ..] | ["CREATE", "USER", ..] => Kind::Account,
        ["TABLES" | "COLUMNS" | "FIELDS" | "INDEX" | "INDEXES" | "KEYS" | "COLLATION" | "ENGINES", ..]
        | ["CREATE", "TABLE" | "VIEW" | "DATABASE" | "SCHEMA", ..]
        | ["CREATE", "TRIGGER" | "PROCEDURE" | "FUNCTION" | "EVENT" | "LIBRARY", ..]
        | ["TRIGGERS" | "VARIABLES" | "STATUS" | "PLUGINS" | "PRIVILEGES", ..]
        | ["PROCEDURE" | "FUNCTION" | "LIBRARY", "STATUS", ..]
        | ["CHARACTER", "SET", ..]
        | ["CHARSET", ..] => Kind::ShowSchema,
        ["ENGINE" | "BINARY" | "BINLOG" | "REPLICA" | "REPLICAS" | "RELAYLOG", ..] => Kind::ShowServer,
        ["WARNINGS" | "ERRORS" | "COUNT", ..] => Kind::SessionState("the list of warnings"),
        _ => Kind::Unsupported("this SHOW statement"),
    }
}

fn describe(rest: &[&str]) -> Kind {
    match rest.first() {
        Some(
            &("SELECT" | "TABLE" | "WITH" | "INSERT" | "REPLACE" | "UPDATE" | "DELETE" | "FORMAT"
            | "ANALYZE" | "FOR" | "EXTENDED" | "PARTITIONS" | "INTO"),
        ) => Kind::Explain,
        _ => Kind::ShowSchema,
    }
}

/// ALTER TABLE t CHECK PARTITION …: in spite of its words no schema change.
fn maintains_partitions(rest: &[&str]) -> bool {
    let maintains =
        |pair: &[&str]| matches!(pair, ["ANALYZE" | "OPTIMIZE" | "CHECK" | "REPAIR", "PARTITION"]);
    rest.first() == Some(&"TABLE") && rest.windows(2).any(maintains)
}

/// What a definer may stand before.
const PROGRAMS: [&str; 5] = ["VIEW", "PROCEDURE", "TRIGGER", "FUNCTION", "EVENT"];

fn schema_change(first: &str, rest: &[&str]) -> Kind {
    // Words that may stand between the command and what it is about.
    let about = rest
        .iter()
        .copied()
        .find(|w| !matches!(*w, "OR" | "REPLACE" | "UNIQUE" | "FULLTEXT" | "SPATIAL" | "ONLINE" | "OFFLINE"));
    match (first, about.unwrap_or_default()) {
        ("ALTER", "VSCHEMA") => Kind::AlterVschema,
        ("CREATE" | "DROP", "TEMPORARY") => Kind::SessionState("a temporary table"),
        ("CREATE", "TABLE") => Kind::Ddl(Ddl::CreateTable),
        ("ALTER", "TABLE") => Kind::Ddl(Ddl::AlterTable),
        ("DROP", "TABLE" | "TABLES") => Kind::Ddl(Ddl::DropTable),
        ("TRUNCATE", _) => Kind::Ddl(Ddl::Truncate),
        ("RENAME", "TABLE" | "TABLES") => Kind::Ddl(Ddl::RenameTable),
        ("CREATE", "INDEX") => Kind::Ddl(Ddl::CreateIndex),
        ("DROP", "INDEX") => Kind::Ddl(Ddl::DropIndex),
        ("CREATE", "DATABASE" | "SCHEMA") => Kind::Ddl(Ddl::CreateDatabase),
        ("ALTER", "DATABASE" | "SCHEMA") => Kind::Ddl(Ddl::AlterDatabase),
        ("DROP", "DATABASE" | "SCHEMA") => Kind::Ddl(Ddl::DropDatabase),
        (_, "VIEW" | "ALGORITHM" | "SQL" | "JSON" | "MATERIALIZED") => Kind::Ddl(Ddl::View),
        (_, "PROCEDURE") => Kind::Ddl(Ddl::Procedure),
        (_, "TRIGGER") => Kind::Ddl(Ddl::Trigger),
        (_, "FUNCTION" | "AGGREGATE") => Kind::Ddl(Ddl::Function),
        (_, "EVENT") => Kind::Ddl(Ddl::Event),
        (_, "LIBRARY") => Kind::Ddl(Ddl::Library),
        // What is defined stands behind the definer, who may be written with names of any kind.
        (_, "DEFINER") => match rest.iter().find(|word| PROGRAMS.contains(*word)) {
            Some(&"TRIGGER") => Kind::Ddl(Ddl::Trigger),
            Some(&"FUNCTION") => Kind::Ddl(Ddl::Function),
            Some(&"EVENT") => Kind::Ddl(Ddl::Event),
            Some(&"PROCEDURE") => Kind::Ddl(Ddl::Procedure),
            _ => Kind::Ddl(Ddl::View),
        },
        (_, "USER" | "ROLE") => Kind::Account,
        (_, "TABLESPACE" | "UNDO") => Kind::OfServer("a tablespace"),
        (_, "LOGFILE") => Kind::OfServer("a log file group"),
        (_, "SERVER") => Kind::OfServer("a foreign server"),
        (_, "RESOURCE") => Kind::OfServer("a resource group"),
        (_, "INSTANCE") => Kind::OfServer("the instance"),
        (_, "REFERENCE") => Kind::OfServer("a spatial reference system"),
        _ => Kind::Unsupported("this schema change"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_tell_the_kind() {
        let cases = [
            ("", Kind::Empty),
            ("select ?0", Kind::Query),
            ("((select ?0))", Kind::Query),
            ("with a as (select ?0) select * from a", Kind::Query),
            ("replace into t values (?0)", Kind::Insert),
            ("rollback work to savepoint a", Kind::Transaction),
            ("start transaction", Kind::Transaction),
            ("xa begin ?3", Kind::DistributedTransaction),
            ("start replica", Kind::Unsupported("START")),
            ("show full tables like ?3", Kind::ShowSchema),
            ("show schemas", Kind::ShowListing(Listed::Databases)),
            ("show vitess_shards", Kind::ShowListing(Listed::Shards)),
            ("show create trigger a", Kind::ShowSchema),
            ("show full processlist", Kind::ShowProcesses),
            ("show engine innodb status", Kind::ShowServer),
            ("show global status like ?3", Kind::ShowSchema),
            ("show profiles", Kind::Unsupported("this SHOW statement")),
            ("show warnings", Kind::SessionState("the list of warnings")),
            ("desc t", Kind::ShowSchema),
            ("explain select ?0", Kind::Explain),
            ("create unique index a on t (b)", Kind::Ddl(Ddl::CreateIndex)),
            ("create temporary table t (a int)", Kind::SessionState("a temporary table")),
            ("create or replace view v as select ?0", Kind::Ddl(Ddl::View)),
            ("alter algorithm = merge view v as select ?0", Kind::Ddl(Ddl::View)),
            ("create definer = a procedure p() select ?0", Kind::Ddl(Ddl::Procedure)),
            ("call p()", Kind::Call),
            ("create or replace json relational duality view v as select ?0", Kind::Ddl(Ddl::View)),
            ("create materialized view v as select ?0", Kind::Ddl(Ddl::View)),
            ("drop library if exists l", Kind::Ddl(Ddl::Library)),
            ("create undo tablespace u add datafile ?3", Kind::OfServer("a tablespace")),
            ("create spatial reference system ?0 name ?3", Kind::OfServer("a spatial reference system")),
            ("alter instance reload tls", Kind::OfServer("the instance")),
            ("create spatial index i on t (g)", Kind::Ddl(Ddl::CreateIndex)),
            ("alter table s.t check partition all", Kind::Maintenance),
            ("alter table t optimize partition p0", Kind::Maintenance),
            ("alter table t truncate partition p0", Kind::Ddl(Ddl::AlterTable)),
            ("repair table t", Kind::Maintenance),
            ("checksum table t", Kind::ServerOnly),
            ("drop schema s", Kind::Ddl(Ddl::DropDatabase)),
            ("create database if not exists s", Kind::Ddl(Ddl::CreateDatabase)),
            ("create definer = current_user trigger t", Kind::Ddl(Ddl::Trigger)),
            ("create function f() returns int return ?0", Kind::Ddl(Ddl::Function)),
            ("drop event e", Kind::Ddl(Ddl::Event)),
            ("abandon schema change", Kind::AbandonSchemaChange),
            ("alter vschema add table t", Kind::AlterVschema),
            ("show vschema tables", Kind::ShowVschema),
            ("grant all on *.* to a", Kind::Account),
            ("set password for a = ?3", Kind::Account),
            ("show create user a", Kind::Account),
            ("/*+ select */ set a = ?0", Kind::Set),
            ("explain /*+ x */ analyze select ?0", Kind::Explain),
            ("`select` ?0", Kind::Unknown),
            ("selec ?0", Kind::Unknown),
            (";", Kind::Unknown),
        ];
        for (text, kind) in cases {
            assert_eq!(kind_of(&Words::read(text)), kind, "{text}");
        }
    }
}
