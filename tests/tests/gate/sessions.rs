//! What a session keeps, and what ends with it: settings, prepared statements, users.

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{ChangeUserOpts, Conn, OptsBuilder, Value};
use tests::cluster::Cluster;
use tests::raw_client::{RawClient, Received};

use crate::{cluster, wait};

async fn connect(cluster: &Cluster, user: &str) -> Result<Conn> {
    let address = cluster.gate(user, "shop");
    let options = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(address.port)
        .user(Some(address.user))
        .pass(Some(address.password))
        .db_name(Some(address.database))
        .max_allowed_packet(Some(64 << 20))
        .wait_timeout(Some(1000));
    Ok(Conn::new(options).await?)
}

async fn number(conn: &mut Conn, sql: &str) -> Result<i64> {
    conn.query_first(sql).await?.ok_or_else(|| anyhow::anyhow!("no row: {sql}"))
}

#[test]
fn settings_are_the_sessions_own_and_end_with_a_reset() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let (mut one, mut other) = (connect(&cluster, "app").await?, connect(&cluster, "app").await?);
        let asked = "SELECT @@lock_wait_timeout";
        let usual = number(&mut one, asked).await?;
        one.query_drop("SET lock_wait_timeout = 17").await?;
        // They take turns on the same few connections.
        for _ in 0..20 {
            ensure!(number(&mut one, asked).await? == 17);
            ensure!(number(&mut other, asked).await? == usual);
        }
        // DEFAULT of these is 0, which is not what they were.
        let checks = "SELECT 2 * @@foreign_key_checks + @@unique_checks";
        one.query_drop("SET foreign_key_checks = 0, unique_checks = OFF").await?;
        for _ in 0..20 {
            ensure!(number(&mut one, checks).await? == 0);
            ensure!(number(&mut other, checks).await? == 3, "another session is not checked");
        }
        one.query_drop("SET foreign_key_checks = 1, unique_checks = ON").await?;
        ensure!(number(&mut one, checks).await? == 3);
        // In a transaction, on every shard, prepared.
        one.query_drop("CREATE TABLE items (id bigint PRIMARY KEY, a int)").await?;
        one.query_drop("INSERT INTO items VALUES (1, 1), (2, 2), (3, 3), (4, 4)").await?;
        one.query_drop("BEGIN").await?;
        let prepared = one.exec_first("SELECT @@lock_wait_timeout FROM items WHERE id = ?", (3,)).await?;
        ensure!(prepared == Some(17));
        one.query_drop("SET lock_wait_timeout = 18").await?;
        ensure!(number(&mut one, "SELECT @@lock_wait_timeout FROM items WHERE id = 3").await? == 18);
        one.query_drop("COMMIT").await?;
        for id in 1..5 {
            let asked = format!("SELECT @@lock_wait_timeout FROM items WHERE id = {id}");
            ensure!(number(&mut one, &asked).await? == 18, "shard of {id}");
        }

        one.query_drop("BEGIN").await?;
        one.query_drop("UPDATE items SET a = 9 WHERE id = 1").await?;
        let before = one.prep("SELECT ?").await?;
        ensure!(one.reset().await?, "the server knows no reset");
        ensure!(number(&mut one, asked).await? == usual);
        ensure!(number(&mut other, "SELECT a FROM items WHERE id = 1").await? == 1, "it is not rolled back");
        let gone = one.exec_drop(&before, (1,)).await;
        ensure!(matches!(&gone, Err(mysql_async::Error::Server(error)) if error.code == 1243), "{gone:?}");
        Ok(())
    })
}

/// What a statement means is fixed when it is prepared: connections forget theirs when their settings change.
#[test]
fn a_prepared_statement_means_what_its_own_session_says() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let (mut one, mut other) = (connect(&cluster, "app").await?, connect(&cluster, "app").await?);
        one.query_drop("SET sql_mode = 'PIPES_AS_CONCAT', div_precision_increment = 9").await?;
        for conn in [&mut one, &mut other] {
            conn.query_drop("USE main").await?;
        }
        let sql = "SELECT CONCAT(1 || 0, ' ', CAST(? AS DECIMAL) / 3)";
        for _ in 0..10 {
            let ones: Option<String> = one.exec_first(sql, (1,)).await?;
            ensure!(ones.as_deref() == Some("10 0.333333333"), "{ones:?}");
            let others: Option<String> = other.exec_first(sql, (1,)).await?;
            ensure!(others.as_deref() == Some("1 0.3333"), "{others:?}");
        }
        Ok(())
    })
}

#[test]
fn a_session_becomes_another_users() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut conn = connect(&cluster, "app").await?;
        conn.query_drop("CREATE TABLE items (id bigint PRIMARY KEY, a int)").await?;
        conn.query_drop("SET lock_wait_timeout = 17").await?;
        let as_reader = || {
            let options = ChangeUserOpts::new();
            options.with_user(Some("reader".to_owned())).with_pass(Some("reader".to_owned()))
        };
        conn.change_user(as_reader().with_db_name(Some("shop".to_owned()))).await?;
        let user: Option<String> = conn.query_first("SELECT CURRENT_USER()").await?;
        ensure!(user.as_deref() == Some("reader@%"), "{user:?}");
        ensure!(number(&mut conn, "SELECT @@lock_wait_timeout").await? != 17);
        let refused = conn.query_drop("INSERT INTO items VALUES (1, 1)").await;
        ensure!(
            matches!(&refused, Err(mysql_async::Error::Server(error)) if error.code == 1142),
            "{refused:?}"
        );
        let listed: Vec<(u64, String)> = conn.exec("SHOW PROCESSLIST", ()).await.unwrap_or_default();
        ensure!(listed.is_empty());
        let wrong = conn.change_user(as_reader().with_pass(Some("guess".to_owned()))).await;
        ensure!(matches!(&wrong, Err(mysql_async::Error::Server(error)) if error.code == 1045), "{wrong:?}");
        ensure!(conn.query_drop("SELECT 1").await.is_err(), "it goes on after a wrong password");
        Ok(())
    })
}

#[test]
fn values_of_prepared_statements_arrive_as_they_are() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut conn = connect(&cluster, "app").await?;
        let columns = "i bigint, u bigint unsigned, f float, d double, n decimal(20,5), t time(6), m datetime(6), \
                       y date, s varchar(40), b varbinary(40), j json, k text";
        conn.query_drop(format!("CREATE TABLE items (id bigint PRIMARY KEY, {columns})")).await?;
        let row = |id: i64| -> Vec<Value> {
            vec![
                Value::Int(id),
                Value::Int(i64::MIN),
                Value::UInt(u64::MAX),
                Value::Float(1.5),
                Value::Double(-0.1),
                Value::Bytes(b"-12.34000".to_vec()),
                Value::Time(true, 1, 2, 3, 4, 500),
                Value::Date(2026, 11, 30, 1, 2, 3, 4),
                Value::Date(2026, 11, 30, 0, 0, 0, 0),
                Value::Bytes("it's \\ 😀".into()),
                Value::Bytes(vec![0, 0xff, b'\'', b'\\', 0xc3]),
                Value::Bytes(br#"{"a": 1}"#.to_vec()),
                Value::NULL,
            ]
        };
        let marks = vec!["?"; row(0).len()].join(", ");
        // One row goes as it is, several are dealt out.
        conn.exec_drop(format!("INSERT INTO items VALUES ({marks})"), row(1)).await?;
        let several = vec![format!("({marks})"); 4].join(", ");
        let values: Vec<Value> = (2..6).flat_map(row).collect();
        conn.exec_drop(format!("INSERT INTO items VALUES {several}"), values).await?;
        for id in 1..6 {
            let found: Option<mysql_async::Row> =
                conn.exec_first("SELECT * FROM items WHERE id = ?", (id,)).await?;
            let found = found.ok_or_else(|| anyhow::anyhow!("row {id} is not there"))?.unwrap();
            let mut expected = row(id);
            // A double is what it was; the server gives a float as one.
            expected[3] = found[3].clone();
            ensure!(found[3] == Value::Float(1.5), "{:?}", found[3]);
            ensure!(found == expected, "{found:?}\n{expected:?}");
        }
        let all: Vec<i64> =
            conn.exec("SELECT id FROM items WHERE s = ? AND u = ?", ("it's \\ 😀", u64::MAX)).await?;
        ensure!(all.len() == 5, "{all:?}");
        // A text that no connection keeps, on one shard and on several.
        let long = format!("SELECT id FROM items WHERE id = ? AND k <> '{}'", "y".repeat(20_000));
        let on_one: Vec<i64> = conn.exec(&long, (1,)).await?;
        let on_several: Vec<i64> = conn.exec(long.replace("id = ?", "i < ?"), (1,)).await?;
        ensure!(on_one.is_empty() && on_several.is_empty(), "k is NULL");
        // Too large for one packet, so it is sent ahead.
        let large = vec![b'x'; 20 << 20];
        conn.exec_drop("UPDATE items SET k = ? WHERE id = ?", (&large, 1)).await.ok();
        conn.query_drop("ALTER TABLE items MODIFY k longtext").await?;
        conn.exec_drop("UPDATE items SET k = ? WHERE id = ?", (&large, 1)).await?;
        let back: Option<Vec<u8>> = conn.exec_first("SELECT k FROM items WHERE id = ?", (1,)).await?;
        ensure!(back.is_some_and(|back| back == large), "a large value is another one");
        Ok(())
    })
}

#[test]
fn bytes_for_a_text_find_their_shard_by_what_mysql_takes_them_for() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut conn = connect(&cluster, "app").await?;
        let table = "CREATE TABLE items (id varchar(20) CHARACTER SET latin1 PRIMARY KEY, a int)";
        conn.query_drop(table).await?;
        let mut raw = RawClient::connect(cluster.gate_port())?;
        raw.login("app", "app", "shop")?;
        raw.command(b"\x16SELECT a FROM items WHERE id = ?")?;
        let Received::Packet { payload, .. } = raw.receive()? else { anyhow::bail!("not prepared") };
        ensure!(payload[0] == 0, "{payload:?}");
        let id = payload[1..5].to_vec();
        // A parameter and a column, each with an end.
        for _ in 0..4 {
            raw.receive()?;
        }
        for (a, key) in ["ä", "ö", "é", "ß", "ñ", "plain"].into_iter().enumerate() {
            conn.query_drop(format!("INSERT INTO items VALUES ('{key}', {a})")).await?;
            // The text comes as a blob: MySQL compares its bytes with those of the column.
            let bytes: Vec<u8> = key.chars().map(|c| c as u8).collect();
            let head = [b"\x17", id.as_slice(), b"\0\x01\0\0\0\0\x01\xfc\0"].concat();
            raw.command(&[head, vec![bytes.len() as u8], bytes].concat())?;
            let mut answer = Vec::new();
            for _ in 0..3 {
                raw.receive()?;
            }
            if let Received::Packet { payload, .. } = raw.receive()? {
                answer = payload;
            }
            ensure!(answer == [0, 0, a as u8, 0, 0, 0], "{key}: {answer:?}");
            raw.receive()?;
        }
        Ok(())
    })
}

/// The statement that a connection is at.
async fn listed(conn: &mut Conn, id: i64) -> Result<Option<String>> {
    let rows: Vec<mysql_async::Row> = conn.query("SHOW FULL PROCESSLIST").await?;
    let row = rows.into_iter().find(|row| row.get::<i64, _>(0) == Some(id));
    Ok(row.and_then(|row| row.get::<Option<String>, _>(7).flatten()))
}

#[test]
fn statements_and_connections_are_killed() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut killer = connect(&cluster, "app").await?;
        killer.query_drop("CREATE TABLE items (id bigint PRIMARY KEY, a int)").await?;
        killer.query_drop("INSERT INTO items VALUES (1, 1), (2, 2), (3, 3), (4, 4)").await?;
        let interrupted = |ended: mysql_async::Result<()>| match ended {
            Err(mysql_async::Error::Server(error)) if error.code == 1317 => Ok(()),
            other => Err(anyhow::anyhow!("{other:?}")),
        };
        let mut holder = connect(&cluster, "app").await?;
        holder.query_drop("BEGIN").await?;
        holder.query_drop("UPDATE items SET a = 5 WHERE id = 1").await?;
        // On one shard, on several, and in a transaction; two of them wait for a lock.
        let statements = [
            "UPDATE items SET a = 2 WHERE id = 1",
            "SELECT SLEEP(60), id FROM items",
            "DELETE FROM items WHERE id = 1",
        ];
        for sql in statements {
            let mut victim = connect(&cluster, "app").await?;
            if sql.starts_with("DELETE") {
                victim.query_drop("BEGIN").await?;
            }
            let id = number(&mut victim, "SELECT CONNECTION_ID()").await?;
            let began = std::time::Instant::now();
            let running = async { (victim.query_drop(sql).await, victim) };
            let killing = async {
                // Until it has come to its shard there is nothing to end.
                while listed(&mut killer, id).await?.as_deref() != Some(sql) {
                    tokio::task::yield_now().await;
                }
                while listed(&mut killer, id).await?.as_deref() == Some(sql) {
                    killer.query_drop(format!("KILL QUERY {id}")).await?;
                }
                anyhow::Ok(())
            };
            let ((ended, mut victim), killed) = tokio::join!(running, killing);
            killed?;
            // SLEEP ends early without an error.
            if !(sql.contains("SLEEP") && ended.is_ok()) {
                interrupted(ended)?;
            }
            ensure!(began.elapsed().as_secs() < 30, "{sql} went on");
            ensure!(number(&mut victim, "SELECT COUNT(*) FROM items WHERE id = 1").await? == 1);
            // The connection ends.
            killer.query_drop(format!("KILL {id}")).await?;
            ensure!(victim.query_drop("SELECT 1").await.is_err(), "it lives on");
        }
        let mut reader = connect(&cluster, "reader").await?;
        let own = number(&mut killer, "SELECT CONNECTION_ID()").await?;
        for (sql, code) in [(format!("KILL {own}"), 1095), ("KILL 999999".to_owned(), 1094)] {
            let refused = reader.query_drop(&sql).await;
            ensure!(
                matches!(&refused, Err(mysql_async::Error::Server(error)) if error.code == code),
                "{refused:?}"
            );
        }
        interrupted(killer.query_drop(format!("KILL QUERY {own}")).await)
    })
}

#[test]
fn nothing_that_is_sent_after_a_kill_is_executed() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut killer = connect(&cluster, "app").await?;
        for round in 0..100 {
            let mut victim = connect(&cluster, "app").await?;
            let id = number(&mut victim, "SELECT CONNECTION_ID()").await?;
            killer.query_drop(format!("KILL {id}")).await?;
            let late = victim.query_drop("SELECT 1").await;
            ensure!(late.is_err(), "round {round}: it lives on");
        }
        // A client sees that it has ended before the one who did it is told so.
        for round in 0..100 {
            let mut victim = RawClient::connect(cluster.gate_port())?;
            victim.login("app", "app", "")?;
            let id = victim.connection_id()?;
            killer.query_drop(format!("KILL {id}")).await?;
            ensure!(victim.is_closed()?, "round {round}: it is open");
        }
        Ok(())
    })
}

#[test]
fn a_latin1_client_changes_the_schema_beside_tables_that_latin1_cannot_write() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        for keyspace in ["main", "shop"] {
            let (mut wide, mut narrow) = (connect(&cluster, "app").await?, connect(&cluster, "app").await?);
            for conn in [&mut wide, &mut narrow] {
                conn.query_drop(format!("USE {keyspace}")).await?;
            }
            wide.query_drop("CREATE TABLE `größe€` (id int PRIMARY KEY, kind enum('ß', '€', '😀'))").await?;
            narrow.query_drop("SET NAMES latin1").await?;
            narrow.query_drop("CREATE TABLE beside (id int PRIMARY KEY)").await?;
            // What the gate has read back it routes by.
            wide.query_drop("INSERT INTO `größe€` VALUES (1, '€'), (2, '😀')").await?;
            let kind: Option<String> = wide.query_first("SELECT kind FROM `größe€` WHERE id = 2").await?;
            ensure!(kind.as_deref() == Some("😀"), "{kind:?}");
            narrow.query_drop("DROP TABLE beside").await?;
        }
        Ok(())
    })
}

#[test]
fn calls_and_inserts_tell_what_they_made_and_warned_of() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut conn = connect(&cluster, "app").await?;
        conn.query_drop("USE main").await?;
        conn.query_drop("CREATE TABLE a (id int PRIMARY KEY AUTO_INCREMENT, s varchar(3))").await?;
        for (begin, end) in [("DO 0", "DO 0"), ("BEGIN", "COMMIT")] {
            conn.query_drop(begin).await?;
            conn.query_drop("INSERT IGNORE INTO a (s) VALUES ('too long')").await?;
            let warned: Vec<(String, u32, String)> = conn.query("SHOW WARNINGS").await?;
            ensure!(warned.len() == 1 && warned[0].1 == 1265, "{warned:?}");
            conn.query_drop(end).await?;
        }
        conn.query_drop("CREATE PROCEDURE p() INSERT INTO a (s) VALUES ('b')").await?;
        for (begin, end) in [("DO 0", "DO 0"), ("BEGIN", "COMMIT")] {
            conn.query_drop(begin).await?;
            conn.query_drop("CALL p()").await?;
            let made = number(&mut conn, "SELECT MAX(id) FROM a").await?;
            ensure!(number(&mut conn, "SELECT LAST_INSERT_ID()").await? == made);
            conn.query_drop(end).await?;
        }
        Ok(())
    })
}
