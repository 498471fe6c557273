//! Places at which a test stops, delays or kills a program, by name.
//!
//! They are there only where cargo's feature `fail/failpoints` is on, which nothing but the tests' own
//! dependencies turns on; elsewhere a place costs nothing. `FAILPOINTS` in the environment says what happens:
//! `area::step=return` kills the process there as SIGABRT does, `area::step=sleep(500)` delays it by half a
//! second, `area::step=1*off->return` spares the first passage.

use fail::FailScenario;

/// What `FAILPOINTS` asks for is in force until this is dropped.
#[must_use = "failpoints are off again once this is dropped"]
pub struct Failpoints(Option<FailScenario<'static>>);

impl Drop for Failpoints {
    fn drop(&mut self) {
        if let Some(scenario) = self.0.take() {
            scenario.teardown();
        }
    }
}

/// Takes `FAILPOINTS` from the environment. For main, after the log was started.
pub fn set_up() -> Failpoints {
    if !fail::has_failpoints() {
        return Failpoints(None);
    }
    tracing::info!("this is a build for tests: failpoints are compiled in");
    Failpoints(Some(FailScenario::setup()))
}

/// Lets a test kill or delay the program here. The thread waits, not only the task: for steps that are few.
pub fn reach(step: &str) {
    tracing::trace!(step, "reached");
    fail::fail_point!(step, |_| {
        tracing::info!(step, "a test ends the program here");
        std::process::abort();
    });
}
