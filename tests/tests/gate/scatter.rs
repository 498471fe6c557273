//! Answers that are put together of several shards': whole for slow clients, and honest when a shard dies.

use anyhow::{Context, Result, ensure};
use tests::cluster::Cluster;
use tests::differential::session::Session;
use tests::raw_client::{RawClient, Received};
use tests::signals;

use crate::faults::mysqld_of;
use crate::{cluster, refusal, session, value, wait};

/// Rows of a table whose answer is larger than what sockets take.
const ROWS: usize = 600;
const ROW_BYTES: usize = 100_000;

async fn filled(cluster: &Cluster) -> Result<Session> {
    let mut client = session(cluster, "app", "shop").await?;
    client.run_all(&["create table items (id bigint primary key, a int, pad longtext)"]).await?;
    for id in 0..ROWS {
        let insert = format!("insert into items values ({id}, 0, repeat('p', {ROW_BYTES}))");
        client.run_all(&[&insert]).await?;
    }
    Ok(client)
}

/// Reads the packets of an answer up to its end, from the one with this number on; gives how many rows there
/// were, and the last payload.
fn drain(client: &mut RawClient, mut sequence: u8) -> Result<(usize, Vec<u8>)> {
    let mut rows = 0;
    loop {
        let Received::Packet { payload, sequence: seen } = client.receive()? else {
            anyhow::bail!("the connection ended after {rows} rows");
        };
        ensure!(seen == sequence, "packet {seen} instead of {sequence} after {rows} rows");
        sequence = sequence.wrapping_add(1);
        match payload.first() {
            Some(0xff) => return Ok((rows, payload)),
            Some(0xfe) if payload.len() < 9 => return Ok((rows, payload)),
            _ => rows += 1,
        }
    }
}

/// Asks for all rows, and reads what stands before them.
fn ask(cluster: &Cluster) -> Result<RawClient> {
    let mut client = RawClient::connect(cluster.gate_port())?;
    client.login("app", "app", "shop")?;
    client.command(b"\x03select id, pad from items")?;
    // The number of columns, two definitions and their end: this client wants EOF packets.
    for _ in 0..4 {
        ensure!(matches!(client.receive()?, Received::Packet { .. }));
    }
    Ok(client)
}

#[test]
fn a_slow_client_gets_every_row_and_holds_up_nobody() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = filled(&cluster).await?;
        let mut slow = ask(&cluster)?;
        // Its rows fill all sockets; others are served meanwhile.
        for id in 0..20 {
            let read = format!("select a from items where id = {id}");
            ensure!(value(&mut client, &read).await? == "0");
        }
        client.run_all(&["update items set a = 1"]).await?;
        let (rows, end) = drain(&mut slow, 5)?;
        ensure!(rows == ROWS && end.first() == Some(&0xfe), "{rows} rows");
        // The connection is as good as before, and so are those behind.
        slow.command(b"\x03select id, pad from items where a = 1")?;
        for _ in 0..4 {
            slow.receive()?;
        }
        ensure!(drain(&mut slow, 5)?.0 == ROWS);
        Ok(())
    })
}

#[test]
fn a_shard_that_dies_amid_its_rows_is_an_error_at_their_end() -> Result<()> {
    let cluster = cluster()?;
    let last = cluster.shards("shop")?.pop().context("no shards")?;
    wait(async {
        let mut client = filled(&cluster).await?;
        let mut reader = ask(&cluster)?;
        signals::kill(mysqld_of(&cluster, last.address.port)?)?;
        let (rows, end) = drain(&mut reader, 5)?;
        let text = String::from_utf8_lossy(&end).into_owned();
        ensure!(rows < ROWS && text.contains("(SH3002)"), "{rows} rows, then {text}");
        // What no longer goes to all shards is not told as if it did.
        let (_, text) = refusal(&mut client, "update items set a = 2").await?;
        ensure!(text.ends_with("(SH3001)") || text.ends_with("(SH3002)"), "{text}");
        Ok(())
    })
}

#[test]
fn a_write_that_fails_on_one_shard_is_done_on_none() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        client.run_all(&["create table items (id bigint, n int, primary key (id, n))"]).await?;
        for id in 0..20 {
            client.run_all(&[&format!("insert into items values ({id}, 1)")]).await?;
        }
        // The last shard in their order has the row that cannot be changed.
        let shards = cluster.shards("shop")?;
        let mut direct = Session::connect(&shards[1].address).await?;
        let key = value(&mut direct, "select min(id) from items").await?;
        client.run_all(&[&format!("insert into items values ({key}, 2)")]).await?;
        let (code, text) = refusal(&mut client, "update items set n = 2 where n = 1").await?;
        ensure!(code == 1062, "{code} {text}");
        for shard in &shards {
            let mut direct = Session::connect(&shard.address).await?;
            let changed = format!("select count(*) from items where n = 2 and id <> {key}");
            ensure!(value(&mut direct, &changed).await? == "0", "shard {} has done its part", shard.name);
        }
        // Nothing of it holds locks any more.
        client.run_all(&["update items set n = 3 where n = 1"]).await?;
        Ok(())
    })
}
