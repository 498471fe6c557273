//! How long writes stood still, from the times at which they were acknowledged.

use std::time::Duration;

/// A part of the time in which writers wrote, counted from their start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Its begin.
    pub(super) from: Duration,
    /// Its end.
    pub(super) until: Duration,
}

impl Window {
    /// The longest time in the window in which nothing was acknowledged; `times` are those of the acknowledged
    /// writes in their order. A gap that lies across an end of the window is taken whole, as far as it is known:
    /// it is the same to whoever waits.
    pub(super) fn longest_gap(self, times: &[Duration]) -> Duration {
        let first = times.partition_point(|time| *time <= self.from);
        let last = times.partition_point(|time| *time < self.until);
        // One more at each side, where there is one.
        let inside = &times[first.saturating_sub(1)..(last + 1).min(times.len())];
        let begin = (first == 0).then_some(self.from);
        let end = (last == times.len()).then_some(self.until);
        let marks: Vec<Duration> = begin.into_iter().chain(inside.iter().copied()).chain(end).collect();
        marks.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(from: u64, until: u64, times: &[u64]) -> u64 {
        let ms = Duration::from_millis;
        let times: Vec<Duration> = times.iter().copied().map(ms).collect();
        let window = Window { from: ms(from), until: ms(until) };
        u64::try_from(window.longest_gap(&times).as_millis()).unwrap()
    }

    #[test]
    fn the_longest_gap_of_the_window_is_found() {
        let times = [0, 10, 20, 100, 110, 400, 410];
        assert_eq!(gap(0, 200, &times), 290, "it goes on after the window");
        assert_eq!(gap(5, 105, &times), 80);
        assert_eq!(gap(50, 105, &times), 80, "it began before the window");
        assert_eq!(gap(30, 90, &times), 80, "it is around the window");
        assert_eq!(gap(0, 20, &times), 10);
        assert_eq!(gap(405, 1000, &times), 590, "nothing came any more");
        assert_eq!(gap(0, 50, &[40, 45]), 40, "nothing came at first");
        assert_eq!(gap(10, 50, &[]), 40);
    }
}
