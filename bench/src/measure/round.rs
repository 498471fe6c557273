//! One round: every way once under the same load, so near in time that they can be compared.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use super::cpu::{self, PerQuery, Ticks};
use super::taken::{MachineTicks, Taken};
use super::way::Prepared;
use crate::config::Way;
use crate::load::{Case, Load, Tally};

/// What one measurement of one way came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// Which way.
    pub way: Way,
    /// Queries answered, each of them rightly.
    pub queries: u64,
    /// Queries in a second.
    pub queries_per_second: f64,
    /// Half of the answers came within, in microseconds.
    pub p50: f64,
    /// 99 of 100 answers came within, in microseconds.
    pub p99: f64,
    /// CPU time of the process between, per query.
    pub proxy: Option<PerQuery>,
    /// CPU time of the mysqlds, per query.
    pub mysqld: PerQuery,
    /// CPU time of the load itself, per query.
    pub load: PerQuery,
    /// CPU time that others took.
    pub taken: Taken,
}

/// All ways, measured one after the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Round {
    /// In the order in which they were measured.
    pub slices: Vec<Slice>,
}

impl Round {
    /// Measures all ways; the first is another one in every round.
    pub async fn measure(ways: &[Prepared], case: Case, duration: Duration, number: usize) -> Result<Self> {
        let mut slices = Vec::with_capacity(ways.len());
        for way in turned(ways, number) {
            let slice = Slice::measure(way, case, duration).await;
            slices.push(slice.with_context(|| format!("{}, {case}", way.way))?);
        }
        Ok(Self { slices })
    }

    /// The measurement of a way.
    pub fn slice(&self, way: Way) -> Option<&Slice> {
        self.slices.iter().find(|slice| slice.way == way)
    }

    /// The most that others took during one of its measurements, in percent.
    pub fn taken_percent(&self) -> f64 {
        self.slices.iter().map(|slice| slice.taken.total()).fold(0.0, f64::max)
    }
}

impl Slice {
    async fn measure(way: &Prepared, case: Case, duration: Duration) -> Result<Self> {
        let mut load = Load::open(&way.order(case)).await?;
        let (machine, before) = (MachineTicks::now()?, Used::until_now(way)?);
        let tally = load.run(duration).await?;
        let used = Used::until_now(way)?.since(before);
        let taken = MachineTicks::now()?.taken_since(machine, used.proxy + used.mysqld + used.load);
        load.close().await?;
        let Tally { queries, elapsed, latency } = tally;
        let within = |quantile| latency.value_at_quantile(quantile) as f64 / 1000.0;
        Ok(Self {
            way: way.way,
            queries,
            queries_per_second: queries as f64 / elapsed.as_secs_f64(),
            p50: within(0.5),
            p99: within(0.99),
            proxy: way.proxy.map(|_| PerQuery::new(used.proxy, queries)),
            mysqld: PerQuery::new(used.mysqld, queries),
            load: PerQuery::new(used.load, queries),
            taken,
        })
    }
}

/// CPU time of all parts of a measurement.
#[derive(Debug, Clone, Copy)]
struct Used {
    proxy: Ticks,
    mysqld: Ticks,
    load: Ticks,
}

impl Used {
    fn until_now(way: &Prepared) -> Result<Self> {
        Ok(Self {
            proxy: cpu::used(way.proxy.as_slice())?,
            mysqld: cpu::used(&way.mysqlds)?,
            load: cpu::used(&[std::process::id()])?,
        })
    }

    fn since(self, before: Self) -> Self {
        Self {
            proxy: self.proxy - before.proxy,
            mysqld: self.mysqld - before.mysqld,
            load: self.load - before.load,
        }
    }
}

fn turned<T>(all: &[T], number: usize) -> impl Iterator<Item = &T> {
    all.iter().cycle().skip(number % all.len().max(1)).take(all.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_first_in_turn() {
        let order = |number| turned(&['a', 'b', 'c'], number).collect::<String>();
        assert_eq!([order(0), order(1), order(2), order(3)], ["abc", "bca", "cab", "abc"]);
        assert_eq!(turned::<char>(&[], 1).count(), 0);
    }
}
