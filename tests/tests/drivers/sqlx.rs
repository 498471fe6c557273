//! sqlx, in this program: it prepares everything but `raw_sql`, and describes statements before it runs them.

use std::fmt::{Debug, Write};
use std::future::Future;

use ::sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use ::sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Executor, Row, TypeInfo};
use anyhow::{Context, Result};

use crate::bed::Place;
use crate::said::Said;

/// The checks against a server.
pub(crate) fn said(place: &Place) -> Result<Said> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut lines = String::new();
    let end = runtime.block_on(all(place, &mut lines)).err().map(|error| format!("{error:#}"));
    Ok(Said::read(&lines, end))
}

/// Without what it sets by itself at the start of a session.
fn options(place: &Place) -> MySqlConnectOptions {
    let set_nothing = as_it_comes(place).pipes_as_concat(false).no_engine_substitution(false);
    set_nothing.timezone(None::<String>).set_names(false)
}

fn as_it_comes(place: &Place) -> MySqlConnectOptions {
    MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(place.port)
        .username("app")
        .password("app")
        .database(place.database)
        .ssl_mode(MySqlSslMode::VerifyIdentity)
        .ssl_ca(&place.ca)
}

async fn check<T: PartialEq + Debug>(
    lines: &mut String,
    name: &str,
    expected: T,
    got: impl Future<Output = Result<T>>,
) {
    let line = match got.await {
        Ok(got) if got == expected => format!("ok {name}"),
        Ok(got) => format!("FAILED {name}: expected {expected:?} got {got:?}"),
        Err(error) => format!("FAILED {name}: expected {expected:?} got {error:#}"),
    };
    // Writing to a string does not fail.
    let _ = writeln!(lines, "{}", line.replace('\n', "\\n"));
}

async fn all(place: &Place, lines: &mut String) -> Result<()> {
    let mut conn = options(place).connect().await?;
    check(lines, "login.as_it_comes", 1, async {
        let mut own = as_it_comes(place).connect().await?;
        Ok(::sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(&mut own).await?)
    })
    .await;
    let plain = options(place).ssl_mode(MySqlSslMode::Disabled);
    check(lines, "login.plain", 1, async {
        Ok(::sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(&mut plain.connect().await?).await?)
    })
    .await;
    check(lines, "login.wrong_password", 1045, async {
        number(options(place).password("wrong").connect().await.map(drop))
    })
    .await;
    check(lines, "login.unknown_database", 1049, async {
        number(options(place).database("nowhere").connect().await.map(drop))
    })
    .await;
    kinds(&mut conn, lines).await?;
    transactions(&mut conn, lines).await?;
    answers(&mut conn, lines).await?;
    check(lines, "several.rows", 2, async {
        Ok(::sqlx::raw_sql("SELECT 1; SELECT 2").fetch_all(&mut conn).await?.len())
    })
    .await;
    check(lines, "life.ping", (), async { Ok(conn.ping().await?) }).await;
    Ok(conn.close().await?)
}

async fn fresh(conn: &mut MySqlConnection, table: &str, columns: &str) -> Result<()> {
    conn.execute(AssertSqlSafe(format!("DROP TABLE IF EXISTS {table}"))).await?;
    conn.execute(AssertSqlSafe(format!("CREATE TABLE {table} ({columns})"))).await?;
    Ok(())
}

async fn kinds(conn: &mut MySqlConnection, lines: &mut String) -> Result<()> {
    let columns = "id int primary key, big bigint unsigned, twice double, name varchar(20), b longblob, nothing int, truth bool";
    fresh(conn, "sqlx_kinds", columns).await?;
    let large = vec![0x9b_u8; 20 << 20];
    check(lines, "prepared.insert", 1, async {
        let insert =
            ::sqlx::query("INSERT INTO sqlx_kinds VALUES (?, ?, ?, ?, ?, ?, ?)").bind(1).bind(u64::MAX);
        let insert = insert.bind(0.1).bind("𝕊 '😀\\").bind(&large).bind(None::<i32>).bind(true);
        Ok(insert.execute(&mut *conn).await?.rows_affected())
    })
    .await;
    check(lines, "prepared.values", (u64::MAX, 0.1, "𝕊 '😀\\".to_owned(), None, true), async {
        let select = ::sqlx::query_as::<_, (u64, f64, String, Option<i32>, bool)>(
            "SELECT big, twice, name, nothing, truth FROM sqlx_kinds WHERE id = ?",
        );
        Ok(select.bind(1).fetch_one(&mut *conn).await?)
    })
    .await;
    check(lines, "prepared.large", true, async {
        let select = ::sqlx::query_scalar::<_, Vec<u8>>("SELECT b FROM sqlx_kinds WHERE id = ?");
        Ok(select.bind(1).fetch_one(&mut *conn).await? == large)
    })
    .await;
    Ok(())
}

async fn transactions(conn: &mut MySqlConnection, lines: &mut String) -> Result<()> {
    fresh(conn, "sqlx_moved", "id int primary key, n int").await?;
    conn.execute("INSERT INTO sqlx_moved VALUES (1, 0)").await?;
    let n = "SELECT n FROM sqlx_moved WHERE id = 1";
    check(lines, "transaction.commit", 1, async {
        let mut outer = conn.begin().await?;
        outer.execute("UPDATE sqlx_moved SET n = 1 WHERE id = 1").await?;
        // A transaction within one is a savepoint.
        let mut inner = outer.begin().await?;
        inner.execute("UPDATE sqlx_moved SET n = 2 WHERE id = 1").await?;
        inner.rollback().await?;
        outer.commit().await?;
        Ok(::sqlx::query_scalar::<_, i32>(n).fetch_one(&mut *conn).await?)
    })
    .await;
    check(lines, "transaction.dropped", 1, async {
        let mut dropped = conn.begin().await?;
        dropped.execute("UPDATE sqlx_moved SET n = 3 WHERE id = 1").await?;
        drop(dropped);
        Ok(::sqlx::query_scalar::<_, i32>(n).fetch_one(&mut *conn).await?)
    })
    .await;
    Ok(())
}

async fn answers(conn: &mut MySqlConnection, lines: &mut String) -> Result<()> {
    fresh(conn, "sqlx_numbered", "id bigint auto_increment primary key, name varchar(3) not null").await?;
    check(lines, "last_id.numbered", "a".to_owned(), async {
        let insert = ::sqlx::query("INSERT INTO sqlx_numbered (name) VALUES (?)").bind("a");
        let given = insert.execute(&mut *conn).await?.last_insert_id();
        let select = ::sqlx::query_scalar::<_, String>("SELECT name FROM sqlx_numbered WHERE id = ?");
        Ok(select.bind(given).fetch_one(&mut *conn).await?)
    })
    .await;
    for (name, expected, sql) in [
        ("duplicate", 1062, "INSERT INTO sqlx_moved VALUES (1, 1)"),
        ("no_table", 1146, "SELECT * FROM missing"),
        ("syntax", 1064, "SELEC 1"),
        ("null", 1048, "INSERT INTO sqlx_numbered VALUES (7, NULL)"),
        ("too_long", 1406, "INSERT INTO sqlx_numbered VALUES (7, 'long')"),
    ] {
        let prepared = async { number(::sqlx::query(sql).execute(&mut *conn).await.map(drop)) };
        check(lines, &format!("prepared.error.{name}"), expected, prepared).await;
        let text = async { number(::sqlx::raw_sql(sql).execute(&mut *conn).await.map(drop)) };
        check(lines, &format!("text.error.{name}"), expected, text).await;
    }
    let columns = vec!["id BIGINT".to_owned(), "called VARCHAR".to_owned()];
    check(lines, "metadata.columns", columns, async {
        let row = conn.fetch_one("SELECT id, name AS called FROM sqlx_numbered WHERE name = 'a'").await?;
        let told =
            row.columns().iter().map(|column| format!("{} {}", column.name(), column.type_info().name()));
        Ok(told.collect())
    })
    .await;
    Ok(())
}

/// The number of the error that something must have ended with.
fn number(ended: Result<(), ::sqlx::Error>) -> Result<u16> {
    let error = ended.err().context("no error")?;
    let error = error.as_database_error().with_context(|| error.to_string())?;
    Ok(error.downcast_ref::<::sqlx::mysql::MySqlDatabaseError>().number())
}
