//! Statements for several shards.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use futures::future::join_all;
use proto::errors::{ClientError, ErrorId};
use proto::wire::command;
use proto::wire::connection::Framed;
use proto::wire::packet::write_payload;
use proto::wire::reply::error_payload;
use topo::snapshot::{Keyspace, Shard, Snapshot};

use super::held::Next;
use super::sent::Order;
use super::{Session, SessionEnd};
use crate::aim::Tablets;
use crate::backend::prepared::PrepareError;
use crate::backend::{Backend, SessionClass, Unreached};
use crate::executor::concat::{Broken, Concat, Head, Tail};
use crate::executor::control;
use crate::executor::many::{Part, answers_at, done};
use crate::executor::route::{self, Literals};
use crate::hold::Patience;
use crate::hold::decide::{error_code, is_refusal};
use crate::limits::MAX_SHARDS_AT_ONCE;
use crate::plan::{Afterwards, Effect, Route, Scatter};

/// What a session's time is set back to.
pub(super) const OWN_TIME: &[u8] = b"SET timestamp = DEFAULT";

/// A statement that gives all shards one moment for NOW() and its like.
pub(super) fn one_time() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("SET timestamp = {}.{:06}", now.as_secs(), now.subsec_micros())
}

/// Asks a connection for what its last statement warned of.
pub(super) const WARNINGS: &[u8] = b"SHOW WARNINGS";

/// A shard's side of a statement in progress.
struct Source<'a> {
    shard: &'a Shard,
    backend: Backend,
    /// Whether its whole answer was read.
    done: bool,
    /// Whether what it warns of is part of the answer.
    counts: bool,
}

impl<'a> Source<'a> {
    /// The packets of the question for this shard, which has prepared it then.
    async fn prepared(&mut self, question: &Question, class: &SessionClass) -> Result<BytesMut, Unsent<'a>> {
        let order = match question {
            Question::Text(packets) => return Ok(packets.clone()),
            Question::Prepared(order) => order,
        };
        let unreached = |error| Unsent::Unreached(self.shard, Unreached::NotSent(error));
        match order.prepared_on(&mut self.backend, class.capabilities).await {
            Ok(id) => Ok(order.packets(id)),
            Err(PrepareError::Refused(packet)) => Err(Unsent::Refused(self.shard, packet)),
            Err(PrepareError::NotSent(error)) => Err(unreached(error)),
            Err(PrepareError::Lost) => Err(unreached(std::io::ErrorKind::ConnectionAborted.into())),
        }
    }
}

/// Why a shard has no rows for the answer.
enum Trouble {
    /// MySQL's error packet.
    MySqls(Vec<u8>),
    /// An error of the gate's own.
    Ours(ClientError),
}

/// What shards are asked for rows.
enum Question {
    /// The packets of a statement.
    Text(BytesMut),
    /// A prepared statement.
    Prepared(Order),
}

fn put_text(out: &mut BytesMut, text: &[u8]) {
    write_payload(out, 0, &[&[command::QUERY], text].concat());
}

/// The packets for one shard: the statement at the moment that is the same for all shards, and what it warned of.
fn request(time: &str, statement: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    put_text(&mut out, time.as_bytes());
    out.extend_from_slice(statement);
    put_text(&mut out, WARNINGS);
    put_text(&mut out, OWN_TIME);
    out
}

/// Why the shards do not have the question. None has begun with it.
enum Unsent<'a> {
    /// There is no connection to one.
    Unreached(&'a Shard, Unreached),
    /// One does not prepare it: MySQL's error packet.
    Refused(&'a Shard, Vec<u8>),
}

/// How a read went on.
enum Progress {
    /// The rows of these shards are with the client.
    Rows,
    /// The client has its answer, an error.
    Ended,
    /// Nothing was executed: plan again.
    Again,
}

impl Session {
    /// Sends the statement to the shards that it is for.
    pub(super) async fn scatter(
        &mut self,
        scatter: &Scatter,
        framed: Framed,
        snapshot: &Arc<Snapshot>,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let Some(keyspace) = snapshot.keyspace(scatter.route.keyspace.as_str()) else {
            return self.tell(&ErrorId::UnknownDatabase.with(&scatter.route.keyspace)).await;
        };
        let sql = &self.client.payload(framed, &mut self.scratch)[1..];
        let literals = Literals { sql, spans: &self.fingerprint.literals, character_set: self.character_set };
        let shards = match route::scattered(scatter, keyspace, literals) {
            Ok(shards) => shards,
            Err(error) => return self.tell(&error).await,
        };
        if let [only] = shards[..] {
            return self.route_to((&scatter.route, only), framed, keyspace, patience).await;
        }
        let sql = sql.to_vec();
        if let Some(clause) = &scatter.merges {
            let refusal = (ErrorId::NeedsMerging.with(clause), Some(keyspace.name.clone()));
            return self.refuse(refusal, &sql, snapshot, patience).await;
        }
        self.settle().await;
        if self.transaction.is_active() {
            let error = self.several_shards();
            return self.tell(&error).await;
        }
        match scatter.effect {
            Effect::Rows => self.concat(keyspace, &shards, (&sql, &scatter.route), patience).await,
            Effect::Write => {
                let parts: Vec<Part> = shards
                    .into_iter()
                    .map(|shard| Part { shard, sql: sql.clone(), rows: Vec::new() })
                    .collect();
                let written = self.write_parts(keyspace, &parts, patience).await?;
                self.answer_written(written).await
            }
        }
    }

    /// Puts the rows of the shards together, some shards at a time.
    async fn concat(
        &mut self,
        keyspace: &Keyspace,
        shards: &[usize],
        (sql, route): (&[u8], &Route),
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let shards: Vec<&Shard> = shards.iter().filter_map(|shard| keyspace.shards.get(*shard)).collect();
        let held = |shard: &&&Shard| self.worker.shared.holding.is_held(shard);
        if let (Tablets::Primary, Some(shard)) = (route.tablets, shards.iter().find(held)) {
            return self.hold(shard, patience).await;
        }
        let class = match self.class_for(&keyspace.name) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await,
        };
        let (question, shards_at) =
            match self.executing.as_ref().and_then(|executing| executing.order(None, self.answers_at)) {
                Some(order) => {
                    let at = answers_at(&order.payload()[1..]);
                    (Question::Prepared(order), at)
                }
                None => {
                    let mut packets = BytesMut::new();
                    put_text(&mut packets, sql);
                    (Question::Text(packets), answers_at(sql))
                }
            };
        let mut answer = Concat::new(class.capabilities, (self.answers_at, shards_at), self.warnings.notes());
        let mut columns = None;
        for some in shards.chunks(MAX_SHARDS_AT_ONCE) {
            let mut sources = match self.sources((some, route.tablets), &class, &question).await {
                Ok(sources) => sources,
                // Only before the first rows is it as if nothing had happened.
                Err(Unsent::Unreached(shard, unreached)) if columns.is_none() => {
                    return self.unreached(shard, unreached, patience).await;
                }
                Err(Unsent::Unreached(shard, unreached)) => {
                    let error = unreached.give_up(&shard.shard);
                    return self.broken_off(&mut answer, &error).await;
                }
                Err(Unsent::Refused(shard, packet)) => {
                    let trouble = Trouble::MySqls(packet);
                    return match self.head_failed(shard, trouble, &mut answer, patience).await? {
                        Progress::Again => Ok(Next::Again),
                        Progress::Rows | Progress::Ended => Ok(Next::Answered),
                    };
                }
            };
            for source in &sources {
                self.presence.runs_on(&source.backend.target).await;
            }
            let progress = self.rows(&mut sources, &mut answer, &mut columns, patience).await;
            self.presence.runs_nowhere().await;
            let progress = progress?;
            let twice = self.close_sources(sources, &class, route.afterwards).await;
            answer.discount(twice);
            match progress {
                Progress::Rows => {}
                Progress::Ended => return Ok(Next::Answered),
                Progress::Again => return Ok(Next::Again),
            }
        }
        answer.end(&mut self.client).await.map_err(|_| SessionEnd::Left)?;
        Ok(Next::Answered)
    }

    /// Connections to the shards that have the request.
    async fn sources<'a>(
        &self,
        (shards, tablets): (&[&'a Shard], Tablets),
        class: &SessionClass,
        question: &Question,
    ) -> Result<Vec<Source<'a>>, Unsent<'a>> {
        let connections = shards.iter().map(|shard| self.worker.connection((shard, tablets), class));
        let connected = join_all(connections).await;
        let mut sources = Vec::with_capacity(shards.len());
        for (&shard, connected) in shards.iter().zip(connected) {
            let backend = connected.map_err(|unreached| Unsent::Unreached(shard, unreached))?;
            sources.push(Source { shard, backend, done: false, counts: true });
        }
        let time = one_time();
        let prepared = join_all(sources.iter_mut().map(|source| source.prepared(question, class))).await;
        let statements = prepared.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (source, statement) in sources.iter_mut().zip(statements) {
            let sent = source.backend.connection.write_all(&request(&time, &statement)).await;
            sent.map_err(|error| Unsent::Unreached(source.shard, Unreached::NotSent(error)))?;
        }
        Ok(sources)
    }

    /// The rows of these shards, which have the request.
    async fn rows(
        &mut self,
        sources: &mut [Source<'_>],
        answer: &mut Concat,
        columns: &mut Option<Vec<Vec<u8>>>,
        patience: &mut Patience,
    ) -> Result<Progress, SessionEnd> {
        let heads = join_all(sources.iter_mut().map(|source| {
            let answer = &*answer;
            async move {
                done(&mut source.backend.connection, &[]).await.map_err(|_| Broken::Shard)?;
                answer.head(&mut source.backend.connection).await
            }
        }));
        let heads = heads.await;
        let mut failed: Option<(usize, Trouble)> = None;
        for (place, head) in heads.into_iter().enumerate() {
            let trouble = match head {
                Ok(Head::Columns(these)) if columns.as_ref().is_none_or(|columns| *columns == these) => {
                    if columns.is_none() {
                        answer.columns(&these);
                        *columns = Some(these);
                    }
                    continue;
                }
                Ok(Head::Columns(_) | Head::Done(_)) => {
                    Trouble::Ours(ErrorId::UnequalShards.with(&sources[place].shard.shard))
                }
                Ok(Head::Failed(packet)) => {
                    sources[place].done = true;
                    Trouble::MySqls(packet)
                }
                Err(_) => Trouble::Ours(ErrorId::ShardLost.with(&sources[place].shard.shard)),
            };
            failed.get_or_insert((place, trouble));
        }
        if let Some((place, trouble)) = failed {
            // The others have the same error, or none.
            sources.iter_mut().enumerate().for_each(|(other, source)| source.counts = other == place);
            return self.head_failed(sources[place].shard, trouble, answer, patience).await;
        }
        let count = columns.as_ref().map_or(0, Vec::len);
        for source in sources {
            let tail = answer.rows(count, &mut source.backend.connection, &mut self.client).await;
            match tail {
                Ok(Tail::End) => source.done = true,
                Ok(Tail::Failed(packet)) => {
                    source.done = true;
                    let packet = self.who.told(packet);
                    answer.fail(&packet, &mut self.client).await.map_err(|_| SessionEnd::Left)?;
                    return Ok(Progress::Ended);
                }
                Err(Broken::Client(_)) => return Err(SessionEnd::Left),
                Err(Broken::Shard) => {
                    let error = ErrorId::ShardLost.with(&source.shard.shard);
                    self.broken_off(answer, &error).await?;
                    return Ok(Progress::Ended);
                }
            }
        }
        Ok(Progress::Rows)
    }

    /// Answers with what went wrong before the rows of some shards.
    async fn head_failed(
        &mut self,
        shard: &Shard,
        trouble: Trouble,
        answer: &mut Concat,
        patience: &mut Patience,
    ) -> Result<Progress, SessionEnd> {
        match trouble {
            Trouble::MySqls(packet) => {
                let refused = error_code(&packet).is_some_and(is_refusal);
                if refused && !answer.has_begun() && self.again_after_refusal(shard, patience).await? {
                    return Ok(Progress::Again);
                }
                let packet = self.who.told(packet);
                answer.fail(&packet, &mut self.client).await.map_err(|_| SessionEnd::Left)?;
            }
            Trouble::Ours(error) => {
                self.broken_off(answer, &error).await?;
            }
        }
        Ok(Progress::Ended)
    }

    /// The answer ends with an error of the gate's own: so far it consists of whole packets.
    async fn broken_off(&mut self, answer: &mut Concat, error: &ClientError) -> Result<Next, SessionEnd> {
        self.worker.shared.measures.told(error);
        self.warnings.error(error);
        answer.fail(&error_payload(error), &mut self.client).await.map_err(|_| SessionEnd::Left)?;
        Ok(Next::Answered)
    }

    /// Takes down what the shards have warned of, and gives back the connections whose answers were read. Gives how
    /// many warnings are of the statement's text, and were there already.
    async fn close_sources(
        &mut self,
        sources: Vec<Source<'_>>,
        class: &SessionClass,
        afterwards: Afterwards,
    ) -> u16 {
        let mut twice = 0;
        for mut source in sources {
            if !source.done {
                continue;
            }
            let connection = &mut source.backend.connection;
            let Ok(warnings) = control::answered(connection, class.capabilities).await else { continue };
            if source.counts {
                twice += self.warnings.take_once(self.who.told_rows(warnings));
            }
            if done(connection, OWN_TIME).await.is_ok() && afterwards == Afterwards::Reuse {
                self.worker.give_back(source.backend);
            }
        }
        twice
    }
}
