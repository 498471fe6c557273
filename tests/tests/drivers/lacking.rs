//! What a gate cannot do yet, by the checks that fail for it. A listed check that passes is a fault, so that the list
//! shrinks.

use crate::bed::Target;
use crate::roster::DRIVERS;

/// Where a check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// At a gate, whatever the keyspace.
    Gate,
    /// In a sharded keyspace only.
    Sharded,
}

/// Checks that fail for one reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lacking {
    pub(crate) drivers: &'static [&'static str],
    pub(crate) checks: &'static [&'static str],
    pub(crate) at: Where,
    pub(crate) reason: &'static str,
}

impl Lacking {
    pub(crate) fn covers(&self, driver: &str, target: Target, check: &str) -> bool {
        self.drivers.contains(&driver) && self.checks.contains(&check) && self.at.is(target)
    }
}

impl Where {
    fn is(self, target: Target) -> bool {
        match self {
            Self::Gate => target != Target::Plain,
            Self::Sharded => target == Target::Sharded,
        }
    }
}

const PYTHON: &[&str] = &["pymysql", "mysqlclient", "connector-python"];
const OTHERS: &[&str] = &["go-sql-driver", "mysql2", "connector-j"];

/// All of them.
pub(crate) const LACKING: &[Lacking] = &[
    gate(PYTHON, &["several.rows", "several.schema"], SEVERAL),
    gate(OTHERS, &["several.rows"], SEVERAL),
    gate(&["mysql_async", "sqlx"], &["several.rows"], SEVERAL),
    gate(&["mysql_async"], &["option.compressed"], COMPRESSION),
    gate(&["mysqlclient"], &["c_library.set_server_option"], "COM_SET_OPTION"),
    gate(PYTHON, &["option.local_infile"], INFILE),
    gate(OTHERS, &["option.local_infile"], INFILE),
    gate(&["mysql-client"], &["ways.local_infile"], INFILE),
    gate(PYTHON, &["option.attributes"], ATTRIBUTES),
    gate(OTHERS, &["option.attributes"], ATTRIBUTES),
    gate(&["mysqlclient"], &["option.compression"], COMPRESSION),
    // It compresses without asking whether the server can, and waits.
    gate(&["connector-python"], &["option.compressed", "option.compression"], COMPRESSION),
    gate(OTHERS, &["option.compressed"], COMPRESSION),
    gate(&["mysql-client"], &["ways.compressed", "ways.zstd", "ways.compression"], COMPRESSION),
    gate(PYTHON, &["login.plain"], CIPHER),
    gate(OTHERS, &["login.plain"], CIPHER),
    gate(
        &["sqlx"],
        &["login.as_it_comes"],
        "SET sql_mode = (SELECT …), time_zone = …, NAMES … in one statement",
    ),
    // What the driver reads of an OK packet it reads in another way without it.
    gate(&["mysql2"], &["counts.unchanged"], "session tracking"),
    gate(&["mysql-client"], &["login.socket"], "a unix socket"),
    gate(&["mysql-client"], &["ways.query_attributes"], "query attributes"),
    gate(
        &["mysql-client"],
        &["dump.plainest", "dump.usual", "dump.quick_hex", "dump.transaction", "dump.all_databases"],
        "LOCK TABLES, and what mysqldump asks of performance_schema and of tablespaces",
    ),
    gate(
        &["mysql-client"],
        &["dump.everything", "dump.lock_all_tables", "dump.source_data", "dump.gtid_purged"],
        "FLUSH TABLES, SHOW BINARY LOG STATUS and other views of a single server",
    ),
    sharded(&["django"], &["schema.described"], "LIMIT over several shards"),
    sharded(&["django"], &["orm.in_bulk"], "transactions over several shards"),
];

const SEVERAL: &str = "several statements in one command";
const INFILE: &str = "LOAD DATA LOCAL INFILE";
const ATTRIBUTES: &str = "performance_schema tells of the shards' clients, and those are gates";
const COMPRESSION: &str = "compression";
const CIPHER: &str = "SHOW STATUS tells of the connection between gate and shard";

const fn gate(
    drivers: &'static [&'static str],
    checks: &'static [&'static str],
    reason: &'static str,
) -> Lacking {
    Lacking { drivers, checks, at: Where::Gate, reason }
}

const fn sharded(
    drivers: &'static [&'static str],
    checks: &'static [&'static str],
    reason: &'static str,
) -> Lacking {
    Lacking { drivers, checks, at: Where::Sharded, reason }
}

/// The checks that fail for a driver there.
pub(crate) fn of(driver: &str, target: Target) -> impl Iterator<Item = &'static str> {
    let listed = LACKING.iter().filter(move |lack| lack.at.is(target) && lack.drivers.contains(&driver));
    listed.flat_map(|lack| lack.checks.iter().copied())
}

/// What is listed for drivers that there are not.
pub(crate) fn of_nobody() -> Vec<String> {
    let listed = LACKING.iter().flat_map(|lack| lack.drivers);
    let unknown = listed.filter(|name| !DRIVERS.iter().any(|driver| driver.name == **name));
    unknown.map(|name| format!("lacking.rs lists {name}, and there is no such driver")).collect()
}
