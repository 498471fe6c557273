//! The blind forwarder: what any proxy costs that passes bytes on and does not look at them.
//!
//! It is built as the gate is: a thread that accepts, and one runtime per core that serves. It ends when its
//! standard input does, so that it never outlives the bench.

mod process;

pub use process::Forwarder;

use std::io::Write as _;
use std::net::SocketAddr;
use std::thread;

use anyhow::{Context, Result};
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::limits::{FORWARD_BUFFER_BYTES, MAX_CONNECTIONS};

/// Serves until standard input ends; the port is printed first.
pub async fn serve(to: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
    println!("{}", listener.local_addr()?.port());
    std::io::stdout().flush()?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = (0..cores).map(|number| start_thread(number, to)).collect::<Result<Vec<_>>>()?;
    let mut next = (0..threads.len()).cycle();
    let mut input_ended = watch_input()?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let thread = &threads[next.next().unwrap_or_default()];
                thread.send(accepted?.0.into_std()?).await.context("a serving thread has ended")?;
            }
            _ = &mut input_ended => return Ok(()),
        }
    }
}

/// Tells when standard input ends. The thread that waits for it is not joined: the program ends with it.
fn watch_input() -> std::io::Result<oneshot::Receiver<()>> {
    let (ended, watch) = oneshot::channel();
    thread::Builder::new().name("input".to_owned()).spawn(move || {
        // Input that cannot be read has ended, too.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    })?;
    Ok(watch)
}

fn start_thread(number: usize, to: SocketAddr) -> Result<mpsc::Sender<std::net::TcpStream>> {
    let (sender, mut arrivals) = mpsc::channel::<std::net::TcpStream>(MAX_CONNECTIONS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(format!("forward-{number}")).spawn(move || {
        runtime.block_on(async move {
            let mut connections = JoinSet::new();
            while let Some(stream) = arrivals.recv().await {
                connections.spawn(async move {
                    if let Err(error) = forward(stream, to).await {
                        eprintln!("a connection broke: {error}");
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
    })?;
    Ok(sender)
}

async fn forward(near: std::net::TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let mut near = TcpStream::from_std(near)?;
    let mut far = TcpStream::connect(to).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    copy_bidirectional_with_sizes(&mut near, &mut far, FORWARD_BUFFER_BYTES, FORWARD_BUFFER_BYTES).await?;
    Ok(())
}
