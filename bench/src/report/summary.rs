//! One way over all rounds that count.

use serde::Serialize;

use super::statistics::Spread;
use crate::config::Way;
use crate::measure::cpu::PerQuery;
use crate::measure::round::{Round, Slice};

/// The figures of one way. Comparisons with HAProxy pair the measurements of the same round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Which way.
    pub way: Way,
    /// Queries in a second.
    pub queries_per_second: Spread,
    /// Half of the answers came within, in microseconds.
    pub p50: Spread,
    /// 99 of 100 answers came within, in microseconds.
    pub p99: Spread,
    /// CPU time of the process between, per query, in microseconds.
    pub proxy: Option<ProxySummary>,
    /// CPU time of the mysqlds, per query, in microseconds.
    pub mysqld: Spread,
    /// CPU time of the load itself, per query, in microseconds.
    pub load: Spread,
}

/// CPU time of a proxy per query, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProxySummary {
    /// All of it.
    pub total: Spread,
    /// In the program.
    pub user: Spread,
    /// In the kernel for it.
    pub system: Spread,
    /// All of it, as a multiple of HAProxy's.
    pub of_haproxy: Option<Spread>,
    /// In the program, beyond HAProxy's.
    pub user_over_haproxy: Option<Spread>,
}

impl Summary {
    /// Sums up the rounds; `None` if the way is in none of them.
    pub fn new(way: Way, rounds: &[Round]) -> Option<Self> {
        let spread =
            |figure: fn(&Slice) -> f64| Spread::of(rounds.iter().filter_map(|r| r.slice(way)).map(figure));
        Some(Self {
            way,
            queries_per_second: spread(|slice| slice.queries_per_second)?,
            p50: spread(|slice| slice.p50)?,
            p99: spread(|slice| slice.p99)?,
            proxy: ProxySummary::new(way, rounds),
            mysqld: spread(|slice| slice.mysqld.total())?,
            load: spread(|slice| slice.load.total())?,
        })
    }
}

impl ProxySummary {
    fn new(way: Way, rounds: &[Round]) -> Option<Self> {
        let proxy = |round: &Round, way| round.slice(way).and_then(|slice| slice.proxy);
        let spread =
            |figure: fn(PerQuery) -> f64| Spread::of(rounds.iter().filter_map(|r| proxy(r, way)).map(figure));
        let paired = |compare: fn(PerQuery, PerQuery) -> f64| {
            let pairs = rounds.iter().filter_map(|r| Some((proxy(r, way)?, proxy(r, Way::Haproxy)?)));
            Spread::of(pairs.map(|(proxy, haproxy)| compare(proxy, haproxy)))
        };
        Some(Self {
            total: spread(PerQuery::total)?,
            user: spread(|cpu| cpu.user)?,
            system: spread(|cpu| cpu.system)?,
            of_haproxy: paired(|proxy, haproxy| proxy.total() / haproxy.total()),
            user_over_haproxy: paired(|proxy, haproxy| proxy.user - haproxy.user),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::taken::Taken;

    fn slice(way: Way, user: f64) -> Slice {
        let cpu = |user| PerQuery { user, system: 10.0 };
        let proxy = (way != Way::Direct).then(|| cpu(user));
        let (mysqld, load) = (cpu(30.0), cpu(5.0));
        let taken = Taken { by_host: 0.0, by_programs: 0.0 };
        let (queries, queries_per_second) = (100, user * 1000.0);
        Slice { way, queries, queries_per_second, p50: 50.0, p99: 99.0, proxy, mysqld, load, taken }
    }

    fn round(haproxy: f64, gate: f64) -> Round {
        let slices =
            vec![slice(Way::GateSharded, gate), slice(Way::Haproxy, haproxy), slice(Way::Direct, 1.0)];
        Round { slices }
    }

    #[test]
    fn comparisons_pair_within_rounds() {
        // The machine is twice as slow in the second round; of the medians alone the ratio would be another.
        let rounds = [round(2.0, 4.0), round(14.0, 26.0), round(2.0, 8.0)];
        let proxy = Summary::new(Way::GateSharded, &rounds).unwrap().proxy.unwrap();
        assert_eq!(proxy.user_over_haproxy, Some(Spread { median: 6.0, min: 2.0, max: 12.0 }));
        assert_eq!(proxy.of_haproxy, Some(Spread { median: 1.5, min: 14.0 / 12.0, max: 1.5 }));
        let haproxy = Summary::new(Way::Haproxy, &rounds).unwrap().proxy.unwrap();
        assert_eq!(haproxy.of_haproxy, Some(Spread { median: 1.0, min: 1.0, max: 1.0 }));
    }

    #[test]
    fn what_was_not_measured_is_not_said() {
        let rounds = [round(2.0, 4.0)];
        assert_eq!(Summary::new(Way::Direct, &rounds).unwrap().proxy, None);
        assert_eq!(Summary::new(Way::GateUnsharded, &rounds), None);
        let alone = [Round { slices: vec![slice(Way::GateSharded, 4.0)] }];
        let proxy = Summary::new(Way::GateSharded, &alone).unwrap().proxy.unwrap();
        assert_eq!((proxy.user.median, proxy.of_haproxy), (4.0, None));
    }
}
