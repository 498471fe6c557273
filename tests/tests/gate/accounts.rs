//! Users and their rights: made by SQL, followed by every gate, and kept to by MySQL itself.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tests::cluster::{Cluster, GATE_PORT};
use tests::differential::outcome::Outcome;
use tests::differential::session::{Address, Session};

use crate::{cluster, refusal, session, value, wait};

/// Stands in every password, so that it can be looked for.
const SECRET: &str = "hunter2";

fn address(cluster: &Cluster, port: u16, (user, password): (&str, &str), database: &str) -> Address {
    Address { port, password: password.to_owned(), ..cluster.gate(user, database) }
}

async fn refused_login(address: &Address) -> Result<String> {
    match Session::connect(address).await {
        Err(error) => Ok(format!("{error:#}")),
        Ok(_) => bail!("{} was let in", address.user),
    }
}

/// The rows of one column.
async fn rows(session: &mut Session, statement: &str) -> Result<Vec<String>> {
    let Outcome::Rows { rows, .. } = session.run(statement).await? else { bail!("no rows: {statement}") };
    let text = |row: &Vec<Option<Vec<u8>>>| {
        row.first().cloned().flatten().map(|value| String::from_utf8_lossy(&value).into_owned())
    };
    Ok(rows.iter().filter_map(text).collect())
}

async fn all_refused(session: &mut Session, cases: &[(&str, u16)]) -> Result<()> {
    for (statement, code) in cases {
        let (seen, text) = refusal(session, statement).await?;
        ensure!(seen == *code, "{statement}: {seen} {text}");
        ensure!(!text.contains(SECRET), "{statement}: {text}");
    }
    Ok(())
}

#[test]
fn a_user_has_the_rights_of_each_keyspace_and_mysql_keeps_them() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut admin = session(&cluster, "app", "main").await?;
        admin
            .run_all(&[
                "create table t (a int primary key)",
                "insert into t values (1)",
                "create table shop.items (id bigint primary key, owner varchar(40))",
                "insert into shop.items (id, owner) values (1, 'x')",
                "create user 'ann'@'%' identified by 'hunter2'",
            ])
            .await?;
        let ann = |database: &str| address(&cluster, cluster.gate_port(), ("ann", SECRET), database);
        // Without rights: in, and no further.
        let mut nobody = Session::connect(&ann("")).await?;
        ensure!(rows(&mut nobody, "show databases").await? == ["information_schema"]);
        let denied = "Access denied for user 'ann'@'%' to database 'main'";
        ensure!(refused_login(&ann("main")).await?.contains(denied));
        all_refused(&mut nobody, &[("use main", 1044), ("select a from main.t", 1044), ("use nope", 1044)])
            .await?;

        admin.run_all(&["grant select on main.* to ann"]).await?;
        admin.run_all(&["grant select, insert, update, delete, execute on shop.* to ann"]).await?;
        // The session follows at its next statement.
        ensure!(rows(&mut nobody, "show databases").await? == ["information_schema", "main", "shop"]);
        let mut writer = Session::connect(&ann("shop")).await?;
        writer.run_all(&["insert into items (id, owner) values (2, 'ann')"]).await?;
        // In one session: she may write in one keyspace, and in the other MySQL itself keeps her from it.
        ensure!(value(&mut writer, "select a from main.t").await? == "1");
        all_refused(
            &mut writer,
            &[
                ("insert into main.t values (2)", 1142),
                ("update main.t set a = 5", 1142),
                ("delete from main.t", 1142),
                ("drop table main.t", 1142),
                ("alter table items add column b int", 1142),
                ("grant select on shop.* to ann", 1044),
                ("create user eve identified by 'hunter2'", 1227),
            ],
        )
        .await?;
        writer.run_all(&["use main"]).await?;
        // A statement that reads to us like a read, and writes: the account behind has no right to.
        admin.run_all(&["create procedure p() sql security invoker insert into t values (9)"]).await?;
        all_refused(&mut writer, &[("call p()", 1370), ("insert into t values (3)", 1142)]).await?;
        ensure!(value(&mut admin, "select count(*) from t").await? == "1");

        // Rights that shrink, and a user who goes.
        admin.run_all(&["revoke insert, update, delete, execute on shop.* from ann"]).await?;
        all_refused(&mut writer, &[("insert into shop.items (id, owner) values (3, 'ann')", 1142)]).await?;
        admin.run_all(&["revoke all on shop.* from ann"]).await?;
        all_refused(&mut writer, &[("select owner from shop.items where id = 2", 1044)]).await?;
        admin.run_all(&["drop user ann"]).await?;
        let (code, text) = refusal(&mut writer, "select 1").await?;
        ensure!(code == 1045 && text.contains("(SH2045)"), "{code} {text}");
        ensure!(writer.run("select 1").await.is_err(), "the session of a dropped user goes on");
        ensure!(refused_login(&ann("")).await?.contains("Access denied for user 'ann'@'127.0.0.1'"));
        Ok(())
    })?;
    no_secret_in(&cluster.dir().join("logs"))
}

#[test]
fn statements_about_users_say_what_mysql_says_or_what_to_write() -> Result<()> {
    let cluster = cluster()?;
    wait(async {
        let mut admin = session(&cluster, "app", "main").await?;
        admin.run_all(&["create user a identified by 'hunter2', 'b'@'%' identified by 'hunter2'"]).await?;
        all_refused(
            &mut admin,
            &[
                ("create user a identified by 'hunter2'", 1396),
                ("drop user nope", 1396),
                ("alter user nope identified by 'hunter2'", 1396),
                ("rename user nope to other", 1396),
                ("set password for nope = 'hunter2'", 1133),
                ("grant select on main.* to nope", 1410),
                ("revoke select on main.* from a", 1141),
                ("show grants for nope", 1141),
                ("show create user nope", 1396),
                ("drop user app", 1235),
                ("set password = 'hunter2'", 1235),
                ("grant insert on main.* to a", 1235),
                ("grant event on main.* to a", 1235),
                ("grant select on main.t to a", 1235),
                ("create user c@localhost identified by 'hunter2'", 1235),
                ("create role r", 1235),
            ],
        )
        .await?;
        admin
            .run_all(&["grant all on main.* to a", "grant select on *.* to a", "rename user a to c"])
            .await?;
        admin
            .run_all(&["create user if not exists c identified by 'hunter2'", "drop user if exists a"])
            .await?;
        let granted = ["GRANT SELECT ON *.* TO `c`@`%`", "GRANT ALL PRIVILEGES ON `main`.* TO `c`@`%`"];
        ensure!(rows(&mut admin, "show grants for c").await? == granted);
        let created = rows(&mut admin, "show create user c").await?;
        ensure!(
            created[0].starts_with("CREATE USER `c`@`%` IDENTIFIED WITH 'caching_sha2_password'"),
            "{created:?}"
        );
        ensure!(!created[0].contains("$5$"), "{created:?}");
        let all = ["GRANT ALL PRIVILEGES ON *.* TO `app`@`%` WITH GRANT OPTION"];
        ensure!(rows(&mut admin, "show grants").await? == all);
        // Whoever is no admin everywhere changes nothing but the own password.
        let mut b = Session::connect(&address(&cluster, cluster.gate_port(), ("b", SECRET), "")).await?;
        b.run_all(&["set password = 'other'", "alter user user() identified by 'another'"]).await?;
        all_refused(&mut b, &[("show grants for c", 1044), ("drop user c", 1227)]).await?;
        ensure!(rows(&mut b, "show grants").await? == ["GRANT USAGE ON *.* TO `b`@`%`"]);
        Session::connect(&address(&cluster, cluster.gate_port(), ("b", "another"), "")).await?;
        refused_login(&address(&cluster, cluster.gate_port(), ("b", SECRET), "")).await?;
        Ok(())
    })?;
    no_secret_in(&cluster.dir().join("logs"))
}

#[test]
fn every_gate_follows_at_once_and_up_leaves_the_users_of_sql_alone() -> Result<()> {
    let file = |grants: &str| {
        format!(
            "apiVersion: shoal.dev/v1alpha1\nkind: ShoalCluster\nmetadata: {{name: users}}\nspec:\n  \
             gates: {{port: {GATE_PORT}, replicas: 2}}\n  users:\n    \
             - {{name: app, password: app, role: admin}}\n    \
             - {{name: ann, password: ann, grants: [{grants}]}}\n  \
             keyspaces: [{{name: main}}, {{name: other}}]\n"
        )
    };
    let cluster = Cluster::start(&file("{keyspace: main, role: write}"))?;
    let second = cluster.gate_port() + 1;
    wait(async {
        let mut admin = session(&cluster, "app", "main").await?;
        admin.run_all(&["create table t (a int primary key)"]).await?;
        let mut ann = session(&cluster, "ann", "main").await?;
        ann.run_all(&["insert into t values (1)"]).await?;
        ensure!(rows(&mut ann, "show databases").await? == ["information_schema", "main"]);
        // What one gate has said OK to is so at the other one, whether that has heard of it or not.
        for round in 0..20 {
            let (old, new) = (format!("{SECRET}{round}"), format!("{SECRET}{}", round + 1));
            match round {
                0 => admin.run_all(&[&format!("create user bob identified by '{new}'")]).await?,
                _ => admin.run_all(&[&format!("alter user bob identified by '{new}'")]).await?,
            }
            Session::connect(&address(&cluster, second, ("bob", &new), "")).await.context(old)?;
        }
        Ok(())
    })?;
    let port = cluster.gate_port().to_string();
    fs::write(cluster.file(), file("{keyspace: other, role: read}").replace(GATE_PORT, &port))?;
    cluster.down()?;
    cluster.up()?;
    wait(async {
        let bob = address(&cluster, cluster.gate_port(), ("bob", &format!("{SECRET}20")), "");
        Session::connect(&bob).await.context("the user of SQL is gone")?;
        let mut ann = session(&cluster, "ann", "").await?;
        ensure!(rows(&mut ann, "show databases").await? == ["information_schema", "other"]);
        all_refused(&mut ann, &[("use main", 1044)]).await
    })?;
    no_secret_in(&cluster.dir().join("logs"))
}

/// No file under the folder has the secret in it.
fn no_secret_in(folder: &Path) -> Result<()> {
    let mut looked_at = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            no_secret_in(&path)?;
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        ensure!(!text.contains(SECRET), "{} has a password in it", path.display());
        looked_at += 1;
    }
    ensure!(looked_at > 0, "nothing in {}", folder.display());
    Ok(())
}
