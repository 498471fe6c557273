//! What is there, read from the mysqlds themselves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use proto::account::{AGENT_ACCOUNT, AGENT_SECRET_FILE, Secret};
use proto::ids::{ShardRef, TabletAlias};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::verdict::{Content, Part, Row};

/// How long the replicas may take to hold what their primaries hold, and a shard to have a primary.
const SETTLE_DEADLINE: Duration = Duration::from_secs(20);
/// Pause between two looks.
const SETTLE_PAUSE: Duration = Duration::from_millis(100);
/// Longest time for one question.
const ASK_DEADLINE: Duration = Duration::from_secs(20);
/// Longest time for one look of the watch; a frozen mysqld is passed over.
const WATCH_DEADLINE: Duration = Duration::from_millis(300);
/// Pause between two looks of the watch.
const WATCH_PAUSE: Duration = Duration::from_millis(5);
/// Answers of each mysqld, and rounds in which one took writes, without which the watch has seen too little.
const ENOUGH_LOOKS: u64 = 100;
/// How long a watch that is to end may go on until it has seen enough.
const LAST_LOOKS: Duration = Duration::from_secs(20);

/// Where a tablet's mysqld is asked.
#[derive(Debug, Clone)]
pub struct TabletPlace {
    /// The tablet.
    pub alias: TabletAlias,
    /// The shard whose data it holds.
    pub shard: ShardRef,
    /// Its directory.
    pub dir: PathBuf,
    password: String,
}

/// What an agent's `tablet.json` says.
#[derive(serde::Deserialize)]
struct Identity {
    alias: TabletAlias,
    shard: ShardRef,
    secrets: PathBuf,
}

impl TabletPlace {
    /// All tablets of a keyspace, by the directories that their agents keep under `dir`.
    pub fn find(dir: &Path, keyspace: &str) -> Result<Vec<Self>> {
        let mut places = Vec::new();
        for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
            let dir = entry?.path();
            let Ok(text) = fs::read(dir.join("tablet.json")) else { continue };
            let Identity { alias, shard, secrets } = serde_json::from_slice(&text)?;
            if shard.keyspace.as_str() == keyspace {
                let password = Secret::read(&secrets, AGENT_SECRET_FILE)?.password(AGENT_ACCOUNT);
                places.push(Self { alias, shard, dir, password });
            }
        }
        places.sort_by_key(|place| place.alias.to_string());
        if places.is_empty() {
            bail!("no tablet of {keyspace} in {}", dir.display());
        }
        Ok(places)
    }

    /// A session of the agent's account.
    pub async fn session(&self) -> Result<Conn> {
        let options = OptsBuilder::default()
            .socket(Some(self.dir.join("mysql.sock").display().to_string()))
            .user(Some(AGENT_ACCOUNT))
            .pass(Some(self.password.clone()));
        let connected = timeout(ASK_DEADLINE, Conn::new(options)).await;
        connected
            .with_context(|| format!("the mysqld of {} is silent", self.alias))?
            .with_context(|| self.alias.to_string())
    }
}

async fn part(conn: &mut Conn) -> Result<Part> {
    let fences: Option<(u8, u8)> =
        conn.query_first("SELECT @@GLOBAL.super_read_only, @@GLOBAL.offline_mode").await?;
    Ok(if fences == Some((0, 0)) { Part::Primary } else { Part::Replica })
}

/// What one mysqld holds now.
async fn content(place: &TabletPlace) -> Result<Content> {
    let mut conn = place.session().await?;
    let keyspace = &place.shard.keyspace;
    let part = part(&mut conn).await?;
    let row = |(key, writer, number, value)| Row { key, writer, number, value };
    let sql = format!("SELECT id, writer, number, value FROM `{keyspace}`.ledger ORDER BY my_row_id");
    let rows = conn.query_map(sql, row).await?;
    let sql = format!("SELECT writer, writer, number, value FROM `{keyspace}`.registers ORDER BY writer");
    let registers = conn.query_map(sql, row).await?;
    conn.disconnect().await?;
    Ok(Content { alias: place.alias.to_string(), shard: place.shard.clone(), part, rows, registers })
}

/// What all mysqlds hold once every shard has a primary and its replicas hold the same, or when they do not within
/// 20 s. Nobody may be writing any more. A mysqld that does not answer in the end is an error.
pub async fn read_truth(places: &[TabletPlace]) -> Result<Vec<Content>> {
    let deadline = Instant::now() + SETTLE_DEADLINE;
    loop {
        let mut contents = Vec::new();
        let mut silent = None;
        for place in places {
            match timeout(ASK_DEADLINE, content(place))
                .await
                .with_context(|| format!("{} is silent", place.alias))?
            {
                Ok(content) => contents.push(content),
                Err(error) => silent = Some(error),
            }
        }
        let late = Instant::now() > deadline;
        match silent {
            Some(error) if late => return Err(error),
            Some(_) => {}
            None if late || is_settled(&contents) => return Ok(contents),
            None => {}
        }
        sleep(SETTLE_PAUSE).await;
    }
}

fn is_settled(contents: &[Content]) -> bool {
    let held = |content: &Content| {
        let (mut rows, mut registers) = (content.rows.clone(), content.registers.clone());
        rows.sort();
        registers.sort();
        (rows, registers)
    };
    let primaries: BTreeMap<&ShardRef, _> =
        contents.iter().filter(|c| c.part == Part::Primary).map(|c| (&c.shard, held(c))).collect();
    contents.iter().all(|content| primaries.get(&content.shard).is_some_and(|there| *there == held(content)))
}

/// Looks all the time whether two mysqlds of one shard take writes at once.
pub struct Watch {
    end: CancellationToken,
    thread: Option<JoinHandle<Result<Looks>>>,
    found: Arc<Mutex<Vec<String>>>,
}

/// How much a watch has seen.
struct Looks {
    /// Answers of each place, and its name.
    answers: Vec<(u64, String)>,
    /// Rounds in which some mysqld took writes.
    writable: u64,
}

impl Looks {
    /// Answers of the tablet that gave the fewest; an error if that, or what was writable, is too little.
    fn enough(&self) -> Result<u64> {
        let (fewest, alias) = self.answers.iter().min().context("nothing to look at")?;
        ensure!(*fewest >= ENOUGH_LOOKS, "the watch saw {alias} only {fewest} times");
        ensure!(
            self.writable >= ENOUGH_LOOKS,
            "the watch saw a writable mysqld only {} times",
            self.writable
        );
        Ok(*fewest)
    }
}

impl Watch {
    /// Begins to look.
    pub fn start(places: Vec<TabletPlace>) -> Self {
        let (end, found) = (CancellationToken::new(), Arc::new(Mutex::default()));
        let (told, finds) = (end.clone(), Arc::clone(&found));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(watch(&places, &told, &finds)))
        });
        Self { end, thread: Some(thread), found }
    }

    /// Whether two were writable at once.
    pub fn has_found(&self) -> bool {
        !self.found.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Ends once it has seen enough of every tablet, with the number of looks at each; an error if two were ever
    /// writable at once, or hardly anything is to be seen of one.
    pub fn stop(mut self) -> Result<u64> {
        self.end.cancel();
        let thread = self.thread.take().context("the watch ended already")?;
        let Ok(looks) = thread.join() else { bail!("the watch panicked") };
        let looks = looks?;
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(found.is_empty(), "{} times two were writable, first {}", found.len(), found[0]);
        looks.enough()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(thread) = self.thread.take() {
            // Whether it panicked is for `stop` to tell.
            let _ = thread.join();
        }
    }
}

async fn watch(places: &[TabletPlace], end: &CancellationToken, found: &Mutex<Vec<String>>) -> Looks {
    let mut sessions: Vec<Option<Conn>> = places.iter().map(|_| None).collect();
    let answers = places.iter().map(|place| (0, place.alias.to_string())).collect();
    let mut looks = Looks { answers, writable: 0 };
    let mut ends_by = None;
    loop {
        sleep(WATCH_PAUSE).await;
        if end.is_cancelled() {
            let ends_by = *ends_by.get_or_insert_with(|| Instant::now() + LAST_LOOKS);
            if looks.enough().is_ok() || Instant::now() >= ends_by {
                return looks;
            }
        }
        let first = writable(places, &mut sessions, &mut looks).await;
        looks.writable += u64::from(!first.is_empty());
        let mut by_shard: BTreeMap<&ShardRef, Vec<usize>> = BTreeMap::new();
        first.iter().for_each(|&index| by_shard.entry(&places[index].shard).or_default().push(index));
        if by_shard.values().all(|writable| writable.len() < 2) {
            continue;
        }
        // The looks of a round are one after the other: only what both rounds saw was so at one moment.
        let second = writable(places, &mut sessions, &mut looks).await;
        for (shard, both) in by_shard {
            let both: Vec<String> =
                both.iter().filter(|i| second.contains(i)).map(|&i| places[i].alias.to_string()).collect();
            if both.len() > 1 {
                let find = format!("{shard}: {}", both.join(" and "));
                found.lock().unwrap_or_else(PoisonError::into_inner).push(find);
            }
        }
    }
}

/// The places whose mysqld takes writes now.
async fn writable(places: &[TabletPlace], sessions: &mut [Option<Conn>], looks: &mut Looks) -> Vec<usize> {
    let mut found = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let looked = timeout(WATCH_DEADLINE, async {
            let mut conn = match sessions[index].take() {
                Some(conn) => conn,
                None => place.session().await?,
            };
            let part = part(&mut conn).await?;
            anyhow::Ok((conn, part))
        });
        if let Ok(Ok((conn, part))) = looked.await {
            sessions[index] = Some(conn);
            looks.answers[index].0 += 1;
            if part == Part::Primary {
                found.push(index);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_hardly_saw_one_of_the_tablets_is_not_content() {
        let looks = |first, second, writable| Looks {
            answers: vec![(first, "zone1-101".to_owned()), (second, "zone1-102".to_owned())],
            writable,
        };
        let enough = ENOUGH_LOOKS;
        assert_eq!(looks(enough + 5, enough, enough).enough().unwrap(), enough);
        let said = looks(enough, enough - 1, enough).enough().unwrap_err().to_string();
        assert!(said.contains("zone1-102 only 99 times"), "{said}");
        let said = looks(enough, enough, enough - 1).enough().unwrap_err().to_string();
        assert!(said.contains("a writable mysqld only 99 times"), "{said}");
    }
}
