//! A whole run, from an empty folder to the report.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::cluster::{Programs, SHARDED, UNSHARDED};
use crate::config::{Config, Way};
use crate::limits::MAX_CONNECTION_COUNTS;
use crate::load::rows::Rows;
use crate::load::{Case, fill};
use crate::measure::round::Round;
use crate::measure::trace;
use crate::measure::valgrind::{self, Tool};
use crate::measure::way::{Clusters, Loaded, Prepared, Proxies};
use crate::measure::{memory, taken};
use crate::report::machine::Machine;
use crate::report::{CaseReport, Count, Memory, Report, Trace};

/// A run that can begin: the programs are there and its files can be written.
#[derive(Debug)]
pub struct Bench {
    config: Config,
    programs: Programs,
}

impl Bench {
    /// Checks everything that can be checked before a cluster is started.
    pub fn build(mut config: Config) -> Result<Self> {
        config.connections.sort_unstable();
        config.connections.dedup();
        config.work.sort_unstable();
        config.work.dedup();
        config.through.sort_unstable();
        config.through.dedup();
        ensure!(
            config.connections.len() <= MAX_CONNECTION_COUNTS,
            "--connections takes at most {MAX_CONNECTION_COUNTS} numbers"
        );
        check_writable([&config.json, &config.markdown])?;
        Ok(Self { config, programs: Programs::beside_this()? })
    }

    /// Starts the clusters. To be awaited to its end; it has one within bounds.
    pub async fn start(self) -> Result<Started> {
        warn_of_debug_build();
        let begun = Instant::now();
        let clusters = Clusters::start(&self.programs, &self.config).await?;
        eprintln!("all takes SQL after {:.1} s", begun.elapsed().as_secs_f64());
        Ok(Started { config: self.config, clusters, begun })
    }
}

/// Says so if this program was not built for speed.
pub fn warn_of_debug_build() {
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures mean nothing; `make bench` builds for speed");
    }
}

/// A run whose clusters are there; they are ended when this is dropped.
#[derive(Debug)]
pub struct Started {
    config: Config,
    clusters: Clusters,
    begun: Instant,
}

impl Started {
    /// Measures, ends the clusters and reports. May be dropped at any time.
    pub async fn run(self) -> Result<()> {
        let Self { config, clusters, begun } = self;
        let loaded = load(&config, &clusters).await?;
        let proxies = Proxies::start(&config, &clusters).await?;
        let prepare = |way: &Way| Prepared::new(*way, &clusters, &proxies, &loaded);
        let ways: Vec<Prepared> = config.through.iter().map(prepare).collect::<Result<_>>()?;
        for way in &ways {
            fill::read_all(&way.endpoint, &way.rows)
                .await
                .with_context(|| format!("reading, {}", way.way))?;
        }
        eprintln!("every row was read once through every way and is right");
        let memory = idle_memory(&ways).await?;
        let mut cases = measure(&config, &ways).await?;
        for report in &mut cases {
            report.traces = traces(&ways, report.case).await?;
        }
        let counts = counts(&config, &ways).await?;
        let machine = Machine::this(clusters.plain.mysql_version());
        drop((proxies, clusters));
        eprintln!("measured in {:.0} s; everything is ended\n", begun.elapsed().as_secs_f64());
        report(&Report { machine, config, memory, cases, counts })
    }
}

async fn load(config: &Config, clusters: &Clusters) -> Result<Loaded> {
    let rows = |seed| Arc::new(Rows::new(seed, config.rows));
    let loaded = Loaded { unsharded: rows(1), sharded: rows(2) };
    let plain = &clusters.plain;
    let mut all = vec![(plain, UNSHARDED, &loaded.unsharded), (plain, SHARDED, &loaded.sharded)];
    all.extend(clusters.tls.as_ref().map(|tls| (tls, UNSHARDED, &loaded.unsharded)));
    for (cluster, keyspace, rows) in all {
        let started = Instant::now();
        fill::fill(&cluster.gate(keyspace), rows).await?;
        eprintln!(
            "{} rows in keyspace {keyspace} after {:.1} s",
            rows.count(),
            started.elapsed().as_secs_f64()
        );
    }
    Ok(loaded)
}

async fn idle_memory(ways: &[Prepared]) -> Result<Vec<Memory>> {
    let mut all = Vec::new();
    for way in ways {
        let kib = memory::of_an_idle_connection(way).await.with_context(|| format!("idle, {}", way.way))?;
        all.extend(kib.map(|kib| Memory { way: way.way, kib }));
    }
    Ok(all)
}

async fn measure(config: &Config, ways: &[Prepared]) -> Result<Vec<CaseReport>> {
    let (wanted, duration) = (config.rounds, Duration::from_secs(config.seconds));
    let case =
        |work| config.connections.iter().map(move |connections| Case { work, connections: *connections });
    let cases = config.work.iter().flat_map(|work| case(*work));
    let mut measured: Vec<(Case, Vec<Round>)> = cases.map(|case| (case, Vec::new())).collect();
    let shares = |rounds: &[Round]| rounds.iter().map(Round::taken_percent).collect::<Vec<_>>();
    while measured.iter().any(|(_, rounds)| taken::wants_another(&shares(rounds), wanted)) {
        for (case, rounds) in &mut measured {
            if taken::wants_another(&shares(rounds), wanted) {
                let round = Round::measure(ways, *case, duration, rounds.len()).await?;
                rounds.push(round);
                say_progress(*case, rounds, wanted);
            }
        }
    }
    let sum_up = |(case, rounds)| CaseReport::new(case, &config.through, rounds, wanted);
    Ok(measured.into_iter().map(sum_up).collect())
}

fn report(report: &Report) -> Result<()> {
    print!("{}", report.terminal());
    if let Some(file) = &report.config.json {
        write(file, &serde_json::to_string_pretty(report)?)?;
    }
    if let Some(file) = &report.config.markdown {
        write(file, &report.markdown())?;
    }
    Ok(())
}

async fn traces(ways: &[Prepared], case: Case) -> Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for way in ways.iter().filter(|way| way.proxy.is_some()) {
        eprintln!("counting system calls, {case}, {}", way.way);
        traces.push(Trace { way: way.way, system_calls: trace::system_calls(way, case).await? });
    }
    Ok(traces)
}

async fn counts(config: &Config, ways: &[Prepared]) -> Result<Vec<Count>> {
    let mut counts = Vec::new();
    for work in &config.work {
        for way in ways.iter().filter(|way| way.program.is_some()) {
            eprintln!("counting instructions and allocations, {work}, {}", way.way);
            let instructions = valgrind::per_statement(way, *work, Tool::Callgrind).await?;
            let allocations = valgrind::per_statement(way, *work, Tool::Dhat).await?;
            counts.push(Count { work: *work, way: way.way, instructions, allocations });
        }
    }
    Ok(counts)
}

fn say_progress(case: Case, rounds: &[Round], wanted: usize) {
    let Some(round) = rounds.last() else { return };
    let mut slices: Vec<_> = round.slices.iter().collect();
    slices.sort_by_key(|slice| slice.way);
    let rates: Vec<String> =
        slices.iter().map(|slice| format!("{} {:.0}", slice.way, slice.queries_per_second)).collect();
    let taken = round.taken_percent();
    let verdict = if taken::disturbs(taken) { ", disturbed" } else { "" };
    eprintln!(
        "round {} of {wanted}, {case}, queries/s: {}; others took up to {taken:.0} % CPU time{verdict}",
        rounds.len(),
        rates.join(", "),
    );
}

/// Fails if one of the files that will be written cannot be.
pub fn check_writable(files: [&Option<PathBuf>; 2]) -> Result<()> {
    for file in files.into_iter().flatten() {
        let writable = OpenOptions::new().append(true).create(true).open(file);
        writable.with_context(|| format!("cannot write {}; name another file", file.display()))?;
    }
    Ok(())
}

/// Writes what was found.
pub fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
