//! A client session that keeps everything an answer holds.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, QueryResult, Row, Value};

use super::lift::lift;
use super::outcome::{ColumnSeen, DoneSeen, ErrorSeen, Outcome, RowSeen};

/// How long one statement may take.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(30);
/// Given to the driver so that it does not ask the server by statements of its own.
const MAX_ALLOWED_PACKET: usize = 64 << 20;
const WAIT_TIMEOUT_SECONDS: usize = 28_800;

/// Whom to talk to, and as whom.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// Port on 127.0.0.1.
    pub port: u16,
    /// The user.
    pub user: String,
    /// Its password; empty for none.
    pub password: String,
    /// The database to begin in; empty for none.
    pub database: String,
    /// A unix socket to take instead of the port: mysqlds of a cluster take nothing else without TLS.
    pub socket: Option<PathBuf>,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    conn: Conn,
    protocol: Protocol,
}

/// How statements go to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// As text.
    Text,
    /// Prepared, their literals as values; as text where MySQL prepares no such command.
    Prepared,
}

/// MySQL's code for a command that cannot be prepared.
const NOT_PREPARED: u16 = 1295;

impl Session {
    /// Connects.
    pub async fn connect(address: &Address) -> Result<Self> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(address.port)
            .socket(address.socket.as_ref().map(|path| path.display().to_string()))
            .prefer_socket(false)
            .user(given(&address.user))
            .pass(given(&address.password))
            .db_name(given(&address.database))
            .stmt_cache_size(0)
            .max_allowed_packet(Some(MAX_ALLOWED_PACKET))
            .wait_timeout(Some(WAIT_TIMEOUT_SECONDS));
        let connected = tokio::time::timeout(STATEMENT_DEADLINE, Conn::new(options)).await;
        let conn = connected.context("no handshake in time")?;
        let conn =
            conn.with_context(|| format!("cannot connect to port {} as {:?}", address.port, address.user))?;
        Ok(Self { conn, protocol: Protocol::Text })
    }

    /// The same connection with statements sent in another way.
    pub fn by(self, protocol: Protocol) -> Self {
        Self { protocol, ..self }
    }

    /// Runs one statement; an error packet is an outcome, a broken connection is an error.
    pub async fn run(&mut self, statement: &str) -> Result<Outcome> {
        let answered = tokio::time::timeout(STATEMENT_DEADLINE, self.ask(statement)).await;
        answered.with_context(|| format!("no answer in {STATEMENT_DEADLINE:?}: {statement}"))?
    }

    /// Runs statements that must succeed.
    pub async fn run_all(&mut self, statements: &[&str]) -> Result<()> {
        for statement in statements {
            if let Outcome::Failed(error) = self.run(statement).await? {
                bail!("{statement}: {}", error.text);
            }
        }
        Ok(())
    }

    async fn ask(&mut self, statement: &str) -> Result<Outcome> {
        match self.collect(statement).await {
            Ok(outcome) => Ok(outcome),
            Err(mysql_async::Error::Server(error)) => Ok(Outcome::Failed(ErrorSeen {
                code: error.code,
                sqlstate: error.state,
                text: error.message,
            })),
            Err(other) => Err(other).with_context(|| format!("the connection broke at: {statement}")),
        }
    }

    async fn collect(&mut self, statement: &str) -> mysql_async::Result<Outcome> {
        // What a schema change warns of, MySQL tells when it prepares it.
        let changes_schema = ["CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"]
            .iter()
            .any(|word| statement.trim_start().to_uppercase().starts_with(word));
        if self.protocol == Protocol::Prepared && !changes_schema {
            let (text, values) = lift(statement);
            match self.conn.prep(text).await {
                Ok(prepared) => {
                    let outcome = match self.conn.exec_iter(&prepared, values).await {
                        Ok(result) => seen(result).await,
                        Err(error) => Err(error),
                    };
                    self.conn.close(prepared).await?;
                    return outcome;
                }
                Err(mysql_async::Error::Server(error)) if error.code == NOT_PREPARED => {}
                Err(error) => return Err(error),
            }
        }
        seen(self.conn.query_iter(statement).await?).await
    }
}

/// Everything that an answer holds.
async fn seen<P>(mut result: QueryResult<'_, '_, P>) -> mysql_async::Result<Outcome>
where
    P: mysql_async::prelude::Protocol,
{
    let columns: Vec<ColumnSeen> = result.columns_ref().iter().map(column_seen).collect();
    if columns.is_empty() {
        let done = DoneSeen {
            affected_rows: result.affected_rows(),
            last_insert_id: result.last_insert_id().unwrap_or(0),
            warnings: result.warnings(),
            info: result.info().into_owned(),
        };
        result.drop_result().await?;
        return Ok(Outcome::Done(done));
    }
    let rows: Vec<Row> = result.collect().await?;
    let warnings = result.warnings();
    result.drop_result().await?;
    let rows = rows.into_iter().map(row_seen).collect();
    Ok(Outcome::Rows { columns, rows, warnings })
}

fn column_seen(column: &mysql_async::Column) -> ColumnSeen {
    ColumnSeen {
        origin: [column.schema_str(), column.table_str(), column.org_table_str(), column.org_name_str()]
            .join("."),
        name: column.name_str().into_owned(),
        kind: format!("{:?}", column.column_type()),
        flags: column.flags().bits(),
        charset: column.character_set(),
        length: column.column_length(),
        decimals: column.decimals(),
    }
}

fn row_seen(row: Row) -> RowSeen {
    let seen = |value: Value| match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(bytes),
        // The text protocol has bytes only; anything else is a value of a prepared statement's rows.
        other => Some(format!("{other:?}").into_bytes()),
    };
    row.unwrap().into_iter().map(seen).collect()
}
