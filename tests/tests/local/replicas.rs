//! Shards of three tablets.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::cluster::table;
use tests::process::wait_for;
use tests::signals;

use crate::bed::{Bed, PATIENCE};

const FILE: &str = "apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: shop}
spec:
  users: [{name: app, password: app, role: admin}]
  keyspaces:
    - name: shop
      shards: [\"-80\", \"80-\"]
      tablets: 3
      vschema:
        vindexes: {by_id: {type: xxhash}}
        tables: {customers: {column_vindexes: [{column: id, name: by_id}]}}
";
const ROWS: u32 = 20;

/// A tablet, as `shoal get tablets` lists it: shard, alias, role, state, part in semi-sync.
type Listed = [String; 5];

fn listed(bed: &Bed) -> Result<Vec<Listed>> {
    let columns = ["SHARD", "TABLET", "ROLE", "STATE", "SEMI-SYNC"];
    let said = bed.done(&["get", "tablets"])?.out;
    let cell = |row: &std::collections::BTreeMap<&str, &str>, title| {
        row.get(title).map(|cell| (*cell).to_owned()).with_context(|| format!("no {title} in\n{said}"))
    };
    let rows = table(&said);
    let mut listed = Vec::new();
    for row in &rows {
        let cells: Result<Vec<String>> = columns.iter().map(|title| cell(row, title)).collect();
        listed.push(cells?.try_into().map_err(|_| anyhow::anyhow!("a row with other columns"))?);
    }
    Ok(listed)
}

/// Waits until each of the two shards has a serving source and two replicas that acknowledge; how it is listed.
fn until_replicated(bed: &Bed) -> Result<Vec<Listed>> {
    let does_its_part = |[_, _, role, state, semi_sync]: &Listed| {
        let part = (role.as_str(), state.as_str(), semi_sync.as_str());
        matches!(part, ("primary", "serving", "source") | ("replica", "replicating", "acker"))
    };
    let whole = || listed(bed).is_ok_and(|all| all.len() == 6 && all.iter().all(does_its_part));
    wait_for("every tablet does its part", PATIENCE, whole).with_context(|| format!("{:?}", listed(bed)))?;
    let all = listed(bed)?;
    let primaries: BTreeSet<&String> =
        all.iter().filter(|tablet| tablet[2] == "primary").map(|t| &t[0]).collect();
    ensure!(primaries.len() == 2, "{all:?}");
    Ok(all)
}

fn primary_of(all: &[Listed], shard: &str) -> Result<String> {
    let primary = all.iter().find(|tablet| tablet[0] == shard && tablet[2] == "primary");
    Ok(primary.with_context(|| format!("no primary of {shard} in {all:?}"))?[1].clone())
}

fn fill(bed: &Bed) -> Result<()> {
    bed.query("CREATE TABLE customers (id BIGINT PRIMARY KEY)")?;
    let inserts: Vec<String> = (0..ROWS).map(|id| format!("INSERT INTO customers VALUES ({id})")).collect();
    bed.query(&inserts.join(";")).map(drop)
}

/// Waits until all rows are read: a tablet that was killed is not at once reached again.
fn until_all_rows(bed: &Bed) -> Result<()> {
    let asked: Vec<String> =
        (0..ROWS).map(|id| format!("SELECT id FROM customers WHERE id = {id}")).collect();
    let expected: String = (0..ROWS).map(|id| format!("{id}\n")).collect();
    let read = || bed.sql(&asked.join(";")).is_ok_and(|said| said.code == 0 && said.out == expected);
    wait_for("all rows are read", PATIENCE, read).with_context(|| format!("{:?}", bed.sql(&asked.join(";"))))
}

#[test]
fn shards_of_three_tablets_change_their_primary_and_lose_nothing() -> Result<()> {
    let bed = Bed::new()?;
    let began = Instant::now();
    bed.done(&["local", "up", "-f", &bed.file("cluster.yaml", FILE)?])?;
    eprintln!("two shards of three tablets: up after {:.1} s", began.elapsed().as_secs_f64());
    fill(&bed)?;
    let before = until_replicated(&bed)?;
    let (shard, first) = ("shop/-80", primary_of(&before, "shop/-80")?);

    bed.done(&["reparent", shard])?;
    let after = until_replicated(&bed)?;
    let second = primary_of(&after, shard)?;
    assert_ne!(first, second);
    assert_eq!(primary_of(&before, "shop/80-")?, primary_of(&after, "shop/80-")?);
    until_all_rows(&bed)?;
    bed.done(&["reparent", shard, "--to", &first])?;
    assert_eq!(primary_of(&until_replicated(&bed)?, shard)?, first);

    let refused = bed.shoal(&["reparent", shard, "--to", "zone1-999"])?;
    assert!(refused.code == 1 && refused.err.contains("zone1-999"), "{refused:?}");
    // Of what is killed, a replica is made a replica again, and a primary the primary: its term goes on.
    for alias in [&second, &first] {
        let killed = bed.mysqld(alias)?;
        signals::kill(killed)?;
        wait_for("another one is started", PATIENCE, || bed.mysqld(alias).is_ok_and(|now| now != killed))?;
        assert_eq!(primary_of(&until_replicated(&bed)?, shard)?, first);
    }
    until_all_rows(&bed)?;
    let events = bed.done(&["events", shard])?.out;
    assert!(events.contains(&second), "{events}");
    Ok(())
}

#[test]
fn shards_with_rows_are_given_more_tablets() -> Result<()> {
    let bed = Bed::up(Some(&FILE.replace("tablets: 3", "tablets: 1")))?;
    fill(&bed)?;
    let alone = listed(&bed)?;
    assert_eq!(alone.len(), 2, "{alone:?}");
    let refused = bed.shoal(&["reparent", "shop/80-"])?;
    assert!(refused.code == 1 && refused.err.contains("one tablet"), "{refused:?}");
    bed.done(&["local", "down"])?;

    bed.done(&["local", "up", "-f", &bed.file("grown.yaml", FILE)?])?;
    let grown = until_replicated(&bed)?;
    for shard in ["shop/-80", "shop/80-"] {
        assert_eq!(primary_of(&grown, shard)?, primary_of(&alone, shard)?);
        bed.done(&["reparent", shard])?;
    }
    // The rows are now read from tablets that were not there when they were written.
    until_all_rows(&bed)?;
    until_replicated(&bed)?;
    Ok(())
}
