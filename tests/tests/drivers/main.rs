//! Other people's clients: real drivers and tools go through the same checks against a plain MySQL, an unsharded
//! keyspace and a sharded one.
//!
//! ```text
//!   tests/drivers/<language>/  one program a driver; it prints a line a check
//!          │ ok NAME │ FAILED NAME: expected … got …
//!          ▼
//!   said    lines → checks ──> verdict    all of them on MySQL, and on the gate all but those that
//!                                         `lacking` lists, which must fail
//!   roster  which programs there are, and how they are started
//!   bed     the servers
//! ```

mod bed;
mod lacking;
mod roster;
mod rust;
mod said;
mod sqlx;
mod verdict;

use std::thread;

use anyhow::{Result, ensure};

use bed::{Bed, Target};
use roster::{DRIVERS, Driver};
use said::Said;

/// What a driver came to: its row of the table, and what is wrong with it.
struct Finding {
    row: String,
    faults: Vec<String>,
}

#[test]
fn drivers_find_at_a_gate_what_they_find_at_mysql() -> Result<()> {
    let mut bed = Bed::start()?;
    let mut rows = vec![format!(
        "{:<16} {:>6} {:>10} {:>8} {:>8}",
        "driver", "plain", "unsharded", "sharded", "lacking"
    )];
    let mut faults = Vec::new();
    for driver in DRIVERS {
        let finding = examine(driver, &bed)?;
        bed.gate_lives()?;
        println!("{}", finding.row);
        rows.push(finding.row);
        faults.extend(finding.faults);
    }
    println!("\n{}\n", rows.join("\n"));
    faults.extend(lacking::of_nobody());
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

/// Runs a driver against all servers at the same time: each has tables of its own.
fn examine(driver: &Driver, bed: &Bed) -> Result<Finding> {
    if let Some(missing) = driver.missing() {
        ensure!(std::env::var_os("CI").is_none(), "{}: {missing}", driver.name);
        return Ok(Finding { row: format!("{:<16} passed over: {missing}", driver.name), faults: vec![] });
    }
    let said: Vec<Result<Said>> = thread::scope(|scope| {
        let runs: Vec<_> =
            Target::ALL.iter().map(|target| scope.spawn(|| driver.run(bed, *target))).collect();
        runs.into_iter()
            .map(|run| run.join().unwrap_or_else(|_| anyhow::bail!("{} panicked", driver.name)))
            .collect()
    });
    let said = said.into_iter().collect::<Result<Vec<_>>>()?;
    let mut faults = verdict::plain(driver, &said[0]);
    for (target, gate) in [(Target::Unsharded, &said[1]), (Target::Sharded, &said[2])] {
        faults.extend(verdict::gate(driver.name, target, &said[0], gate, lacking::LACKING));
    }
    let passed: Vec<usize> = said.iter().map(Said::passed).collect();
    let lacks = lacking::of(driver.name, Target::Sharded).count();
    let row = format!("{:<16} {:>6} {:>10} {:>8} {lacks:>8}", driver.name, passed[0], passed[1], passed[2]);
    Ok(Finding { row, faults })
}
