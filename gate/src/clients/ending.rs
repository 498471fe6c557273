//! How others end what a client is at: its statement, or its connection.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What ends a client's statement, or its connection as well.
#[derive(Debug, Default)]
pub struct Ending {
    /// Cancelled when the connection is to end.
    killed: CancellationToken,
    /// Whether the present statement is to end.
    interrupted: AtomicBool,
    news: Notify,
    /// The client's connection once more, so that it is closed under a session that waits for anything.
    socket: Option<TcpStream>,
}

impl Ending {
    /// For a client at the other end of this socket.
    pub fn of(socket: TcpStream) -> Self {
        Self { socket: Some(socket), ..Self::default() }
    }

    /// Cancelled when the connection is to end.
    pub fn killed(&self) -> &CancellationToken {
        &self.killed
    }

    /// The connection is to end, and what it is at. As with MySQL the client's socket is closed at once, also where its
    /// statement cannot be ended, so that a client that does not read keeps nobody waiting.
    pub fn kill(&self) {
        self.killed.cancel();
        self.interrupt();
        if let Some(socket) = &self.socket {
            // One that is closed already is as good.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// The present statement is to end.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.news.notify_waiters();
    }

    /// Another statement begins, which nobody has ended yet.
    pub(super) fn begins(&self) {
        // A connection that is to end begins nothing.
        self.interrupted.store(self.killed.is_cancelled(), Ordering::SeqCst);
    }

    /// Whether the present statement is to end.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Waits until the present statement is to end.
    pub async fn interrupted(&self) {
        loop {
            // Listens before it looks, so that no news falls in between.
            let news = self.news.notified();
            if self.is_interrupted() {
                return;
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_statement_is_interrupted_and_the_next_is_not() {
        let ending = Ending::default();
        let soon = Duration::from_millis(10);
        assert!(timeout(soon, ending.interrupted()).await.is_err());
        let (waited, ()) = tokio::join!(timeout(soon * 100, ending.interrupted()), async {
            tokio::task::yield_now().await;
            ending.interrupt();
        });
        assert!(waited.is_ok() && ending.is_interrupted() && !ending.killed().is_cancelled());
        ending.begins();
        assert!(!ending.is_interrupted());
        ending.kill();
        ending.begins();
        assert!(ending.is_interrupted() && ending.killed().is_cancelled());
    }
}
