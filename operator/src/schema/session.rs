//! Asking a gate about tables.

use proto::wire::CapabilityFlags;
use proto::wire::connection::Connection;
use proto::wire::login::{Login, LoginError, connect};
use proto::wire::query::{QueryError, Row, query};

use super::diff::name_quoted;
use super::table::Table;

/// utf8mb4_0900_ai_ci.
const COLLATION: u8 = 255;

/// Where a gate is, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// Host and port.
    pub(crate) address: String,
    /// The user.
    pub(crate) user: String,
    /// Its password.
    pub(crate) password: String,
}

/// A connection with a default database.
pub(crate) struct Session {
    connection: Connection,
}

/// A statement that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// No connection.
    #[error("{0}")]
    Login(#[from] LoginError),
    /// The statement's own error.
    #[error("{what}: {error}")]
    Query {
        /// The beginning of the statement.
        what: String,
        /// What came.
        error: QueryError,
    },
    /// An answer that is not understood.
    #[error("SHOW CREATE TABLE of {0} gave something that is no table; only tables can be compared")]
    NoTable(String),
}

impl Session {
    /// Logs in, with this default database if there is one.
    pub(crate) async fn open(gate: &Gate, database: Option<&str>) -> Result<Self, AskError> {
        let login = Login {
            user: gate.user.clone(),
            password: gate.password.clone(),
            database: database.map(str::to_owned),
            capabilities: CapabilityFlags::CLIENT_DEPRECATE_EOF,
            collation: COLLATION,
        };
        Ok(Self { connection: connect(&gate.address, &login).await? })
    }

    /// Executes a statement; its rows.
    pub(crate) async fn ask(&mut self, sql: &str) -> Result<Vec<Row>, AskError> {
        query(&mut self.connection, sql).await.map_err(|error| {
            let mut what: String = sql.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
            if what.len() < sql.len() {
                what += " …";
            }
            AskError::Query { what, error }
        })
    }

    /// The tables of the default database, without views, by name.
    pub(crate) async fn tables(&mut self) -> Result<Vec<String>, AskError> {
        let rows = self.ask("SHOW FULL TABLES").await?;
        let is_table = |row: &Row| row.get(1).is_none_or(|kind| kind.as_deref() == Some("BASE TABLE"));
        let names = rows.into_iter().filter(is_table).filter_map(|row| row.into_iter().next().flatten());
        Ok(names.collect())
    }

    /// A table as MySQL writes it, and cut into its lines.
    pub(crate) async fn table(&mut self, name: &str) -> Result<(String, Table), AskError> {
        let rows = self.ask(&format!("SHOW CREATE TABLE {}", name_quoted(name))).await?;
        let shown =
            rows.into_iter().next().and_then(|row| row.into_iter().nth(1).flatten()).unwrap_or_default();
        let table = Table::parse(name, &shown).ok_or_else(|| AskError::NoTable(name.to_owned()))?;
        Ok((shown, table))
    }
}
