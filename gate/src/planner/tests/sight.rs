//! Looking around and choosing: SHOW, USE, EXPLAIN, facts of the session.

use super::{assert_plans, cluster, planned};
use crate::aim::Tablets;
use crate::plan::{Pin, Target};
use crate::sql::fingerprint::Fingerprint;

/// Who answers, as it stands in what a plan is shown as.
pub(super) fn side(tablets: Tablets) -> &'static str {
    match tablets {
        Tablets::Primary => "",
        Tablets::Replicas => " on replicas",
    }
}

/// Which shard, as it stands there.
pub(super) fn target(target: &Target, sql: &str, fingerprint: &Fingerprint) -> String {
    match target {
        Target::Any => "any".to_owned(),
        Target::Free => "free".to_owned(),
        Target::Schema => "schema".to_owned(),
        Target::Shard(range) => format!("shard {range}"),
        Target::Left => "left".to_owned(),
        Target::Pinned(pins) => {
            let pin = |pin: &Pin| {
                let span = fingerprint.literals[pin.literal];
                let sign = if pin.negative { "-" } else { "" };
                format!("{}={sign}{}", pin.key.column, &sql[span.start..span.end])
            };
            pins.iter().map(pin).collect::<Vec<_>>().join(" ")
        }
    }
}

#[tokio::test]
async fn facts_of_the_session_and_executable_comments_are_put_in_other_words() {
    let cases = [
        ("select user()", "rewrite select User AS `user()`"),
        ("select DATABASE(), USER() limit 1", "rewrite select DATABASE(), User AS `USER()` limit 1"),
        ("select current_user", "rewrite select CurrentUser AS `current_user`"),
        ("select current_user as me, user() you", "rewrite select CurrentUser as me, User you"),
        (
            "select concat(user(), 'x') from customers where id = 5",
            "rewrite select concat(User, 'x') AS `concat(user(), 'x')` from customers where id = 5",
        ),
        (
            "select * from (select connection_id()) t",
            "rewrite select * from (select ConnectionId AS `connection_id()`) t",
        ),
        ("select (select user())", "rewrite select (select User AS `user()`) AS `(select user())`"),
        ("select user() = 'a`b'", "rewrite select User = 'a`b' AS `user() = 'a``b'`"),
        ("insert into customers values (5, user(), 7)", "rewrite insert into customers values (5, User, 7)"),
        (
            "delete from customers where id = 5 and name = user()",
            "rewrite delete from customers where id = 5 and name = User",
        ),
        ("vexplain select user()", "rewrite vexplain select User AS `user()`"),
        ("select 1, user() like 'a'", "rewrite select 1, User like 'a' AS `user() like 'a'`"),
        ("select '\u{fffd}', user()", "SH2004"),
        ("select user from customers where id = 5", "shop id=5"),
        ("/*!40101 set names utf8 */", "rewrite  set names utf8 "),
        ("select/*!80000 1*/+/*! 2*/;", "rewrite select 1 + 2 ;"),
        ("select '/*! 1 */', /*!40001 'a*/b' */", "rewrite select '/*! 1 */',  'a*/b' "),
        ("select /*! 1", "SH2004"),
        (
            "select /*vt+ query_timeout_ms=50 PLANNER=gen4 */ 1",
            "rewrite select /*+ MAX_EXECUTION_TIME(50) */   1",
        ),
        ("/*vt+ QUERY_TIMEOUT_MS=50 */ select 1", "rewrite   select /*+ MAX_EXECUTION_TIME(50) */ 1"),
        ("insert /*vt+ QUERY_TIMEOUT_MS=50 */ into t values (1)", "rewrite insert   into t values (1)"),
        ("select /*vt+ ALLOW_SCATTER */ 1", "rewrite select   1"),
        ("select 1 /* vt+ */", "shop any"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn vexplain_is_about_the_statement_in_it() {
    let cases = [
        ("vexplain select * from customers where id = 5", "show 9 shop id=5"),
        ("VEXPLAIN /* a */ PLAN\n select * from customers where id = 5", "show 23 shop id=5"),
        ("vexplain queries (select 1)", "show 17 shop any"),
        ("vexplain plan use main", "show 14 use main Primary"),
        ("vexplain select * from customers", "show 9 shop all"),
        ("vexplain all select 1", "SH2011"),
        ("vexplain vexplain select 1", "SH2004"),
        ("vexplain", "SH2004"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn use_chooses_shards_and_replicas() {
    let cases = [
        ("use main;", "use main Primary"),
        ("USE `shop`", "use shop Primary"),
        ("use shop:-80", "use shop shard -80 Primary"),
        ("use `shop:80-`", "use shop shard 80- Primary"),
        ("use `shop`:80-@replica", "use shop shard 80- Replicas"),
        ("use shop/80-@PRIMARY", "use shop shard 80- Primary"),
        ("use main:0@rdonly", "use main shard - Replicas"),
        ("use main@replica", "use main Replicas"),
        ("use @replica", "use  Replicas"),
        ("use shop:-40", "SH2040"),
        ("use shop:x", "SH2040"),
        ("use shop@spare", "SH2041"),
        ("use shop : -80", "SH2004"),
        ("use nope", "SH1002"),
        ("use INFORMATION_SCHEMA", "use information_schema Primary"),
        ("use information_schema@replica", "use information_schema Replicas"),
        ("use mysql", "SH2011"),
        ("use _shoal", "SH1012"),
        ("use", "SH2004"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn a_chosen_shard_takes_statements_as_they_are() {
    let snapshot = cluster().await;
    let one = [
        ("select * from customers", "shop shard 80-"),
        ("select count(*) from shop.customers group by name order by 1", "shop shard 80-"),
        ("insert into customers values (1, 2, 3)", "shop shard 80-"),
        ("update customers set id = 5", "shop shard 80-"),
        ("show tables", "shop shard 80-"),
        ("show engine innodb status", "shop shard 80-"),
        ("explain select * from customers", "shop shard 80-"),
        ("analyze table customers", "shop shard 80- close"),
        ("select * from main.t", "SH2013"),
        ("select id into @a from customers", "SH2005"),
        ("create table t (a int primary key)", "SH2042"),
        ("show shards", "Shards: main/-, shop/-80, shop/80-"),
        ("vexplain select 1", "show 9 shop shard 80-"),
    ];
    assert_plans(&snapshot, Some("shop:80-"), &one);
    let replicas = [
        ("select * from customers where id = 5", "shop id=5 on replicas"),
        ("show tables", "shop schema on replicas"),
        ("show table status", "SH2011"),
        ("explain select * from customers where id = 5", "shop id=5 on replicas"),
        ("select * from main.t", "main any on replicas"),
        ("select * from customers", "shop all on replicas"),
        ("select * from customers where id in (5, 6)", "shop id in (5,6) on replicas"),
        ("update customers set name = 'x'", "SH2043"),
        ("insert into customers values (1, 2, 3)", "SH2043"),
        ("delete from customers where id = 5", "SH2043"),
        ("truncate table customers", "SH2043"),
        ("use main", "use main Primary"),
    ];
    assert_plans(&snapshot, Some("shop@replica"), &replicas);
    assert_plans(&snapshot, Some("shop:-80@replica"), &[("select 1", "shop shard -80 on replicas")]);
}

#[tokio::test]
async fn what_the_gate_knows_is_listed_and_filtered() {
    let cases = [
        ("show databases", "Database: information_schema, main, shop"),
        ("show schemas like 's%'", "Database (s%): shop"),
        ("SHOW DATABASES LIKE 'S%';", "Database (S%): "),
        (
            "show databases where `Database` = 'shop'",
            "rewrite SELECT * FROM (SELECT CONVERT('information_schema' USING utf8mb4) COLLATE utf8mb4_bin AS \
             `Database` UNION ALL SELECT CONVERT('main' USING utf8mb4) COLLATE utf8mb4_bin AS `Database` UNION ALL \
             SELECT CONVERT('shop' USING utf8mb4) COLLATE utf8mb4_bin AS `Database`) AS listing where `Database` = 'shop'",
        ),
        ("show vitess_keyspaces", "Database: main, shop"),
        ("show keyspaces like 'm%'", "Database: main"),
        ("show vitess_shards", "Shards: main/-, shop/-80, shop/80-"),
        ("show shards like 'SHOP%'", "Shards: shop/-80, shop/80-"),
        ("show databases limit 1", "SH2011"),
        ("show shards like 'a' 'b'", "SH2011"),
        ("show full processlist", "answer Processes(All)"),
        ("show processlist", "answer Processes(Beginning)"),
        ("show variables like 'a'", "shop any"),
        ("show global status", "shop any"),
        ("show triggers", "shop schema"),
        ("show tables from information_schema", "shop schema"),
        ("show events where Db in (select 1)", "SH2011"),
        ("show triggers from main", "main schema"),
        ("show create database if not exists main", "main schema"),
        ("show engine innodb status", "SH2011"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn catalogues_are_those_of_the_keyspace_that_is_named() {
    let snapshot = cluster().await;
    let cases = [
        ("select * from information_schema.tables", "shop schema"),
        ("select * from information_schema.tables where table_schema = 'main'", "main schema"),
        (
            "select * from INFORMATION_SCHEMA.COLUMNS c where c.TABLE_SCHEMA in ('main') and c.x = 1",
            "main schema",
        ),
        ("select * from information_schema.tables where 'main' = (table_schema) and 1", "main schema"),
        ("select * from information_schema.tables where table_schema like 'main'", "main schema"),
        ("select * from information_schema.tables where table_schema = 'nope'", "shop schema"),
        ("select * from information_schema.tables where table_schema = database()", "shop schema"),
        ("select * from information_schema.tables where table_schema = 'main' or 1", "shop schema"),
        ("select database() from information_schema.tables where table_schema = 'main'", "SH2013"),
        (
            "select * from information_schema.tables t join information_schema.columns c using (table_name) \
             where t.table_schema = 'main'",
            "main schema",
        ),
        (
            "select (select count(*) from information_schema.columns where table_schema = 'shop') \
             from information_schema.tables where table_schema = 'main'",
            "SH2013",
        ),
        ("explain select * from information_schema.tables where table_schema = 'main'", "main schema"),
        ("select * from information_schema.tables t, customers where id = 5", "SH2011"),
    ];
    assert_plans(&snapshot, Some("shop"), &cases);
    let without = [
        ("select * from information_schema.tables", "main schema"),
        ("select * from information_schema.tables where table_schema = 'shop'", "shop schema"),
    ];
    assert_plans(&snapshot, None, &without);
    let within = [
        ("select database()", "main free"),
        ("select * from tables", "main schema"),
        ("select * from tables t join information_schema.columns using (table_name)", "main schema"),
        ("select * from columns c where c.table_schema = 'shop' and schema() = 'x'", "shop schema"),
        ("select * from shop.customers where id = 5", "shop id=5"),
        ("select * from shop.customers, tables where id = 5", "SH2011"),
        ("select * from customers where id = 5", "main schema"),
        ("show tables", "main schema"),
        ("show columns from tables", "main schema"),
        ("show tables from shop", "shop schema"),
        ("create table t (id int primary key)", "SH1045"),
        ("create table shop.t (id int primary key) comment 'x'", "shop change CREATE"),
        ("explain select * from shop.customers where id = 5", "shop id=5"),
        ("show vschema tables", "SH1002"),
    ];
    assert_plans(&snapshot, Some("information_schema"), &within);
}

#[tokio::test]
async fn events_are_those_of_the_catalogue() {
    let snapshot = cluster().await;
    let cases = [
        ("show events", ""),
        ("SHOW EVENTS FROM nope", ""),
        ("SHOW EVENTS IN main LIKE 'x%'", "WHERE Name LIKE 'x%'"),
        ("show /* all */ events where Status = 'ENABLED' -- so", "where Status = 'ENABLED' -- so"),
    ];
    for (sql, end) in cases {
        let shown = planned(&snapshot, Some("shop"), sql);
        let query = shown.strip_prefix("rewrite ").unwrap();
        assert!(query.ends_with(&format!(" FROM information_schema.EVENTS) AS EVENTS {end}")), "{query}");
        assert_eq!(planned(&snapshot, Some("shop"), query), "shop schema");
    }
}

#[tokio::test]
async fn set_is_tried_where_it_may_change_nothing() {
    let cases = [
        ("SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci'", "answer SetNames(224)"),
        ("set names latin1", "answer SetNames(8)"),
        ("set names gbk", "SH2005"),
        (
            "SET sql_mode='STRICT_TRANS_TABLES', SESSION net_write_timeout = 60",
            "shop set sql_mode net_write_timeout",
        ),
        ("set @@session.time_zone = 'SYSTEM'", "shop set time_zone"),
        ("set @@wait_timeout = f(1)", "SH2005"),
        ("set wait_timeout = `abs`(1)", "SH2005"),
        ("set wait_timeout = shop.abs(1)", "SH2005"),
        ("set wait_timeout = (table customers)", "SH2005"),
        ("set wait_timeout = (select 1)", "SH2005"),
        ("set sql_mode = concat(@@sql_mode, ',A,B'), wait_timeout = (5)", "shop set sql_mode wait_timeout"),
        (
            "set session transaction isolation level repeatable read",
            "shop set transaction_isolation transaction_read_only",
        ),
        (
            "set transaction isolation level repeatable read",
            "Next(Characteristics { isolation: Some(RepeatableRead), read_only: None })",
        ),
        (
            "set transaction read only, isolation level read committed;",
            "Next(Characteristics { isolation: Some(ReadCommitted), read_only: Some(true) })",
        ),
        ("set transaction read only, read write", "SH2004"),
        ("set transaction read only isolation level serializable", "SH2004"),
        ("set transaction", "SH2004"),
        ("set global wait_timeout = 1", "SH2005"),
        ("set @@global.wait_timeout = 1", "SH2005"),
        ("set persist wait_timeout = 1", "SH2005"),
        ("set rand_seed1 = 1", "SH2005"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn user_variables_are_the_sessions() {
    let cases = [
        ("set @a = 1", "variables a = SELECT 1"),
        (
            "set a = 1, @B := f(2, 3), session c = 4",
            "variables b = SELECT f(2, 3), then SET a = 1, session c = 4",
        ),
        ("set @`a b` = 1, @'c' = 'x, y'", "variables a b, c = SELECT 1, 'x, y'"),
        ("set @a = @b + 1", "rewrite set @a = b + 1"),
        ("set @a = concat(@b, @c = 1), @d = 5", "rewrite set @a = concat(b, c = 1), @d = 5"),
        ("set sql_mode = @old, @a = 1", "rewrite set sql_mode = old, @a = 1"),
        ("set @a", "SH2005"),
        ("set @a = ", "SH2005"),
        ("select @a", "rewrite select typed a AS `@a`"),
        ("select @a b, @c is null", "rewrite select typed a b, typed c is null AS `@c is null`"),
        ("select name from customers where id = @a", "rewrite select name from customers where id = a"),
        ("insert into customers values (@`x y`, @a, 3)", "rewrite insert into customers values (x y, a, 3)"),
        ("select id from customers where id = (@a := 5)", "SH2005"),
        ("select id, name into @a, @b from customers", "SH2005"),
        ("call p(@a)", "SH2005"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}
