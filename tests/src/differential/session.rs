//! A client session that keeps everything an answer holds.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row, Value};

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
pub struct Session(Conn);

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
            .max_allowed_packet(Some(MAX_ALLOWED_PACKET))
            .wait_timeout(Some(WAIT_TIMEOUT_SECONDS));
        let connected = tokio::time::timeout(STATEMENT_DEADLINE, Conn::new(options)).await;
        let conn = connected.context("no handshake in time")?;
        Ok(Self(
            conn.with_context(|| format!("cannot connect to port {} as {:?}", address.port, address.user))?,
        ))
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
        let mut result = self.0.query_iter(statement).await?;
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
        // The text protocol has bytes only; anything else shows itself as a difference.
        other => Some(format!("{other:?}").into_bytes()),
    };
    row.unwrap().into_iter().map(seen).collect()
}
