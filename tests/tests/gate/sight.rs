//! Looking around and choosing: what clients ask first, SHOW, VEXPLAIN, and USE of one shard.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;
use tests::programs;

use crate::{cluster, refusal, session, value, wait};

/// What the mysql client prints for these lines.
fn mysql(cluster: &Cluster, arguments: &[&str], lines: &str) -> Result<String> {
    let port = cluster.gate_port().to_string();
    let mut client = Command::new(programs::foreign("mysql")?)
        .args(["--no-defaults", "--host=127.0.0.1", "--port", &port, "--user=app", "--force", "--table"])
        .args(arguments)
        .env("MYSQL_PWD", "app")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    std::io::Write::write_all(&mut client.stdin.take().context("no input")?, lines.as_bytes())?;
    let output = client.wait_with_output()?;
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok(format!("{said}{complained}"))
}

/// All rows, the values of a row joined by a bar.
async fn rows(session: &mut Session, statement: &str) -> Result<Vec<String>> {
    match session.run(statement).await? {
        Outcome::Rows { rows, .. } => {
            let text = |value: &Option<Vec<u8>>| match value {
                Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                None => "NULL".to_owned(),
            };
            Ok(rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect())
        }
        other => anyhow::bail!("{statement} gave no rows: {other}"),
    }
}

#[test]
fn common_clients_log_in_and_look_around() -> Result<()> {
    let cluster = cluster()?;
    let status = mysql(&cluster, &["--commands", "shop"], "\\s\n")?;
    for expected in ["Current database:\tshop", "Current user:\t\tapp@127.0.0.1", "Threads: 1  Questions: "] {
        ensure!(status.contains(expected), "no {expected} in\n{status}");
    }
    ensure!(!status.contains("ERROR"), "{status}");
    let walked =
        mysql(&cluster, &[], "use main;\nselect database();\nuse shop:-80;\nuse nowhere;\nshow tables;\n")?;
    ensure!(walked.contains("| main ") && walked.contains("Unknown database 'nowhere'"), "{walked}");
    ensure!(walked.contains("Tables_in_shop") || walked.matches("ERROR").count() == 1, "{walked}");
    wait(async {
        // With its own options the driver asks for settings of the server before anything else.
        let options = mysql_async::OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(cluster.gate_port())
            .user(Some("app"))
            .pass(Some("app"))
            .db_name(Some("main"));
        let mut driver = mysql_async::Conn::new(options).await?;
        let seen: Option<(String, u64)> = driver.query_first("SELECT USER(), CONNECTION_ID()").await?;
        let (user, connection) = seen.context("no row")?;
        ensure!(user == "app@127.0.0.1" && connection == u64::from(driver.id()), "{user} {connection}");
        driver.disconnect().await?;
        let mut client = session(&cluster, "app", "main").await?;
        let processes = rows(&mut client, "SHOW PROCESSLIST").await?;
        ensure!(processes.iter().any(|row| row.contains("|app|127.0.0.1|main|Query|")), "{processes:?}");
        let mut reader = session(&cluster, "reader", "main").await?;
        ensure!(rows(&mut reader, "SHOW FULL PROCESSLIST").await?.len() == 1);
        let processes = rows(&mut client, "SHOW PROCESSLIST").await?;
        ensure!(processes.iter().any(|row| row.contains("|reader|127.0.0.1|main|")), "{processes:?}");
        Ok(())
    })
}

#[test]
fn the_process_list_shows_what_others_are_at() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut sleeper = session(&cluster, "reader", "main").await?;
        let mut same = session(&cluster, "reader", "main").await?;
        let mut admin = session(&cluster, "app", "main").await?;
        let asleep = async { rows(&mut sleeper, "select sleep(60), 'so'").await };
        let looked = async {
            let of_reader = "|reader|127.0.0.1|main|Query|";
            let is_shown =
                |row: &String| row.contains(of_reader) && row.ends_with("|executing|select sleep(60), 'so'");
            let shown = loop {
                let seen = rows(&mut admin, "show processlist").await?;
                match seen.into_iter().find(is_shown) {
                    Some(shown) => break shown,
                    None => tokio::task::yield_now().await,
                }
            };
            let seen = rows(&mut same, "show full processlist").await?;
            ensure!(seen.len() == 2 && seen.iter().any(is_shown), "{seen:?}");
            let id = shown.split('|').next().unwrap_or_default();
            // Until it has come to its mysqld there is nothing to end.
            while rows(&mut admin, "show processlist").await?.iter().any(is_shown) {
                admin.run_all(&[&format!("kill query {id}")]).await?;
            }
            Ok(())
        };
        let (asleep, looked) = tokio::join!(asleep, looked);
        asleep.and(looked)
    })
}

#[test]
fn the_catalogue_is_a_database_to_begin_in() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "information_schema").await?;
        ensure!(value(&mut client, "select database()").await? == "information_schema");
        client.run_all(&["create table shop.items (id bigint primary key, a int)"]).await?;
        let asked = "select count(*) from columns where table_schema = 'shop' and table_name = 'items'";
        ensure!(value(&mut client, asked).await? == "2");
        // Within a transaction that began elsewhere, and back.
        client.run_all(&["use shop", "begin", "insert into items values (1, 1)"]).await?;
        client.run_all(&["use information_schema"]).await?;
        ensure!(value(&mut client, "select database()").await? == "information_schema");
        ensure!(value(&mut client, "select count(*) > 50 from tables").await? == "1");
        client.run_all(&["use shop"]).await?;
        ensure!(value(&mut client, "select a from items where id = 1").await? == "1");
        client.run_all(&["commit"]).await?;
        let (code, text) = refusal(&mut client, "use mysql").await?;
        ensure!(code == 1235 && text.contains("schema mysql"), "{text}");
        let walked =
            mysql(&cluster, &["information_schema"], "use performance_schema;\nselect database();\n")?;
        ensure!(walked.contains("| information_schema |") && walked.contains("SH2011"), "{walked}");
        Ok(())
    })
}

#[test]
fn a_form_that_is_not_understood_is_named() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        client.run_all(&["create table items (id bigint primary key, a int)"]).await?;
        for (statement, named) in [
            ("select a mod 2 from items where id = 1", "(near a literal)"),
            ("select a from items where id = 1 xor a", "(XOR, || or &&)"),
            ("select * from items where id = 1 union table items", "(TABLE inside another query)"),
            ("insert into items select id + 1, a from items where id = 1", "(a query in an INSERT)"),
            ("delete i from items i where i.id = 1", "(a DELETE that names its table apart from FROM)"),
        ] {
            let (code, text) = refusal(&mut client, statement).await?;
            ensure!(
                code == 1235 && text.contains(named) && text.ends_with("(SH2004)"),
                "{statement}: {text}"
            );
        }
        Ok(())
    })
}

#[test]
fn directives_of_vitess_are_honoured_or_noted() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut app = session(&cluster, "app", "shop").await?;
        app.run_all(&["create table items (id bigint primary key, a int)"]).await?;
        app.run_all(&["insert into items values (1, 1), (2, 2), (3, 3), (4, 4)"]).await?;
        let noted = |outcome: &Outcome| match outcome {
            Outcome::Rows { warnings, .. } => *warnings,
            Outcome::Done(done) => done.warnings,
            Outcome::Failed(_) => 0,
        };
        let honoured = app.run("select /*vt+ QUERY_TIMEOUT_MS=5000 */ a from items where id = 1").await?;
        ensure!(noted(&honoured) == 0 && rows(&mut app, "show warnings").await?.is_empty());
        // On one shard and on several, read and written, in a transaction and outside.
        for statement in [
            "select /*vt+ PLANNER=gen4 */ a from items where id = 1",
            "select /*vt+ PLANNER=gen4 */ a from items",
            "insert /*vt+ PLANNER=gen4 */ into items values (5, 5)",
            "insert /*vt+ PLANNER=gen4 */ into items values (6, 6), (7, 7), (8, 8), (9, 9)",
            "update /*vt+ PLANNER=gen4 */ items set a = a + 1",
            "/*vt+ PLANNER=gen4 */ begin",
            "delete /*vt+ PLANNER=gen4 */ from items where id = 1",
            "commit /*vt+ PLANNER=gen4 */",
        ] {
            let outcome = app.run(statement).await?;
            ensure!(noted(&outcome) == 1, "{statement}: {outcome}");
            let listed = rows(&mut app, "show warnings").await?;
            ensure!(
                matches!(&listed[..], [one] if one.starts_with("Note|1105|directive PLANNER=gen4 ")),
                "{statement}: {listed:?}"
            );
        }
        let dealt =
            rows(&mut app, "vexplain queries insert into items values (10, 1), (11, 1), (12, 1), (13, 1)")
                .await?;
        ensure!(dealt.len() == 2 && dealt.iter().all(|part| part.contains("insert into items")), "{dealt:?}");
        // MySQL's own warnings stand after it.
        let both = app.run("select /*vt+ PLANNER=gen4 */ 'x' + a from items where id = 5").await?;
        ensure!(noted(&both) == 2, "{both}");
        let listed = rows(&mut app, "show warnings").await?;
        ensure!(listed.len() == 2 && listed[1].starts_with("Warning|1292|"), "{listed:?}");
        // So do users who are there already, or are not.
        app.run_all(&["create user ann identified by 'ann'"]).await?;
        for (statement, expected) in [
            (
                "create user if not exists ann identified by 'x'",
                "Note|3163|Authorization ID 'ann'@'%' already exists.",
            ),
            ("drop user if exists ben", "Note|3162|Authorization ID 'ben'@'%' does not exist."),
        ] {
            let outcome = app.run(statement).await?;
            ensure!(noted(&outcome) == 1, "{statement}: {outcome}");
            let listed = rows(&mut app, "show warnings").await?;
            ensure!(listed == [expected], "{statement}: {listed:?}");
        }
        Ok(())
    })
}

#[test]
fn one_shard_is_chosen_read_and_written() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut all = session(&cluster, "app", "shop").await?;
        all.run_all(&["create table items (id bigint primary key, owner varchar(40))"]).await?;
        for id in 1..=20 {
            all.run_all(&[&format!("insert into items values ({id}, 'x')")]).await?;
        }
        let mut left = session(&cluster, "app", "shop:-80").await?;
        let mut right = session(&cluster, "app", "main").await?;
        right.run_all(&["use `shop:80-`"]).await?;
        let count = "select count(*) from items";
        let (here, there) = (value(&mut left, count).await?, value(&mut right, count).await?);
        let (here, there): (u32, u32) = (here.parse()?, there.parse()?);
        ensure!(here + there == 20 && here > 0 && there > 0, "{here} and {there}");
        // What VEXPLAIN says of a row is where the row is.
        for id in 1..=20 {
            let told =
                rows(&mut all, &format!("vexplain queries select * from items where id = {id}")).await?;
            let [told] = told.as_slice() else { anyhow::bail!("{told:?}") };
            let there = rows(&mut right, &format!("select 1 from items where id = {id}")).await?.len();
            let shard = if there == 1 { "80-" } else { "-80" };
            ensure!(*told == format!("0|shop|{shard}|select * from items where id = {id}"), "{told}");
        }
        right.run_all(&["update items set owner = 'y'"]).await?;
        ensure!(
            value(&mut right, "select count(*) from items where owner = 'y'").await? == there.to_string()
        );
        ensure!(value(&mut left, "select count(*) from items where owner = 'y'").await? == "0");
        for (statement, expected) in [
            ("create table more (id int primary key)", "SH2042"),
            ("select * from main.t", "SH2013"),
            ("use shop:-40", "SH2040"),
            ("use shop@spare", "SH2041"),
        ] {
            let (_, text) = refusal(&mut left, statement).await?;
            ensure!(text.contains(expected), "{statement}: {text}");
        }
        // There are no replicas here.
        left.run_all(&["use shop@replica"]).await?;
        ensure!(refusal(&mut left, "select * from items where id = 1").await?.1.contains("SH2044"));
        ensure!(refusal(&mut left, "delete from items where id = 1").await?.1.contains("SH2043"));
        left.run_all(&["use shop@primary", "select * from items where id = 1"]).await?;
        Ok(())
    })
}

#[test]
fn the_cluster_is_shown_in_vitess_words() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        ensure!(rows(&mut client, "show vitess_shards").await? == ["main/-", "shop/-80", "shop/80-"]);
        ensure!(rows(&mut client, "show keyspaces").await? == ["main", "shop"]);
        ensure!(rows(&mut client, "show shards like 'shop/%'").await? == ["shop/-80", "shop/80-"]);
        let tablets =
            rows(&mut client, "show vitess_tablets where Keyspace = 'shop' and Shard = '-80'").await?;
        ensure!(tablets.len() == 1 && tablets[0].contains("|shop|-80|PRIMARY|SERVING|"), "{tablets:?}");
        let databases = rows(&mut client, "show databases where `Database` like 'm%'").await?;
        ensure!(databases == ["main"], "{databases:?}");
        client.run_all(&["create table items (id bigint primary key, owner varchar(40))"]).await?;
        let plan = rows(&mut client, "vexplain plan insert into items values (5, 'x')").await?;
        ensure!(plan.len() == 2 && plan[0].starts_with("Route to shop/"), "{plan:?}");
        ensure!(plan[1].starts_with("  id = 5 by xxhash is keyspace ID "), "{plan:?}");
        ensure!(rows(&mut client, "select id from items where id = 5").await?.is_empty());
        let status = rows(&mut client, "show table status like 'items'").await?;
        ensure!(status.len() == 1 && status[0].starts_with("items|InnoDB|"), "{status:?}");
        let all: Vec<u64> = status[0].split('|').filter_map(|value| value.parse().ok()).collect();
        // Version, rows, their average, and the first pages of both shards.
        ensure!(all.get(3) == Some(&32_768), "{status:?}");
        Ok(())
    })
}
