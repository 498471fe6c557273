//! Writes that are done in parts, one a shard.

use futures::future::join_all;
use proto::errors::{ClientError, ErrorId};
use topo::snapshot::{Keyspace, Shard};

use super::held::Next;
use super::{Session, SessionEnd};
use crate::backend::{Backend, Unreached};
use crate::executor::done;
use crate::executor::many::{NotDone, Part, execute};
use crate::hold::Patience;
use crate::hold::decide::{error_code, is_refusal};

/// What came of a write.
#[derive(Debug)]
pub(super) enum Written {
    /// Every part is done; the payloads of their OK packets, in the order of the shards.
    Done(Vec<Vec<u8>>),
    /// Nothing was done: MySQL's error packet.
    Refused(Vec<u8>),
    /// Nothing was done, or it is not known; the error says which.
    Failed(ClientError),
    /// Nothing was done: plan again, by the newest snapshot.
    Again,
}

/// A connection on which a part is done.
struct Branch<'a> {
    part: &'a Part,
    shard: &'a Shard,
    backend: Backend,
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
}

impl Session {
    /// The client has the outcome for an answer, unless it is to be tried again.
    pub(super) async fn answer_written(&mut self, written: Written) -> Result<Next, SessionEnd> {
        match written {
            Written::Done(answers) => match done::summed(&answers) {
                Some(packet) => self.answer_packet(&packet).await?,
                None => return Err(SessionEnd::BrokenAnswer),
            },
            Written::Refused(packet) => self.answer_packet(&packet).await?,
            Written::Failed(error) => self.answer_error(&error).await?,
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
                Ok(backend) => branches.push(Branch { part, shard, backend, clean: true }),
                Err(unreached) => return self.unwritten(shard, unreached, patience).await,
            }
        }
        let written = match branches.as_mut_slice() {
            [only] => self.write_alone(only, patience).await?,
            several => self.write_together(several, patience).await?,
        };
        for branch in branches {
            if branch.clean && !keyspace.has_stored_programs {
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
        let begun = join_all(branches.iter_mut().map(|branch| branch.execute(&[b"BEGIN"]))).await;
        let mut failed = begun.into_iter().enumerate().find_map(|(place, begun)| Some((place, begun.err()?)));
        let mut answers = Vec::with_capacity(branches.len());
        if failed.is_none() {
            for (place, branch) in branches.iter_mut().enumerate() {
                match execute(&mut branch.backend.connection, &[&branch.part.sql]).await {
                    Ok(answer) => answers.push(answer),
                    Err(not_done) => {
                        failed = Some((place, not_done));
                        break;
                    }
                }
            }
        }
        if let Some((place, not_done)) = failed {
            branches[place].clean &= matches!(not_done, NotDone::Refused(_));
            // What a branch whose connection is lost has done goes with its connection.
            let open = branches.iter_mut().filter(|branch| branch.clean);
            join_all(open.map(|branch| branch.execute(&[b"ROLLBACK"]))).await;
            return self.not_written(&mut branches[place], not_done, patience).await;
        }
        if done::summed(&answers).is_none() {
            let open = branches.iter_mut();
            join_all(open.map(|branch| branch.execute(&[b"ROLLBACK"]))).await;
            return Ok(Written::Failed(ErrorId::Internal.with("an OK packet that cannot be read")));
        }
        let commits = join_all(branches.iter_mut().map(|branch| branch.execute(&[b"COMMIT"]))).await;
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
