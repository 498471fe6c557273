//! INSERT of rows that are dealt out to their shards and given numbers.
//!
//! ```text
//!   what the rows give ─► numbers ─► [REPLACE, ON DUPLICATE KEY: are they free?] ─► parts ─► written ─► insert id
//!                           ▲                      │ no                                │ 1062 on a new number
//!                           └──── others, above what the shards have ◄─────────────────┘
//! ```

use std::rc::Rc;
use std::sync::Arc;

use proto::errors::{ClientError, ErrorId};
use proto::wire::connection::Framed;
use topo::snapshot::{Keyspace, Snapshot};

use super::held::Next;
use super::parts::Written;
use super::{Session, SessionEnd};
use crate::backend::SessionClass;
use crate::executor::done::{PartOfRows, inserted, told, with_more_warnings};
use crate::executor::insert::{self, Number, Placed, Zero};
use crate::executor::many::Part;
use crate::executor::numbers::{NumberedTable, beyond, present};
use crate::executor::route::Literals;
use crate::hold::Patience;
use crate::hold::decide::error_code;
use crate::limits::MAX_NUMBER_COLLISIONS;
use crate::numbers::{Floor, NoNumber, Run, Wanted};
use crate::plan::{InsertRows, Numbered, OnEqual};

/// A row's key is there already.
const DUPLICATE_ENTRY: u16 = 1062;

/// What an INSERT is done by.
struct Task<'a> {
    insert: &'a InsertRows,
    keyspace: &'a Arc<Keyspace>,
    class: Rc<SessionClass>,
}

/// A statement's rows with their numbers, ready to be written.
struct Attempt {
    placed: Vec<Placed>,
    parts: Vec<Part>,
}

impl Session {
    /// Does as planned.
    pub(super) async fn insert(
        &mut self,
        plan: &InsertRows,
        framed: Framed,
        snapshot: &Arc<Snapshot>,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let Some(keyspace) = snapshot.keyspace(plan.keyspace.as_str()) else {
            return self.tell(&ErrorId::UnknownDatabase.with(&plan.keyspace)).await;
        };
        let class = match self.class_for(&keyspace.name) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await,
        };
        let task = Task { insert: plan, keyspace, class };
        let zero = Zero::of(&self.settings);
        let wanted = match insert::numbers(plan, self.literals(framed), zero) {
            Ok(wanted) => wanted,
            Err(error) => return self.tell(&error).await,
        };
        let (mut floor, mut collisions) = (None, 0);
        loop {
            let attempt = match self.prepared(&task, framed, &wanted, floor).await {
                Ok(attempt) => attempt,
                Err(error) => return self.tell(&error).await,
            };
            let is_taken = match self.is_taken(&task, &attempt).await {
                Ok(is_taken) => is_taken,
                Err(error) => return self.tell(&error).await,
            };
            let may_repeat = collisions < MAX_NUMBER_COLLISIONS;
            if is_taken && !may_repeat {
                return self.tell(&ErrorId::NumbersTaken.with(&plan.table)).await;
            }
            if !is_taken {
                match self.write_parts(keyspace, &attempt.parts, patience).await? {
                    Written::Done(answers) => {
                        return self.answer_inserted(&task, attempt, answers, &wanted).await;
                    }
                    Written::Refused(packet) if may_repeat && collides(&packet, plan, &attempt) => {}
                    other => return self.answer_written(other).await,
                }
            }
            collisions += 1;
            floor = match self.floor(&task).await {
                Ok(floor) => Some(floor),
                Err(error) => return self.tell(&error).await,
            };
        }
    }

    pub(super) fn literals(&mut self, framed: Framed) -> Literals<'_> {
        Literals {
            sql: &self.client.payload(framed, &mut self.scratch)[1..],
            spans: &self.fingerprint.literals,
            character_set: self.character_set,
        }
    }

    /// Gives the rows their numbers, and puts them together for their shards.
    async fn prepared(
        &mut self,
        task: &Task<'_>,
        framed: Framed,
        wanted: &[Number],
        floor: Option<Floor>,
    ) -> Result<Attempt, ClientError> {
        let given = match &task.insert.numbered {
            Some(numbered) => self.given(task, numbered, wanted, floor).await?,
            None => Vec::new(),
        };
        let values_at = self.fingerprint.values_at;
        let literals = self.literals(framed);
        let placed = insert::places(task.insert, task.keyspace, literals, wanted, &given)?;
        let parts = insert::parts(task.insert, literals.sql, values_at, &placed)?;
        Ok(Attempt { placed, parts })
    }

    /// The number of each row that takes one, as InnoDB's counter would give them: for the first such row as many are
    /// taken as the statement has rows, and where a number that the client wrote lies beyond those, further ones.
    async fn given(
        &mut self,
        task: &Task<'_>,
        numbered: &Numbered,
        wanted: &[Number],
        mut floor: Option<Floor>,
    ) -> Result<Vec<Option<u64>>, ClientError> {
        let exhausted = || ErrorId::NumbersExhausted.plain();
        let (mut run, mut next, mut takes, mut is_short) = (Run { first: 0, count: 0 }, 0, 0u32, false);
        let mut given = Vec::with_capacity(wanted.len());
        for number in wanted {
            if *number != Number::Next {
                next = next.max(number.passed().map_or(0, |passed| passed.saturating_add(1)));
                given.push(None);
                continue;
            }
            if takes == 0 || (next >= run.first.saturating_add(run.count) && run.first < numbered.max) {
                if is_short {
                    return Err(exhausted());
                }
                if next > 0 {
                    self.worker.shared.numbers.passed(&task.wanted(numbered, 0), next - 1);
                }
                let count = if takes == 0 { wanted.len() as u64 } else { 1 << takes.min(10) };
                run = self.take(task, &task.wanted(numbered, count), floor.take()).await?;
                (takes, next, is_short) = (takes + 1, run.first, run.count < count);
            }
            // At its end the counter gives the type's last number again and again, but not the last of 64 bits.
            let value = next.min(numbered.max);
            if value == u64::MAX {
                return Err(exhausted());
            }
            given.push(Some(value));
            next = next.saturating_add(1);
        }
        Ok(given)
    }

    async fn take(
        &mut self,
        task: &Task<'_>,
        wanted: &Wanted<'_>,
        mut floor: Option<Floor>,
    ) -> Result<Run, ClientError> {
        let worker = self.worker.clone();
        for _ in 0..=MAX_NUMBER_COLLISIONS {
            match worker.shared.numbers.take(wanted, floor).await {
                Ok(run) => return Ok(run),
                Err(NoNumber::Unavailable) => return Err(ErrorId::TopologyUnavailable.plain()),
                Err(NoNumber::AskShards(incarnation)) => {
                    floor = Some(Floor { incarnation, next: self.beyond(task).await? });
                }
            }
        }
        // Schema changes came in between, each time.
        Err(ErrorId::SchemaChangeBusy.with(&task.keyspace.name))
    }

    /// What new numbers must be above of after a collision.
    async fn floor(&mut self, task: &Task<'_>) -> Result<Floor, ClientError> {
        let next = self.beyond(task).await?;
        Ok(Floor { incarnation: task.keyspace.incarnation(&task.insert.table), next })
    }

    async fn beyond(&mut self, task: &Task<'_>) -> Result<u64, ClientError> {
        let worker = self.worker.clone();
        match task.numbered_table() {
            Some(table) => beyond(&worker, &task.class, table).await,
            None => Ok(1),
        }
    }

    /// Whether rows with the new numbers are there already, where the statement would not fail by them.
    async fn is_taken(&mut self, task: &Task<'_>, attempt: &Attempt) -> Result<bool, ClientError> {
        if task.insert.on_equal == OnEqual::Fail {
            return Ok(false);
        }
        Ok(self.first_present(task, attempt).await?.is_some())
    }

    /// The lowest of the new numbers that a row has.
    async fn first_present(
        &mut self,
        task: &Task<'_>,
        attempt: &Attempt,
    ) -> Result<Option<u64>, ClientError> {
        let Some(table) = task.numbered_table() else { return Ok(None) };
        let worker = self.worker.clone();
        let mut lowest: Option<u64> = None;
        for part in &attempt.parts {
            let on_shard = attempt.placed.iter().filter(|row| row.shard == part.shard);
            let numbers: Vec<u64> = on_shard.filter_map(|row| row.number).collect();
            if numbers.is_empty() {
                continue;
            }
            let found = present(&worker, &task.class, table, part.shard, &numbers).await?;
            lowest = lowest.into_iter().chain(found).min();
        }
        Ok(lowest)
    }

    /// Tells the client, with the insert id that one MySQL would tell.
    async fn answer_inserted(
        &mut self,
        task: &Task<'_>,
        attempt: Attempt,
        answers: Vec<Vec<u8>>,
        wanted: &[Number],
    ) -> Result<Next, SessionEnd> {
        if let (Some(numbered), Some(passed)) =
            (&task.insert.numbered, wanted.iter().filter_map(Number::passed).max())
        {
            self.worker.shared.numbers.passed(&task.wanted(numbered, 0), passed);
        }
        let made = match self.made(task, &attempt, &answers).await {
            Ok(made) => made,
            // The rows are there, whatever the gate can learn of them.
            Err(_) => attempt.placed.iter().find_map(|row| row.number),
        };
        if let Some(number) = made {
            self.inserted.set(number);
        }
        let of_last_row = attempt.placed.last().and_then(|row| {
            let place = attempt.parts.iter().position(|part| part.shard == row.shard)?;
            told(answers.get(place)?).map(|(_, insert_id)| insert_id)
        });
        let insert_id = made.or(of_last_row).unwrap_or_default();
        let parts: Vec<PartOfRows> = attempt.parts.iter().map(|part| part_of(task, &attempt, part)).collect();
        match inserted(&answers, &parts, insert_id) {
            Some(packet) => {
                let packet = with_more_warnings(packet, self.warnings.notes());
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            None => Err(SessionEnd::BrokenAnswer),
        }
    }

    /// The first number that a row was inserted with, if one was.
    async fn made(
        &mut self,
        task: &Task<'_>,
        attempt: &Attempt,
        answers: &[Vec<u8>],
    ) -> Result<Option<u64>, ClientError> {
        let Some(first) = attempt.placed.iter().find_map(|row| row.number) else { return Ok(None) };
        let told: Vec<(u64, u64)> = answers.iter().filter_map(|answer| told(answer)).collect();
        let affected: u64 = told.iter().map(|(affected, _)| affected).sum();
        match task.insert.on_equal {
            OnEqual::Fail | OnEqual::Replace => Ok(Some(first)),
            OnEqual::Ignore if affected == attempt.placed.len() as u64 => Ok(Some(first)),
            // The insert id of one row is its number, unless another row was changed.
            OnEqual::Ignore | OnEqual::Update if attempt.placed.len() == 1 => {
                Ok(told.first().is_some_and(|(_, insert_id)| *insert_id == first).then_some(first))
            }
            OnEqual::Ignore if affected == 0 => Ok(None),
            OnEqual::Ignore | OnEqual::Update => self.first_present(task, attempt).await,
        }
    }
}

impl<'a> Task<'a> {
    fn wanted(&self, numbered: &Numbered, count: u64) -> Wanted<'a> {
        let (keyspace, table) = (&self.insert.keyspace, self.insert.table.as_str());
        Wanted { keyspace, table, incarnation: self.keyspace.incarnation(table), max: numbered.max, count }
    }

    fn numbered_table(&self) -> Option<NumberedTable<'a>> {
        let insert = self.insert;
        let column = &insert.numbered.as_ref()?.column;
        Some(NumberedTable { keyspace: self.keyspace, table: &insert.table, column })
    }
}

fn part_of(task: &Task<'_>, attempt: &Attempt, part: &Part) -> PartOfRows {
    let rows = attempt.placed.iter().filter(|row| row.shard == part.shard).count() as u64;
    let duplicates = match task.insert.on_equal {
        OnEqual::Fail => |_, _| 0,
        OnEqual::Ignore => |rows: u64, affected: u64| rows.saturating_sub(affected),
        OnEqual::Replace => |rows: u64, affected: u64| affected.saturating_sub(rows),
        // A row that was changed counts twice.
        OnEqual::Update => |_, affected: u64| u64::from(affected == 2),
    };
    PartOfRows { rows, duplicates }
}

/// Whether MySQL's error says that a new number is there already.
fn collides(packet: &[u8], insert: &InsertRows, attempt: &Attempt) -> bool {
    let (Some(DUPLICATE_ENTRY), Some(numbered)) = (error_code(packet), &insert.numbered) else {
        return false;
    };
    let text = String::from_utf8_lossy(packet);
    let Some((entry, key)) = text.rsplit_once("' for key '") else { return false };
    let key = key.trim_end_matches('\'').rsplit_once('.').map_or(key, |(_, key)| key);
    let entry = entry.rsplit_once('\'').map_or(entry, |(_, entry)| entry);
    let is_new = |number: &str| {
        number.parse::<u64>().is_ok_and(|number| attempt.placed.iter().any(|row| row.number == Some(number)))
    };
    numbered.unique_keys.iter().any(|name| name == key) && entry.split('-').any(is_new)
}
