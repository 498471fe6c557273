//! Prepared statements of the binary protocol.
//!
//! ```text
//!   PREPARE   planned with something in place of its values ─► a shard's mysqld describes it ─► client
//!   EXECUTE   text with the values as literals: planned like any other ─► what its plan says
//!               one shard: the statement as prepared there (kept with the connection), the values as they came
//!               anything else: by the text
//! ```
//!
//! So a prepared statement goes where the same text would go. What is sent to a shard is the client's own statement
//! and values, and its rows are relayed as they come. A statement that was put in other words is prepared for this
//! once. Cursors are not opened: rows come at once, as a server may do, and as fast as the client takes them.

use std::collections::HashMap;
use std::rc::Rc;

use bytes::BytesMut;
use foldhash::fast::RandomState;
use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use proto::wire::command;
use proto::wire::connection::Framed;
use proto::wire::packet::write_payload;
use proto::wire::prepared::{EXECUTE_HEAD_BYTES, ParameterType, PrepareOk, put_execute, read_values};
use topo::snapshot::{Shard, Snapshot};

use super::held::Next;
use super::sent::Executing;
use super::{Session, SessionEnd};
use crate::aim::{Aim, Database};
use crate::backend::Unreached;
use crate::backend::prepared::PrepareError;
use crate::hold::Patience;
use crate::hold::decide::{error_code, is_refusal};
use crate::limits::{MAX_LONG_DATA_BYTES, MAX_PREPARED_BYTES, MAX_PREPARED_STATEMENTS, MAX_REWRITES};
use crate::plan::{Plan, rewritten};
use crate::sql::fingerprint::Fingerprint;
use crate::sql::parameter::{places, write_filled};
use crate::worker::Statement;

/// What a session has prepared.
#[derive(Default)]
pub(super) struct Statements {
    last: u32,
    /// All that was sent ahead of executions to come.
    long_bytes: usize,
    by_id: HashMap<u32, Prepared, RandomState>,
}

/// A statement that a client has prepared.
struct Prepared {
    sql: Rc<[u8]>,
    /// Where its `?` stand.
    places: Vec<usize>,
    /// Where the first VALUES outside parentheses stands.
    values_at: Option<usize>,
    /// Its names are looked up where they were when it was prepared.
    database: Option<Database>,
    aim: Aim,
    /// Of the values that it was executed with last.
    types: Vec<ParameterType>,
    /// What was sent ahead of the next execution.
    long_data: Vec<Option<Vec<u8>>>,
    /// Whether that was more than is kept.
    is_too_long: bool,
    /// The collation that its text is in.
    collation: u8,
}

impl Prepared {
    /// Forgets what was sent ahead; gives it.
    fn take_long_data(&mut self) -> Vec<Option<Vec<u8>>> {
        self.is_too_long = false;
        let none = vec![None; self.long_data.len()];
        std::mem::replace(&mut self.long_data, none)
    }
}

fn bytes_of(long_data: &[Option<Vec<u8>>]) -> usize {
    long_data.iter().flatten().map(Vec::len).sum()
}

/// Where a statement can be described.
enum Described {
    /// By a mysqld of this keyspace; in these words, if not in its own.
    By(KeyspaceName, Option<Vec<u8>>),
    Refused(ClientError),
}

impl Session {
    /// Puts the prepared statement that is executed in other words, as its text with the values was.
    pub(super) fn rewrite_executing(&mut self) {
        let Some(executing) = &self.executing else { return };
        // Values have no part in it.
        if let Some((sql, values_at)) = self.in_other_words(&executing.sql)
            && let Some(executing) = &mut self.executing
        {
            (executing.sql, executing.values_at) = (sql.into(), values_at);
            executing.is_clients = false;
        }
    }

    /// The statement, with a `?` for each value, in other words, if it is put in such; with where VALUES stands.
    fn in_other_words(&self, sql: &[u8]) -> Option<(Vec<u8>, Option<usize>)> {
        let mut fingerprint = Fingerprint::default();
        fingerprint.read(sql);
        let (character_set, aim) = (self.character_set, &self.aim);
        let statement = Statement { sql, fingerprint: &fingerprint, character_set, aim };
        let snapshot = self.worker.shared.feed.snapshot();
        let plan = self.worker.plan(statement, &self.rights, &self.database, &snapshot);
        let Plan::Rewrite(rewrite) = plan else { return None };
        let sql = rewritten(sql, &rewrite.pieces, |value| self.literal(value));
        fingerprint.read(&sql);
        Some((sql, fingerprint.values_at))
    }

    /// COM_STMT_PREPARE.
    pub(super) async fn prepare(&mut self, framed: Framed) -> Result<(), SessionEnd> {
        self.presence.begins();
        self.forget_warnings();
        let sql: Rc<[u8]> = self.client.payload(framed, &mut self.scratch)[1..].into();
        let mut patience = Patience::default();
        loop {
            match self.try_prepare(&sql, &mut patience).await? {
                Next::Answered => break,
                Next::Again | Next::Rewrite(_) => self.worker.shared.measures.repeats.increment(1),
            }
        }
        self.presence.ends();
        Ok(())
    }

    async fn try_prepare(&mut self, sql: &Rc<[u8]>, patience: &mut Patience) -> Result<Next, SessionEnd> {
        let kept: usize = self.statements.by_id.values().map(|prepared| prepared.sql.len()).sum();
        if self.statements.by_id.len() >= MAX_PREPARED_STATEMENTS || kept + sql.len() > MAX_PREPARED_BYTES {
            return self.tell(&ErrorId::TooManyStatements.with(MAX_PREPARED_STATEMENTS)).await;
        }
        let snapshot = self.worker.shared.feed.snapshot();
        self.follow_rights(&snapshot).await?;
        let (keyspace, words) = match self.described_by(sql, &snapshot) {
            Described::By(keyspace, words) => (keyspace, words),
            Described::Refused(error) => return self.tell(&error).await,
        };
        let shard = snapshot.keyspace(keyspace.as_str()).and_then(|keyspace| keyspace.shards.first());
        let Some(shard) = shard else { return self.tell(&ErrorId::ShardUnavailable.with(&keyspace)).await };
        if self.worker.shared.holding.is_held(shard) {
            return self.hold(shard, patience).await;
        }
        let class = match self.class_for(&keyspace) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await,
        };
        let mut backend = match self.worker.backend(shard, &class).await {
            Ok(backend) => backend,
            Err(unreached) => return self.unreached(shard, unreached, patience).await,
        };
        let described = match &words {
            None => backend.describe(sql, class.capabilities).await,
            Some(words) => backend.describe_once(words, class.capabilities).await,
        };
        match described {
            Ok((ok, packets)) => {
                self.worker.give_back(backend);
                self.answer_prepared(sql, ok, packets).await.map(|()| Next::Answered)
            }
            Err(error) => self.not_prepared(shard, error, patience).await,
        }
    }

    async fn not_prepared(
        &mut self,
        shard: &Shard,
        error: PrepareError,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        match error {
            PrepareError::Refused(packet) => {
                let refused = error_code(&packet).is_some_and(is_refusal);
                if refused && self.again_after_refusal(shard, patience).await? {
                    return Ok(Next::Again);
                }
                self.warnings.mysqls_error(&packet);
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            // Nothing was executed either way.
            PrepareError::NotSent(error) => self.unreached(shard, Unreached::NotSent(error), patience).await,
            PrepareError::Lost => {
                let lost = std::io::ErrorKind::ConnectionAborted.into();
                self.unreached(shard, Unreached::NotSent(lost), patience).await
            }
        }
    }

    /// Whose mysqld can say what the statement takes and gives.
    fn described_by(&mut self, sql: &[u8], snapshot: &Snapshot) -> Described {
        let unsupported = || Described::Refused(ErrorId::UnsupportedPrepare.plain());
        let mut words: Option<Vec<u8>> = None;
        let mut fingerprint = Fingerprint::default();
        for _ in 0..MAX_REWRITES {
            let own = words.as_deref().unwrap_or(sql);
            // MySQL says what is wrong with a text that has no end.
            let text = with_ones(own, &places(own).unwrap_or_default());
            fingerprint.read(&text);
            let (character_set, aim) = (self.character_set, &self.aim);
            let statement = Statement { sql: &text, fingerprint: &fingerprint, character_set, aim };
            let keyspace = match self.worker.plan(statement, &self.rights, &self.database, snapshot) {
                Plan::Route(route) | Plan::RouteOnce(route) => route.keyspace.clone(),
                Plan::Insert(insert) => insert.keyspace.clone(),
                Plan::Scatter(scatter) => scatter.route.keyspace.clone(),
                Plan::ChangeSchema(change) => change.keyspace.clone(),
                Plan::Set(setting) => setting.keyspace,
                Plan::Refuse { judge: Some(judge), .. } => judge,
                Plan::Refuse { error, judge: None } => return Described::Refused(error),
                Plan::Transaction { .. } | Plan::SetVariables(_) => {
                    let default = self.database.as_ref().and_then(|own| snapshot.keyspace(own.as_str()));
                    let mut seen = snapshot.keyspaces().filter(|k| self.rights.may_see(&k.name));
                    match default.or_else(|| seen.next()) {
                        Some(keyspace) => keyspace.name.clone(),
                        None => return unsupported(),
                    }
                }
                Plan::Rewrite(_) => match self.in_other_words(own) {
                    Some((sql, _)) => {
                        words = Some(sql);
                        continue;
                    }
                    None => return unsupported(),
                },
                // No mysqld can tell what the gate answers by itself.
                _ => return unsupported(),
            };
            return Described::By(keyspace, words);
        }
        unsupported()
    }

    /// Tells the client what a mysqld said of the statement, under a name of the gate's own.
    async fn answer_prepared(
        &mut self,
        sql: &Rc<[u8]>,
        ok: PrepareOk,
        mut packets: Vec<Vec<u8>>,
    ) -> Result<(), SessionEnd> {
        let places = places(sql).filter(|places| places.len() == usize::from(ok.parameters));
        let Some(places) = places else {
            return self.answer_error(&ErrorId::NotUnderstood.plain()).await;
        };
        let id = self.statements.next_id();
        if let Some(at) =
            packets.first_mut().and_then(|first| first.get_mut(PrepareOk::ID_AT..PrepareOk::ID_AT + 4))
        {
            at.copy_from_slice(&id.to_le_bytes());
        }
        self.fingerprint.read(sql);
        self.statements.by_id.insert(
            id,
            Prepared {
                sql: sql.clone(),
                long_data: vec![None; places.len()],
                places,
                values_at: self.fingerprint.values_at,
                database: self.database.clone(),
                aim: self.aim.clone(),
                types: Vec::new(),
                is_too_long: false,
                collation: self.collation,
            },
        );
        let mut out = BytesMut::new();
        let mut sequence = self.answers_at;
        for packet in &packets {
            sequence = write_payload(&mut out, sequence, packet);
        }
        Ok(self.client.write_all(&out).await?)
    }

    /// COM_STMT_EXECUTE: the packet in the client's buffer becomes the statement with its values.
    pub(super) async fn execute(&mut self, framed: Framed) -> Result<Framed, SessionEnd> {
        let payload = self.client.payload(framed, &mut self.scratch);
        let id = id_of(payload);
        let Some(prepared) = id.and_then(|id| self.statements.by_id.get_mut(&id)) else {
            let error = unknown_statement(id, "mysqld_stmt_execute");
            return self.answer_error(&error).await.map(|()| framed);
        };
        let refusal = if prepared.is_too_long {
            Some(ErrorId::PacketTooLarge.plain())
        } else if prepared.collation != self.collation && !prepared.sql.is_ascii() {
            // Its text would be read in another character set than the one it was written in.
            Some(ErrorId::SessionState.with("a prepared statement of another character set"))
        } else {
            None
        };
        if let Some(error) = refusal {
            self.statements.long_bytes -= bytes_of(&prepared.take_long_data());
            return self.answer_error(&error).await.map(|()| framed);
        }
        let Prepared { sql, places, values_at, types, long_data, .. } = prepared;
        let values = payload
            .get(EXECUTE_HEAD_BYTES..)
            .and_then(|rest| read_values(rest, places.len(), types, long_data).ok());
        let Some(values) = values else {
            return self.answer_error(&ErrorId::MalformedPacket.plain()).await.map(|()| framed);
        };
        let mut filled = vec![command::QUERY];
        write_filled(&mut filled, (sql, self.character_set), places, &values);
        let mut execute = BytesMut::new();
        put_execute(&mut execute, 0, &values, long_data);
        let (sql, values_at) = (sql.clone(), *values_at);
        let long_data = prepared.take_long_data();
        self.statements.long_bytes -= bytes_of(&long_data);
        self.executing = Some(Executing {
            sql,
            values_at,
            payload: execute,
            long_data: Rc::new(long_data),
            is_clients: true,
        });
        let there = (prepared.database.clone(), prepared.aim.clone());
        let here = std::mem::replace(&mut self.database, there.0);
        let aim = std::mem::replace(&mut self.aim, there.1);
        let framed = self.client.replace(framed, &filled);
        let executed = self.statement(framed).await;
        (self.database, self.aim) = (here, aim);
        self.executing = None;
        executed
    }

    /// COM_STMT_SEND_LONG_DATA, which has no answer: what is wrong with it shows at the execution.
    pub(super) fn take_long_data(&mut self, framed: Framed) {
        let payload = self.client.payload(framed, &mut self.scratch);
        let (Some(id), Some([low, high]), Some(data)) = (id_of(payload), payload.get(5..7), payload.get(7..))
        else {
            return;
        };
        let place = usize::from(u16::from_le_bytes([*low, *high]));
        let Some(prepared) = self.statements.by_id.get_mut(&id) else { return };
        let Some(value) = prepared.long_data.get_mut(place) else { return };
        let value = value.get_or_insert_default();
        if self.statements.long_bytes + data.len() > MAX_LONG_DATA_BYTES {
            prepared.is_too_long = true;
            return;
        }
        self.statements.long_bytes += data.len();
        value.extend_from_slice(data);
    }

    /// COM_STMT_RESET.
    pub(super) async fn reset_statement(&mut self, framed: Framed) -> Result<(), SessionEnd> {
        let id = id_of(self.client.payload(framed, &mut self.scratch));
        match id.and_then(|id| self.statements.by_id.get_mut(&id)) {
            Some(prepared) => {
                self.statements.long_bytes -= bytes_of(&prepared.take_long_data());
                self.answer_ok().await
            }
            None => self.answer_error(&unknown_statement(id, "mysqld_stmt_reset")).await,
        }
    }

    /// COM_STMT_FETCH: there are no cursors.
    pub(super) async fn fetch(&mut self, framed: Framed) -> Result<(), SessionEnd> {
        let id = id_of(self.client.payload(framed, &mut self.scratch));
        let error = match id.filter(|id| self.statements.by_id.contains_key(id)) {
            Some(id) => ErrorId::NoCursor.with(id),
            None => unknown_statement(id, "mysqld_stmt_fetch"),
        };
        self.answer_error(&error).await
    }

    /// COM_STMT_CLOSE, which has no answer.
    pub(super) fn close_statement(&mut self, framed: Framed) {
        if let Some(id) = id_of(self.client.payload(framed, &mut self.scratch)) {
            let closed = self.statements.by_id.remove(&id);
            self.statements.long_bytes -= closed.map_or(0, |closed| bytes_of(&closed.long_data));
        }
    }
}

impl Statements {
    /// A name that no statement has.
    fn next_id(&mut self) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1).max(1);
            if !self.by_id.contains_key(&self.last) {
                return self.last;
            }
        }
    }
}

/// The statement that a command is about.
fn id_of(payload: &[u8]) -> Option<u32> {
    payload.get(1..5)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn unknown_statement(id: Option<u32>, function: &str) -> ClientError {
    ErrorId::UnknownStatement.with(format_args!("({}) given to {function}", id.unwrap_or_default()))
}

/// The statement with something in place of its values that may stand in most places.
fn with_ones(sql: &[u8], places: &[usize]) -> Vec<u8> {
    let mut text = Vec::with_capacity(sql.len() + 2 * places.len());
    let mut from = 0;
    for &at in places {
        text.extend_from_slice(&sql[from..at]);
        text.extend_from_slice(b" 1 ");
        from = at + 1;
    }
    text.extend_from_slice(&sql[from..]);
    text
}
