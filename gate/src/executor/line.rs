//! The gate's own line to one shard: statements and questions that outlast a change of its primary.

use std::future::pending;
use std::rc::Rc;

use bytes::BytesMut;
use proto::errors::{ClientError, ErrorId};
use proto::ids::ShardRef;
use proto::wire::packet::HEADER_BYTES;
use proto::wire::reply::write_error;
use topo::snapshot::Shard;

use super::control::{self, AskError, Row, Table};
use super::done::end;
use crate::backend::settings::Settings;
use crate::backend::{Backend, SessionClass, Unreached};
use crate::clients::Client;
use crate::hold::decide::{error_code, is_refusal};
use crate::hold::{Patience, Verdict};
use crate::worker::Worker;

/// Why a shard did not do as asked.
#[derive(Debug)]
pub(crate) enum LineError {
    /// MySQL refused; its error packet as it is, for the client.
    Refused(Vec<u8>),
    /// It could not be asked, or did not answer.
    Failed(ClientError),
}

impl LineError {
    /// MySQL's error as an answer, ours as an error.
    pub(super) fn answer(self) -> Result<Vec<u8>, ClientError> {
        match self {
            Self::Refused(packet) => Ok(packet),
            Self::Failed(error) => Err(error),
        }
    }
}

/// A connection to a shard's primary, made again where the primary changes and nothing is lost by it.
pub(crate) struct Line<'a> {
    worker: &'a Worker,
    class: &'a SessionClass,
    /// The shard as it was when the connection was made.
    shard: Shard,
    backend: Backend,
    patience: Patience,
}

impl<'a> Line<'a> {
    /// Connects to the shard's primary. While the shard is held, it waits.
    pub(crate) async fn open(
        worker: &'a Worker,
        class: &'a SessionClass,
        shard: &ShardRef,
    ) -> Result<Self, ClientError> {
        let mut patience = Patience::default();
        let (shard, backend) = reach(worker, class, shard, &mut patience).await?;
        Ok(Self { worker, class, shard, backend, patience })
    }

    /// Which shard it is.
    pub(super) fn shard(&self) -> &ShardRef {
        &self.shard.shard
    }

    /// Executes a statement that has no rows. It is sent again only where the server has not executed it.
    pub(super) async fn execute(&mut self, sql: &[u8]) -> Result<Vec<u8>, LineError> {
        self.execute_for(None, sql).await
    }

    /// The same; where it is a client's own statement, KILL ends it.
    pub(super) async fn execute_for(
        &mut self,
        client: Option<&Client>,
        sql: &[u8],
    ) -> Result<Vec<u8>, LineError> {
        loop {
            self.be_connected().await.map_err(LineError::Failed)?;
            if let Some(client) = client {
                client.runs_on(&self.backend.target).await;
                // Looked at after that, so that a KILL finds the statement there or is seen here.
                if client.ending().is_interrupted() {
                    client.runs_nowhere().await;
                    return Err(LineError::Refused(payload(&ErrorId::Interrupted.plain())));
                }
            }
            let executed = control::execute(&mut self.backend.connection, sql).await;
            if let Some(client) = client {
                client.runs_nowhere().await;
            }
            let packet = match executed {
                Ok(answer) => return Ok(answer),
                Err(AskError::Refused(packet)) => packet,
                Err(AskError::Lost(_) | AskError::Unreadable) => return Err(self.lost()),
            };
            if !error_code(&packet).is_some_and(is_refusal) {
                return Err(LineError::Refused(packet));
            }
            let holding = &self.worker.shared.holding;
            match holding.after_refusal(&self.shard, &mut self.patience, pending()).await {
                Verdict::Again => self.connect_again().await.map_err(LineError::Failed)?,
                Verdict::Final | Verdict::Left => return Err(LineError::Refused(packet)),
            }
        }
    }

    /// Executes a client's statement that has no rows, under its settings and collation; everything else on the line is
    /// not. Gives the answer, and what it has warned of.
    pub(super) async fn execute_under(
        &mut self,
        sql: &[u8],
        (settings, collation, client): (&Rc<Settings>, u8, &Client),
    ) -> Result<(Vec<u8>, Vec<Row>), LineError> {
        if **settings == *self.class.settings && collation == self.class.collation {
            let answer = self.execute_for(Some(client), sql).await?;
            let warnings = self.warnings(&answer).await;
            return Ok((answer, warnings));
        }
        let class = SessionClass { settings: settings.clone(), collation, ..self.class.clone() };
        let mut line = Line::open(self.worker, &class, &self.shard.shard).await.map_err(LineError::Failed)?;
        let answer = line.execute_for(Some(client), sql).await?;
        let warnings = line.warnings(&answer).await;
        line.close();
        Ok((answer, warnings))
    }

    /// Asks for rows.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Vec<Row>, LineError> {
        let table = self.table(sql).await?;
        control::rows(&table).map_err(|_| self.lost())
    }

    /// Asks for a result set. A question changes nothing, so it is asked again also where its answer was lost.
    pub(crate) async fn table(&mut self, sql: &str) -> Result<Table, LineError> {
        loop {
            self.be_connected().await.map_err(LineError::Failed)?;
            match control::table(&mut self.backend.connection, sql).await {
                Ok(rows) => return Ok(rows),
                Err(AskError::Refused(packet)) => return Err(LineError::Refused(packet)),
                Err(AskError::Lost(_) | AskError::Unreadable) => {}
            }
            match self.worker.shared.holding.after_failure(&self.shard, &mut self.patience) {
                Verdict::Again => self.connect_again().await.map_err(LineError::Failed)?,
                Verdict::Final | Verdict::Left => return Err(self.lost()),
            }
        }
    }

    /// What the statement that was answered so has warned of, as far as it can be asked.
    pub(super) async fn warnings(&mut self, answer: &[u8]) -> Vec<Row> {
        match end(answer) {
            Some(end) if end.warnings > 0 => self.query("SHOW WARNINGS").await.unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Gives the connection back, for the next statement.
    pub(crate) fn close(self) {
        self.worker.give_back(self.backend);
    }

    /// The connection alone, which is not made again.
    pub(super) fn into_backend(self) -> Backend {
        self.backend
    }

    /// A connection that ended while it was idle has nothing of the statement: a new one takes its place.
    async fn be_connected(&mut self) -> Result<(), ClientError> {
        if self.backend.connection.is_quiet() { Ok(()) } else { self.connect_again().await }
    }

    async fn connect_again(&mut self) -> Result<(), ClientError> {
        let reached = reach(self.worker, self.class, &self.shard.shard, &mut self.patience).await?;
        (self.shard, self.backend) = reached;
        Ok(())
    }

    fn lost(&self) -> LineError {
        LineError::Failed(ErrorId::ShardLost.with(&self.shard.shard))
    }
}

/// The error as a payload, as MySQL's own errors come.
fn payload(error: &ClientError) -> Vec<u8> {
    let mut packet = BytesMut::new();
    write_error(&mut packet, 0, error);
    packet.split_off(HEADER_BYTES).to_vec()
}

/// A connection to the shard's primary by the newest snapshot, once the shard is not held.
async fn reach(
    worker: &Worker,
    class: &SessionClass,
    name: &ShardRef,
    patience: &mut Patience,
) -> Result<(Shard, Backend), ClientError> {
    let holding = &worker.shared.holding;
    loop {
        let snapshot = worker.shared.feed.snapshot();
        let keyspace = snapshot.keyspace(name.keyspace.as_str());
        let shard = keyspace
            .and_then(|keyspace| keyspace.shards.iter().find(|shard| shard.shard == *name))
            .ok_or_else(|| ErrorId::ShardUnavailable.with(name))?;
        if holding.is_held(shard) {
            match holding.until_released(shard, patience, pending()).await.error(name) {
                Some(error) => return Err(error),
                None => continue,
            }
        }
        let unreached = match worker.backend(shard, class).await {
            Ok(backend) => return Ok((shard.clone(), backend)),
            Err(unreached) => unreached,
        };
        let verdict = match unreached {
            Unreached::Fenced => holding.after_refusal(shard, patience, pending()).await,
            _ => holding.after_failure(shard, patience),
        };
        if verdict != Verdict::Again {
            return Err(unreached.give_up(name));
        }
    }
}
