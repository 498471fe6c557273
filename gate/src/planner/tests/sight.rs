//! Looking around and choosing: SHOW, USE, EXPLAIN, facts of the session.

use super::{assert_plans, cluster};
use crate::aim::Tablets;

/// Who answers, as it stands in what a plan is shown as.
pub(super) fn side(tablets: Tablets) -> &'static str {
    match tablets {
        Tablets::Primary => "",
        Tablets::Replicas => " on replicas",
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
        ("select 1, user() like 'a'", "SH2004"),
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
        ("select @a", "SH2005"),
        ("create table t (a int primary key)", "SH2042"),
        ("show shards", "Shards: main/-, shop/-80, shop/80-"),
        ("vexplain select 1", "show 9 shop shard 80-"),
    ];
    assert_plans(&snapshot, Some("shop:80-"), &one);
    let replicas = [
        ("select * from customers where id = 5", "shop id=5 on replicas"),
        ("show tables", "shop any on replicas"),
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
        ("show full processlist", "answer Processes"),
        ("show variables like 'a'", "shop any"),
        ("show global status", "shop any"),
        ("show triggers", "shop any"),
        ("show triggers from main", "main any"),
        ("show create database if not exists main", "main any"),
        ("show engine innodb status", "SH2011"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn catalogues_are_those_of_the_keyspace_that_is_named() {
    let snapshot = cluster().await;
    let cases = [
        ("select * from information_schema.tables", "shop any"),
        ("select * from information_schema.tables where table_schema = 'main'", "main any"),
        (
            "select * from INFORMATION_SCHEMA.COLUMNS c where c.TABLE_SCHEMA in ('main') and c.x = 1",
            "main any",
        ),
        ("select * from information_schema.tables where 'main' = (table_schema) and 1", "main any"),
        ("select * from information_schema.tables where table_schema like 'main'", "main any"),
        ("select * from information_schema.tables where table_schema = 'nope'", "shop any"),
        ("select * from information_schema.tables where table_schema = database()", "shop any"),
        ("select * from information_schema.tables where table_schema = 'main' or 1", "shop any"),
        ("select database() from information_schema.tables where table_schema = 'main'", "SH2013"),
        (
            "select * from information_schema.tables t join information_schema.columns c using (table_name) \
             where t.table_schema = 'main'",
            "main any",
        ),
        (
            "select (select count(*) from information_schema.columns where table_schema = 'shop') \
             from information_schema.tables where table_schema = 'main'",
            "SH2013",
        ),
        ("explain select * from information_schema.tables where table_schema = 'main'", "main any"),
        ("select * from information_schema.tables t, customers where id = 5", "SH2011"),
    ];
    assert_plans(&snapshot, Some("shop"), &cases);
    let without = [
        ("select * from information_schema.tables", "main any"),
        ("select * from information_schema.tables where table_schema = 'shop'", "shop any"),
    ];
    assert_plans(&snapshot, None, &without);
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
        (
            "set session transaction isolation level repeatable read",
            "shop set transaction_isolation transaction_read_only",
        ),
        ("set transaction isolation level repeatable read", "SH2005"),
        ("set global wait_timeout = 1", "SH2005"),
        ("set @@global.wait_timeout = 1", "SH2005"),
        ("set persist wait_timeout = 1", "SH2005"),
        ("set rand_seed1 = 1", "SH2005"),
        ("set a = 1, @b = 2", "SH2005"),
        ("set @a = 1", "SH2005"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}
