//! How long a client may be silent, and how long it may leave what it is sent unread.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::backend::settings::Settings;
use crate::limits::{IDLE_TIMEOUT, READ_TIMEOUT, WRITE_TIMEOUT};

/// A session's timeouts, as its client has set them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timeouts {
    /// `wait_timeout`: between two commands.
    pub(super) idle: Duration,
    /// `net_read_timeout`: within a command that is not here as a whole.
    pub(super) read: Duration,
    /// `net_write_timeout`: for an answer of which the client takes nothing.
    pub(super) write: Duration,
}

impl Timeouts {
    /// Those of a session with these settings.
    pub(super) fn of(settings: &Settings) -> Self {
        let set = |name, otherwise| settings.seconds(name).map_or(otherwise, Duration::from_secs);
        Self {
            idle: set("wait_timeout", IDLE_TIMEOUT),
            read: set("net_read_timeout", READ_TIMEOUT),
            write: set("net_write_timeout", WRITE_TIMEOUT),
        }
    }
}

/// How long a client has been silent. Its alarm is set anew when it rings and not with each command: most commands come
/// long before.
pub(super) struct Silence {
    since: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl Silence {
    /// It begins now.
    pub(super) fn new() -> Self {
        let since = Instant::now();
        Self { since, alarm: Box::pin(sleep_until(since + IDLE_TIMEOUT)) }
    }

    /// It begins anew.
    pub(super) fn begins(&mut self) {
        self.since = Instant::now();
    }

    /// Waits until it has been so long.
    pub(super) async fn lasts(&mut self, limit: Duration) {
        let until = self.since + limit;
        while Instant::now() < until {
            if self.alarm.deadline() > until || self.alarm.is_elapsed() {
                self.alarm.as_mut().reset(until);
            }
            self.alarm.as_mut().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn silence_is_counted_from_the_last_command() {
        let (mut silence, limit) = (Silence::new(), Duration::from_millis(200));
        for _ in 0..3 {
            silence.begins();
            assert!(tokio::time::timeout(limit / 2, silence.lasts(limit)).await.is_err());
        }
        // A longer limit rings later, a shorter one earlier.
        let begun = silence.since;
        silence.lasts(limit * 2).await;
        assert!(begun.elapsed() >= limit * 2);
        silence.begins();
        assert!(tokio::time::timeout(limit / 2, silence.lasts(limit * 100)).await.is_err());
        silence.lasts(limit).await;
        assert!(silence.since.elapsed() < limit * 10);
    }

    #[test]
    fn a_session_has_the_timeouts_that_its_client_set() {
        let set = [("wait_timeout", Some("28800"), Some("3")), ("net_write_timeout", Some("60"), Some("9"))];
        let timeouts = Timeouts::of(&Settings::default().with(set.into_iter()));
        let seconds = |timeout: Duration| timeout.as_secs();
        assert_eq!((seconds(timeouts.idle), seconds(timeouts.read), seconds(timeouts.write)), (3, 30, 9));
    }
}
