//! What others end, and what ends by itself: schema changes that wait, clients that do not read, and silent ones.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;
use tests::raw_client::{RawClient, Received};
use tokio::time::{sleep, timeout};

use crate::{cluster, session, value, wait};

/// Longest wait for what is to be at once.
const SOON: Duration = Duration::from_secs(10);
/// An answer that no socket buffer holds, but a packet does.
const LARGE: &str = "select repeat('x', 50000000)";

/// The connections that are at this statement, by what SHOW PROCESSLIST says.
async fn at(watcher: &mut Session, statement: &str) -> Result<Vec<String>> {
    let Outcome::Rows { rows, .. } = watcher.run("show full processlist").await? else {
        anyhow::bail!("no rows")
    };
    let text =
        |value: &Option<Vec<u8>>| value.as_deref().map(|text| String::from_utf8_lossy(text).into_owned());
    let at_it = rows.iter().filter(|row| row.last().and_then(text).as_deref() == Some(statement));
    Ok(at_it.filter_map(|row| row.first().and_then(text)).collect())
}

/// Waits until so many connections are at the statement; gives them.
async fn until(watcher: &mut Session, statement: &str, count: usize) -> Result<Vec<String>> {
    let begun = Instant::now();
    loop {
        let found = at(watcher, statement).await?;
        if found.len() == count {
            return Ok(found);
        }
        ensure!(begun.elapsed() < SOON, "{statement}: {found:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn interrupted(client: &mut Session, statement: &str) -> Result<()> {
    match timeout(SOON, client.run(statement)).await.context("it goes on")?? {
        Outcome::Failed(error) if error.code == 1317 => Ok(()),
        other => anyhow::bail!("{statement}: {other:?}"),
    }
}

/// Ends the statement once somebody is at it, and again until nobody is.
async fn end(watcher: &mut Session, how: &str, statement: &str) -> Result<()> {
    let victim = until(watcher, statement, 1).await?;
    // It may have yet to come to what it waits for.
    sleep(Duration::from_millis(300)).await;
    watcher.run(&format!("{how} {}", victim[0])).await?;
    Ok(())
}

#[test]
fn schema_changes_that_wait_are_killed() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut watcher = session(&cluster, "app", "shop").await?;
        watcher.run_all(&["create table items (id bigint primary key, a int)"]).await?;
        watcher
            .run_all(&["insert into items (id) values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)"])
            .await?;
        // On every shard somebody keeps the table as it is.
        let mut holders = Vec::new();
        for id in 1..11 {
            let mut holder = session(&cluster, "app", "shop").await?;
            holder.run_all(&["begin", &format!("update items set a = 5 where id = {id}")]).await?;
            holders.push(holder);
        }
        let (first, second) = ("alter table items add column b int", "alter table items add column c int");
        let mut one = session(&cluster, "app", "shop").await?;
        let (ended, killed) =
            tokio::join!(interrupted(&mut one, first), end(&mut watcher, "kill query", first));
        killed.and(ended).context("one that waits for a table")?;
        // The session goes on.
        ensure!(value(&mut one, "select 7").await? == "7");

        let mut other = session(&cluster, "app", "shop").await?;
        let waits = async { one.run(first).await };
        let behind = async {
            until(&mut watcher, first, 1).await?;
            let (ended, killed) =
                tokio::join!(interrupted(&mut other, second), end(&mut watcher, "kill query", second));
            killed.and(ended).context("one that waits for the keyspace's lock")?;
            end(&mut watcher, "kill", first).await
        };
        let (cut, killed) = tokio::join!(timeout(SOON * 2, waits), behind);
        killed?;
        ensure!(cut.context("its connection is not closed")?.is_err(), "its connection lives on");
        until(&mut watcher, first, 0).await?;
        for holder in &mut holders {
            holder.run_all(&["rollback"]).await?;
        }
        // Nothing is half made, and the next one is made.
        watcher.run_all(&["alter table items add column d int"]).await?;
        let shown = "select group_concat(column_name order by ordinal_position) from \
                     information_schema.columns where table_schema = 'shop' and table_name = 'items'";
        ensure!(value(&mut watcher, shown).await? == "id,a,d");
        Ok(())
    })
}

fn raw(cluster: &Cluster) -> Result<RawClient> {
    let mut client = RawClient::connect(cluster.gate_port())?;
    client.login("app", "app", "shop")?;
    Ok(client)
}

fn query(client: &mut RawClient, sql: &str) -> Result<Received> {
    client.command(&[b"\x03", sql.as_bytes()].concat())?;
    client.receive()
}

#[test]
fn a_client_that_does_not_read_is_closed() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut watcher = session(&cluster, "app", "shop").await?;
        let mut slow = raw(&cluster)?;
        slow.command(&[b"\x03", LARGE.as_bytes()].concat())?;
        end(&mut watcher, "kill", LARGE).await?;
        until(&mut watcher, LARGE, 0).await?;
        // Without anybody's help, by what its session says.
        let mut slow = raw(&cluster)?;
        ensure!(query(&mut slow, "set net_write_timeout = 2")?.is_ok());
        slow.command(&[b"\x03", LARGE.as_bytes()].concat())?;
        until(&mut watcher, LARGE, 1).await?;
        until(&mut watcher, LARGE, 0).await?;
        Ok(())
    })
}

#[test]
fn a_silent_client_is_closed_and_rolled_back() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut watcher = session(&cluster, "app", "shop").await?;
        watcher.run_all(&["create table items (id bigint primary key, a int)"]).await?;
        let mut silent = raw(&cluster)?;
        for sql in ["set wait_timeout = 2", "begin", "insert into items values (1, 1)"] {
            ensure!(query(&mut silent, sql)?.is_ok(), "{sql}");
        }
        let begun = Instant::now();
        let told = silent.receive()?;
        let error = told.error().context("no error")?;
        ensure!(matches!(told, Received::Packet { sequence: 0, .. }) && error.code == 4031, "{told:?}");
        ensure!(error.sqlstate == "HY000" && error.text.contains("because of inactivity"), "{error:?}");
        ensure!(begun.elapsed() > Duration::from_secs(1), "too early: {:?}", begun.elapsed());
        ensure!(silent.receive()? == Received::Closed);
        // Its row is nobody's any more.
        watcher.run_all(&["insert into items values (1, 2)"]).await?;
        // One that says something in time stays, and a reset forgets the setting.
        let mut chatty = raw(&cluster)?;
        ensure!(query(&mut chatty, "set wait_timeout = 2")?.is_ok());
        for _ in 0..4 {
            sleep(Duration::from_secs(1)).await;
            chatty.command(b"\x0e")?;
            ensure!(chatty.receive()?.is_ok());
        }
        chatty.command(b"\x1f")?;
        ensure!(chatty.receive()?.is_ok());
        sleep(Duration::from_secs(3)).await;
        chatty.command(b"\x0e")?;
        ensure!(chatty.receive()?.is_ok());
        Ok(())
    })
}

#[test]
fn values_that_are_sent_ahead_are_bounded() -> Result<()> {
    const PIECE: usize = 4 << 20;
    let cluster = cluster()?;
    let mut client = raw(&cluster)?;
    client.command(b"\x16select length(?)")?;
    let Received::Packet { payload, .. } = client.receive()? else { anyhow::bail!("closed") };
    let id = payload.get(1..5).context("no statement")?.to_vec();
    // What a parameter and a column are, each with an end.
    for _ in 0..4 {
        client.receive()?;
    }
    let ahead = [b"\x18", id.as_slice(), b"\0\0", &vec![b'x'; PIECE]].concat();
    // Types are told: a long blob.
    let execute = [b"\x17", id.as_slice(), b"\0\x01\0\0\0\0\x01\xfb\0"].concat();
    for round in 0..2 {
        for _ in 0..40 {
            client.command(&ahead)?;
        }
        client.command(&execute)?;
        let refused = client.receive()?;
        ensure!(refused.error().is_some_and(|error| error.code == 1153), "{round}: {refused:?}");
    }
    // What was too long has left nothing behind.
    let little = &ahead[..1024];
    client.command(little)?;
    client.command(&execute)?;
    let answer = client.receive()?;
    ensure!(answer.error().is_none() && answer != Received::Closed, "after them: {answer:?}");
    Ok(())
}

#[test]
fn who_may_kill_a_connection_is_told_by_its_present_user() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let (mut admin, mut reader) =
            (session(&cluster, "app", "shop").await?, session(&cluster, "reader", "shop").await?);
        let address = cluster.gate("app", "shop");
        let options = mysql_async::OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(address.port)
            .user(Some(address.user))
            .pass(Some(address.password))
            .db_name(Some(address.database));
        let mut victim = mysql_async::Conn::new(options).await?;
        let kill = format!("kill query {}", victim.id());
        let refused = |outcome: Outcome| matches!(outcome, Outcome::Failed(error) if error.code == 1095);
        ensure!(refused(reader.run(&kill).await?), "another user's");
        let becomes = mysql_async::ChangeUserOpts::new();
        let becomes = becomes.with_user(Some("reader".to_owned())).with_pass(Some("reader".to_owned()));
        victim.change_user(becomes).await?;
        ensure!(!refused(reader.run(&kill).await?), "its own user's");
        ensure!(!refused(admin.run(&kill).await?), "an admin's");
        Ok(())
    })
}
