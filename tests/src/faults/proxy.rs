//! A TCP proxy that misbehaves as told, while it runs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What is read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// What happens to bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// They pass.
    Pass,
    /// They pass after a time, in order.
    Delay(Duration),
    /// They wait until there is another rule; nobody is told.
    Stall,
    /// So many of each connection pass, counted from this rule on; then the connection ends, in both directions.
    CutAfter(usize),
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    to_server: Way,
    to_client: Way,
    /// Grows with every change of a rule: counts begin anew.
    change: u64,
    /// Grows with every reset.
    resets: u64,
}

/// A proxy in front of one server; ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    runtime: Option<Runtime>,
    rules: watch::Sender<Rules>,
    accepting: watch::Sender<bool>,
    port: u16,
}

impl Proxy {
    /// A proxy on a port of its own of 127.0.0.1 that lets everything pass.
    pub fn start(server: SocketAddr) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let first = Rules { to_server: Way::Pass, to_client: Way::Pass, change: 0, resets: 0 };
        let (rules, follow) = watch::channel(first);
        let (accepting, open) = watch::channel(true);
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        runtime.spawn(async move {
            if let Err(error) = serve(listener, server, open, follow).await {
                eprintln!("the fault proxy for {server} ended: {error}");
            }
        });
        Ok(Self { runtime: Some(runtime), rules, accepting, port })
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Another rule for one direction, at once and for all connections.
    pub fn set(&self, direction: Direction, way: Way) {
        self.rules.send_modify(|rules| {
            rules.change += 1;
            match direction {
                Direction::ToServer => rules.to_server = way,
                Direction::ToClient => rules.to_client = way,
            }
        });
    }

    /// Resets all connections (RST to both sides).
    pub fn reset(&self) {
        self.rules.send_modify(|rules| rules.resets += 1);
    }

    /// Refuses connections from now on; those that are there stay.
    pub fn refuse(&self) {
        self.accepting.send_replace(false);
    }

    /// Takes connections again.
    pub fn accept(&self) {
        self.accepting.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    mut open: watch::Receiver<bool>,
    rules: watch::Receiver<Rules>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut listener = Some(listener);
    loop {
        let Some(listening) = &listener else {
            if open.wait_for(|open| *open).await.is_err() {
                return Ok(());
            }
            listener = Some(TcpListener::bind(address).await?);
            continue;
        };
        tokio::select! {
            closed = open.wait_for(|open| !*open) => {
                if closed.is_err() {
                    return Ok(());
                }
                listener = None;
            }
            accepted = listening.accept() => {
                let (client, _) = accepted?;
                tokio::spawn(connection(client, server, rules.clone()));
            }
        }
    }
}

/// One connection, until both sides have ended it, a rule cuts it or it is reset.
async fn connection(mut client: TcpStream, server: SocketAddr, rules: watch::Receiver<Rules>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    // Small packets are not to wait for each other; an error shows at the first byte.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let is_reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let there = pump(from_client, to_server, Direction::ToServer, rules.clone());
        let back = pump(from_server, to_client, Direction::ToClient, rules.clone());
        tokio::select! {
            () = next_reset(rules) => true,
            // However it ends, both sides see the end.
            _ = async { tokio::try_join!(there, back) } => false,
        }
    };
    if is_reset {
        // Closing then sends RST instead of FIN.
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

async fn next_reset(mut rules: watch::Receiver<Rules>) {
    let resets = rules.borrow_and_update().resets;
    // An error means that the proxy ends, and the connection with it.
    let _ = rules.wait_for(|rules| rules.resets != resets).await;
}

/// Passes bytes on as the rule of the direction says; an error ends the whole connection.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    mut rules: watch::Receiver<Rules>,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let (mut change, mut passed) = (rules.borrow().change, 0);
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let arrived = Instant::now();
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let now = *rules.borrow_and_update();
            if now.change != change {
                (change, passed) = (now.change, 0);
            }
            let due = match now.way(direction) {
                Way::Pass => arrived,
                Way::Delay(time) => arrived + time,
                Way::Stall => {
                    rules.changed().await.map_err(io::Error::other)?;
                    continue;
                }
                Way::CutAfter(limit) => {
                    let (first, others) = rest.split_at(rest.len().min(limit.saturating_sub(passed)));
                    to.write_all(first).await?;
                    (passed, rest) = (passed + first.len(), others);
                    if passed >= limit {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                    continue;
                }
            };
            tokio::select! {
                () = sleep_until(due) => {
                    to.write_all(rest).await?;
                    rest = &[];
                }
                changed = rules.changed() => changed.map_err(io::Error::other)?,
            }
        }
    }
}

impl Rules {
    fn way(&self, direction: Direction) -> Way {
        match direction {
            Direction::ToServer => self.to_server,
            Direction::ToClient => self.to_client,
        }
    }
}

#[cfg(test)]
mod tests;
