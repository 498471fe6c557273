//! The promises of the store, checked on every backend, and what the layers above do with a real etcd that is
//! away or talks TLS only.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

mod broken;
mod etcd_server;
mod outage;
#[path = "../support/programs.rs"]
mod programs;
mod suite;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use broken::{Broken, Fault};
use etcd_server::EtcdServer;
use suite::{Subject, broken_promises};
use topo::store::{Measured, MemoryStore};

fn seed() -> u64 {
    std::env::var("SHOAL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_102)
}

fn memory_subject(fault: Option<Fault>) -> Subject {
    let memory = MemoryStore::new();
    let compacting = memory.clone();
    let compact = Arc::new(move || {
        compacting.compact();
        Box::pin(async {}) as futures::future::BoxFuture<'static, ()>
    });
    let root = "/contract/".to_owned();
    let patience = Duration::from_secs(5);
    match fault {
        Some(fault) => {
            Subject { store: Arc::new(Broken::new(memory, fault)), root, patience, seed: seed(), compact }
        }
        None => Subject { store: Arc::new(memory), root, patience, seed: seed(), compact },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_the_contract() {
    let broken = broken_promises(&memory_subject(None)).await;
    assert!(broken.is_empty(), "{broken:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcd_keeps_the_contract() {
    let mut server = EtcdServer::start();
    let store = server.store().await;
    let endpoints = server.endpoints();
    let compact = Arc::new(move || {
        let endpoints = endpoints.clone();
        Box::pin(async move {
            let mut client = etcd_client::Client::connect(&endpoints, None).await.unwrap();
            let now = client.get("/", None).await.unwrap().header().unwrap().revision();
            client.compact(now, None).await.unwrap();
        }) as futures::future::BoxFuture<'static, ()>
    });
    let subject = Subject {
        store: Arc::new(Measured::new(store)),
        root: "/contract/".to_owned(),
        patience: Duration::from_secs(20),
        seed: seed(),
        compact,
    };
    let broken = broken_promises(&subject).await;
    assert!(broken.is_empty(), "{broken:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_is_noticed() {
    let runs = Fault::ALL.iter().map(|(fault, check)| async move {
        let broken = broken_promises(&memory_subject(Some(*fault))).await;
        let noticed: Vec<&str> = broken.iter().map(|(name, _)| *name).collect();
        assert!(noticed.contains(check), "{fault:?}: {check} notices nothing; others: {noticed:?}");
    });
    futures::future::join_all(runs).await;
}
