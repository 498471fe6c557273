//! A scripted mysqld: logs anybody in, keeps every statement that it receives, and answers as it is told to.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use proto::limits::MAX_PACKET_BYTES;
use proto::wire::connection::Connection;
use proto::wire::handshake::Greeting;
use proto::wire::packet::write_payload;
use proto::wire::reply::write_ok;
use proto::wire::result::{Form, ResultColumn, ResultRow, Rows, Texts, write_result};
use proto::wire::{CapabilityFlags, StatusFlags, command};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::DEADLINE;

/// What it offers to the gate.
const OFFERED: CapabilityFlags = CapabilityFlags::CLIENT_PROTOCOL_41
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_CONNECT_WITH_DB)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(CapabilityFlags::CLIENT_DEPRECATE_EOF)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS);

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Does what it is told.
    Serving,
    /// Refuses statements with this error.
    Refusing(u16),
    /// Refuses logins, as in offline mode.
    Offline,
    /// Admits everybody and takes no writes, as a replica that is read.
    ReadOnly,
    /// Receives a statement, and closes the connection in place of an answer once it is in another mood.
    Breaking,
}

/// One fake mysqld.
pub(crate) struct Fake {
    /// host:port.
    pub(crate) address: String,
    mood: watch::Sender<Mood>,
    statements: Arc<watch::Sender<Vec<String>>>,
    logins: Arc<watch::Sender<usize>>,
    accepting: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Fake {
    /// Listens on a port of the kernel's choice.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (mood, moods) = watch::channel(Mood::Serving);
        let statements = Arc::new(watch::Sender::new(Vec::new()));
        let logins = Arc::new(watch::Sender::new(0));
        let (seen, counted) = (statements.clone(), logins.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (moods, seen, counted) = (moods.clone(), seen.clone(), counted.clone());
                // A connection that ends ends its task; how does not matter.
                tokio::spawn(async move {
                    let mut connection = Connection::new(stream).unwrap();
                    let mood = *moods.borrow();
                    if log_in(&mut connection, mood).await.is_some() {
                        counted.send_modify(|logins| *logins += 1);
                        serve(connection, moods, &seen).await;
                    }
                });
            }
        });
        Self { address, mood, statements, logins, accepting }
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Every statement that it has received, but for the gate's own questions.
    pub(crate) fn statements(&self) -> Vec<String> {
        self.statements.borrow().clone()
    }

    /// Connections that it has admitted.
    pub(crate) fn logins(&self) -> usize {
        *self.logins.borrow()
    }

    /// Waits until it has admitted so many connections.
    pub(crate) async fn admitted(&self, count: usize) {
        let mut logins = self.logins.subscribe();
        let enough = logins.wait_for(|logins| *logins >= count);
        timeout(DEADLINE, enough).await.expect("nobody came").unwrap();
    }

    /// Waits until it has received so many statements.
    pub(crate) async fn received(&self, count: usize) {
        let mut seen = self.statements.subscribe();
        let enough = seen.wait_for(|seen| seen.len() >= count);
        timeout(DEADLINE, enough).await.expect("the statements never came").unwrap();
    }
}

async fn log_in(connection: &mut Connection, mood: Mood) -> Option<()> {
    if mood == Mood::Offline {
        connection.write_payload(0, &error(3032)).await.ok()?;
        return None;
    }
    let greeting = Greeting {
        server_version: "9.7.4",
        connection_id: 1,
        capabilities: OFFERED,
        nonce: b"abcdefghijklmnopqrst",
        collation: 255,
    };
    let sequence = connection.write_payload(0, &greeting.payload()).await.ok()?;
    let (_, sequence) = connection.read_payload(sequence, MAX_PACKET_BYTES).await.ok()?;
    let mut out = BytesMut::new();
    write_ok(&mut out, sequence, StatusFlags::SERVER_STATUS_AUTOCOMMIT, 0);
    connection.write_all(&out).await.ok()?;
    // The gate asks once whether it takes writes: it begins a transaction and ends it.
    for _ in 0..2 {
        let (_, sequence) = connection.read_payload(0, MAX_PACKET_BYTES).await.ok()?;
        let mut out = BytesMut::new();
        match mood {
            Mood::ReadOnly => drop(write_payload(&mut out, sequence, &error(1290))),
            _ => {
                write_ok(&mut out, sequence, StatusFlags::SERVER_STATUS_AUTOCOMMIT, 0);
            }
        }
        connection.write_all(&out).await.ok()?;
    }
    Some(())
}

async fn serve(
    mut connection: Connection,
    mut moods: watch::Receiver<Mood>,
    seen: &watch::Sender<Vec<String>>,
) -> Option<()> {
    loop {
        let (payload, _) = connection.read_payload(0, MAX_PACKET_BYTES).await.ok()?;
        let (&kind, text) = payload.split_first()?;
        let text = String::from_utf8_lossy(text).into_owned();
        let mut out = BytesMut::new();
        if kind == command::QUERY && text.contains("information_schema") {
            answer_question(&mut out, &text);
        } else {
            let mood = *moods.borrow_and_update();
            // Not before the mood is known by which it is answered.
            seen.send_modify(|seen| seen.push(text));
            match mood {
                Mood::Serving | Mood::ReadOnly => {
                    write_ok(&mut out, 1, StatusFlags::SERVER_STATUS_AUTOCOMMIT, 0);
                }
                Mood::Refusing(code) => drop(write_payload(&mut out, 1, &error(code))),
                Mood::Breaking | Mood::Offline => {
                    timeout(Duration::MAX, moods.changed()).await.ok()?.ok()?;
                    return None;
                }
            }
        }
        connection.write_all(&out).await.ok()?;
    }
}

/// No table, and nothing that is stored.
fn answer_question(out: &mut BytesMut, text: &str) {
    let rows: Vec<ResultRow> =
        if text.contains("routines") { vec![vec![Some("0".to_owned())]] } else { vec![] };
    let columns = [ResultColumn::text("x", 9)];
    let form = Form {
        capabilities: CapabilityFlags::CLIENT_DEPRECATE_EOF,
        status: StatusFlags::SERVER_STATUS_AUTOCOMMIT,
        texts: Texts { collation: 255, bytes: 4 },
        rows: Rows::Text,
    };
    write_result(out, 1, form, &columns, &rows);
}

fn error(code: u16) -> Vec<u8> {
    let [low, high] = code.to_le_bytes();
    [&[0xff, low, high], &b"#HY000in its own words"[..]].concat()
}
