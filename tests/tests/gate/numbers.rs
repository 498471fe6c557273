//! AUTO_INCREMENT on sharded tables, with several gates, and with parts that fail.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tests::cluster::{Cluster, table};
use tests::differential::outcome::Outcome;
use tests::differential::session::{Address, Session};
use tests::signals::{self, Frozen};

use crate::faults::BACK_DEADLINE;
use crate::{pid_of, refusal, value, wait};

/// Two gates before two shards, and an unsharded keyspace.
const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: numbers}
spec:
  gates: {replicas: 2}
  users:
    - {name: app, password: app, role: admin}
  keyspaces:
    - name: shop
      shards: ["-80", "80-"]
      vschema:
        vindexes: {spread: {type: xxhash}}
        tables:
          items: {column_vindexes: [{column: id, name: spread}]}
    - name: main
"#;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
const TABLE: &str = "create table items (id bigint not null auto_increment primary key, a int)";

/// The gate with this name.
fn gate(cluster: &Cluster, name: &str, database: &str) -> Result<Address> {
    let status = cluster.shoal(&["local", "status"])?;
    let rows = table(&status);
    let row = rows.iter().find(|row| row.get("NAME") == Some(&name)).with_context(|| status.clone())?;
    let port = row.get("PORT").and_then(|port| port.parse().ok()).with_context(|| status.clone())?;
    Ok(Address { port, ..cluster.gate("app", database) })
}

/// The numbers that an INSERT of so many rows was given.
async fn insert(session: &mut Session, rows: usize) -> Result<Vec<u64>> {
    let sql = format!("insert into items (a) values {}", vec!["(1)"; rows].join(","));
    match session.run(&sql).await? {
        Outcome::Done(done) => {
            ensure!(done.affected_rows == rows as u64, "{done:?}");
            Ok((done.last_insert_id..).take(rows).collect())
        }
        other => bail!("{other}"),
    }
}

/// What comes of it once it succeeds.
async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + BACK_DEADLINE;
    loop {
        match attempt().await {
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
}

/// The ids of all rows, each of which is on one shard.
async fn ids(cluster: &Cluster) -> Result<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    for shard in cluster.shards("shop")? {
        let mut direct = Session::connect(&shard.address).await?;
        let Outcome::Rows { rows, .. } = direct.run("select id from items").await? else { bail!("no rows") };
        ensure!(!rows.is_empty(), "no row is on shard {}", shard.name);
        for id in rows.into_iter().flatten().flatten() {
            let id: u64 = String::from_utf8_lossy(&id).parse()?;
            ensure!(found.insert(id), "row {id} is on two shards");
        }
    }
    Ok(found)
}

/// Clients of both gates insert at once; gives the numbers that each was given.
async fn insert_through(gates: [Address; 2]) -> Result<Vec<u64>> {
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..8 {
        let address = gates[client % 2].clone();
        clients.spawn(async move {
            let mut session = Session::connect(&address).await?;
            let mut given = Vec::new();
            for round in 0..40 {
                given.extend(insert(&mut session, 1 + (client + round) % 7).await?);
            }
            ensure!(given.windows(2).all(|pair| pair[0] < pair[1]), "a client's numbers do not grow");
            anyhow::Ok(given)
        });
    }
    let mut all = Vec::new();
    while let Some(given) = clients.join_next().await {
        all.extend(given??);
    }
    Ok(all)
}

#[test]
fn two_gates_never_give_the_same_number() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let gates = [gate(&cluster, "gate-1", "shop")?, gate(&cluster, "gate-2", "shop")?];
        Session::connect(&gates[0]).await?.run_all(&[TABLE]).await?;
        let given = insert_through(gates).await?;
        let there = ids(&cluster).await?;
        ensure!(given.len() == there.len(), "{} numbers for {} rows", given.len(), there.len());
        ensure!(given.into_iter().collect::<BTreeSet<_>>() == there, "other numbers than were told");
        ensure!(cluster.complaints()?.is_empty(), "{:?}", cluster.complaints());
        Ok(())
    })
}

#[test]
fn a_gate_that_is_killed_leaves_its_numbers_unused() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let gates = [gate(&cluster, "gate-1", "shop")?, gate(&cluster, "gate-2", "shop")?];
        let (mut one, mut other) = (Session::connect(&gates[0]).await?, Session::connect(&gates[1]).await?);
        one.run_all(&[TABLE]).await?;
        let mut given = insert(&mut one, 3).await?;
        given.extend(insert(&mut other, 3).await?);
        signals::kill(pid_of(&cluster, "gate-1")?)?;
        given.extend(insert(&mut other, 3).await?);
        let mut again = eventually(async || Session::connect(&gates[0]).await).await?;
        given.extend(insert(&mut again, 50).await?);
        let told: BTreeSet<u64> = given.iter().copied().collect();
        ensure!(told.len() == given.len() && told == ids(&cluster).await?, "{given:?}");
        Ok(())
    })
}

#[test]
fn without_the_topology_the_numbers_in_hand_still_go() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let mut session = Session::connect(&gate(&cluster, "gate-1", "shop")?).await?;
        session.run_all(&[TABLE]).await?;
        let mut given = insert(&mut session, 2).await?;
        let stopped = Frozen::freeze(pid_of(&cluster, "etcd")?)?;
        given.extend(insert(&mut session, 1).await?);
        // More than the first block has.
        let (code, text) = loop {
            match session.run("insert into items (a) values (1)").await? {
                Outcome::Done(done) => given.push(done.last_insert_id),
                Outcome::Failed(error) => break (error.code, error.text),
                other => bail!("{other}"),
            }
            ensure!(given.len() < 1_000, "a gate that cannot reach the topology gives numbers without end");
        };
        ensure!(code == 1105 && text.ends_with("(SH3003)"), "{text}");
        ensure!(given.len() > 3, "the numbers in hand were not given");
        // Numbers that the client gives need no topology.
        session.run_all(&["insert into items values (100000, 1)"]).await?;
        drop(stopped);
        let first = eventually(async || insert(&mut session, 1).await).await?;
        ensure!(first[0] > 100_000, "{first:?}");
        Ok(())
    })
}

#[test]
fn numbers_that_clients_write_are_passed_by_every_gate() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let gates = [gate(&cluster, "gate-1", "shop")?, gate(&cluster, "gate-2", "shop")?];
        let (mut one, mut other) = (Session::connect(&gates[0]).await?, Session::connect(&gates[1]).await?);
        one.run_all(&[TABLE]).await?;
        let mut given = insert(&mut one, 1).await?;
        let first = insert(&mut other, 1).await?[0];
        // Into the block that the other gate holds: it finds them there, and takes others.
        one.run_all(&[&format!("insert into items values ({}, 1), ({}, 1)", first + 1, first + 2)]).await?;
        given.extend([first, first + 1, first + 2]);
        given.extend(insert(&mut other, 1).await?);
        // Where a row would be replaced or left out, too.
        let there = given[given.len() - 1];
        one.run_all(&[&format!("insert into items values ({}, 7)", there + 1)]).await?;
        other
            .run_all(&["replace into items (a) values (8)", "insert ignore into items (a) values (9)"])
            .await?;
        ensure!(value(&mut one, &format!("select a from items where id = {}", there + 1)).await? == "7");
        let there = ids(&cluster).await?;
        ensure!(there.len() == given.len() + 3, "{given:?} {there:?}");
        Ok(())
    })
}

#[test]
fn sequences_of_vitess_give_numbers() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let mut session = Session::connect(&gate(&cluster, "gate-1", "main")?).await?;
        session
            .run_all(&[
                "create table ids (id int primary key, next_id bigint, cache bigint) comment 'vitess_sequence'",
                "insert into ids values (0, 100, 1000)",
            ])
            .await?;
        ensure!(value(&mut session, "select next value from ids").await? == "100");
        ensure!(value(&mut session, "select next 5 values from ids").await? == "101");
        let mut other = Session::connect(&gate(&cluster, "gate-2", "shop")?).await?;
        ensure!(value(&mut other, "select next value from main.ids").await? == "106");
        for (statement, id) in [
            ("select next 0 values from ids", "(SH2023)"),
            ("select next 1000001 values from ids", "(SH2023)"),
            ("select next value from nothing", "doesn't exist"),
        ] {
            let (_, text) = refusal(&mut session, statement).await?;
            ensure!(text.ends_with(id), "{statement}: {text}");
        }
        Ok(())
    })
}
