//! Keeps one part running: starts it or adopts it, waits for its end, starts it again.
//!
//! ```text
//!            ┌── a living process in the run file ──► adopt ─┐
//!   begin ───┤                                               ├─► Running ── ends ──► Pausing ── pause ──► begin
//!            └── none ─────────────────────► launch ─────────┘                          │
//!                                                    too many short lives in a row ──► Down
//! ```

use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::layout::Layout;
use super::super::process::{Handle, ProcessId};
use super::super::programs::Programs;
use super::super::render::Part;
use super::state::{PartState, Phase, Reporter};
use crate::limits::{RESTART_ATTEMPTS, RESTART_FIRST_PAUSE, RESTART_LONGEST_PAUSE, RESTART_STABLE};

/// The keeper of one part.
pub(super) struct Keeper {
    layout: Layout,
    programs: Arc<Programs>,
    part: Part,
    reporter: Reporter,
}

impl Keeper {
    pub(super) fn new(layout: Layout, programs: Arc<Programs>, part: Part, reporter: Reporter) -> Self {
        Self { layout, programs, part, reporter }
    }

    pub(super) fn name(&self) -> &str {
        &self.part.name
    }

    /// Keeps the part running; returns when it has been left down. `restarts` counts from an earlier keeper.
    pub(super) async fn keep(self, restarts: u32) {
        let mut short_lives = 0;
        let mut state = PartState {
            phase: Phase::Running,
            port: self.part.port,
            http: self.part.http,
            restarts,
            last_end: None,
            log_start: 0,
        };
        loop {
            state.phase = Phase::Running;
            state.log_start = self.log().metadata().map_or(0, |m| m.len());
            self.report(&state).await;
            let began = Instant::now();
            let end = match self.living() {
                Some(handle) => self.watch(handle).await,
                None => self.launch().await,
            };
            if self.living().is_some() {
                // Another supervisor's launch was faster; its process is as good.
                continue;
            }
            tracing::warn!(part = self.part.name, end, "has ended");
            short_lives = if began.elapsed() >= RESTART_STABLE { 1 } else { short_lives + 1 };
            state.last_end = Some(end);
            let Some(pause) = pause_after(short_lives) else {
                tracing::error!(part = self.part.name, "keeps ending and is left down");
                state.phase = Phase::Down;
                self.report(&state).await;
                return;
            };
            state.phase = Phase::Pausing;
            self.report(&state).await;
            tokio::time::sleep(pause).await;
            state.restarts += 1;
        }
    }

    fn living(&self) -> Option<Handle> {
        ProcessId::read(&self.layout.run_file(&self.part.name))?.open()
    }

    async fn watch(&self, handle: Handle) -> String {
        match handle.ended().await {
            Ok(()) => "ended while it was watched from outside".into(),
            Err(error) => format!("cannot be watched: {error}"),
        }
    }

    /// Starts the part and waits for its end, which is told in words.
    async fn launch(&self) -> String {
        let spawned =
            super::launch_command(&self.layout, &self.programs, &self.part).and_then(|mut c| c.spawn());
        let child = match spawned {
            Ok(child) => child,
            Err(error) => return format!("cannot be started: {error}"),
        };
        tracing::info!(part = self.part.name, pid = child.id(), "started");
        ended(child).await
    }

    async fn report(&self, state: &PartState) {
        self.reporter.part(&self.part.name, state.clone()).await;
    }

    fn log(&self) -> PathBuf {
        self.layout.log(super::log_name(&self.part))
    }
}

/// Waits for a child without blocking the supervisor, and takes its exit status from the kernel.
async fn ended(mut child: Child) -> String {
    if let Some(handle) = ProcessId::of(child.id()).and_then(|id| id.open())
        && let Err(error) = handle.ended().await
    {
        return format!("cannot be watched: {error}");
    }
    match child.wait() {
        Ok(status) => status.to_string(),
        Err(error) => format!("its exit status cannot be had: {error}"),
    }
}

/// How long to wait before the next start; `None`: no more starts.
fn pause_after(short_lives: u32) -> Option<Duration> {
    let doubled = RESTART_FIRST_PAUSE * 2_u32.saturating_pow(short_lives.saturating_sub(1));
    (short_lives < RESTART_ATTEMPTS).then(|| doubled.min(RESTART_LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses: Vec<Option<Duration>> = (1..=RESTART_ATTEMPTS).map(pause_after).collect();
        assert_eq!(pauses.first(), Some(&Some(RESTART_FIRST_PAUSE)));
        assert_eq!(pauses.last(), Some(&None));
        assert!(pauses.windows(2).all(|p| p[1].is_none() || p[0] < p[1]), "{pauses:?}");
    }
}
