//! The agent's own session on its mysqld, over the Unix socket.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, Opts, OptsBuilder};
use proto::account::{AGENT_ACCOUNT, Secret};
use tokio::time::timeout;

use crate::limits::{LOCK_WAIT_SECONDS, SQL_DEADLINE};

/// MySQL's code for a statement that waited longer than `lock_wait_timeout`.
pub const LOCK_WAIT_TIMEOUT: u16 = 1205;
/// Bound of a packet; given so that no login has to ask for it.
const MAX_PACKET: usize = 16 * 1024 * 1024;
/// MySQL's default, in seconds; given so that no login has to ask for it.
const WAIT_TIMEOUT: usize = 28_800;

/// Why a statement has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Nobody answers in time: mysqld is frozen, or still starting.
    #[error("mysqld does not answer in time")]
    Silent,
    /// mysqld answered with an error.
    #[error("mysqld says {code}: {message}")]
    Refused {
        /// Its code.
        code: u16,
        /// Its text.
        message: String,
    },
    /// There is no connection, or it broke.
    #[error("no connection to mysqld: {0}")]
    Broken(String),
}

impl SessionError {
    /// mysqld's code, if it answered.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Silent | Self::Broken(_) => None,
        }
    }
}

/// A session that is opened when it is needed, and again after it broke.
#[derive(Debug)]
pub struct AgentSession {
    opts: Opts,
    conn: Option<Conn>,
    deadline: Duration,
}

impl AgentSession {
    /// A session on the mysqld behind the socket; nothing is opened yet.
    pub fn new(socket: &Path, secret: &Secret) -> Self {
        let opts = OptsBuilder::default()
            .socket(Some(socket.display().to_string()))
            .user(Some(AGENT_ACCOUNT))
            .pass(Some(secret.password(AGENT_ACCOUNT)))
            .max_allowed_packet(Some(MAX_PACKET))
            .wait_timeout(Some(WAIT_TIMEOUT))
            .setup(vec![format!("SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}")]);
        Self { opts: opts.into(), conn: None, deadline: SQL_DEADLINE }
    }

    /// The same session with another longest wait for each answer.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Changes the longest wait for each answer.
    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Runs a statement whose answer does not matter.
    pub async fn run(&mut self, sql: &str) -> Result<(), SessionError> {
        self.with_conn(async |conn| conn.query_drop(sql).await).await
    }

    /// The one row that the statement gives.
    pub async fn row<T: FromRow + Send + 'static>(&mut self, sql: &str) -> Result<T, SessionError> {
        let row = self.optional_row(sql).await?;
        row.ok_or_else(|| SessionError::Broken(format!("no row for {sql:?}")))
    }

    /// The first row that the statement gives, if it gives any.
    pub async fn optional_row<T: FromRow + Send + 'static>(
        &mut self,
        sql: &str,
    ) -> Result<Option<T>, SessionError> {
        self.with_conn(async |conn| conn.query_first::<T, _>(sql).await).await
    }

    /// All rows that the statement gives.
    pub async fn rows<T: FromRow + Send + 'static>(&mut self, sql: &str) -> Result<Vec<T>, SessionError> {
        self.with_conn(async |conn| conn.query::<T, _>(sql).await).await
    }

    /// Forgets the connection; the next statement opens another.
    pub fn reset(&mut self) {
        self.conn = None;
    }

    /// Says goodbye to mysqld, which waits for open sessions when it shuts down.
    pub async fn close(&mut self) {
        if let Some(conn) = self.conn.take() {
            // One that cannot be said goodbye to is gone, or ends with mysqld.
            let _ = in_time(self.deadline, Box::pin(conn.disconnect())).await;
        }
    }

    async fn with_conn<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Conn) -> mysql_async::Result<T>,
    ) -> Result<T, SessionError> {
        // Taken out, so that a statement that is given up takes its connection with it.
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => in_time(SQL_DEADLINE.min(self.deadline), Box::pin(Conn::new(self.opts.clone()))).await?,
        };
        let done = in_time(self.deadline, Box::pin(work(&mut conn))).await;
        if matches!(done, Ok(_) | Err(SessionError::Refused { .. })) {
            self.conn = Some(conn);
        }
        done
    }
}

async fn in_time<T>(
    deadline: Duration,
    work: impl Future<Output = mysql_async::Result<T>>,
) -> Result<T, SessionError> {
    match timeout(deadline, work).await {
        Err(_) => Err(SessionError::Silent),
        Ok(Ok(value)) => Ok(value),
        Ok(Err(mysql_async::Error::Server(error))) => {
            Err(SessionError::Refused { code: error.code, message: error.message })
        }
        Ok(Err(error)) => Err(SessionError::Broken(error.to_string())),
    }
}
