//! Transactions of one shard: their connection is their own until they end, and what becomes of them when it breaks.

use std::time::Instant;

use anyhow::{Result, ensure};
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;
use tests::raw_client::{RawClient, Received};
use tests::signals;

use crate::faults::{BACK_DEADLINE, mysqld_of};
use crate::{cluster, refusal, session, value, wait};

const TABLE: &str = "create table items (id bigint primary key, a int)";

/// A key of the shard with this index.
async fn key_on(cluster: &Cluster, shard: usize) -> Result<String> {
    let mut direct = Session::connect(&cluster.shards("shop")?[shard].address).await?;
    value(&mut direct, "select min(id) from items").await
}

async fn filled(cluster: &Cluster) -> Result<Session> {
    let mut client = session(cluster, "app", "shop").await?;
    client.run_all(&[TABLE]).await?;
    for id in 0..20 {
        client.run_all(&[&format!("insert into items values ({id}, 0)")]).await?;
    }
    Ok(client)
}

#[test]
fn a_transaction_has_a_connection_of_its_own_and_gives_it_back() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = filled(&cluster).await?;
        let mut other = session(&cluster, "app", "shop").await?;
        let read = "select a from items where id = 1";
        client.run_all(&["begin", "update items set a = 1 where id = 1"]).await?;
        ensure!(value(&mut client, read).await? == "1" && value(&mut other, read).await? == "0");
        client.run_all(&["commit"]).await?;
        ensure!(value(&mut other, read).await? == "1");
        let count = "select count(*) from performance_schema.processlist where user like 'shop.%'";
        let mut direct = Session::connect(&cluster.shards("shop")?[0].address).await?;
        let before: u32 = value(&mut direct, count).await?.parse()?;
        for round in 0..30 {
            let id = round % 20;
            client.run_all(&["begin", &format!("update items set a = 2 where id = {id}")]).await?;
            client.run_all(&[if round % 2 == 0 { "commit" } else { "rollback" }]).await?;
        }
        let after: u32 = value(&mut direct, count).await?.parse()?;
        ensure!(after <= before + 1, "{before} connections became {after}");
        // A client that leaves takes its transaction with it, locks and all.
        other.run_all(&["begin", "update items set a = 7 where id = 3"]).await?;
        drop(other);
        let deadline = Instant::now() + BACK_DEADLINE;
        while refused(&mut client, "select a from items where id = 3 for update nowait").await? {
            ensure!(Instant::now() < deadline, "the row is still locked");
        }
        ensure!(value(&mut client, "select a from items where id = 3").await? != "7");
        Ok(())
    })
}

async fn refused(client: &mut Session, statement: &str) -> Result<bool> {
    Ok(matches!(client.run(statement).await?, Outcome::Failed(_)))
}

#[test]
fn a_transaction_stays_on_its_shard() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = filled(&cluster).await?;
        let (here, there) = (key_on(&cluster, 0).await?, key_on(&cluster, 1).await?);
        let update = |key: &str| format!("update items set a = 5 where id = {key}");
        // What reads no rows of a shard does not settle on it.
        client.run_all(&["begin", "select 1", &update(&there)]).await?;
        for statement in [
            update(&here),
            "update items set a = 6".into(),
            "select a from items".into(),
            "insert into main.t values (1)".into(),
        ] {
            let (code, text) = refusal(&mut client, &statement).await?;
            ensure!(code == 1235 && text.ends_with("(SH2015)"), "{statement}: {code} {text}");
        }
        client.run_all(&["select 1", "commit"]).await?;
        ensure!(value(&mut client, &format!("select a from items where id = {there}")).await? == "5");
        ensure!(value(&mut client, &format!("select a from items where id = {here}")).await? == "0");
        Ok(())
    })
}

#[test]
fn a_transaction_is_lost_with_its_shard() -> Result<()> {
    let cluster = cluster()?;
    let shards = cluster.shards("shop")?;
    wait(async {
        let mut client = filled(&cluster).await?;
        let (here, there) = (key_on(&cluster, 0).await?, key_on(&cluster, 1).await?);
        let update = format!("update items set a = 9 where id = {here}");
        client.run_all(&["begin", &update]).await?;
        signals::kill(mysqld_of(&cluster, shards[0].address.port)?)?;
        for statement in [
            format!("select a from items where id = {here}"),
            // Nothing goes on as if the transaction had not been.
            format!("update items set a = 9 where id = {there}"),
            "savepoint a".to_owned(),
            "begin".to_owned(),
            "commit".to_owned(),
        ] {
            let (_, text) = refusal(&mut client, &statement).await?;
            ensure!(text.ends_with("(SH3011)"), "{statement}: {text}");
        }
        // The COMMIT was the end of it.
        ensure!(value(&mut client, &format!("select a from items where id = {there}")).await? == "0");
        client.run_all(&["begin", "rollback"]).await?;
        let deadline = Instant::now() + BACK_DEADLINE;
        let read = format!("select a from items where id = {here}");
        loop {
            match client.run(&read).await? {
                Outcome::Rows { rows, .. } => {
                    ensure!(rows == [vec![Some(b"0".to_vec())]], "{rows:?}");
                    return Ok(());
                }
                _ => ensure!(Instant::now() < deadline, "the shard does not come back"),
            }
        }
    })
}

/// The status flags of the OK packet that answers a command.
fn flags(client: &mut RawClient, payload: &[u8]) -> Result<u16> {
    client.command(payload)?;
    let mut ends = 0;
    loop {
        match client.receive()? {
            // Header, affected rows, insert id, one byte each here; or header, warnings. Columns have an end, too.
            Received::Packet { payload, .. }
                if payload.first() == Some(&0) || is_end(&payload, &mut ends) =>
            {
                return Ok(u16::from_le_bytes([payload[3], payload[4]]));
            }
            Received::Packet { payload, .. } if payload.first() != Some(&0xff) => {}
            other => anyhow::bail!("no OK: {other:?}"),
        }
    }
}

/// Whether the packet ends the rows.
fn is_end(payload: &[u8], ends: &mut usize) -> bool {
    *ends += usize::from(payload.first() == Some(&0xfe) && payload.len() == 5);
    *ends == 2
}

#[test]
fn the_gates_own_answers_have_the_status_of_the_session() -> Result<()> {
    const IN_TRANSACTION: u16 = 0x0001;
    const AUTOCOMMIT: u16 = 0x0002;
    const READ_ONLY: u16 = 0x2000;
    let cluster = cluster()?;
    wait(async { filled(&cluster).await.map(drop) })?;
    wait(async {
        let mut other = session(&cluster, "app", "main").await?;
        other.run_all(&["create table others (id bigint primary key)"]).await
    })?;
    let mut client = RawClient::connect(cluster.gate_port())?;
    client.login("app", "app", "shop")?;
    let steps: [(&[u8], u16); 20] = [
        (b"\x0e", AUTOCOMMIT),
        (b"\x03begin", AUTOCOMMIT | IN_TRANSACTION),
        (b"\x0e", AUTOCOMMIT | IN_TRANSACTION),
        (b"\x03update items set a = 3 where id = 1", AUTOCOMMIT | IN_TRANSACTION),
        // On another connection.
        (b"\x03show create table main.others", AUTOCOMMIT | IN_TRANSACTION),
        (b"\x03savepoint a", AUTOCOMMIT | IN_TRANSACTION),
        (b"\x0e", AUTOCOMMIT | IN_TRANSACTION),
        (b"\x03commit", AUTOCOMMIT),
        (b"\x03start transaction read only", AUTOCOMMIT | IN_TRANSACTION | READ_ONLY),
        (b"\x03rollback", AUTOCOMMIT),
        (b"\x03set autocommit = 0", 0),
        (b"\x0e", 0),
        (b"\x03show create table main.others", 0),
        (b"\x03show create table items", 0),
        (b"\x03update items set a = 4 where id = 1", IN_TRANSACTION),
        (b"\x03show create table main.others", IN_TRANSACTION),
        (b"\x0e", IN_TRANSACTION),
        (b"\x03rollback", 0),
        (b"\x03set autocommit = 1", AUTOCOMMIT),
        (b"\x03update items set a = 5", AUTOCOMMIT),
    ];
    for (command, expected) in steps {
        let shown = String::from_utf8_lossy(command).into_owned();
        let seen = flags(&mut client, command)? & (IN_TRANSACTION | AUTOCOMMIT | READ_ONLY);
        ensure!(seen == expected, "{shown:?}: {seen:#x} instead of {expected:#x}");
    }
    // Drivers prepare first, and send text when they are told that this cannot be.
    client.command(b"\x16show shards")?;
    let error = client.receive()?.error();
    ensure!(error.as_ref().is_some_and(|error| error.code == 1295), "{error:?}");
    // RELEASE ends the connection after its answer.
    client.command(b"\x03commit release")?;
    ensure!(client.receive()?.is_ok() && matches!(client.receive()?, Received::Closed));
    Ok(())
}

#[test]
fn what_a_schema_tells_is_asked_beside_the_transaction() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = filled(&cluster).await?;
        client.run_all(&["create table main.others (id bigint primary key) comment 'x'"]).await?;
        for begin in ["begin", "set autocommit = 0"] {
            client.run_all(&[begin, "show tables from main"]).await?;
            client.run_all(&["update items set a = 9 where id = 1", "show columns from main.others"]).await?;
            let catalogue = "select table_name from information_schema.tables where table_schema = 'main'";
            ensure!(value(&mut client, catalogue).await? == "others");
            ensure!(value(&mut client, "select a from items where id = 1").await? == "9");
            client.run_all(&["rollback"]).await?;
            ensure!(value(&mut client, "select a from items where id = 1").await? == "0");
            client.run_all(&["rollback"]).await?;
        }
        Ok(())
    })
}
