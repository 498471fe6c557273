//! A MySQL client that does as little as a client can: it must not be what limits a measurement.

use anyhow::{Context, Result, bail, ensure};
use proto::limits::MAX_PACKET_BYTES;
use proto::wire::CapabilityFlags;
use proto::wire::command;
use proto::wire::connection::Connection;
use proto::wire::login::{Login, connect};
use proto::wire::packet::HEADER_BYTES;
use proto::wire::query::{Row, query};

use super::answer;

/// utf8mb4_0900_ai_ci.
const COLLATION: u8 = 255;
const POINT_SELECT: &[u8] = b"SELECT c FROM sbtest WHERE id = ";

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
        Ok(Self { connection, request: Vec::new() })
    }

    /// Asks for the row of this id, which must come with this value.
    pub async fn select(&mut self, id: u64, expected: &[u8]) -> Result<()> {
        self.request.clear();
        self.request.extend_from_slice(&[0; HEADER_BYTES]);
        self.request.push(command::QUERY);
        self.request.extend_from_slice(POINT_SELECT);
        write_digits(&mut self.request, id);
        // Statements of this form are shorter than 256 bytes.
        self.request[0] = (self.request.len() - HEADER_BYTES) as u8;
        self.connection.write_all(&self.request).await?;
        loop {
            ensure!(self.connection.fill().await? > 0, "the connection was closed before row {id} came");
            match answer::point_select(self.connection.buffered(), expected) {
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    self.connection.consume(bytes);
                    return Ok(());
                }
                Err(wrong) => bail!("asked for row {id} and got {wrong}"),
            }
        }
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

fn write_digits(out: &mut Vec<u8>, mut number: u64) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 7, 10, 9_999, 10_000, u64::MAX] {
            let mut out = b"id = ".to_vec();
            write_digits(&mut out, number);
            assert_eq!(out, format!("id = {number}").into_bytes());
        }
    }
}
