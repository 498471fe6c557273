//! kill -9 of everything, in turn.

use std::time::Instant;

use anyhow::Result;
use tests::process::{pids_naming, wait_for};
use tests::signals;

use crate::bed::{Bed, PATIENCE};

#[test]
fn after_kill_9_of_any_process_the_cluster_is_alive_again_and_has_all_its_rows() -> Result<()> {
    let bed = Bed::up(None)?;
    bed.query("CREATE TABLE customers (id BIGINT PRIMARY KEY)")?;
    let mysqlds = || ["zone1-101", "zone1-102", "zone1-103"].map(|alias| bed.mysqld(alias).ok());
    let before = mysqlds();
    let victims = [
        "etcd",
        "control",
        "gate-1",
        "standby",
        "supervisor",
        "tablet-zone1-101",
        // Once more, now that every part is adopted and no child of the active supervisor.
        "supervisor",
        "etcd",
        "gate-1",
        "tablet-zone1-102",
    ];
    for (number, victim) in victims.iter().enumerate() {
        kill_and_wait(&bed, victim, bed.pid(victim)?)?;
        for key in [number * 10, number * 10 + 1] {
            bed.query(&format!("INSERT INTO customers VALUES ({key})"))?;
        }
    }
    assert_eq!(mysqlds(), before, "the end of an agent or a supervisor touched a mysqld");

    kill_and_wait(&bed, "mysqld", bed.mysqld("zone1-101")?)?;
    let told = || bed.done(&["events", "zone1-101"]).is_ok_and(|said| said.out.contains("MysqldDied"));
    wait_for("the end of a mysqld is an event", PATIENCE, told)?;
    for key in (0..victims.len()).flat_map(|number| [number * 10, number * 10 + 1]) {
        assert_eq!(bed.query(&format!("SELECT id FROM customers WHERE id = {key}"))?, format!("{key}\n"));
    }
    bed.done(&["local", "status"])?;
    let down = bed.done(&["local", "down"])?;
    assert!(!down.err.contains("left over"), "{down:?}");
    assert_eq!(pids_naming(&bed.dir()), []);
    Ok(())
}

fn kill_and_wait(bed: &Bed, name: &str, pid: u32) -> Result<()> {
    let began = Instant::now();
    signals::kill(pid)?;
    // 0 lies on one shard and 8 on the other.
    let asked: String =
        [0, 8].iter().map(|key| format!("SELECT id FROM customers WHERE id = {key};")).collect();
    let taken = || bed.is_whole() && bed.query(&asked).is_ok();
    // It is noticed first, so that the look is not at the cluster before the kill.
    let noticed = || !pids_naming(&bed.dir()).iter().any(|(other, _)| *other == pid);
    wait_for(&format!("{name} is gone"), PATIENCE, noticed)?;
    wait_for(&format!("alive again after kill -9 of {name}"), PATIENCE, taken)?;
    eprintln!("kill -9 of {name}: alive again after {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

#[test]
fn down_ends_what_is_left_when_supervisors_and_an_agent_are_dead() -> Result<()> {
    let bed = Bed::up(None)?;
    bed.query("CREATE TABLE customers (id BIGINT PRIMARY KEY)")?;
    bed.query("INSERT INTO customers VALUES (7)")?;
    // The standby first: it would take over.
    for name in ["standby", "supervisor"] {
        signals::kill(bed.pid(name)?)?;
    }
    // The active one may have started another standby in between; whoever is left is killed as well.
    wait_for("no supervisor lives", PATIENCE, || {
        let left: Vec<u32> = pids_naming(&bed.dir())
            .into_iter()
            .filter(|(_, line)| line.contains("shoal-operator local"))
            .map(|(pid, _)| pid)
            .collect();
        // One that has ended since the look is what is wanted.
        left.iter().for_each(|pid| drop(signals::kill(*pid)));
        left.is_empty()
    })?;
    signals::kill(bed.pid("tablet-zone1-101")?)?;
    signals::kill(bed.pid("gate-1")?)?;
    let status = bed.shoal(&["local", "status"])?;
    assert_eq!(status.code, 1, "{status:?}");
    assert!(status.out.lines().any(|l| l.starts_with("supervisor") && l.contains("gone")), "{}", status.out);

    let down = bed.done(&["local", "down"])?;
    assert!(down.err.contains("stopped the mysqld of") && !down.err.contains("left over"), "{}", down.err);
    assert_eq!(pids_naming(&bed.dir()), []);
    bed.done(&["local", "up"])?;
    assert_eq!(bed.query("SELECT id FROM customers WHERE id = 7")?, "7\n");
    Ok(())
}
