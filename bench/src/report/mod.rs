//! What a run found, for people and for programs.

pub mod machine;
pub mod statistics;
pub mod summary;
pub mod table;
pub mod text;

use serde::Serialize;

use crate::config::{Config, Way};
use crate::load::Case;
use crate::load::work::Work;
use crate::measure::round::Round;
use crate::measure::taken;
use crate::measure::trace::{Counted, SystemCall};
use machine::Machine;
use summary::Summary;

/// Everything that a run found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where it was measured.
    pub machine: Machine,
    /// What was asked for.
    pub config: Config,
    /// What idle connections cost, by way.
    pub memory: Vec<Memory>,
    /// By what was asked for and number of connections.
    pub cases: Vec<CaseReport>,
    /// What one statement takes, by what was asked for and way.
    pub counts: Vec<Count>,
}

/// Memory of the process between for an idle connection.
#[derive(Debug, Clone, Serialize)]
pub struct Memory {
    /// Which way.
    pub way: Way,
    /// In KiB.
    pub kib: f64,
}

/// What was found in one case.
#[derive(Debug, Clone, Serialize)]
pub struct CaseReport {
    /// Which.
    pub case: Case,
    /// By way, over the rounds that count.
    pub ways: Vec<Summary>,
    /// Rounds that count.
    pub rounds: Vec<Round>,
    /// Rounds that were measured and do not count, because others were calmer.
    pub repeated: Vec<Round>,
    /// Rounds that count although others took much CPU time: there were no calmer ones.
    pub disturbed: usize,
    /// What was counted besides, by way.
    pub traces: Vec<Trace>,
}

/// What was counted for a way whose process between can be looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Trace {
    /// Which way.
    pub way: Way,
    /// System calls.
    pub system_calls: Counted<Vec<SystemCall>>,
}

/// What the process between takes for one statement, at one connection.
#[derive(Debug, Clone, Serialize)]
pub struct Count {
    /// What was asked for.
    pub work: Work,
    /// Which way.
    pub way: Way,
    /// Instructions in user space.
    pub instructions: Counted<f64>,
    /// Heap allocations.
    pub allocations: Counted<f64>,
}

impl CaseReport {
    /// Sums up all rounds that were measured, of which `wanted` count.
    pub fn new(case: Case, ways: &[Way], measured: Vec<Round>, wanted: usize) -> Self {
        let taken: Vec<f64> = measured.iter().map(Round::taken_percent).collect();
        let counted = taken::counted(&taken, wanted);
        let disturbed = counted.iter().filter(|place| taken::disturbs(taken[**place])).count();
        let (rounds, repeated): (Vec<_>, Vec<_>) =
            measured.into_iter().enumerate().partition(|(place, _)| counted.contains(place));
        let plain =
            |rounds: Vec<(usize, Round)>| rounds.into_iter().map(|(_, round)| round).collect::<Vec<_>>();
        let rounds = plain(rounds);
        let ways = ways.iter().filter_map(|way| Summary::new(*way, &rounds)).collect();
        Self { case, ways, rounds, repeated: plain(repeated), disturbed, traces: Vec::new() }
    }
}
