//! Schema changes and databases.

use super::*;
use crate::aim::Aim;
use crate::plan::Trial;

#[tokio::test]
async fn databases_come_and_go_on_the_tablets_of_an_unsharded_keyspace() {
    let host = "KeyspaceName(\"main\")";
    let snapshot = cluster().await;
    let created = planned(&snapshot, Some("shop"), "create database if not exists extra");
    assert!(created.starts_with("CREATE Create { name: KeyspaceName(\"extra\")") && created.contains(host));
    let cases = [
        ("create schema main", "main change CREATE"),
        ("create database `a-b`", "SH2027"),
        ("create database mysql", "SH2027"),
        ("drop database shop", "SH2028"),
        ("drop database nope", "SH1014"),
        ("drop database if exists nope", "answer Ok"),
        ("alter database nope collate utf8mb4_bin", "SH1002"),
        ("abandon schema change", "shop abandon None"),
        (" Abandon  schema\nCHANGE by drop index `a`  on t ", "shop abandon Some(\"drop index `a`  on t \")"),
        ("abandon schema change now", "SH2004"),
        ("abandon /* so */ schema change by drop table t", "SH2004"),
    ];
    assert_plans(&snapshot, Some("shop"), &cases);
}

/// The schema change that a statement comes to in `shop`.
fn change(snapshot: &Snapshot, sql: &str) -> SchemaChange {
    let mut fingerprint = Fingerprint::default();
    fingerprint.read(sql.as_bytes());
    let text = String::from_utf8(fingerprint.text.clone()).unwrap();
    let (words, database) = (Words::read(&text), Database::Keyspace("shop".parse().unwrap()));
    let request = Request {
        text: &text,
        words: &words,
        raw: sql,
        marks: fingerprint.marks,
        database: Some(&database),
        aim: &Aim::default(),
        rights: &Rights::admin("app"),
        snapshot,
    };
    let Plan::ChangeSchema(change) = plan(request) else { panic!("{sql} is no schema change") };
    *change
}

#[tokio::test]
async fn a_schema_change_knows_what_it_is_about() {
    let snapshot = cluster().await;
    let about = |sql: &str| {
        let about = change(&snapshot, sql).about.into_iter();
        about.map(|object| format!("{:?} {}", object.kind, object.name)).collect::<Vec<_>>()
    };
    assert_eq!(about("drop table orders, shop.customers, nope"), ["Table customers", "Table orders"]);
    assert_eq!(about("rename table orders to a, a to b"), ["Table a", "Table b", "Table orders"]);
    assert_eq!(about("create table if not exists orders like customers"), ["Table orders"]);
    assert_eq!(
        about("create trigger if not exists `a` before insert on orders for each row set new.id = 1"),
        ["Trigger a"]
    );
    assert_eq!(about("drop function if exists shop.f"), ["Function f"]);
    assert_eq!(about("create procedure shop.p() select 1"), ["Procedure p"]);
    assert_eq!(about("create or replace view `v``w` as select * from customers"), ["Table v`w"]);
    assert_eq!(about("alter algorithm = merge view shop.v as select 1"), ["Table v"]);
}

#[tokio::test]
async fn what_belongs_to_a_server_or_is_answered_in_rows_is_no_schema_change() {
    let cases = [
        ("alter table main.notes discard tablespace", "SH2011"),
        ("alter table customers check partition all", "shop all"),
        ("optimize local table customers, orders", "shop all"),
        ("analyze table main.notes", "main any close"),
        ("checksum table customers", "SH2011"),
        ("create function f returns string soname 'f.so'", "SH2056"),
        ("create tablespace t add datafile 't.ibd'", "SH2056"),
        ("create library l language javascript as 'x'", "SH2033"),
        ("drop library l", "shop change CREATE"),
        ("do sleep(0), f(1)", "shop any close"),
        ("do (select max(id) from customers)", "SH2011"),
        ("create library main.l language javascript as 'x'", "main change CREATE"),
        ("create table planned (id bigint primary key) start transaction", "SH2011"),
        ("create table main.other (id bigint primary key) start transaction", "SH2011"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn schema_changes_of_sharded_tables_are_looked_at() {
    let cases = [
        ("create table planned (id bigint primary key)", "shop change CREATE"),
        ("create table if not exists `shop`.`planned` (id bigint primary key)", "shop change CREATE"),
        ("create table unplanned (id bigint primary key)", "shop change CREATE"),
        ("create table planned (id bigint primary key) select * from customers", "shop change CREATE tried"),
        (
            "create table planned (id bigint primary key) (select * from customers)",
            "shop change CREATE tried",
        ),
        ("create table planned (id bigint primary key) table customers", "shop change CREATE tried"),
        ("create table planned values row(1)", "shop change CREATE tried"),
        (
            "create json duality view v as select json_duality_object('_id': id) from customers",
            "shop change CREATE VIEW tried",
        ),
        (
            "create table planned (id bigint primary key, foreign key (id) references customers (id))",
            "shop change CREATE",
        ),
        ("alter table orders drop foreign key f", "shop change ALTER"),
        ("alter table customers add column note text", "shop change ALTER"),
        ("alter table customers drop column name, add index (city)", "shop change ALTER"),
        ("alter table customers drop column id", "SH2051"),
        ("alter table customers modify id int", "shop change ALTER tried"),
        ("alter table customers rename to clients", "shop change ALTER"),
        ("alter table customers rename to clients, add column a int", "SH2011"),
        ("alter table customers rename to orders", "SH2008"),
        ("alter database character set latin1", "shop change ALTER"),
        ("alter schema main read only = 1", "SH2011"),
        ("create trigger a before insert on orders for each row set new.total = 1", "shop change TRIGGER"),
        ("create trigger a before insert on orders for each row set new.customer_id = 1", "SH2033"),
        ("create trigger a after delete on orders for each row delete from customers where id = 1", "SH2033"),
        ("create trigger a before insert on stray for each row set new.id = 1", "SH2009"),
        ("create function f(a text) returns text return replace(a, 'x', 'y')", "shop change CREATE"),
        ("create function f() returns int return (select 1 from orders)", "SH2033"),
        ("create event e on schedule every 1 day do set @a = 1", "SH2005"),
        ("create event e on schedule every 1 day do delete from orders", "SH2034"),
        ("alter table customers rename column id to name, rename column name to id", "SH2051"),
        ("alter table customers change `ID` other bigint, change name id bigint", "SH2051"),
        ("alter table customers drop id, add column id bigint", "SH2051"),
        ("alter table customers change id id bigint", "shop change ALTER tried"),
        ("alter table customers drop index id, add unique key id (id)", "shop change ALTER tried"),
        ("alter table customers alter column my_row_id set visible", "shop change ALTER tried"),
        ("alter table customers add unique key (name)", "shop change ALTER tried"),
        (
            "alter table shop.customers rename column name to called, add a int after id",
            "shop change ALTER tried",
        ),
        ("alter table customers exchange partition p with table orders", "SH2011"),
        ("alter table customers add unique key (name, id)", "shop change ALTER tried"),
        ("create unique index i on customers (name)", "shop change INDEX tried"),
        ("create unique index i on orders (id, customer_id)", "shop change INDEX tried"),
        ("create index i on orders (id)", "shop change INDEX"),
        ("drop table customers, orders", "shop change DROP"),
        ("truncate orders", "shop change DROP"),
        ("rename table customers to clients", "shop change DROP, ALTER"),
        ("rename table customers to old, planned to customers", "shop change DROP, ALTER"),
        ("rename table orders to old, planned to orders", "SH2008"),
        ("rename table orders", "SH2004"),
        ("create view v as select * from customers", "shop change CREATE VIEW tried"),
        ("create or replace view v as select * from customers", "shop change CREATE VIEW tried"),
        ("alter view v as select * from customers", "shop change CREATE VIEW tried"),
        ("create view _shoal_trial_view as select * from customers", "SH1012"),
        ("drop view if exists v", "shop change DROP"),
        ("create table main.notes (id int primary key)", "main change CREATE"),
        ("create table main.notes like shop.customers", "SH2013"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn a_view_that_is_altered_is_tried_as_a_new_one() {
    let snapshot = cluster().await;
    let tried = |sql: &str| match change(&snapshot, sql).trial {
        Some(Trial::View(view)) => view.elsewhere,
        other => panic!("{sql} is tried as {other:?}"),
    };
    assert_eq!(
        tried("/* alter */ ALTER algorithm = merge VIEW v AS SELECT id FROM customers"),
        "/* alter */ CREATE OR REPLACE algorithm = merge VIEW `_shoal_trial_view` AS SELECT id FROM customers"
    );
}

#[tokio::test]
async fn procedures_look_at_their_arguments_only() {
    let cases = [
        ("create procedure p() delete from orders", "SH2033"),
        ("create procedure p() show create view v", "SH2033"),
        ("create procedure p() create index i on t (a)", "SH2033"),
        ("create procedure p(a text) begin prepare s from a; execute s; end", "SH2033"),
        ("create procedure p(a int, out b int) begin set b = a; select a, b; end", "shop change CREATE"),
        (
            "create procedure p() begin declare exit handler for sqlexception set a = 1; select 1; end",
            "shop change CREATE",
        ),
        ("create procedure p() handler t open", "SH2033"),
        ("drop procedure if exists p", "shop change CREATE"),
        ("alter procedure p comment 'x'", "shop change CREATE"),
        ("call p(1, 2)", "shop any close"),
        ("call shop.p", "shop any close"),
        ("call p((select count(*) from customers))", "SH2033"),
        ("create procedure p() select view from customers", "SH2033"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn foreign_keys_are_added_where_each_shard_can_keep_them() {
    let cases = [
        ("alter table orders add foreign key (customer_id) references customers (id)", "shop change ALTER"),
        (
            "alter table orders add constraint f foreign key (customer_id) references shop.customers (id) on delete cascade",
            "shop change ALTER",
        ),
        ("alter table orders add foreign key (id) references customers (id)", "SH3015"),
        ("alter table orders add foreign key (customer_id) references main.notes (id)", "SH2013"),
        (
            "alter table orders add foreign key (customer_id) references customers (id) on delete set null",
            "SH3015",
        ),
        ("alter table orders add foreign key (customer_id) references customers (id), drop total", "SH3015"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}
