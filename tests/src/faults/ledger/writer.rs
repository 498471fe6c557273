//! One writer: one write at a time, each written down with what was answered.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder};
use proto::errors::{ErrorId, ErrorKind};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::history::{Deed, Fate, Write, WriteId};
use super::{Order, Shared};
use crate::differential::session::Address;

/// Every so many writes is an overwrite.
const OVERWRITE_EVERY: u32 = 4;
/// Longest wait for a connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Pause after a failed connection or a refusal.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// Given to the driver so that it does not ask the server by statements of its own.
const MAX_ALLOWED_PACKET: usize = 16 << 20;
const WAIT_TIMEOUT_SECONDS: usize = 28_800;

/// MySQL's own errors after which a statement that commits by itself has left nothing: it was refused before it
/// was executed, or was rolled back.
const MYSQL_REFUSALS: &[u16] = &[
    1040, // too many connections
    1205, // lock wait timeout
    1213, // deadlock
    1290, // super_read_only
    1836, // read_only
    3032, // offline_mode
];

/// How a client of the ledger connects.
fn options(gate: &Address) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(gate.port)
        .prefer_socket(false)
        .user(Some(gate.user.clone()))
        .pass(Some(gate.password.clone()))
        .db_name(Some(gate.database.clone()))
        .max_allowed_packet(Some(MAX_ALLOWED_PACKET))
        .wait_timeout(Some(WAIT_TIMEOUT_SECONDS))
}

/// A connection as the writers have it.
pub async fn connect(gate: &Address) -> Result<Conn> {
    let connected = timeout(CONNECT_DEADLINE, Conn::new(options(gate))).await;
    connected.context("the gate is silent")?.context("the gate does not let the ledger in")
}

/// What an answer, or its absence, says of a write that was sent.
pub fn classify(answer: mysql_async::Result<()>) -> Fate {
    let error = match answer {
        Ok(()) => return Fate::Acknowledged,
        Err(Error::Server(error)) => error,
        Err(other) => return Fate::Unknown(kind_of(&other).to_owned()),
    };
    let row =
        ErrorId::ALL.iter().map(|id| id.row()).find(|row| error.message.ends_with(&format!("({})", row.id)));
    match row {
        Some(row) if matches!(row.kind, ErrorKind::Unavailable | ErrorKind::Limit | ErrorKind::Refused) => {
            Fate::Refused(row.id.to_owned())
        }
        Some(row) => Fate::Unknown(row.id.to_owned()),
        None if MYSQL_REFUSALS.contains(&error.code) => Fate::Refused(error.code.to_string()),
        None => Fate::Unknown(format!("{} {}", error.code, error.message)),
    }
}

fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::Io(_) => "connection broke",
        Error::Driver(_) => "driver",
        _ => "other",
    }
}

/// Writes until it is told to end, and then ends after the write that is under way.
pub(super) async fn run(writer: u32, shared: Arc<Shared>, mut orders: watch::Receiver<Order>) {
    let mut conn: Option<Conn> = None;
    // Each begins at another gate.
    let mut turn = writer as usize;
    for number in 1.. {
        if !may_write(&shared, &mut orders).await {
            return;
        }
        let mut connected = match conn.take() {
            Some(conn) => conn,
            None => match next_connection(&shared, &mut turn, &mut orders).await {
                Some(conn) => conn,
                None => return,
            },
        };
        let id = WriteId { writer, number };
        let deed = if number % OVERWRITE_EVERY == 0 { Deed::Overwrite } else { Deed::Insert };
        let begun = Instant::now();
        let answer = timeout(shared.load.patience, connected.query_drop(statement(id, deed))).await;
        let fate = answer.map_or_else(|_| Fate::Unknown("no answer".into()), classify);
        let pause = match &fate {
            Fate::Acknowledged => {
                if let Some(count) = shared.acknowledged.get(writer as usize - 1) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                shared.load.pause
            }
            _ => RETRY_PAUSE,
        };
        // After a failure that is no plain answer, nobody knows where in the protocol the connection is.
        if !matches!(fate, Fate::Unknown(_)) {
            conn = Some(connected);
        }
        let write = Write { id, deed, fate, begun, ended: Instant::now() };
        shared.history.lock().unwrap_or_else(PoisonError::into_inner).writes.push(write);
        sleep(pause).await;
    }
}

/// Waits while it is to rest; `false`: it is to end.
async fn may_write(shared: &Shared, orders: &mut watch::Receiver<Order>) -> bool {
    loop {
        match *orders.borrow_and_update() {
            Order::Write => return true,
            Order::End => return false,
            Order::Rest => {}
        }
        shared.resting.fetch_add(1, Ordering::SeqCst);
        let changed = orders.changed().await;
        shared.resting.fetch_sub(1, Ordering::SeqCst);
        if changed.is_err() {
            return false;
        }
    }
}

/// A connection to the next gate that gives one; `None`: told to end.
async fn next_connection(
    shared: &Shared,
    turn: &mut usize,
    orders: &mut watch::Receiver<Order>,
) -> Option<Conn> {
    while may_write(shared, orders).await {
        let gate = &shared.gates[*turn % shared.gates.len()];
        *turn += 1;
        if let Ok(conn) = connect(gate).await {
            return Some(conn);
        }
        sleep(RETRY_PAUSE).await;
    }
    None
}

/// The SQL of a write.
pub fn statement(write: WriteId, deed: Deed) -> String {
    let (writer, number, value) = (write.writer, write.number, write.value());
    match deed {
        Deed::Insert => {
            let id = write.id();
            format!(
                "INSERT INTO ledger (id, writer, number, value) VALUES ({id}, {writer}, {number}, '{value}')"
            )
        }
        Deed::Overwrite => {
            format!("UPDATE registers SET number = {number}, value = '{value}' WHERE writer = {writer}")
        }
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::ServerError;

    use super::*;

    fn answered(code: u16, message: &str) -> Fate {
        classify(Err(Error::Server(ServerError { code, message: message.into(), state: "HY000".into() })))
    }

    #[test]
    fn only_what_surely_left_nothing_is_refused() {
        assert_eq!(classify(Ok(())), Fate::Acknowledged);
        for id in [ErrorId::ShardUnavailable, ErrorId::HeldTooLong, ErrorId::TooManyHeld] {
            let fate = answered(1105, id.with("shop/-80").message());
            assert_eq!(fate, Fate::Refused(id.row().id.into()));
        }
        let lost = answered(1158, ErrorId::ShardLost.with("shop/-80").message());
        assert_eq!(lost, Fate::Unknown("SH3002".into()));
        assert_eq!(answered(1290, "running with --super-read-only"), Fate::Refused("1290".into()));
        assert!(matches!(answered(1053, "Server shutdown in progress"), Fate::Unknown(_)));
        assert!(matches!(answered(1105, "quotes (SH3001) but ends otherwise"), Fate::Unknown(_)));
    }
}
