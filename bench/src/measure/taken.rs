//! CPU time that others took during a measurement: the machine's host, and other programs on the machine. And
//! what it means for rounds.

use anyhow::{Context, Result};
use serde::Serialize;

use super::cpu::Ticks;
use crate::limits::{MAX_REPEATED_PERCENT, MAX_TAKEN_PERCENT};

/// CPU time of the whole machine since it started, in clock ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineTicks {
    total: u64,
    idle: u64,
    stolen: u64,
}

/// CPU time that others took, in percent of all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Taken {
    /// By the machine's host: steal.
    pub by_host: f64,
    /// By programs that are no part of the measurement.
    pub by_programs: f64,
}

impl Taken {
    /// All of it.
    pub fn total(self) -> f64 {
        self.by_host + self.by_programs
    }
}

impl MachineTicks {
    /// Now.
    pub fn now() -> Result<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat")?).context("/proc/stat cannot be read")
    }

    /// The first line, proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal. Guests, which follow,
    /// are within user and nice.
    fn parse(stat: &str) -> Option<Self> {
        let mut words = stat.lines().next()?.split_ascii_whitespace();
        (words.next()? == "cpu").then_some(())?;
        let times: Vec<u64> = words.take(8).map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [_, _, _, idle, waiting, _, _, stolen] = times[..] else { return None };
        Some(Self { total: times.iter().sum(), idle: idle + waiting, stolen })
    }

    /// What others took from `earlier` to here, where the measurement itself used `measured`.
    pub fn taken_since(self, earlier: Self, measured: Ticks) -> Taken {
        let total = self.total.saturating_sub(earlier.total);
        let (idle, stolen) =
            (self.idle.saturating_sub(earlier.idle), self.stolen.saturating_sub(earlier.stolen));
        let others = total.saturating_sub(idle + stolen + measured.user + measured.system);
        let percent = |ticks: u64| if total == 0 { 0.0 } else { 100.0 * ticks as f64 / total as f64 };
        Taken { by_host: percent(stolen), by_programs: percent(others) }
    }
}

/// Whether so much was taken during a round, in percent, that it is repeated.
pub fn disturbs(percent: f64) -> bool {
    percent > MAX_TAKEN_PERCENT
}

/// Whether another round is to be measured after these, of which is given what was taken.
pub fn wants_another(measured: &[f64], wanted: usize) -> bool {
    let calm = measured.iter().filter(|percent| !disturbs(**percent)).count();
    calm < wanted && measured.len() < wanted + wanted * MAX_REPEATED_PERCENT / 100
}

/// Which rounds count, by their places: the calm ones, and where they are too few the least disturbed.
pub fn counted(measured: &[f64], wanted: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..measured.len()).collect();
    // The sort keeps calm rounds in their order, and so takes none of them for being calmer than another.
    places.sort_by(|a, b| rank(measured[*a]).total_cmp(&rank(measured[*b])));
    places.truncate(wanted);
    places.sort_unstable();
    places
}

fn rank(percent: f64) -> f64 {
    if disturbs(percent) { percent } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_all_cpu_time() {
        let at = |line: &str| MachineTicks::parse(line).unwrap();
        let before = at("cpu  100 0 100 600 100 0 0 100 50 0\ncpu0 1 2 3\n");
        let after = at("cpu  130 5 110 615 105 10 15 110 90 0\n");
        assert_eq!(before, MachineTicks { total: 1000, idle: 700, stolen: 100 });
        let taken = after.taken_since(before, Ticks { user: 30, system: 20 });
        assert_eq!((taken.by_host, taken.by_programs, taken.total()), (10.0, 20.0, 30.0));
        // Ticks of the machine and of processes are not counted at the same moments.
        assert_eq!(after.taken_since(before, Ticks { user: 80, system: 20 }).by_programs, 0.0);
        assert_eq!(before.taken_since(before, Ticks::default()).total(), 0.0);
        assert_eq!(MachineTicks::parse("cpu 1 2 3\n"), None);
        assert_eq!(MachineTicks::parse("intr 1 2 3 4 5 6 7 8\n"), None);
        assert!(MachineTicks::now().unwrap().total > 0);
    }

    #[test]
    fn disturbed_rounds_are_repeated_within_the_bound() {
        assert!(!disturbs(10.0) && disturbs(10.1));
        assert!(wants_another(&[], 2));
        assert!(!wants_another(&[0.0, 10.0], 2));
        assert!(wants_another(&[0.0, 11.0], 2));
        assert!(wants_another(&[0.0, 11.0, 12.0], 2));
        assert!(!wants_another(&[0.0, 11.0, 12.0, 13.0], 2));
    }

    #[test]
    fn calm_rounds_count_first() {
        assert_eq!(counted(&[3.0, 1.0], 2), [0, 1]);
        assert_eq!(counted(&[3.0, 40.0, 1.0], 2), [0, 2]);
        assert_eq!(counted(&[40.0, 9.0, 20.0, 30.0], 2), [1, 2]);
        assert_eq!(counted(&[9.0, 1.0, 2.0], 2), [0, 1]);
    }
}
