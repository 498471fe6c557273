//! Schema changes: on every shard, seen at once, judged by what MySQL made of them.

use anyhow::{Result, ensure};
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;

use crate::{cluster, refusal, session, value, wait};

#[test]
fn plans_follow_the_schema() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut one = session(&cluster, "app", "shop").await?;
        let mut other = session(&cluster, "app", "shop").await?;
        one.run_all(&[
            "create table items (id bigint primary key, a int)",
            "insert into items values (5, 1)",
        ])
        .await?;
        // The same text, planned for an integer key and kept; then the key becomes text.
        ensure!(value(&mut other, "select a from items where id = '05'").await? == "1");
        one.run_all(&[
            "drop table items",
            "create table items (id varchar(9) collate utf8mb4_bin primary key, a int)",
        ])
        .await?;
        one.run_all(&["insert into items values ('05', 2)", "insert into items values ('5', 3)"]).await?;
        ensure!(value(&mut other, "select a from items where id = '05'").await? == "2");
        ensure!(value(&mut other, "select a from items where id = '5'").await? == "3");
        // A number is equal to every text that reads as it.
        let Outcome::Rows { rows, .. } = other.run("select a from items where id = 5").await? else {
            anyhow::bail!("no rows")
        };
        ensure!(rows.len() == 2, "{rows:?}");
        // A new column counts in an INSERT without a list.
        one.run_all(&["alter table items add column b int first"]).await?;
        other.run_all(&["insert into items values (7, 'x', 8)"]).await?;
        ensure!(value(&mut one, "select b from items where id = 'x'").await? == "7");
        Ok(())
    })
}

#[test]
fn tables_that_the_shards_could_not_keep_leave_nothing_behind() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        for (statement, id) in [
            ("create table items (id varchar(20) collate utf8mb4_sv_0900_ai_ci primary key)", "SH2012"),
            ("create table items (id double primary key)", "SH2012"),
            ("create table items (other int primary key)", "SH2012"),
            ("create table items (id bigint primary key, a int unique)", "SH2008"),
            ("create table items (id bigint, a int primary key)", "SH2008"),
            ("create table others (a double primary key)", "SH2012"),
            ("create table others (id bigint)", "SH2026"),
        ] {
            let (code, text) = refusal(&mut client, statement).await?;
            ensure!(code == 1235 && text.ends_with(&format!("({id})")), "{statement}: {text}");
        }
        for shard in cluster.shards("shop")? {
            let mut direct = Session::connect(&shard.address).await?;
            let Outcome::Rows { rows, .. } = direct.run("show tables").await? else {
                anyhow::bail!("no rows")
            };
            ensure!(rows.is_empty(), "shard {} has {rows:?}", shard.name);
        }
        // What exists already is never taken for new and dropped.
        client
            .run_all(&["create table items (id bigint primary key)", "insert into items values (1)"])
            .await?;
        client.run_all(&["create table if not exists items (id varchar(20) primary key)"]).await?;
        let (code, _) = refusal(&mut client, "create table items (id bigint primary key)").await?;
        ensure!(code == 1050, "{code}");
        ensure!(value(&mut client, "select count(*) from items where id = 1").await? == "1");
        Ok(())
    })
}

#[test]
fn tables_without_a_key_get_an_invisible_one_that_nobody_sees() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        client
            .run_all(&["create table items (id bigint, a int)", "insert into items values (1, 2), (1, 3)"])
            .await?;
        ensure!(
            value(&mut client, "select group_concat(a order by a) from items where id = 1").await? == "2,3"
        );
        let Outcome::Rows { rows, .. } = client.run("show create table items").await? else {
            anyhow::bail!("no rows")
        };
        let text = String::from_utf8_lossy(rows[0][1].as_deref().unwrap_or_default()).into_owned();
        ensure!(!text.contains("my_row_id") && text.contains("`a` int"), "{text}");
        for shard in cluster.shards("shop")? {
            let mut direct = Session::connect(&shard.address).await?;
            ensure!(value(&mut direct, "select @@sql_require_primary_key").await? == "1");
        }
        Ok(())
    })
}

#[test]
fn what_a_trial_left_is_no_obstacle_and_rows_are_copied_where_they_belong() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        client
            .run_all(&["create table items (id bigint primary key, a int, note text, fulltext (note))"])
            .await?;
        let values: Vec<String> = (1..=40).map(|id| format!("({id}, {id}, 'x')")).collect();
        client.run_all(&[format!("insert into items values {}", values.join(", ")).as_str()]).await?;
        // A gate that died in the midst of two trials.
        let first = cluster.shards("shop")?.remove(0);
        let mut direct = Session::connect(&first.address).await?;
        direct
            .run_all(&[
                "create table shop._shoal_trial (a int primary key)",
                "create view shop._shoal_trial_view as select 1",
            ])
            .await?;
        client
            .run_all(&[
                "alter table items add unique key (a, id)",
                "create view seen as select id, a from items",
            ])
            .await?;
        let of_a_view = "create table copied (primary key (id)) select id, a from seen";
        client.run_all(&[of_a_view, "drop table copied"]).await?;
        client
            .run_all(&["create table copied (primary key (id)) select id, a from items where a > 20"])
            .await?;
        let mut copied = 0;
        for shard in cluster.shards("shop")? {
            let mut direct = Session::connect(&shard.address).await?;
            direct.run_all(&["use shop"]).await?;
            ensure!(
                value(
                    &mut direct,
                    "select count(*) from copied left join items using (id) where items.id is null"
                )
                .await?
                    == "0"
            );
            copied += value(&mut direct, "select count(*) from copied").await?.parse::<u32>()?;
            let left =
                "select count(*) from information_schema.tables where table_name like '\\_shoal\\_trial%'";
            ensure!(value(&mut direct, left).await? == "0", "shard {} has what a trial left", shard.name);
        }
        ensure!(copied == 20, "{copied}");
        ensure!(value(&mut client, "select a from copied where id = 33").await? == "33");
        Ok(())
    })
}

#[test]
fn every_shard_maintains_its_tables_and_has_those_of_innodb_only() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut client = session(&cluster, "app", "shop").await?;
        client
            .run_all(&[
                "create table items (id bigint primary key) partition by hash (id) partitions 2",
                "insert into items values (1), (2), (3), (4), (5), (6), (7), (8)",
            ])
            .await?;
        let maintained = [
            ("analyze table items", "analyze"),
            ("check table items extended", "check"),
            ("alter table items check partition p0, p1", "check"),
        ];
        for (statement, operation) in maintained {
            let Outcome::Rows { rows, .. } = client.run(statement).await? else {
                anyhow::bail!("no rows: {statement}")
            };
            let cell = |text: &str| Some(text.as_bytes().to_vec());
            let of_a_shard = vec![cell("shop.items"), cell(operation), cell("status"), cell("OK")];
            ensure!(rows == [of_a_shard.clone(), of_a_shard], "{statement}: {rows:?}");
        }
        for engine in ["MyISAM", "MEMORY", "ARCHIVE", "BLACKHOLE"] {
            let statement = format!("create table main.other (id int primary key) engine = {engine}");
            let (code, text) = refusal(&mut client, &statement).await?;
            ensure!(code == 3161, "{text}");
        }
        Ok(())
    })
}
