//! Writes that are done in parts, one a shard.

use futures::future::join_all;
use proto::errors::{ClientError, ErrorId};
use proto::wire::CapabilityFlags;
use topo::snapshot::{Keyspace, Shard};

use super::held::Next;
use super::scatter::{OWN_TIME, WARNINGS, one_time};
use super::{Session, SessionEnd};
use crate::backend::{Backend, Unreached};
use crate::executor::control::{self, Row};
use crate::executor::done;
use crate::executor::many::{self, NotDone, Part, execute, send};
use crate::hold::Patience;
use crate::hold::decide::{error_code, is_refusal};
use crate::plan::Afterwards;

/// What came of a write.
#[derive(Debug)]
pub(super) enum Written {
    /// Every part is done; the payloads of their OK packets, in the order of the shards.
    Done(Vec<Vec<u8>>),
    /// Nothing was done: MySQL's error packet.
    Refused(Vec<u8>),
    /// Nothing was done, or it is not known; the error says which.
    Failed(ClientError),
    /// Nothing was done, and the client knows why.
    Told,
    /// Nothing was done: plan again, by the newest snapshot.
    Again,
}

impl Written {
    /// Whether MySQL has a list of warnings for it.
    fn has_warnings(&self) -> bool {
        match self {
            Self::Done(answers) => {
                answers.iter().any(|answer| done::end(answer).is_some_and(|end| end.warnings > 0))
            }
            Self::Refused(_) => true,
            Self::Failed(_) | Self::Told | Self::Again => false,
        }
    }
}

/// A connection on which a part is done.
struct Branch<'a> {
    part: &'a Part,
    shard: &'a Shard,
    backend: Backend,
    capabilities: CapabilityFlags,
    /// Whether the connection is as it was, so that the next statement may use it.
    clean: bool,
}

impl Branch<'_> {
    /// Executes statements that all branches need, one after the other.
    async fn execute(&mut self, statements: &[&[u8]]) -> Result<Vec<u8>, NotDone> {
        let done = execute(&mut self.backend.connection, statements).await;
        self.clean &= done.is_ok();
        done
    }

    /// Does the part inside its transaction; gives what it warned of, too, which COMMIT would clear.
    async fn write(&mut self) -> (Result<Vec<u8>, NotDone>, Vec<Row>) {
        let connection = &mut self.backend.connection;
        if let Err(error) = send(connection, &[&self.part.sql, WARNINGS]).await {
            self.clean = false;
            return (Err(error), Vec::new());
        }
        let answer = many::done(connection, &self.part.sql).await;
        let warnings = match &answer {
            Ok(_) | Err(NotDone::Refused(_)) => control::answered(connection, self.capabilities).await.ok(),
            Err(_) => None,
        };
        self.clean &= warnings.is_some();
        let answer = answer.map_err(|error| match error {
            NotDone::Refused(packet) => NotDone::Refused(self.part.told_error(packet)),
            other => other,
        });
        (answer, self.part.told_warnings(warnings.unwrap_or_default()))
    }

    /// Commits its transaction. A trouble that comes after the COMMIT only costs the connection.
    async fn commit(&mut self) -> Result<(), NotDone> {
        let connection = &mut self.backend.connection;
        self.clean = false;
        send(connection, &[b"COMMIT", OWN_TIME]).await?;
        many::done(connection, b"COMMIT").await?;
        self.clean = many::done(connection, OWN_TIME).await.is_ok();
        Ok(())
    }
}

/// Takes back what is not committed; what a branch whose connection is lost has done goes with its connection.
async fn roll_back(branches: &mut [Branch<'_>]) {
    const END: [&[u8]; 2] = [b"ROLLBACK", OWN_TIME];
    let open = branches.iter_mut().filter(|branch| branch.clean);
    join_all(open.map(|branch| branch.execute(&END))).await;
}

impl Session {
    /// The client has the outcome for an answer, unless it is to be tried again.
    pub(super) async fn answer_written(&mut self, written: Written) -> Result<Next, SessionEnd> {
        match written {
            Written::Done(answers) => match done::summed(&answers) {
                Some(packet) => {
                    self.answer_packet(&done::with_more_warnings(packet, self.warnings.notes())).await?;
                }
                None => return Err(SessionEnd::BrokenAnswer),
            },
            Written::Refused(packet) => self.answer_packet(&packet).await?,
            Written::Failed(error) => self.answer_error(&error).await?,
            Written::Told => {}
            Written::Again => return Ok(Next::Again),
        }
        Ok(Next::Answered)
    }

    /// Writes the parts: one by itself, several each in a transaction of its shard, which are committed once all
    /// parts are done and rolled back when one is not. A shard has one part at most.
    pub(super) async fn write_parts(
        &mut self,
        keyspace: &Keyspace,
        parts: &[Part],
        patience: &mut Patience,
    ) -> Result<Written, SessionEnd> {
        self.settle().await;
        if self.transaction.is_active() {
            return self.write_in_transaction(keyspace, parts, patience).await;
        }
        let mut places: Vec<(&Part, &Shard)> =
            parts.iter().filter_map(|part| Some((part, keyspace.shards.get(part.shard)?))).collect();
        places.sort_by_key(|(part, _)| part.shard);
        if places.len() != parts.len() || parts.is_empty() {
            return Ok(Written::Failed(ErrorId::Internal.with("a part of a write without its shard")));
        }
        let held = |(_, shard): &&(&Part, &Shard)| self.worker.shared.holding.is_held(shard);
        if let Some((_, shard)) = places.iter().find(held) {
            let end = self.until_released(shard, patience).await?;
            return Ok(end.error(&shard.shard).map_or(Written::Again, Written::Failed));
        }
        let class = match self.class_for(&keyspace.name) {
            Ok(class) => class,
            Err(error) => return Ok(Written::Failed(error)),
        };
        let worker = self.worker.clone();
        let opened = join_all(places.iter().map(|(_, shard)| worker.backend(shard, &class))).await;
        let mut branches = Vec::with_capacity(parts.len());
        for ((part, shard), opened) in places.into_iter().zip(opened) {
            match opened {
                Ok(backend) => {
                    let capabilities = class.capabilities;
                    branches.push(Branch { part, shard, backend, capabilities, clean: true });
                }
                Err(unreached) => return self.unwritten(shard, unreached, patience).await,
            }
        }
        for branch in &branches {
            self.presence.runs_on(&branch.backend.target).await;
        }
        let written = match branches.as_mut_slice() {
            [only] => self.write_alone(only, patience).await,
            several => self.write_together(several, patience).await,
        };
        self.presence.runs_nowhere().await;
        let written = written?;
        let afterwards = if keyspace.has_stored_programs { Afterwards::Close } else { Afterwards::Reuse };
        let alone = branches.len() == 1;
        for branch in branches.into_iter().filter(|branch| branch.clean) {
            if alone && written.has_warnings() {
                self.warnings.keep(branch.backend, afterwards);
            } else if afterwards == Afterwards::Reuse {
                worker.give_back(branch.backend);
            }
        }
        Ok(written)
    }

    async fn write_alone(
        &mut self,
        branch: &mut Branch<'_>,
        patience: &mut Patience,
    ) -> Result<Written, SessionEnd> {
        match execute(&mut branch.backend.connection, &[&branch.part.sql]).await {
            Ok(packet) => Ok(Written::Done(vec![packet])),
            Err(NotDone::Lost) => {
                branch.clean = false;
                Ok(Written::Failed(ErrorId::ShardLost.with(&branch.shard.shard)))
            }
            Err(not_done) => self.not_written(branch, not_done, patience).await,
        }
    }

    async fn write_together(
        &mut self,
        branches: &mut [Branch<'_>],
        patience: &mut Patience,
    ) -> Result<Written, SessionEnd> {
        let answers = match self.write_all(branches).await {
            Ok(answers) => answers,
            Err((place, not_done)) => {
                roll_back(branches).await;
                return self.not_written(&mut branches[place], not_done, patience).await;
            }
        };
        if done::summed(&answers).is_none() {
            roll_back(branches).await;
            return Ok(Written::Failed(ErrorId::Internal.with("an OK packet that cannot be read")));
        }
        let holding = &self.worker.shared.holding;
        if let Some(held) = branches.iter().position(|branch| holding.is_held(branch.shard)) {
            // Its primary would perhaps not take the COMMIT any more, and the others would.
            roll_back(branches).await;
            let shard = branches[held].shard;
            let end = self.until_released(shard, patience).await?;
            return Ok(end.error(&shard.shard).map_or(Written::Again, Written::Failed));
        }
        // Who is to end it now is too late: no shard may be kept from a COMMIT that others do.
        self.presence.runs_nowhere().await;
        let commits = join_all(branches.iter_mut().map(Branch::commit)).await;
        let mut uncommitted: Vec<(usize, NotDone)> = commits
            .into_iter()
            .enumerate()
            .filter_map(|(place, commit)| Some((place, commit.err()?)))
            .collect();
        if uncommitted.is_empty() {
            return Ok(Written::Done(answers));
        }
        let none = uncommitted.len() == branches.len()
            && uncommitted.iter().all(|(_, not_done)| !matches!(not_done, NotDone::Lost));
        match uncommitted.pop() {
            Some((place, not_done)) if none => {
                self.not_written(&mut branches[place], not_done, patience).await
            }
            last => {
                let names = uncommitted.iter().chain(&last).map(|(place, _)| &branches[*place].shard.shard);
                let names: Vec<String> = names.map(ToString::to_string).collect();
                Ok(Written::Failed(ErrorId::PartialCommit.with(names.join(", "))))
            }
        }
    }

    /// Begins on all branches, then does one part after the other; the answers of all, or which one failed.
    async fn write_all(&mut self, branches: &mut [Branch<'_>]) -> Result<Vec<Vec<u8>>, (usize, NotDone)> {
        let one_time = one_time();
        let begin = [one_time.as_bytes(), b"BEGIN"];
        let begun = join_all(branches.iter_mut().map(|branch| branch.execute(&begin))).await;
        for (place, begun) in begun.into_iter().enumerate() {
            begun.map_err(|error| (place, error))?;
        }
        let mut answers = Vec::with_capacity(branches.len());
        for (place, branch) in branches.iter_mut().enumerate() {
            let (answer, warnings) = branch.write().await;
            let twice = self.warnings.take_once(warnings);
            let answer = answer.map_err(|error| (place, error))?;
            answers.push(done::with_fewer_warnings(answer, twice));
        }
        Ok(answers)
    }

    /// Nothing of the statement is done anywhere, because of what happened to this part.
    async fn not_written(
        &mut self,
        branch: &mut Branch<'_>,
        not_done: NotDone,
        patience: &mut Patience,
    ) -> Result<Written, SessionEnd> {
        let unreached = match not_done {
            NotDone::Refused(packet) if error_code(&packet).is_some_and(is_refusal) => {
                branch.clean = false;
                let again = self.again_after_refusal(branch.shard, patience).await?;
                return Ok(if again { Written::Again } else { Written::Refused(packet) });
            }
            NotDone::Refused(packet) => return Ok(Written::Refused(packet)),
            NotDone::NotSent(error) => Unreached::NotSent(error),
            NotDone::Lost => Unreached::NotSent(std::io::ErrorKind::ConnectionAborted.into()),
        };
        branch.clean = false;
        self.unwritten(branch.shard, unreached, patience).await
    }

    /// A shard cannot be reached, and nothing was done.
    async fn unwritten(
        &mut self,
        shard: &Shard,
        unreached: Unreached,
        patience: &mut Patience,
    ) -> Result<Written, SessionEnd> {
        let error = self.give_up(shard, unreached, patience).await?;
        Ok(error.map_or(Written::Again, Written::Failed))
    }
}
