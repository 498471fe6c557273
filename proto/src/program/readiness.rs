//! Whether a program does its work, and if not why.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What `/readyz` answers. All clones are one; it begins as not ready.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<watch::Sender<State>>);

/// Whether a program does its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does.
    Ready,
    /// It does not, for this reason.
    NotReady(String),
}

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::NotReady("the program is starting".into()))))
    }
}

impl Readiness {
    /// It does its work from now on.
    pub fn ready(&self) {
        self.0.send_replace(State::Ready);
    }

    /// It does its work from now on, until it is told to end. Needs a runtime.
    pub fn ready_until(&self, told_to_end: CancellationToken) {
        self.ready();
        let stopping = self.clone();
        tokio::spawn(async move {
            told_to_end.cancelled().await;
            stopping.not_ready("the program is stopping");
        });
    }

    /// It does not do its work, for a reason that helps whoever is on call.
    pub fn not_ready(&self, why: impl Into<String>) {
        self.0.send_replace(State::NotReady(why.into()));
    }

    /// What was said last.
    pub fn state(&self) -> State {
        self.0.borrow().clone()
    }
}
