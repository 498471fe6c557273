//! A MySQL client that does as little as a client can: it must not be what limits a measurement.

use std::fmt;
use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use proto::limits::MAX_PACKET_BYTES;
use proto::wire::CapabilityFlags;
use proto::wire::command;
use proto::wire::connection::Connection;
use proto::wire::login::{Login, connect};
use proto::wire::packet::HEADER_BYTES;
use proto::wire::prepared::PrepareOk;
use proto::wire::query::{Row, query};

use super::answer::{self, Answer, Form};
use super::rows::Rows;
use super::work::{Change, Step};

/// utf8mb4_0900_ai_ci.
const COLLATION: u8 = 255;
const POINT_SELECT: &str = "SELECT c FROM sbtest WHERE id = ?";
/// MySQL's code for the type BIGINT.
const BIGINT: u8 = 8;

/// Where a client connects, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host and port.
    pub address: String,
    /// The user.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The default database.
    pub database: String,
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    request: Vec<u8>,
    /// The server's number for the point select, once it is prepared.
    prepared: Option<u32>,
}

impl Client {
    /// Connects and logs in.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self> {
        let login = Login {
            user: endpoint.user.clone(),
            password: endpoint.password.clone(),
            database: Some(endpoint.database.clone()),
            capabilities: CapabilityFlags::CLIENT_DEPRECATE_EOF,
            collation: COLLATION,
        };
        let connection = connect(&endpoint.address, &login).await;
        let connection = connection.with_context(|| format!("{} at {}", endpoint.user, endpoint.address))?;
        Ok(Self { connection, request: Vec::new(), prepared: None })
    }

    /// Executes one statement of a work, whose answer must be that of these rows.
    pub async fn ask(&mut self, step: Step, rows: &Rows) -> Result<()> {
        match step {
            Step::Execute { id } => {
                let statement = match self.prepared {
                    Some(statement) => statement,
                    None => self.prepare().await?,
                };
                write_execute(&mut self.request, statement, id);
            }
            _ => write_step(&mut self.request, step, rows),
        }
        let answered = match step {
            Step::Execute { id } => self.rows_of(Form::Binary, 1, |_| rows.value(id)).await,
            Step::Select { id } => self.rows_of(Form::Text, 1, |_| rows.value(id)).await,
            Step::Owned { owner, id } => self.rows_of(Form::Text, 1, |_| rows.owned(owner, id)).await,
            Step::Range { owner, rows: count } => {
                self.rows_of(Form::Text, count, |id| rows.owned(owner, id)).await
            }
            Step::Begin | Step::Commit | Step::Write { .. } => self.done().await,
        };
        answered.with_context(|| format!("the answer to {step:?}"))
    }

    /// Sends the request and reads the rows of its answer.
    async fn rows_of<'e>(
        &mut self,
        form: Form,
        count: u64,
        expected: impl Fn(u64) -> &'e [u8],
    ) -> Result<()> {
        self.connection.write_all(&self.request).await?;
        let mut answer = Answer::new(form, count);
        loop {
            ensure!(self.connection.fill().await? > 0, "the connection was closed before the answer came");
            let progress = answer.read(self.connection.buffered(), &expected)?;
            self.connection.consume(progress.bytes);
            if progress.is_whole {
                return Ok(());
            }
        }
    }

    async fn done(&mut self) -> Result<()> {
        self.connection.write_all(&self.request).await?;
        loop {
            ensure!(self.connection.fill().await? > 0, "the connection was closed before the answer came");
            if let Some(bytes) = answer::done(self.connection.buffered())? {
                self.connection.consume(bytes);
                return Ok(());
            }
        }
    }

    async fn prepare(&mut self) -> Result<u32> {
        let payload = [&[command::STMT_PREPARE], POINT_SELECT.as_bytes()].concat();
        self.connection.write_payload(0, &payload).await?;
        let (answer, mut sequence) = self.connection.read_payload(1, MAX_PACKET_BYTES).await?;
        let prepared = PrepareOk::read(&answer).ok_or_else(|| answer::error(&answer))?;
        for _ in 0..prepared.definitions(CapabilityFlags::CLIENT_DEPRECATE_EOF) {
            (_, sequence) = self.connection.read_payload(sequence, MAX_PACKET_BYTES).await?;
        }
        self.prepared = Some(prepared.id);
        Ok(prepared.id)
    }

    /// Executes a statement that has no rows.
    pub async fn execute(&mut self, sql: &str) -> Result<()> {
        let payload = [&[command::QUERY], sql.as_bytes()].concat();
        self.connection.write_payload(0, &payload).await?;
        let (answer, _) = self.connection.read_payload(1, MAX_PACKET_BYTES).await?;
        match answer.first() {
            Some(0) => Ok(()),
            _ => Err(answer::error(&answer)).with_context(|| format!("the answer to {sql}")),
        }
    }

    /// The rows of a statement.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Row>> {
        query(&mut self.connection, sql).await.with_context(|| format!("the answer to {sql}"))
    }

    /// Ends the session.
    pub async fn leave(mut self) {
        // The server may be gone already.
        let _ = self.connection.write_payload(0, &[command::QUIT]).await;
        self.connection.shutdown().await;
    }
}

/// Any statement that is sent as text.
fn write_step(request: &mut Vec<u8>, step: Step, rows: &Rows) {
    let mut query = |query: fmt::Arguments<'_>| write_query(request, query);
    match step {
        Step::Execute { id } | Step::Select { id } => {
            query(format_args!("SELECT c FROM sbtest WHERE id = {id}"));
        }
        Step::Owned { owner, id } => {
            query(format_args!("SELECT c FROM sbowned WHERE owner = {owner} AND id = {id}"));
        }
        Step::Range { owner, rows } => query(format_args!(
            "SELECT c FROM sbowned WHERE owner = {owner} AND id BETWEEN 1 AND {rows} ORDER BY id"
        )),
        Step::Begin => query(format_args!("BEGIN")),
        Step::Commit => query(format_args!("COMMIT")),
        Step::Write { change: Change::UpdateIndexed, owner, id } => {
            query(format_args!("UPDATE sbowned SET k = k + 1 WHERE owner = {owner} AND id = {id}"));
        }
        Step::Write { change: Change::UpdatePlain, owner, id } => {
            query(format_args!("UPDATE sbowned SET pad = REVERSE(pad) WHERE owner = {owner} AND id = {id}"))
        }
        Step::Write { change: Change::Delete, owner, id } => {
            query(format_args!("DELETE FROM sbowned WHERE owner = {owner} AND id = {id}"));
        }
        Step::Write { change: Change::Insert, owner, id } => {
            let value = String::from_utf8_lossy(rows.owned(owner, id));
            let into = "INSERT INTO sbowned (owner, id, k, c, pad) VALUES";
            query(format_args!("{into} ({owner}, {id}, {id}, '{value}', '')"));
        }
    }
}

fn write_query(request: &mut Vec<u8>, query: fmt::Arguments<'_>) {
    begin(request, command::QUERY);
    // Writing to a Vec does not fail.
    let _ = request.write_fmt(query);
    end(request);
}

/// COM_STMT_EXECUTE with one value: no cursor, once, no NULL, the type, the value.
fn write_execute(request: &mut Vec<u8>, statement: u32, id: u64) {
    begin(request, command::STMT_EXECUTE);
    request.extend_from_slice(&statement.to_le_bytes());
    request.extend_from_slice(&[0, 1, 0, 0, 0, 0, 1, BIGINT, 0]);
    request.extend_from_slice(&id.to_le_bytes());
    end(request);
}

fn begin(request: &mut Vec<u8>, command: u8) {
    request.clear();
    request.extend_from_slice(&[0; HEADER_BYTES]);
    request.push(command);
}

/// Writes the length before the payload, which is far below 64 KiB.
fn end(request: &mut [u8]) {
    let length = (request.len() - HEADER_BYTES) as u16;
    request[..2].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_whole_packets() {
        let mut request = b"of before".to_vec();
        write_query(&mut request, format_args!("SELECT {}", 17));
        assert_eq!(request, b"\x0a\0\0\0\x03SELECT 17");
        write_execute(&mut request, 0x0102, 5);
        assert_eq!(request, b"\x16\0\0\0\x17\x02\x01\0\0\0\x01\0\0\0\0\x01\x08\0\x05\0\0\0\0\0\0\0");
    }
}
