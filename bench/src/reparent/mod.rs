//! Planned changes of primary while clients write.
//!
//! ```text
//!   writers ────────── every acknowledged row, with its time ──────────┐
//!   runs: wait until the shard is whole ─► watch ─► reparent ─► watch ─┼─► gaps of each shard ─► report
//!   truth: the rows that the primaries hold in the end ────────────────┘
//! ```
//!
//! Which shard a row belongs to is not computed but read back, so the bench needs no knowledge of vindexes.

mod gaps;
mod report;
mod truth;
mod writers;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;
use tokio::time::sleep;

use crate::cluster::{Cluster, Programs, SHARDED, SHARDS, specs};
use crate::config::ReparentConfig;
use crate::limits::{LIST_INTERVAL, WATCHED, WHOLE_TIMEOUT};
use crate::load::client::Client;
use crate::measure::cpu;
use crate::measure::taken::{self, MachineTicks, Taken};
use crate::report::machine::Machine;
use crate::run::{check_writable, warn_of_debug_build, write};
use gaps::Window;
use report::Report;
use truth::Truth;
use writers::{Acknowledged, CREATE_TABLE, Writers};

/// A measurement that can begin: the programs are there and its files can be written.
#[derive(Debug)]
pub struct ReparentBench {
    config: ReparentConfig,
    programs: Programs,
}

/// One whose cluster is there; it is ended when this is dropped.
#[derive(Debug)]
pub struct Started {
    config: ReparentConfig,
    cluster: Cluster,
    up: Duration,
}

/// One reparent, as it went.
#[derive(Debug, Clone)]
struct Move {
    /// Whose primary was moved, by its place.
    shard: usize,
    /// From the command's start to its end.
    during: Window,
    /// CPU time that others took meanwhile.
    taken: Taken,
    /// What was told of it.
    steps: Vec<String>,
}

/// What one reparent came to; times in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Run {
    /// Whose primary was moved.
    pub shard: &'static str,
    /// Longest time without an acknowledged write on this shard, around the reparent.
    pub gap_ms: f64,
    /// The same, of the other shard.
    pub other_gap_ms: f64,
    /// The same of both, in the second before it.
    pub calm_gap_ms: f64,
    /// The slowest statement on this shard that was acknowledged meanwhile.
    pub slowest_ms: f64,
    /// How long the command took.
    pub command_ms: f64,
    /// CPU time that others took meanwhile, in percent.
    pub taken: Taken,
    /// What the command told of its steps.
    pub steps: Vec<String>,
}

impl ReparentBench {
    /// Checks everything that can be checked before a cluster is started.
    pub fn build(config: ReparentConfig) -> Result<Self> {
        check_writable([&config.json, &config.markdown])?;
        Ok(Self { config, programs: Programs::with_mysql_client()? })
    }

    /// Starts the cluster. To be awaited to its end; it has one within bounds.
    pub async fn start(self) -> Result<Started> {
        warn_of_debug_build();
        let begun = Instant::now();
        let spec = specs::reparents(&self.config);
        let cluster = Cluster::start(&self.programs, self.config.mysqld.as_deref(), &spec).await?;
        let up = begun.elapsed();
        eprintln!(
            "{} shards of {} tablets are up after {:.1} s",
            SHARDS.len(),
            self.config.tablets,
            up.as_secs_f64()
        );
        Ok(Started { config: self.config, cluster, up })
    }
}

impl Started {
    /// Measures, ends the cluster and reports. May be dropped at any time.
    pub async fn run(self) -> Result<()> {
        let Self { config, cluster, up } = self;
        let gate = cluster.gate(SHARDED);
        let mut client = Client::connect(&gate).await?;
        client.execute(CREATE_TABLE).await?;
        client.leave().await;
        let writers = Writers::start(&gate, config.writers).await?;
        let moves = move_primaries(&config, &cluster, &writers).await?;
        let written = writers.end().await?;
        let truth = Truth::read(&cluster).await?;
        let verdict = truth.judge(&written.acknowledged);
        let machine = Machine::this(cluster.mysql_version());
        drop(cluster);
        let shares: Vec<f64> = moves.iter().map(|moved| moved.taken.total()).collect();
        let counted = taken::counted(&shares, config.runs);
        let acknowledged = by_shard(&written.acknowledged, &truth);
        let runs = counted.iter().map(|place| Run::new(&moves[*place], &acknowledged)).collect();
        let repeated = moves.len() - counted.len();
        let up_seconds = up.as_secs_f64();
        let failures = report::Failures::new(written.failures);
        let report = Report { machine, config, up_seconds, runs, repeated, failures, verdict };
        print!("{}", report.terminal());
        if let Some(file) = &report.config.json {
            write(file, &serde_json::to_string_pretty(&report)?)?;
        }
        if let Some(file) = &report.config.markdown {
            write(file, &report.markdown())?;
        }
        ensure!(verdict.lost == 0, "{} acknowledged rows are lost", verdict.lost);
        Ok(())
    }
}

/// One reparent after the other, over the shards in turn; those during which others took much are repeated, within
/// bounds.
async fn move_primaries(config: &ReparentConfig, cluster: &Cluster, writers: &Writers) -> Result<Vec<Move>> {
    let mut moves: Vec<Move> = Vec::new();
    let shares = |moves: &[Move]| moves.iter().map(|moved| moved.taken.total()).collect::<Vec<_>>();
    let pids = [cluster.pids()?, vec![std::process::id()]].concat();
    while taken::wants_another(&shares(&moves), config.runs) {
        let shard = moves.len() % SHARDS.len();
        until_whole(cluster, SHARDS[shard]).await?;
        // Both waits are part of what is measured.
        sleep(WATCHED).await;
        let (from, machine, before) = (writers.now(), MachineTicks::now()?, cpu::used(&pids)?);
        let steps = cluster.reparent(SHARDS[shard]).await?;
        let until = writers.now();
        let taken = MachineTicks::now()?.taken_since(machine, cpu::used(&pids)? - before);
        sleep(WATCHED).await;
        moves.push(Move { shard, during: Window { from, until }, taken, steps });
        eprintln!(
            "reparent {} of {}: {} in {:.0} ms; others took {:.0} % CPU time{}",
            moves.len(),
            config.runs,
            SHARDS[shard],
            (until - from).as_secs_f64() * 1000.0,
            taken.total(),
            if taken::disturbs(taken.total()) { ", disturbed" } else { "" }
        );
    }
    Ok(moves)
}

/// Waits until every tablet of a shard does its part: only then can the next reparent begin.
async fn until_whole(cluster: &Cluster, shard: &str) -> Result<()> {
    let deadline = Instant::now() + WHOLE_TIMEOUT;
    while !cluster.is_whole(shard).await? {
        ensure!(
            Instant::now() < deadline,
            "after {} s not all tablets of {shard} serve or replicate",
            WHOLE_TIMEOUT.as_secs()
        );
        sleep(LIST_INTERVAL).await;
    }
    Ok(())
}

/// The acknowledged rows of each shard, in the order of time.
fn by_shard(acknowledged: &[Acknowledged], truth: &Truth) -> [Vec<Acknowledged>; SHARDS.len()] {
    let mut sorted = [const { Vec::new() }; SHARDS.len()];
    for row in acknowledged {
        // One that is lost belongs nowhere; the verdict tells of it.
        if let Some(shard) = truth.shard_of(row.id) {
            sorted[shard].push(*row);
        }
    }
    sorted
}

impl Run {
    fn new(moved: &Move, acknowledged: &[Vec<Acknowledged>]) -> Self {
        let around = Window { from: moved.during.from, until: moved.during.until + WATCHED };
        let calm = Window { from: moved.during.from.saturating_sub(WATCHED), until: moved.during.from };
        let gap = |shard: usize, window: Window| {
            let times: Vec<Duration> = acknowledged[shard].iter().map(|row| row.at).collect();
            ms(window.longest_gap(&times))
        };
        let others = || (0..acknowledged.len()).filter(|shard| *shard != moved.shard);
        let meanwhile =
            acknowledged[moved.shard].iter().filter(|row| around.from <= row.at && row.at <= around.until);
        Self {
            shard: SHARDS[moved.shard],
            gap_ms: gap(moved.shard, around),
            other_gap_ms: others().map(|shard| gap(shard, around)).fold(0.0, f64::max),
            calm_gap_ms: (0..acknowledged.len()).map(|shard| gap(shard, calm)).fold(0.0, f64::max),
            slowest_ms: meanwhile.map(|row| ms(row.took)).fold(0.0, f64::max),
            command_ms: ms(moved.during.until - moved.during.from),
            taken: moved.taken,
            steps: moved.steps.clone(),
        }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_measured_on_both_shards() {
        let row =
            |id, at| Acknowledged { id, at: Duration::from_millis(at), took: Duration::from_millis(id) };
        let every = |step: usize| (0..10_000).step_by(step);
        // A row every 10 ms, but for the time from 5,100 to 5,300 on the first shard.
        let first = every(10).filter(|at| !(5_101..5_300).contains(at)).map(|at| row(1, at)).collect();
        let second: Vec<_> = every(20).map(|at| row(2, at)).collect();
        let during = Window { from: Duration::from_secs(5), until: Duration::from_millis(5_290) };
        let taken = Taken { by_host: 1.0, by_programs: 2.0 };
        let run = Run::new(&Move { shard: 0, during, taken, steps: vec![] }, &[first, second]);
        let expected = Run {
            shard: SHARDS[0],
            gap_ms: 200.0,
            other_gap_ms: 20.0,
            calm_gap_ms: 20.0,
            slowest_ms: 1.0,
            command_ms: 290.0,
            taken,
            steps: vec![],
        };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(
            near(run.gap_ms, expected.gap_ms) && near(run.other_gap_ms, expected.other_gap_ms),
            "{run:?}"
        );
        assert!(
            near(run.calm_gap_ms, expected.calm_gap_ms) && near(run.command_ms, expected.command_ms),
            "{run:?}"
        );
        assert!(near(run.slowest_ms, expected.slowest_ms) && run.shard == expected.shard, "{run:?}");
    }
}
