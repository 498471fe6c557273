//! Who is connected to this gate: SHOW PROCESSLIST, and the line of figures that clients ask for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use proto::wire::result::{ResultColumn, ResultRow};
use tokio_util::sync::CancellationToken;

use crate::backend::Target;
use crate::limits::MAX_SHOWN_STATEMENT_BYTES;
use crate::listing::Listing;

/// All clients that have logged in.
#[derive(Debug)]
pub struct Clients {
    began: Instant,
    /// Statements of clients that have left.
    past_statements: AtomicU64,
    present: Mutex<BTreeMap<u32, Arc<Client>>>,
}

impl Default for Clients {
    fn default() -> Self {
        Self { began: Instant::now(), past_statements: AtomicU64::new(0), present: Mutex::default() }
    }
}

/// One client. Only its own session writes what is in it.
#[derive(Debug)]
pub struct Client {
    user: String,
    host: String,
    database: Mutex<Option<String>>,
    /// Twice the milliseconds from the gate's start to its last statement, and one more while that is answered.
    activity: AtomicU64,
    statements: AtomicU64,
    /// What it is at, as far as it is shown; empty where that may hold a password.
    statement: Mutex<Vec<u8>>,
    /// Where its statement runs; held by whoever ends it there.
    running: tokio::sync::Mutex<Vec<Arc<Target>>>,
    ends: Ends,
}

/// The end of a client's connection.
#[derive(Debug, Clone, Default)]
struct Ends {
    /// Cancelled when it is to end.
    killed: CancellationToken,
    /// Cancelled when it has ended.
    left: CancellationToken,
}

/// How much of a statement is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As much as MySQL shows.
    Beginning,
    /// SHOW FULL PROCESSLIST: all that is kept.
    All,
}

/// As much of a statement as MySQL shows, in characters.
const SHOWN_BEGINNING: usize = 100;

/// A client's place among the others, until it leaves.
#[derive(Debug)]
pub struct Presence {
    clients: Arc<Clients>,
    number: u32,
    client: Arc<Client>,
}

/// Whose connections somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight<'a> {
    /// Everybody's.
    All,
    /// Those of one user.
    Own(&'a str),
}

impl Clients {
    /// A client has logged in under this number.
    pub fn enter(self: &Arc<Self>, number: u32, user: &str, host: &str) -> Presence {
        Presence { clients: self.clone(), number, client: self.place(number, (user, host), Ends::default()) }
    }

    /// The client with this number.
    pub fn find(&self, number: u64) -> Option<Arc<Client>> {
        self.present().get(&u32::try_from(number).ok()?).cloned()
    }

    fn place(&self, number: u32, (user, host): (&str, &str), ends: Ends) -> Arc<Client> {
        let client = Arc::new(Client {
            user: user.to_owned(),
            host: host.to_owned(),
            database: Mutex::default(),
            activity: AtomicU64::new(self.now_ms() * 2),
            statements: AtomicU64::new(0),
            statement: Mutex::default(),
            running: tokio::sync::Mutex::default(),
            ends,
        });
        self.present().insert(number, client.clone());
        client
    }

    /// The clients, in MySQL's columns. `own` is the one that asks.
    pub fn list(&self, own: u32, sight: Sight<'_>, shown: Shown) -> Listing {
        let now_ms = self.now_ms();
        let present = self.present();
        let seen = present.iter().filter(|(_, client)| match sight {
            Sight::All => true,
            Sight::Own(user) => client.user == user,
        });
        let rows = seen.map(|(number, client)| {
            let state = if *number == own { "init" } else { "executing" };
            client.row(*number, now_ms, (state, shown))
        });
        Listing { columns: columns(shown), rows: rows.collect() }
    }

    /// The line that COM_STATISTICS answers with, as far as its figures mean something here.
    pub fn statistics(&self) -> String {
        let present = self.present();
        let counted: u64 = present.values().map(|client| client.statements.load(Ordering::Relaxed)).sum();
        let statements = counted + self.past_statements.load(Ordering::Relaxed);
        let seconds = self.began.elapsed().as_secs();
        let rate = statements as f64 / seconds.max(1) as f64;
        format!(
            "Uptime: {seconds}  Threads: {}  Questions: {statements}  Slow queries: 0  Opens: 0  Flush tables: 0  \
             Open tables: 0  Queries per second avg: {rate:.3}",
            present.len()
        )
    }

    fn present(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Client>>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }
}

impl Client {
    /// Whose it is.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Cancelled when its connection is to end.
    pub fn killed(&self) -> &CancellationToken {
        &self.ends.killed
    }

    /// Waits until its connection is closed.
    pub async fn gone(&self) {
        self.ends.left.cancelled().await;
    }

    /// Where its statement runs, which does not end as long as this is held.
    pub async fn running(&self) -> tokio::sync::MutexGuard<'_, Vec<Arc<Target>>> {
        self.running.lock().await
    }

    fn row(&self, number: u32, now_ms: u64, (state, shown): (&str, Shown)) -> ResultRow {
        let activity = self.activity.load(Ordering::Relaxed);
        let busy = activity % 2 == 1;
        let seconds = now_ms.saturating_sub(activity / 2) / 1000;
        let database = self.database.lock().unwrap_or_else(PoisonError::into_inner).clone();
        vec![
            Some(number.to_string()),
            Some(self.user.clone()),
            Some(self.host.clone()),
            database,
            Some(if busy { "Query" } else { "Sleep" }.to_owned()),
            Some(seconds.to_string()),
            Some(if busy { state } else { "" }.to_owned()),
            busy.then(|| self.info(shown)).flatten(),
        ]
    }

    fn info(&self, shown: Shown) -> Option<String> {
        let statement = self.statement.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&statement);
        let text: String = match shown {
            Shown::Beginning => text.chars().take(SHOWN_BEGINNING).collect(),
            Shown::All => text.into_owned(),
        };
        (!text.is_empty()).then_some(text)
    }
}

fn columns(shown: Shown) -> Vec<ResultColumn> {
    let info = match shown {
        Shown::Beginning => SHOWN_BEGINNING as u32,
        Shown::All => MAX_SHOWN_STATEMENT_BYTES as u32,
    };
    vec![
        ResultColumn::number("Id"),
        ResultColumn::text("User", 32),
        ResultColumn::text("Host", 255),
        ResultColumn::text("db", 64).nullable(),
        ResultColumn::text("Command", 16),
        ResultColumn::short_number("Time"),
        ResultColumn::text("State", 30).nullable(),
        ResultColumn::text("Info", info).nullable(),
    ]
}

impl Presence {
    /// The client has another default database.
    pub fn choose(&self, database: Option<&str>) {
        *self.client.database.lock().unwrap_or_else(PoisonError::into_inner) = database.map(str::to_owned);
    }

    /// The connection is another user's now.
    pub fn becomes(&mut self, user: &str) {
        let before = self.client.statements.load(Ordering::Relaxed);
        self.clients.past_statements.fetch_add(before, Ordering::Relaxed);
        let ends = self.client.ends.clone();
        self.client = self.clients.place(self.number, (user, &self.client.host), ends);
    }

    /// Cancelled when the connection is to end.
    pub fn killed(&self) -> CancellationToken {
        self.client.ends.killed.clone()
    }

    /// Its statement runs there, too.
    pub async fn runs_on(&self, target: &Arc<Target>) {
        self.client.running.lock().await.push(target.clone());
    }

    /// Its statement runs nowhere any more.
    pub async fn runs_nowhere(&self) {
        self.client.running.lock().await.clear();
    }

    /// A statement begins.
    pub fn begins(&self) {
        self.client.activity.store(self.clients.now_ms() * 2 + 1, Ordering::Relaxed);
        let statements = self.client.statements.load(Ordering::Relaxed);
        self.client.statements.store(statements + 1, Ordering::Relaxed);
        self.statement().clear();
    }

    /// It is this one.
    pub fn executes(&self, sql: &[u8]) {
        let shown = &sql[..sql.len().min(MAX_SHOWN_STATEMENT_BYTES)];
        let mut statement = self.statement();
        statement.clear();
        statement.extend_from_slice(shown);
    }

    fn statement(&self) -> MutexGuard<'_, Vec<u8>> {
        self.client.statement.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is answered.
    pub fn ends(&self) {
        let activity = self.client.activity.load(Ordering::Relaxed);
        self.client.activity.store(activity & !1, Ordering::Relaxed);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let statements = self.client.statements.load(Ordering::Relaxed);
        self.clients.past_statements.fetch_add(statements, Ordering::Relaxed);
        self.clients.present().remove(&self.number);
        self.client.ends.left.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_listed_while_they_are_here() {
        let clients = Arc::new(Clients::default());
        let (ann, bob) = (clients.enter(1, "ann", "::1"), clients.enter(2, "bob", "::1"));
        ann.choose(Some("shop"));
        ann.begins();
        ann.executes(format!("select '{}'", "ä".repeat(200)).as_bytes());
        let info = |shown| clients.list(2, Sight::Own("ann"), shown).rows[0][7].clone().unwrap();
        assert_eq!((info(Shown::Beginning).chars().count(), info(Shown::All).chars().count()), (100, 209));
        // What may hold a password is not told.
        ann.begins();
        assert_eq!(clients.list(2, Sight::All, Shown::All).rows[0][7], None);
        ann.executes(b"show processlist");
        let shown = |sight| {
            let rows = clients.list(1, sight, Shown::All).rows;
            let row = |row: &ResultRow| {
                row.iter().map(|v| v.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(" ")
            };
            rows.iter().map(row).collect::<Vec<_>>()
        };
        assert_eq!(
            shown(Sight::All),
            ["1 ann ::1 shop Query 0 init show processlist", "2 bob ::1 - Sleep 0  -"]
        );
        assert_eq!(shown(Sight::Own("bob")).len(), 1);
        bob.begins();
        bob.executes(b"select 1");
        assert_eq!(shown(Sight::All)[1], "2 bob ::1 - Query 0 executing select 1");
        bob.ends();
        ann.ends();
        assert!(shown(Sight::Own("ann"))[0].contains("Sleep"));
        drop((ann, bob));
        assert!(shown(Sight::All).is_empty());
        let line = clients.statistics();
        assert!(line.starts_with("Uptime: 0  Threads: 0  Questions: 3  Slow"), "{line}");
    }
}
