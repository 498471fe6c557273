//! How old a replica's data may be, by no clock but its own.
//!
//! The age of a heartbeat is by the clocks of two machines, and one that runs ahead makes old data look new. So
//! the agent also notes when a newer heartbeat was last applied here: what is older than both is never taken to
//! be young.

use std::time::Duration;

use tokio::time::Instant;

use crate::heartbeat::Beat;

/// Follows the newest heartbeat of one life of mysqld.
#[derive(Debug, Default)]
pub struct LagWatch {
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    beat: Beat,
    /// When it was first seen to be the newest.
    came: Instant,
    /// When its age was last asked for.
    looked: Instant,
}

impl LagWatch {
    /// Takes down what a look has found.
    pub fn note(&mut self, newest: Option<&Beat>, now: Instant) {
        let same = |last: &Last| newest.is_some_and(|newest| newest.at == last.beat.at);
        let came = self.last.take().filter(same).map_or(now, |last| last.came);
        self.last = newest.map(|beat| Last { beat: beat.clone(), came, looked: now });
    }

    /// Forgets all: mysqld has ended.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// How old the data may be now, also while mysqld is silent; `None`: there never was a heartbeat.
    pub fn lag(&self, now: Instant) -> Option<Duration> {
        let Last { beat, came, looked } = self.last.as_ref()?;
        let told = Duration::from_millis(beat.age_ms).saturating_add(now.duration_since(*looked));
        Some(told.max(now.duration_since(*came)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_clock_that_runs_ahead_nor_silence_makes_data_young() {
        let begin = Instant::now();
        let at = |secs| begin + Duration::from_secs(secs);
        let beat = |at: &str, age_ms| Beat { at: at.into(), age_ms };
        let mut watch = LagWatch::default();
        let mut lag_after = |secs, newest: Option<Beat>| {
            watch.note(newest.as_ref(), at(secs));
            watch.lag(at(secs)).map(|lag| lag.as_secs())
        };
        assert_eq!(lag_after(0, None), None);
        assert_eq!(lag_after(1, Some(beat("12:00:00", 400))), Some(0));
        assert_eq!(lag_after(2, Some(beat("12:00:01", 7_000))), Some(7), "it is behind");
        // The other clock is ahead, and nothing comes any more.
        assert_eq!(lag_after(3, Some(beat("13:00:00", 0))), Some(0));
        assert_eq!(lag_after(40, Some(beat("13:00:00", 0))), Some(37));
        // It was set back: that is another heartbeat.
        assert_eq!(lag_after(41, Some(beat("12:00:40", 100))), Some(0));
        assert_eq!(watch.lag(at(50)).map(|lag| lag.as_secs()), Some(9), "nobody has looked since");
        watch.forget();
        assert_eq!(watch.lag(at(50)), None);
    }
}
