//! The ledger is shown to find what is planted on the mysqlds themselves, and what a lying client claims.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use proto::ids::ShardRef;
use tests::differential::session::Address;
use tests::faults::cluster::{Cluster, Design, VINDEX};
use tests::faults::ledger::{Deed, Fate, Finding, History, Ledger, Load, Watch, Write, WriteId};
use tests::faults::proxy::{Direction, Proxy, Way};
use topo::value::ShardingValue;

use crate::PATIENCE;

/// A plant: its name, how it is made and unmade, and what finds it.
struct Plant {
    name: &'static str,
    make: String,
    unmake: String,
    /// On the shard that does not hold the row's keyspace ID.
    elsewhere: Option<String>,
    expected: fn(&Finding) -> bool,
}

fn plants(write: WriteId) -> Vec<Plant> {
    let (id, writer, number, value) = (write.id(), write.writer, write.number, write.value());
    let away = format!("DELETE FROM ledger WHERE id = {id}");
    let copy = format!(
        "INSERT INTO ledger (id, writer, number, value) VALUES ({id}, {writer}, {number}, '{value}')"
    );
    let uncopy = format!("DELETE FROM ledger WHERE id = {id} ORDER BY my_row_id DESC LIMIT 1");
    vec![
        Plant {
            name: "loss",
            make: away.clone(),
            unmake: copy.clone(),
            elsewhere: None,
            expected: |finding| matches!(finding, Finding::Lost(_)),
        },
        Plant {
            name: "doubling",
            make: copy.clone(),
            unmake: uncopy,
            elsewhere: None,
            expected: |finding| matches!(finding, Finding::Doubled(_, places) if places.len() == 2),
        },
        Plant {
            name: "misplacement",
            make: away,
            unmake: copy.clone(),
            elsewhere: Some(copy),
            expected: |finding| matches!(finding, Finding::Misplaced(..)),
        },
        Plant {
            name: "wrong value",
            make: format!("UPDATE ledger SET value = 'other' WHERE id = {id}"),
            unmake: format!("UPDATE ledger SET value = '{value}' WHERE id = {id}"),
            elsewhere: None,
            expected: |finding| matches!(finding, Finding::WrongValue(_, value) if value == "other"),
        },
    ]
}

fn small() -> Result<Cluster> {
    Cluster::start(Design { shards: 2, tablets: 1, ..Design::default() })
}

fn work_a_little(ledger: Ledger) -> Result<History> {
    ledger.wait_for_life(PATIENCE)?;
    ledger.stop()
}

/// The shard that holds the write's row, and the other one.
fn shards_of(cluster: &Cluster, write: WriteId) -> Result<(ShardRef, ShardRef)> {
    let id = VINDEX.map(&ShardingValue::Unsigned(write.id()))?;
    let (here, there): (Vec<_>, Vec<_>) =
        cluster.shards().into_iter().partition(|shard| shard.range.contains(&id));
    Ok((here.into_iter().next().context("no shard")?, there.into_iter().next().context("one shard")?))
}

#[test]
fn what_is_planted_on_the_mysqlds_is_found() -> Result<()> {
    let cluster = small()?;
    let history = work_a_little(cluster.load(Load { writers: 4, ..Load::default() })?)?;
    cluster.assert_nothing_lost(&history)?;
    // The last of its writer, so that it may be put back at the end.
    let last = history.writes.iter().rev().find(|w| w.deed == Deed::Insert && w.fate == Fate::Acknowledged);
    let write = last.context("no row")?.id;
    let (here, there) = shards_of(&cluster, write)?;
    let (here, there) = (cluster.primary(&here)?, cluster.primary(&there)?);
    for plant in plants(write) {
        let undo = plant.elsewhere.as_ref().map(|_| format!("DELETE FROM ledger WHERE id = {}", write.id()));
        cluster.wait(async {
            cluster.data_session(&here).await?.query_drop(&plant.make).await?;
            if let Some(elsewhere) = &plant.elsewhere {
                cluster.data_session(&there).await?.query_drop(elsewhere).await?;
            }
            Ok(())
        })?;
        let verdict = cluster.verdict(&history)?;
        ensure!(verdict.findings.iter().any(plant.expected), "{} is not found: {verdict}", plant.name);
        let about = |finding: &&Finding| !format!("{finding:?}").contains(&format!("{write:?}"));
        println!(
            "planted: {}; others: {:?}",
            plant.name,
            verdict.findings.iter().filter(about).collect::<Vec<_>>()
        );
        cluster.wait(async {
            cluster.data_session(&here).await?.query_drop(&plant.unmake).await?;
            if let Some(undo) = &undo {
                cluster.data_session(&there).await?.query_drop(undo).await?;
            }
            Ok(())
        })?;
        cluster.assert_nothing_lost(&history).context(plant.name)?;
    }
    lying_clients(&cluster, &history, write)
}

/// The same mysqlds, and clients that tell other stories of what they were told.
fn lying_clients(cluster: &Cluster, history: &History, write: WriteId) -> Result<()> {
    let mut refused = history.clone();
    refused.writes.iter_mut().filter(|w| w.id == write).for_each(|w| w.fate = Fate::Refused("a lie".into()));
    let verdict = cluster.verdict(&refused)?;
    ensure!(verdict.findings == [Finding::RefusedButThere(write, "a lie".into())], "{verdict}");

    let mut invented = history.clone();
    let (id, now) = (WriteId { writer: 1, number: 900_000 }, Instant::now());
    invented.writes.push(Write { id, deed: Deed::Insert, fate: Fate::Acknowledged, begun: now, ended: now });
    let verdict = cluster.verdict(&invented)?;
    ensure!(verdict.findings == [Finding::Lost(id)], "{verdict}");

    let mut forgotten = history.clone();
    forgotten.writes.retain(|w| w.id != write);
    let verdict = cluster.verdict(&forgotten)?;
    ensure!(matches!(verdict.findings[..], [Finding::NeverWritten(..)]), "{verdict}");
    Ok(())
}

/// A driver that sends each statement twice, as a retry that does not know what it does.
#[test]
fn a_client_that_repeats_its_writes_is_found_out() -> Result<()> {
    let cluster = small()?;
    let mut history = work_a_little(cluster.load(Load { writers: 2, ..Load::default() })?)?;
    let (id, now) = (WriteId { writer: 1, number: 900_000 }, Instant::now());
    cluster.wait(async {
        let mut conn = tests::faults::ledger::connect(&cluster.gates()[0]).await?;
        let sql = tests::faults::ledger::statement(id, Deed::Insert);
        conn.query_drop(&sql).await?;
        Ok(conn.query_drop(&sql).await?)
    })?;
    history.writes.push(Write { id, deed: Deed::Insert, fate: Fate::Acknowledged, begun: now, ended: now });
    let verdict = cluster.verdict(&history)?;
    ensure!(matches!(&verdict.findings[..], [Finding::Doubled(found, _)] if *found == id), "{verdict}");
    Ok(())
}

/// Between the writers and the gate answers are lost: some of those writes were done, and none is called lost.
#[test]
fn writes_whose_answers_are_cut_off_are_unknown_and_some_of_them_done() -> Result<()> {
    let cluster = small()?;
    let gate = &cluster.gates()[0];
    let proxy = Proxy::start(([127, 0, 0, 1], gate.port).into())?;
    let ledger = Ledger::start(&[Address { port: proxy.port(), ..gate.clone() }], Load::default())?;
    let from = Instant::now();
    for _ in 0..4 {
        ledger.wait_for_life(PATIENCE)?;
        // An answer in the middle of its packet, on every connection.
        proxy.set(Direction::ToClient, Way::CutAfter(3));
        tests::process::wait_for("answers are cut off", PATIENCE, || {
            ledger.period_since(from).failed() >= 4
        })?;
        proxy.set(Direction::ToClient, Way::Pass);
        ledger.wait_for_life(PATIENCE)?;
        proxy.reset();
    }
    ledger.wait_for_life(PATIENCE)?;
    let period = ledger.period_since(from);
    println!("answers cut off: {period}");
    let history = ledger.stop()?;
    let verdict = cluster.assert_nothing_lost(&history)?;
    ensure!(
        !period.unknown.is_empty() && verdict.unknown.0 > 0,
        "nothing was cut off after it was done: {period}"
    );
    Ok(())
}

/// Somebody opens a replica beside its primary, past its agent.
#[test]
fn two_writable_mysqlds_of_a_shard_are_seen() -> Result<()> {
    let cluster = Cluster::start(Design { shards: 1, tablets: 2, ..Design::default() })?;
    let replica = cluster.replicas(&cluster.shards()[0])?.remove(0);
    let watch = Watch::start(cluster.places()?);
    let open = "SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF, GLOBAL offline_mode = OFF";
    // Again and again, because its agent closes it as often.
    tests::process::wait_for("the watch sees two writable", PATIENCE, || {
        let opened = cluster.wait(async { Ok(cluster.session(&replica).await?.query_drop(open).await?) });
        opened.is_ok() && watch.has_found()
    })?;
    let said = watch.stop().err().context("the watch is content")?.to_string();
    ensure!(said.contains("two were writable") && said.contains(&replica.to_string()), "{said}");
    Ok(())
}
