//! Statements and answers of every size go through unchanged.

use anyhow::{Context, Result, ensure};
use tests::differential::outcome::Outcome;

use crate::{cluster, refusal, session, value, wait};

#[test]
fn large_statements_and_answers_pass_whole() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "main").await?;
        // Around the bound of one packet (16 MiB - 1), where a payload goes on in the next one.
        for length in [10, 65_536, 16_777_210, 16_777_214, 16_777_215, 16_777_216, 20_000_000] {
            let answer = value(&mut client, &format!("select repeat('x', {length})")).await?;
            ensure!(answer.len() == length && answer.bytes().all(|byte| byte == b'x'), "{length} bytes");
            let statement = format!("select length('{}')", "y".repeat(length));
            ensure!(
                value(&mut client, &statement).await? == length.to_string(),
                "a statement of {length} bytes"
            );
        }
        // The gate's own answer to one that came in several packets.
        let (code, _) = refusal(&mut client, &format!("set @a = '{}'", "z".repeat(17_000_000))).await?;
        ensure!(code == 1235, "{code}");
        // Shards answer such a statement by another number, too: one part of an INSERT, and several shards at once.
        client
            .run_all(&["create table shop.items (id bigint primary key auto_increment, owner longblob)"])
            .await?;
        let long = "x".repeat(17_000_000);
        client
            .run_all(&["use shop", &format!("insert into items (owner) values ('{long}')"), "use main"])
            .await?;
        let found = format!("select length(owner) from shop.items where owner <> '{}y'", &long[1..]);
        ensure!(value(&mut client, &found).await? == "17000000");
        client.run_all(&["create table numbers (n int primary key, pad varchar(200))"]).await?;
        let rows: Vec<String> = (0..5_000).map(|n| format!("({n}, repeat('p', {}))", n % 200)).collect();
        client.run_all(&[&format!("insert into numbers values {}", rows.join(","))]).await?;
        let Outcome::Rows { rows, .. } = client.run("select n, pad from numbers order by n").await? else {
            anyhow::bail!("no rows");
        };
        ensure!(rows.len() == 5_000);
        for (n, row) in rows.iter().enumerate() {
            let length = row[1].as_ref().map_or(0, Vec::len);
            ensure!(row[0].as_deref() == Some(n.to_string().as_bytes()) && length == n % 200, "row {n}");
        }
        Ok(())
    })
}

#[test]
fn answers_go_to_the_client_that_asked() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut setup = session(&cluster, "app", "shop").await?;
        setup.run_all(&["create table items (id bigint primary key, owner varchar(40))"]).await?;
        // Many clients on few connections behind; each looks only at its own rows.
        let mut clients = Vec::new();
        for number in 0..24_u32 {
            clients.push((number, session(&cluster, "app", "shop").await?));
        }
        let mut tasks = Vec::new();
        for (number, mut client) in clients {
            tasks.push(async move {
                for round in 0..40 {
                    let id = number * 1_000 + round;
                    client
                        .run_all(&[&format!(
                            "insert into items values ({id}, 'client {number} round {round}')"
                        )])
                        .await?;
                    let owner =
                        value(&mut client, &format!("select owner from items where id = {id}")).await?;
                    ensure!(owner == format!("client {number} round {round}"), "{id} belongs to {owner}");
                    let (code, _) =
                        refusal(&mut client, &format!("insert into items values ({id}, 'again')")).await?;
                    ensure!(code == 1062, "a duplicate was answered with {code}");
                }
                Ok(())
            });
        }
        let mut set = tokio::task::JoinSet::new();
        tasks.into_iter().for_each(|task| drop(set.spawn(task)));
        while let Some(done) = set.join_next().await {
            done??;
        }
        Ok(())
    })?;
    // Every row is on one shard, and each shard has some.
    let mut total = 0;
    for shard in cluster.shards("shop")? {
        let count = wait(async {
            let mut direct = tests::differential::session::Session::connect(&shard.address).await?;
            value(&mut direct, "select count(*) from items").await
        })?;
        let count: u32 = count.parse()?;
        ensure!(count > 0, "shard {} is empty", shard.name);
        total += count;
    }
    ensure!(total == 24 * 40, "{total} rows");
    Ok(())
}

#[test]
fn roles_are_judged_by_mysql_and_by_the_gate() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut admin = session(&cluster, "app", "main").await?;
        admin.run_all(&["create table t (a int primary key)", "insert into t values (1)"]).await?;
        let mut reader = session(&cluster, "reader", "main").await?;
        ensure!(value(&mut reader, "select a from t").await? == "1");
        for (statement, code) in [
            ("insert into t values (2)", 1142),
            ("delete from t", 1142),
            ("drop table if exists t", 1142),
            ("create table main.u (a int primary key)", 1142),
            ("truncate t", 1142),
            ("rename table t to u", 1142),
            ("drop view v", 1142),
            ("create view v as select 1", 1142),
            ("create unique index a on t (a)", 1142),
            ("select * from mysql.user", 1142),
            ("call p()", 1370),
            ("create procedure p() select 1", 1044),
            ("insert into information_schema.tables values (1)", 1044),
            ("select * from _shoal.heartbeat", 1044),
            ("select a from t into outfile '/tmp/x'", 1227),
        ] {
            let (seen, text) = refusal(&mut reader, statement).await?;
            ensure!(seen == code, "{statement}: {seen} {text}");
            // By the name that they log in with, as MySQL would say it.
            let user = match code {
                1142 => " command denied to user 'reader'@'127.0.0.1' for table '",
                1370 => "execute command denied to user 'reader'@'%' for routine 'main.p'",
                _ => "",
            };
            ensure!(text.contains(user) && !text.contains("main.read'"), "{statement}: {text}");
            let told = match reader.run("show warnings").await? {
                Outcome::Rows { rows, .. } => rows,
                other => anyhow::bail!("{other}"),
            };
            let [told] = told.as_slice() else { anyhow::bail!("{statement}: {told:?}") };
            ensure!(told[2].as_deref() == Some(text.as_bytes()), "{statement}: {told:?}");
        }
        reader.run_all(&["begin", "select * from t"]).await?;
        let (_, text) = refusal(&mut reader, "update t set a = 2").await?;
        ensure!(text == "UPDATE command denied to user 'reader'@'127.0.0.1' for table 't'", "{text}");
        reader.run_all(&["rollback", "use shop"]).await?;
        admin.run_all(&["create table shop.items (id bigint primary key, a int)"]).await?;
        for statement in ["update items set a = 1", "insert into items values (1, 1), (2, 2), (3, 3), (4, 4)"]
        {
            let (_, text) = refusal(&mut reader, statement).await?;
            ensure!(
                text.ends_with(" command denied to user 'reader'@'127.0.0.1' for table 'items'"),
                "{text}"
            );
        }
        ensure!(value(&mut admin, "select count(*) from t").await? == "1");
        Ok(())
    })
}

#[test]
fn no_statement_is_too_deep_or_too_long_for_the_gate() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        client.run_all(&["create table items (id bigint primary key, owner varchar(40))"]).await?;
        client.run_all(&["insert into items values (1, 'x')"]).await?;
        let chain =
            |step: &str, times: usize| format!("select owner from items where id = 1{}", step.repeat(times));
        ensure!(value(&mut client, &chain(" and 1", 500)).await? == "x");
        for statement in [
            chain(" and 1", 30_000),
            chain("+1", 200_000),
            format!("select {}1{} from items where id = 1", "(".repeat(50_000), ")".repeat(50_000)),
            format!("select {}1 from items where id = 1", "- ".repeat(100_000)),
            format!(
                "select owner from items where id = 1 /* {} */ or 1 = 1 order by owner",
                "x".repeat(3_000_000)
            ),
        ] {
            let head: String = statement.chars().take(60).collect();
            refusal(&mut client, &statement).await.with_context(|| head)?;
        }
        ensure!(value(&mut client, "select owner from items where id = 1").await? == "x");
        Ok(())
    })
}

#[test]
fn a_session_that_a_stored_function_changed_serves_nobody_else() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "main").await?;
        client.run_all(&["create table t (a int primary key)", "insert into t values (1), (2), (3)"]).await?;
        client
            .run_all(&["create function narrow() returns int deterministic no sql begin set session sql_select_limit = 1; return 1; end"])
            .await?;
        for _ in 0..5 {
            ensure!(value(&mut client, "select narrow()").await? == "1");
            let mut other = session(&cluster, "app", "main").await?;
            let Outcome::Rows { rows, .. } = other.run("select a from t").await? else {
                anyhow::bail!("no rows")
            };
            ensure!(rows.len() == 3, "{} rows of 3", rows.len());
        }
        Ok(())
    })
}
