//! What every backend of the store promises, as checks that say which promise was broken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use proto::limits::MAX_RECORD_BYTES;
use topo::limits::{MAX_COMMIT_BYTES, MAX_COMMIT_OPERATIONS, MIN_LEASE_TTL};
use topo::store::{ChangeBatch, Compare, LeaseId, Outcome, Revision, Store, StoreError, Watch, Write};

/// A store, a part of it that nobody else writes to, and a way to make it forget its history.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) root: String,
    /// Longest wait for something that is promised to happen.
    pub(crate) patience: Duration,
    /// Of the random histories.
    pub(crate) seed: u64,
    pub(crate) compact: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

pub(crate) type Verdict = Result<(), String>;
type Check = fn(Subject) -> BoxFuture<'static, Verdict>;

macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        /// All checks, by name.
        pub(crate) const CHECKS: &[(&str, Check)] = &[$((stringify!($name), |subject| Box::pin($name(subject)))),*];
    };
}

checks![
    reads_see_the_newest_write,
    values_are_any_bytes,
    lists_have_the_prefix_and_are_in_order,
    a_key_is_created_once,
    a_key_is_replaced_only_if_unchanged,
    a_transaction_is_all_or_nothing,
    increments_of_many_are_never_lost,
    bounds_are_kept,
    a_watch_tells_all_changes_in_order,
    a_watch_may_begin_in_the_past,
    a_revision_is_one_batch,
    a_list_and_its_watch_add_up_to_the_next_list,
    a_watch_of_forgotten_changes_says_so,
    keys_end_with_their_lease,
    a_lease_kept_alive_holds,
    a_revoked_lease_ends_at_once,
    a_key_written_anew_leaves_its_lease,
];

/// This one takes the history away from every watch, so it has the store to itself.
const ALONE: &str = "a_watch_of_forgotten_changes_says_so";

/// Runs every check in a folder of its own; gives the broken promises.
pub(crate) async fn broken_promises(subject: &Subject) -> Vec<(&'static str, String)> {
    let run = |(name, check): &(&'static str, Check)| {
        let (name, check) = (*name, *check);
        let own = Subject { root: format!("{}{name}/", subject.root), ..subject.clone() };
        async move { check(own).await.err().map(|why| (name, why)) }
    };
    let (alone, together): (Vec<_>, Vec<_>) = CHECKS.iter().partition(|(name, _)| *name == ALONE);
    let mut verdicts = futures::future::join_all(together.into_iter().map(run)).await;
    for check in alone {
        verdicts.push(run(check).await);
    }
    verdicts.into_iter().flatten().collect()
}

macro_rules! ensure {
    ($condition:expr, $($why:tt)*) => {
        if !$condition {
            return Err(format!($($why)*));
        }
    };
}

impl Subject {
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    fn put(&self, name: &str, value: &str) -> Write {
        Write::Put { key: self.key(name), value: Bytes::from(value.to_owned()), lease: None }
    }

    fn put_under(&self, name: &str, lease: LeaseId) -> Write {
        Write::Put { key: self.key(name), value: Bytes::from_static(b"leased"), lease: Some(lease) }
    }

    fn delete(&self, name: &str) -> Write {
        Write::Delete { key: self.key(name) }
    }

    async fn commit(&self, compares: &[Compare], writes: &[Write]) -> Result<Outcome, String> {
        self.store.commit(compares, writes).await.map_err(|e| e.to_string())
    }

    async fn write(&self, writes: &[Write]) -> Result<Revision, String> {
        match self.commit(&[], writes).await? {
            Outcome::Committed(revision) => Ok(revision),
            Outcome::Conflict => Err("a write without a condition met a conflict".into()),
        }
    }

    async fn value(&self, name: &str) -> Result<Option<(String, Revision)>, String> {
        let found = self.store.get(&self.key(name)).await.map_err(|e| e.to_string())?;
        Ok(found.map(|v| (String::from_utf8_lossy(&v.value).into_owned(), v.modified)))
    }

    async fn watch(&self, name: &str, after: Revision) -> Result<Watch, String> {
        self.store.watch(&self.key(name), after).await.map_err(|e| e.to_string())
    }

    async fn next(&self, watch: &mut Watch) -> Result<ChangeBatch, String> {
        match tokio::time::timeout(self.patience, watch.recv()).await {
            Ok(Some(Ok(batch))) => Ok(batch),
            Ok(Some(Err(error))) => Err(format!("the watch ended: {error}")),
            Ok(None) => Err("the watch ended without an error".into()),
            Err(_) => Err(format!("the watch tells nothing within {:?}", self.patience)),
        }
    }

    async fn until_gone(&self, name: &str) -> Result<Duration, String> {
        let begun = Instant::now();
        while self.value(name).await?.is_some() {
            ensure!(begun.elapsed() < self.patience, "{name} is still there after {:?}", self.patience);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(begun.elapsed())
    }

    async fn lease(&self, ttl: Duration) -> Result<LeaseId, String> {
        self.store.grant_lease(ttl).await.map_err(|e| e.to_string())
    }
}

/// The batch's changes in the order of their keys, as `key=value` or `key gone`, without the root.
fn told(subject: &Subject, batch: &ChangeBatch) -> Vec<String> {
    let text = |change: &topo::store::Change| {
        let key = change.key.strip_prefix(&subject.root).unwrap_or(&change.key).to_owned();
        match &change.value {
            Some(value) => format!("{key}={}", String::from_utf8_lossy(value)),
            None => format!("{key} gone"),
        }
    };
    let mut told: Vec<String> = batch.changes.iter().map(text).collect();
    told.sort();
    told
}

async fn reads_see_the_newest_write(s: Subject) -> Verdict {
    ensure!(s.value("a").await?.is_none(), "a key that was never written has a value");
    let mut last = Revision(0);
    for round in 0..5 {
        let value = format!("value {round}");
        let revision = s.write(&[s.put("a", &value)]).await?;
        ensure!(revision > last, "revision {revision:?} came after {last:?}");
        last = revision;
        let read = s.value("a").await?;
        ensure!(read == Some((value, revision)), "written by {revision:?}, read {read:?}");
    }
    let revision = s.write(&[s.delete("a")]).await?;
    ensure!(revision > last, "a removal has revision {revision:?}, the write before it {last:?}");
    ensure!(s.value("a").await?.is_none(), "a removed key has a value");
    Ok(())
}

async fn values_are_any_bytes(s: Subject) -> Verdict {
    for value in
        [Bytes::new(), Bytes::from_static(&[0, 0xff, 0, 0x80]), Bytes::from(vec![7; MAX_RECORD_BYTES])]
    {
        let key = s.key("bytes");
        s.write(&[Write::Put { key: key.clone(), value: value.clone(), lease: None }]).await?;
        let read = s.store.get(&key).await.map_err(|e| e.to_string())?;
        ensure!(read.is_some_and(|v| v.value == value), "{} bytes came back different", value.len());
    }
    Ok(())
}

async fn lists_have_the_prefix_and_are_in_order(s: Subject) -> Verdict {
    let writes = ["b/2", "b/1", "b0", "b", "a/1", "b/10"].map(|name| s.put(name, name));
    let written = s.write(&writes).await?;
    let (found, revision) = s.store.list(&s.key("b/")).await.map_err(|e| e.to_string())?;
    ensure!(revision >= written, "the list is of {revision:?}, before {written:?}");
    let names: Vec<&str> = found.iter().map(|(key, _)| &key[s.root.len()..]).collect();
    ensure!(names == ["b/1", "b/10", "b/2"], "the list of b/ has {names:?}");
    for (key, v) in &found {
        ensure!(v.value.as_ref() == &key.as_bytes()[s.root.len()..], "{key} has another's value");
        ensure!(v.modified == written, "{key} was written by {written:?}, not {:?}", v.modified);
    }
    let (nothing, _) = s.store.list(&s.key("c")).await.map_err(|e| e.to_string())?;
    ensure!(nothing.is_empty(), "a list of nothing has {} keys", nothing.len());
    Ok(())
}

async fn a_key_is_created_once(s: Subject) -> Verdict {
    let absent = [Compare::Absent(s.key("a"))];
    let first = s.commit(&absent, &[s.put("a", "first")]).await?;
    ensure!(matches!(first, Outcome::Committed(_)), "there was no such key, yet {first:?}");
    let second = s.commit(&absent, &[s.put("a", "second")]).await?;
    ensure!(second == Outcome::Conflict, "the key was there, yet {second:?}");
    ensure!(s.value("a").await?.is_some_and(|(v, _)| v == "first"), "a conflict wrote");
    s.write(&[s.delete("a")]).await?;
    let third = s.commit(&absent, &[s.put("a", "third")]).await?;
    ensure!(matches!(third, Outcome::Committed(_)), "the key was removed, yet {third:?}");
    Ok(())
}

async fn a_key_is_replaced_only_if_unchanged(s: Subject) -> Verdict {
    let first = s.write(&[s.put("a", "1")]).await?;
    let unchanged = |revision| [Compare::Unchanged(s.key("a"), revision)];
    let Outcome::Committed(second) = s.commit(&unchanged(first), &[s.put("a", "2")]).await? else {
        return Err("nothing had changed, yet there was a conflict".into());
    };
    let stale = s.commit(&unchanged(first), &[s.put("a", "3")]).await?;
    ensure!(stale == Outcome::Conflict, "a stale write was {stale:?}");
    s.write(&[s.delete("a")]).await?;
    let gone = s.commit(&unchanged(second), &[s.put("a", "4")]).await?;
    ensure!(gone == Outcome::Conflict, "a write over a removed key was {gone:?}");
    ensure!(s.value("a").await?.is_none(), "a conflict wrote");
    Ok(())
}

async fn a_transaction_is_all_or_nothing(s: Subject) -> Verdict {
    let revision = s.write(&[s.put("a", "1"), s.put("b", "1"), s.delete("c")]).await?;
    for name in ["a", "b"] {
        let value = s.value(name).await?;
        ensure!(value == Some(("1".into(), revision)), "{name} of one transaction is {value:?}");
    }
    let compares = [Compare::Unchanged(s.key("a"), revision), Compare::Absent(s.key("b"))];
    let outcome = s.commit(&compares, &[s.put("a", "2"), s.put("c", "2"), s.delete("b")]).await?;
    ensure!(outcome == Outcome::Conflict, "one of two conditions failed, yet {outcome:?}");
    let after = (s.value("a").await?, s.value("b").await?, s.value("c").await?);
    let before = Some(("1".to_owned(), revision));
    ensure!(after == (before.clone(), before, None), "a conflict wrote: {after:?}");
    Ok(())
}

async fn increments_of_many_are_never_lost(s: Subject) -> Verdict {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 10;
    s.write(&[s.put("n", "0")]).await?;
    let increment = |s: Subject| async move {
        for _ in 0..ROUNDS {
            loop {
                let (text, revision) = s.value("n").await?.ok_or("the counter is gone")?;
                let next = text.parse::<usize>().map_err(|e| e.to_string())? + 1;
                // Lets another writer in between, where the backend allows it.
                tokio::task::yield_now().await;
                let unchanged = [Compare::Unchanged(s.key("n"), revision)];
                if s.commit(&unchanged, &[s.put("n", &next.to_string())]).await? != Outcome::Conflict {
                    break;
                }
            }
        }
        Ok::<(), String>(())
    };
    futures::future::try_join_all((0..WRITERS).map(|_| increment(s.clone()))).await?;
    let total = s.value("n").await?.map(|(text, _)| text);
    ensure!(total == Some((WRITERS * ROUNDS).to_string()), "{} increments gave {total:?}", WRITERS * ROUNDS);
    Ok(())
}

async fn bounds_are_kept(s: Subject) -> Verdict {
    let big = |bytes| Write::Put { key: s.key("big"), value: vec![0; bytes].into(), lease: None };
    let too_large = s.store.commit(&[], &[big(MAX_RECORD_BYTES + 1)]).await;
    ensure!(matches!(too_large, Err(StoreError::TooLarge { .. })), "too large a record: {too_large:?}");
    let many: Vec<Write> = (0..=MAX_COMMIT_OPERATIONS).map(|i| s.put(&format!("many/{i}"), "")).collect();
    let heavy: Vec<Write> = (0..4)
        .map(|i| Write::Put {
            key: s.key(&i.to_string()),
            value: vec![0; MAX_COMMIT_BYTES / 4].into(),
            lease: None,
        })
        .collect();
    let twice = [s.put("twice", "1"), s.put("twice", "2")];
    for (what, writes) in
        [("too many writes", &many[..]), ("too many bytes", &heavy), ("a key twice", &twice)]
    {
        let outcome = s.store.commit(&[], writes).await;
        ensure!(matches!(outcome, Err(StoreError::Refused(_))), "{what}: {outcome:?}");
    }
    let (found, _) = s.store.list(&s.root).await.map_err(|e| e.to_string())?;
    ensure!(found.is_empty(), "something refused was written: {} keys", found.len());
    s.write(&many[..MAX_COMMIT_OPERATIONS]).await?;
    Ok(())
}

async fn a_watch_tells_all_changes_in_order(s: Subject) -> Verdict {
    const COMMITS: usize = 200;
    let start = s.write(&[s.put("in/0", "before")]).await?;
    let mut watch = s.watch("in/", start).await?;
    let mut wanted = Vec::new();
    for i in 0..COMMITS {
        let name = format!("in/{}", i % 7);
        s.write(&[s.put("out", "unseen")]).await?;
        s.write(&[s.delete("in/never-there")]).await?;
        let (write, told) = match i % 3 {
            2 => (s.delete(&format!("in/{}", (i - 1) % 7)), format!("in/{} gone", (i - 1) % 7)),
            _ => (s.put(&name, &i.to_string()), format!("{name}={i}")),
        };
        wanted.push((s.write(&[write]).await?, vec![told]));
    }
    for wanted in wanted {
        let batch = s.next(&mut watch).await?;
        let got = (batch.revision, told(&s, &batch));
        ensure!(got == wanted, "wanted {wanted:?}, told {got:?}");
    }
    Ok(())
}

async fn a_watch_may_begin_in_the_past(s: Subject) -> Verdict {
    let start = s.write(&[s.put("a", "0")]).await?;
    let mut wanted = Vec::new();
    for i in 1..=50 {
        wanted.push((s.write(&[s.put("a", &i.to_string()), s.put("b", "x")]).await?, format!("a={i}")));
    }
    let mut watch = s.watch("", start).await?;
    for (revision, first) in wanted {
        let batch = s.next(&mut watch).await?;
        let got = (batch.revision, told(&s, &batch));
        ensure!(
            got == (revision, vec![first.clone(), "b=x".into()]),
            "wanted {revision:?} {first}, told {got:?}"
        );
    }
    Ok(())
}

async fn a_revision_is_one_batch(s: Subject) -> Verdict {
    let start = s.write(&[s.put("w/old", "x")]).await?;
    let mut watch = s.watch("w/", start).await?;
    let many: Vec<Write> =
        (100..200).take(MAX_COMMIT_OPERATIONS - 3).map(|i| s.put(&format!("w/{i}"), "y")).collect();
    let mut writes = many.clone();
    writes.extend([s.delete("w/old"), s.put("outside", "z")]);
    let revision = s.write(&writes).await?;
    let batch = s.next(&mut watch).await?;
    let told = told(&s, &batch);
    ensure!(batch.revision == revision, "told {:?}, wanted {revision:?}", batch.revision);
    ensure!(told.len() == many.len() + 1, "told {} changes of {}: {told:?}", told.len(), many.len() + 1);
    ensure!(told.contains(&"w/old gone".to_owned()), "the removal is missing: {told:?}");
    Ok(())
}

async fn a_list_and_its_watch_add_up_to_the_next_list(s: Subject) -> Verdict {
    const COMMITS: usize = 150;
    println!("SHOAL_SEED={}", s.seed);
    let mut random = s.seed;
    let mut below = |end: u64| {
        // Knuth's MMIX constants; the high bits are the random ones.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % end
    };
    let (listed, start) = s.store.list(&s.root).await.map_err(|e| e.to_string())?;
    let mut known: BTreeMap<String, Bytes> = listed.into_iter().map(|(key, v)| (key, v.value)).collect();
    let mut last = start;
    for i in 0..COMMITS {
        let mut names: Vec<u64> = (0..=below(4)).map(|_| below(12)).collect();
        names.sort_unstable();
        names.dedup();
        let write = |name: u64| match below(3) {
            0 => s.delete(&name.to_string()),
            _ => s.put(&name.to_string(), &i.to_string()),
        };
        let writes: Vec<Write> = names.into_iter().map(write).collect();
        let compare = match below(2) {
            0 => vec![Compare::Absent(s.key(&below(12).to_string()))],
            _ => Vec::new(),
        };
        if let Outcome::Committed(revision) = s.commit(&compare, &writes).await? {
            last = last.max(revision);
        }
    }
    last = last.max(s.write(&[s.put("end", "")]).await?);
    let mut watch = s.watch("", start).await?;
    let mut seen = start;
    while seen < last {
        let batch = s.next(&mut watch).await?;
        ensure!(batch.revision > seen, "seed {}: {:?} is told after {seen:?}", s.seed, batch.revision);
        seen = batch.revision;
        for change in batch.changes {
            match change.value {
                Some(value) => known.insert(change.key, value),
                None => known.remove(&change.key),
            };
        }
    }
    let (listed, _) = s.store.list(&s.root).await.map_err(|e| e.to_string())?;
    let listed: BTreeMap<String, Bytes> = listed.into_iter().map(|(key, v)| (key, v.value)).collect();
    ensure!(known == listed, "seed {}: the watch adds up to {known:?}, the list is {listed:?}", s.seed);
    Ok(())
}

async fn a_watch_of_forgotten_changes_says_so(s: Subject) -> Verdict {
    let start = s.write(&[s.put("a", "0")]).await?;
    for i in 1..5 {
        s.write(&[s.put("a", &i.to_string())]).await?;
    }
    (s.compact)().await;
    let ended = match s.store.watch(&s.root, start).await {
        Err(error) => error,
        Ok(mut watch) => match tokio::time::timeout(s.patience, watch.recv()).await {
            Ok(Some(Err(error))) => error,
            other => return Err(format!("a watch of forgotten changes told {other:?}")),
        },
    };
    ensure!(matches!(ended, StoreError::Compacted(_)), "the watch ended with {ended:?}");
    // A new list is a place to go on from.
    let (_, revision) = s.store.list(&s.root).await.map_err(|e| e.to_string())?;
    let mut watch = s.watch("", revision).await?;
    let written = s.write(&[s.put("a", "on")]).await?;
    ensure!(s.next(&mut watch).await?.revision == written, "the watch after a new list misses a change");
    Ok(())
}

async fn keys_end_with_their_lease(s: Subject) -> Verdict {
    let begun = Instant::now();
    let lease = s.lease(MIN_LEASE_TTL).await?;
    let revision = s
        .write(&[s.put_under("leased/a", lease), s.put_under("leased/b", lease), s.put("plain", "")])
        .await?;
    let mut watch = s.watch("leased/", revision).await?;
    s.until_gone("leased/a").await?;
    ensure!(begun.elapsed() >= MIN_LEASE_TTL, "the key went away after {:?}", begun.elapsed());
    let mut gone = Vec::new();
    while gone.len() < 2 {
        gone.extend(told(&s, &s.next(&mut watch).await?));
    }
    gone.sort();
    ensure!(gone == ["leased/a gone", "leased/b gone"], "the watch told {gone:?}");
    ensure!(s.value("plain").await?.is_some(), "a key without a lease went away");
    let late = s.store.keep_alive(lease).await;
    ensure!(matches!(late, Err(StoreError::LeaseEnded)), "an ended lease was kept alive: {late:?}");
    let late = s.store.commit(&[], &[s.put_under("late", lease)]).await;
    ensure!(matches!(late, Err(StoreError::LeaseEnded)), "a write under an ended lease: {late:?}");
    Ok(())
}

async fn a_lease_kept_alive_holds(s: Subject) -> Verdict {
    let lease = s.lease(MIN_LEASE_TTL).await?;
    let revision = s.write(&[s.put_under("a", lease)]).await?;
    let begun = Instant::now();
    while begun.elapsed() < MIN_LEASE_TTL * 5 {
        s.store.keep_alive(lease).await.map_err(|e| e.to_string())?;
        ensure!(s.value("a").await?.is_some_and(|(_, r)| r == revision), "gone after {:?}", begun.elapsed());
        // The pace of the keeping alive, not a wait for something.
        tokio::time::sleep(MIN_LEASE_TTL / 4).await;
    }
    s.until_gone("a").await?;
    Ok(())
}

async fn a_revoked_lease_ends_at_once(s: Subject) -> Verdict {
    let lease = s.lease(Duration::from_secs(600)).await?;
    s.write(&[s.put_under("a", lease)]).await?;
    for _ in 0..2 {
        s.store.revoke_lease(lease).await.map_err(|e| format!("revoked twice: {e}"))?;
        ensure!(s.value("a").await?.is_none(), "the key outlives its revoked lease");
    }
    let late = s.store.keep_alive(lease).await;
    ensure!(matches!(late, Err(StoreError::LeaseEnded)), "a revoked lease was kept alive: {late:?}");
    Ok(())
}

async fn a_key_written_anew_leaves_its_lease(s: Subject) -> Verdict {
    let lease = s.lease(Duration::from_secs(600)).await?;
    s.write(&[s.put_under("a", lease), s.put_under("b", lease)]).await?;
    s.write(&[s.put("a", "free")]).await?;
    s.store.revoke_lease(lease).await.map_err(|e| e.to_string())?;
    ensure!(s.value("a").await?.is_some(), "a key went away with a lease that it had left");
    ensure!(s.value("b").await?.is_none(), "a key outlives its revoked lease");
    Ok(())
}
