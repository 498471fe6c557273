//! The store in etcd.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use etcd_client::{
    Client, ConnectOptions, Error as EtcdError, EventType, GetOptions, KeyValue, KvClient, LeaseClient,
    PutOptions, Txn, TxnOp, WatchClient, WatchOptions, WatchResponse, WatchStream,
};
use proto::limits::CONNECT_TIMEOUT;
use proto::tls::{Identity, Part};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Change, ChangeBatch, Compare, LeaseId, Outcome, Revision, Store, StoreError, Versioned, Watch, Write,
    check_bounds,
};
use crate::limits::{
    FIRST_CONTACT_TIMEOUT, FIRST_RETRY_DELAY, MAX_STORE_ANSWER_BYTES, MIN_LEASE_TTL, STORE_PROBE_INTERVAL,
    STORE_PROBE_TIMEOUT, STORE_TIMEOUT, WATCH_QUEUE,
};

/// gRPC's number for NOT_FOUND, with which etcd answers whatever names a lease that it does not have.
const GRPC_NOT_FOUND: i32 = 5;
/// gRPC's number for INVALID_ARGUMENT, with which etcd answers a transaction that breaks its bounds.
const GRPC_INVALID_ARGUMENT: i32 = 3;

/// A store in an etcd cluster, over connections which mend themselves.
///
/// It stays with one member as long as that answers. (The client's own balancing would go on choosing a member
/// that is dead.) What may be done twice is asked of the others in turn then; a transaction may not, but the
/// next call goes elsewhere.
#[derive(Clone)]
pub struct EtcdStore {
    members: Arc<[Member]>,
    preferred: Arc<AtomicUsize>,
}

/// The clients of one member of the etcd cluster.
#[derive(Clone)]
struct Member {
    kv: KvClient,
    lease: LeaseClient,
    watch: WatchClient,
}

impl Member {
    /// Nothing is connected before the first call.
    async fn new(endpoint: &str, identity: Option<&Identity>) -> Result<Self, EtcdError> {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_keep_alive(STORE_PROBE_INTERVAL, STORE_PROBE_TIMEOUT)
            .with_keep_alive_while_idle(true)
            // A member that has lost its leader ends its watches rather than let them hang.
            .with_require_leader(true);
        if let Some(identity) = identity {
            options = options.with_tls(identity.tonic_client(Part::Etcd));
        }
        // Boxed, because this future would make those of all callers large.
        let client = Box::pin(Client::connect([endpoint], Some(options))).await?;
        Ok(Self {
            kv: client.kv_client().max_decoding_message_size(MAX_STORE_ANSWER_BYTES),
            lease: client.lease_client(),
            watch: client.watch_client().max_decoding_message_size(MAX_STORE_ANSWER_BYTES),
        })
    }
}

impl EtcdStore {
    /// Connects to the etcd cluster with these client URLs (`https://host:port` with an identity, `http://` without);
    /// an error if none of them has answered a read after `FIRST_CONTACT_TIMEOUT`.
    pub async fn connect(endpoints: &[String], identity: Option<&Identity>) -> Result<Self, StoreError> {
        let named = |why: String| StoreError::Unavailable(format!("etcd at {}: {why}", endpoints.join(",")));
        if endpoints.is_empty() {
            return Err(named("no endpoint is given".into()));
        }
        let mut members = Vec::with_capacity(endpoints.len());
        for endpoint in endpoints {
            check_scheme(endpoint, identity).map_err(named)?;
            let member = Member::new(endpoint, identity).await;
            members.push(member.map_err(|error| named(error.to_string()))?);
        }
        let store = Self { members: members.into(), preferred: Arc::default() };
        let deadline = Instant::now() + FIRST_CONTACT_TIMEOUT;
        loop {
            match store.get("/shoal").await {
                Ok(_) => return Ok(store),
                Err(error) if Instant::now() >= deadline => return Err(named(error.to_string())),
                Err(_) => sleep(FIRST_RETRY_DELAY).await,
            }
        }
    }

    /// A call that may be done twice: asked of each member in turn until one answers.
    async fn ask<T, F, Call>(&self, call: F) -> Result<T, StoreError>
    where
        F: Fn(Member) -> Call,
        Call: Future<Output = Result<T, EtcdError>>,
    {
        let count = self.members.len();
        let patience = STORE_TIMEOUT / u32::try_from(count).unwrap_or(u32::MAX);
        let mut outcome = Err(StoreError::Unavailable("no member was asked".into()));
        for _ in 0..count {
            outcome = self.ask_preferred(&call, patience).await;
            if !matches!(outcome, Err(StoreError::Unavailable(_))) {
                break;
            }
        }
        outcome
    }

    /// One call with its deadline. If there is no answer, the next call goes to the next member.
    async fn ask_preferred<T, F, Call>(&self, call: F, patience: Duration) -> Result<T, StoreError>
    where
        F: Fn(Member) -> Call,
        Call: Future<Output = Result<T, EtcdError>>,
    {
        let index = self.preferred.load(Ordering::Relaxed);
        let outcome = match timeout(patience, call(self.members[index].clone())).await {
            Ok(result) => result.map_err(mapped),
            Err(_) => Err(StoreError::Unavailable(format!("no answer within {} ms", patience.as_millis()))),
        };
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            let next = (index + 1) % self.members.len();
            // Whoever failed at the same time has moved on already.
            let _ = self.preferred.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
        }
        outcome
    }
}

/// Whether the URL and the identity are both for TLS, or neither is: nothing goes in clear text by an oversight.
fn check_scheme(endpoint: &str, identity: Option<&Identity>) -> Result<(), String> {
    match identity {
        Some(_) if endpoint.starts_with("http://") => {
            Err("with --tls its URLs have to begin with https://".into())
        }
        None if endpoint.starts_with("https://") => Err("its https:// URLs need --tls".into()),
        _ => Ok(()),
    }
}

fn mapped(error: EtcdError) -> StoreError {
    match &error {
        EtcdError::GRpcStatus(status) if i32::from(status.code()) == GRPC_NOT_FOUND => StoreError::LeaseEnded,
        EtcdError::GRpcStatus(status) if i32::from(status.code()) == GRPC_INVALID_ARGUMENT => {
            StoreError::Refused(status.message().to_owned())
        }
        // The client's own word for a lease that etcd no longer has.
        EtcdError::LeaseKeepAliveError(_) => StoreError::LeaseEnded,
        _ => StoreError::Unavailable(error.to_string()),
    }
}

fn versioned(kv: &KeyValue) -> Versioned {
    Versioned { value: Bytes::copy_from_slice(kv.value()), modified: Revision(kv.mod_revision()) }
}

fn key_of(kv: &KeyValue) -> String {
    // Every key under our root is text of our own; another's key keeps its place in the order at least.
    String::from_utf8_lossy(kv.key()).into_owned()
}

fn revision_of(header: Option<&etcd_client::ResponseHeader>) -> Result<Revision, StoreError> {
    header
        .map(|h| Revision(h.revision()))
        .ok_or_else(|| StoreError::Unavailable("etcd answered without a header".into()))
}

#[async_trait]
impl Store for EtcdStore {
    async fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let answer = self.ask(|mut member| async move { member.kv.get(key, None).await }).await?;
        Ok(answer.kvs().first().map(versioned))
    }

    async fn list(&self, prefix: &str) -> Result<(Vec<(String, Versioned)>, Revision), StoreError> {
        let list = |mut member: Member| async move {
            member.kv.get(prefix, Some(GetOptions::new().with_prefix())).await
        };
        let answer = self.ask(list).await?;
        let found = answer.kvs().iter().map(|kv| (key_of(kv), versioned(kv))).collect();
        Ok((found, revision_of(answer.header())?))
    }

    async fn commit(&self, compares: &[Compare], writes: &[Write]) -> Result<Outcome, StoreError> {
        check_bounds(compares, writes)?;
        let when: Vec<etcd_client::Compare> = compares.iter().map(condition).collect();
        let then: Vec<TxnOp> = writes.iter().map(operation).collect();
        let transaction = Txn::new().when(when).and_then(then);
        let commit = |mut member: Member| {
            let transaction = transaction.clone();
            async move { member.kv.txn(transaction).await }
        };
        let answer = self.ask_preferred(commit, STORE_TIMEOUT).await?;
        if !answer.succeeded() {
            return Ok(Outcome::Conflict);
        }
        Ok(Outcome::Committed(revision_of(answer.header())?))
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, StoreError> {
        // Fragments are not asked for, so etcd never splits a revision over two answers.
        let options = WatchOptions::new().with_prefix().with_start_revision(after.0 + 1);
        let start = |mut member: Member| {
            let options = options.clone();
            async move {
                let mut stream = member.watch.watch(prefix, Some(options)).await?;
                let first = stream.message().await?;
                Ok((stream, first))
            }
        };
        let (stream, first) = self.ask(start).await?;
        let first = first.ok_or_else(|| StoreError::Unavailable("etcd ended the watch at once".into()))?;
        let batches = regrouped(&first, after)?;
        let (tx, rx) = mpsc::channel(WATCH_QUEUE);
        // The task ends with its reader or its first error, whichever comes first.
        tokio::spawn(relay(stream, batches, after, tx));
        Ok(rx)
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let ttl = ttl.max(MIN_LEASE_TTL);
        let seconds = i64::try_from(ttl.as_secs())
            .unwrap_or(i64::MAX)
            .saturating_add(i64::from(ttl.subsec_nanos() > 0));
        let answer = self.ask(|mut member| async move { member.lease.grant(seconds, None).await }).await?;
        Ok(LeaseId(answer.id()))
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.ask(|mut member| async move { member.lease.keep_alive(lease.0).await }).await.map(|_| ())
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError> {
        match self.ask(|mut member| async move { member.lease.revoke(lease.0).await }).await {
            Ok(_) | Err(StoreError::LeaseEnded) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn condition(compare: &Compare) -> etcd_client::Compare {
    use etcd_client::CompareOp::Equal;
    match compare {
        Compare::Absent(key) => etcd_client::Compare::version(key.as_str(), Equal, 0),
        Compare::Unchanged(key, revision) => {
            etcd_client::Compare::mod_revision(key.as_str(), Equal, revision.0)
        }
    }
}

fn operation(write: &Write) -> TxnOp {
    match write {
        Write::Put { key, value, lease } => {
            let options = lease.map(|lease| PutOptions::new().with_lease(lease.0));
            TxnOp::put(key.as_str(), value.as_ref(), options)
        }
        Write::Delete { key } => TxnOp::delete(key.as_str(), None),
    }
}

/// The events of one answer, one batch a revision, in order.
fn regrouped(answer: &WatchResponse, after: Revision) -> Result<Vec<ChangeBatch>, StoreError> {
    if answer.compact_revision() != 0 {
        return Err(StoreError::Compacted(after));
    }
    if answer.canceled() {
        return Err(StoreError::Unavailable(format!("etcd ended the watch: {}", answer.cancel_reason())));
    }
    let mut by_revision: BTreeMap<Revision, Vec<Change>> = BTreeMap::new();
    for event in answer.events() {
        let Some(kv) = event.kv() else { continue };
        let value = match event.event_type() {
            EventType::Put => Some(Bytes::copy_from_slice(kv.value())),
            EventType::Delete => None,
        };
        by_revision.entry(Revision(kv.mod_revision())).or_default().push(Change { key: key_of(kv), value });
    }
    Ok(by_revision.into_iter().map(|(revision, changes)| ChangeBatch { revision, changes }).collect())
}

async fn relay(
    mut stream: WatchStream,
    mut batches: Vec<ChangeBatch>,
    mut seen: Revision,
    tx: mpsc::Sender<Result<ChangeBatch, StoreError>>,
) {
    loop {
        for batch in batches {
            seen = batch.revision;
            if tx.send(Ok(batch)).await.is_err() {
                return;
            }
        }
        let answer = tokio::select! {
            answer = stream.message() => answer,
            () = tx.closed() => return,
        };
        let next = match answer {
            Ok(Some(answer)) => regrouped(&answer, seen),
            Ok(None) => Err(StoreError::Unavailable("etcd ended the watch".into())),
            Err(error) => Err(mapped(error)),
        };
        batches = match next {
            Ok(batches) => batches,
            Err(error) => {
                // The reader may be gone, which ends the watch just as well.
                let _ = tx.send(Err(error)).await;
                return;
            }
        };
    }
}
