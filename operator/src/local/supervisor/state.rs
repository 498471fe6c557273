//! What the active supervisor knows of the parts, kept in `run/state.json` for people and for its successor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::super::layout::{Layout, write_whole};
use crate::limits::REPORT_QUEUE;

/// What is known of a local cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// By name.
    pub parts: BTreeMap<String, PartState>,
    /// Whether the topology holds every record of the cluster file.
    pub topology_written: bool,
    /// Why the topology does not take the cluster file.
    pub refused: Option<String>,
}

/// What is known of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartState {
    /// Where it is in its life.
    pub phase: Phase,
    /// The port that its users connect to; 0 for a supervisor.
    pub port: u16,
    /// The port where monitoring finds it; 0: nowhere.
    #[serde(default)]
    pub http: u16,
    /// How often it was started again.
    pub restarts: u32,
    /// How its last process ended.
    pub last_end: Option<String>,
    /// Length of its log when its last process was started, in bytes.
    pub log_start: u64,
}

/// Where a part is in its life; see the keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It was started or adopted.
    Running,
    /// It has ended and is started again after a pause.
    Pausing,
    /// It kept ending and is not started again.
    Down,
}

impl State {
    /// The state of the cluster in this folder; nothing, if nothing can be read.
    pub fn read(layout: &Layout) -> Self {
        let read = std::fs::read(layout.state_file()).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

enum Report {
    Part(String, PartState),
    TopologyWritten,
    Refused(String),
}

/// Takes note of what happens; cheap to clone.
#[derive(Clone)]
pub(super) struct Reporter(mpsc::Sender<Report>);

impl Reporter {
    /// Starts the one task that writes the state file.
    pub(super) fn start(layout: Layout, mut state: State) -> Self {
        let (sender, mut reports) = mpsc::channel(REPORT_QUEUE);
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                match report {
                    Report::Part(name, part) => drop(state.parts.insert(name, part)),
                    Report::TopologyWritten => state.topology_written = true,
                    Report::Refused(why) => state.refused = Some(why),
                }
                let written = serde_json::to_vec_pretty(&state).map_err(std::io::Error::from);
                if let Err(error) = written.and_then(|bytes| write_whole(&layout.state_file(), &bytes)) {
                    tracing::warn!(%error, "cannot write the state file");
                }
            }
        });
        Self(sender)
    }

    pub(super) async fn part(&self, name: &str, state: PartState) {
        self.send(Report::Part(name.to_owned(), state)).await;
    }

    pub(super) async fn topology_written(&self) {
        self.send(Report::TopologyWritten).await;
    }

    pub(super) async fn refused(&self, why: String) {
        self.send(Report::Refused(why)).await;
    }

    async fn send(&self, report: Report) {
        if self.0.send(report).await.is_err() {
            tracing::error!("the state is no longer written");
        }
    }
}
