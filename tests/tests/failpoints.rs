//! Failpoints are compiled into the programs that tests run, and into no others.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

/// Who turns failpoints on, according to cargo, along these kinds of dependencies.
fn turned_on_by(edges: &str) -> Result<Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--prefix", "none", "--invert", "fail", "--edges", edges])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    ensure!(text.starts_with("fail v"), "nothing needs the crate:\n{text}");
    let mut lines = text.lines().skip_while(|line| *line != "fail feature \"failpoints\"").skip(1);
    // What follows the feature, up to the next feature of the crate, is who asks for it.
    Ok(lines.by_ref().take_while(|line| !line.starts_with("fail ")).map(str::to_owned).collect())
}

#[test]
fn only_tests_turn_failpoints_on() -> Result<()> {
    let with_tests = turned_on_by("features")?;
    ensure!(with_tests.iter().any(|line| line.starts_with("shoal-tests ")), "{with_tests:?}");
    let without_tests = turned_on_by("features,no-dev")?;
    ensure!(without_tests.is_empty(), "programs have failpoints because of {without_tests:?}");
    Ok(())
}
