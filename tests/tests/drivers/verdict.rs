//! Whether what a driver saw is as it has to be.

use crate::bed::Target;
use crate::lacking::Lacking;
use crate::roster::Driver;
use crate::said::Said;

/// What is wrong with a run against a plain MySQL, where every check passes and there are enough of them.
pub(crate) fn plain(driver: &Driver, said: &Said) -> Vec<String> {
    let at = |what: &str| format!("{} at plain MySQL: {what}", driver.name);
    let mut faults: Vec<String> = said.faults.iter().map(|fault| at(fault)).collect();
    for (name, failure) in &said.checks {
        faults.extend(failure.as_ref().map(|failure| at(&format!("{name}: {failure}"))));
    }
    if said.checks.len() < driver.least {
        faults.push(at(&format!("{} checks, and at least {} are expected", said.checks.len(), driver.least)));
    }
    faults
}

/// What is wrong with a run against a gate: it made the same checks, and those failed that are listed.
pub(crate) fn gate(
    driver: &str,
    target: Target,
    plain: &Said,
    said: &Said,
    lacking: &[Lacking],
) -> Vec<String> {
    let at = |what: &str| format!("{driver} at the gate, {target}: {what}");
    let mut faults: Vec<String> = said.faults.iter().map(|fault| at(fault)).collect();
    for name in plain.checks.keys().filter(|name| !said.checks.contains_key(*name)) {
        faults.push(at(&format!("{name} was not checked")));
    }
    for (name, failure) in &said.checks {
        let listed = lacking.iter().find(|lack| lack.covers(driver, target, name));
        match (failure, listed) {
            (None, None) | (Some(_), Some(_)) => {}
            (Some(failure), None) => faults.push(at(&format!("{name}: {failure}"))),
            (None, Some(lack)) => faults.push(at(&format!(
                "{name} passes although it is listed ({}): take it off the list in lacking.rs",
                lack.reason
            ))),
        }
        if !plain.checks.contains_key(name) {
            faults.push(at(&format!("{name} was not checked at plain MySQL")));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lacking::Where;

    const LISTED: &[Lacking] =
        &[Lacking { drivers: &["some"], checks: &["cursor"], at: Where::Gate, reason: "no cursors" }];

    fn said(lines: &str) -> Said {
        Said::read(lines, None)
    }

    fn judged(gate_said: &str) -> Vec<String> {
        let plain = said("ok one\nok cursor");
        gate("some", Target::Sharded, &plain, &said(gate_said), LISTED)
    }

    #[test]
    fn what_is_listed_fails_and_all_else_passes() {
        assert_eq!(judged("ok one\nFAILED cursor: expected 1 got 2"), Vec::<String>::new());
    }

    #[test]
    fn a_failure_a_missing_check_and_an_unexpected_pass_are_noticed() {
        let found = judged("FAILED one: expected 1 got 2\nFAILED cursor: no");
        assert_eq!(found, ["some at the gate, sharded: one: expected 1 got 2"]);
        let found = judged("FAILED cursor: no");
        assert_eq!(found, ["some at the gate, sharded: one was not checked"]);
        let found = judged("ok one\nok cursor");
        assert!(found.len() == 1 && found[0].contains("cursor passes although"), "{found:?}");
        let found = judged("ok one\nFAILED cursor: no\nok more");
        assert_eq!(found, ["some at the gate, sharded: more was not checked at plain MySQL"]);
    }

    #[test]
    fn a_program_that_says_nothing_or_too_little_or_ends_badly_is_noticed() {
        let driver = Driver { name: "some", least: 2, ..Driver::NONE };
        assert_eq!(plain(&driver, &said("ok one\nok two")), Vec::<String>::new());
        for silent in ["", "ok one"] {
            let found = plain(&driver, &said(silent));
            assert!(found.len() == 1 && found[0].contains("at least 2"), "{found:?}");
        }
        let ended = Said::read("ok one\nok two", Some("exit status: 1".to_owned()));
        assert_eq!(plain(&driver, &ended), ["some at plain MySQL: exit status: 1"]);
        let found = plain(&driver, &said("ok one\nok one\nFAILED two\nnoise"));
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
