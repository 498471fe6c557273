//! Accepts clients and hands them round the threads that serve them.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::BytesMut;
use proto::account::Secret;
use proto::errors::ErrorId;
use proto::wire::reply::write_error;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::LocalSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::backend::Pools;
use crate::clients::Ending;
use crate::limits::{ACCEPT_PAUSE, DRAIN_TIMEOUT, MAX_CLIENTS, SERVING_STACK_BYTES};
use crate::session;
use crate::worker::{Shared, Worker};

/// A client on its way to the thread that will serve it.
struct Arrival {
    stream: std::net::TcpStream,
    host: IpAddr,
    /// Given back when the session ends.
    _place: OwnedSemaphorePermit,
}

/// One thread that serves clients on a runtime of its own.
struct ServingThread {
    arrivals: mpsc::Sender<Arrival>,
    handle: JoinHandle<()>,
}

/// Accepts clients until `shutdown`, then lets the present statements end.
pub async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    secret: Arc<Secret>,
    threads: usize,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let threads: Vec<ServingThread> = (0..threads)
        .map(|number| start_thread(number, shared.clone(), secret.clone()))
        .collect::<io::Result<_>>()?;
    let places = Arc::new(Semaphore::new(MAX_CLIENTS));
    let mut next = (0..threads.len()).cycle();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            // A client that is gone already, or no file descriptors for a while: neither ends the gate.
            Err(error) => {
                warn!(%error, "cannot accept a client");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match places.clone().try_acquire_owned() {
            Ok(place) => {
                let thread = &threads[next.next().unwrap_or_default()];
                let arrival = Arrival { stream: stream.into_std()?, host: address.ip(), _place: place };
                if thread.arrivals.send(arrival).await.is_err() {
                    return Err(io::Error::other("a serving thread has ended"));
                }
            }
            Err(_) => {
                shared.measures.turned_away.increment(1);
                turn_away(stream).await;
            }
        }
    }
    shared.draining.cancel();
    info!("no longer accepting clients; waiting for their present statements");
    drop(listener);
    let joined = tokio::task::spawn_blocking(move || {
        for thread in threads {
            drop(thread.arrivals);
            if thread.handle.join().is_err() {
                warn!("a serving thread ended with a panic");
            }
        }
    });
    joined.await.map_err(io::Error::other)
}

/// A client for whom there is no place is told so and not kept waiting.
async fn turn_away(mut stream: TcpStream) {
    let mut out = BytesMut::new();
    write_error(&mut out, 0, &ErrorId::TooManyConnections.plain());
    // It may not even be listening.
    let _ = stream.write_all(&out).await;
}

fn start_thread(number: usize, shared: Arc<Shared>, secret: Arc<Secret>) -> io::Result<ServingThread> {
    let (arrivals, receiver) = mpsc::channel(MAX_CLIENTS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = thread::Builder::new()
        .name(format!("serve-{number}"))
        .stack_size(SERVING_STACK_BYTES)
        .spawn(move || {
            let pools = Pools::new(secret, shared.identity.clone());
            let worker = Rc::new(Worker::new(shared, pools));
            let local = LocalSet::new();
            // A task of its own, so that it is woken for arrivals only and not with every session.
            let serving = local.spawn_local(serve_arrivals(worker, receiver));
            if let Err(error) = local.block_on(&runtime, serving) {
                warn!(%error, "a serving thread ended by a fault");
            }
        })?;
    Ok(ServingThread { arrivals, handle })
}

async fn serve_arrivals(worker: Rc<Worker>, mut arrivals: mpsc::Receiver<Arrival>) {
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            arrival = arrivals.recv() => match arrival {
                Some(arrival) => {
                    let worker = worker.clone();
                    sessions.spawn_local(async move {
                        let Arrival { stream, host, _place } = arrival;
                        let both = stream.try_clone().and_then(|again| Ok((TcpStream::from_std(stream)?, Ending::of(again))));
                        match both {
                            Ok(client) => session::serve(worker, client, host).await,
                            Err(error) => warn!(%error, "cannot serve a client"),
                        }
                    });
                }
                None => break,
            },
            Some(ended) = sessions.join_next() => {
                if let Err(error) = ended {
                    warn!(%error, "a session ended by a fault");
                }
            }
        }
    }
    let drained = async { while sessions.join_next().await.is_some() {} };
    if timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        warn!("clients were still busy when the gate stopped");
    }
}
