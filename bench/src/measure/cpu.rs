//! CPU time of processes, from `/proc/PID/stat` (proc_pid_stat(5)): all threads, in clock ticks.

use std::ops::{Add, Sub};

use anyhow::{Context, Result};
use serde::Serialize;

/// CPU time, in clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticks {
    /// In the program.
    pub user: u64,
    /// In the kernel for it.
    pub system: u64,
}

impl Add for Ticks {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }
}

impl Sub for Ticks {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// CPU time for one query, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PerQuery {
    /// In the program.
    pub user: f64,
    /// In the kernel for it.
    pub system: f64,
}

impl PerQuery {
    /// The ticks shared out over the queries.
    pub fn new(ticks: Ticks, queries: u64) -> Self {
        let share =
            |ticks: u64| ticks as f64 * 1e6 / rustix::param::clock_ticks_per_second() as f64 / queries as f64;
        Self { user: share(ticks.user), system: share(ticks.system) }
    }

    /// Both together.
    pub fn total(self) -> f64 {
        self.user + self.system
    }
}

/// What the processes have used together since they began.
pub fn used(pids: &[u32]) -> Result<Ticks> {
    pids.iter().try_fold(Ticks::default(), |sum, pid| {
        let file = format!("/proc/{pid}/stat");
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("process {pid} has ended: no {file}"))?;
        Ok(sum + parse(&text).with_context(|| format!("{file} cannot be read"))?)
    })
}

/// Fields 14 and 15. The second field is the program's name in parentheses, and may hold anything.
fn parse(stat: &str) -> Option<Ticks> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split_ascii_whitespace().skip(14 - 3);
    Some(Ticks { user: fields.next()?.parse().ok()?, system: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_and_parentheses_do_not_disturb() {
        let stat = "21142 (shoal) 1 2 (x) S 21129 21142 21142 0 -1 4194560 2837 0 5 0 1234 567 89 10 20 0 4 0 303586 160333824 2787";
        assert_eq!(parse(stat), Some(Ticks { user: 1234, system: 567 }));
        assert_eq!(parse("21142 (shoal-gate) S 1 2"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn this_process_uses_cpu_time() {
        let pid = [std::process::id()];
        let before = used(&pid).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while used(&pid).unwrap() == before {
            assert!(std::time::Instant::now() < deadline, "no tick in 10 s");
        }
        assert!(used(&[u32::MAX]).is_err());
    }

    #[test]
    fn ticks_become_microseconds_per_query() {
        let second = rustix::param::clock_ticks_per_second();
        let used =
            Ticks { user: 5 * second, system: 3 * second } - Ticks { user: 3 * second, system: 2 * second };
        let each = PerQuery::new(used, 100_000);
        assert_eq!((each.user, each.system, each.total()), (20.0, 10.0, 30.0));
    }
}
