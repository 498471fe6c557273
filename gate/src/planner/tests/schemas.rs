//! Schema changes and databases.

use super::*;
use crate::aim::Aim;

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

#[tokio::test]
async fn a_schema_change_knows_what_it_is_about() {
    let snapshot = cluster().await;
    let about = |sql: &str| {
        let mut fingerprint = Fingerprint::default();
        fingerprint.read(sql.as_bytes());
        let text = String::from_utf8(fingerprint.text.clone()).unwrap();
        let (words, database) = (Words::read(&text), "shop".parse().unwrap());
        let request = Request {
            text: &text,
            words: &words,
            raw: sql,
            marks: fingerprint.marks,
            database: Some(&database),
            aim: &Aim::default(),
            rights: &Rights::admin("app"),
            snapshot: &snapshot,
        };
        let Plan::ChangeSchema(change) = plan(request) else { panic!("{sql} is no schema change") };
        change
            .about
            .into_iter()
            .map(|object| format!("{:?} {}", object.kind, object.name))
            .collect::<Vec<_>>()
    };
    assert_eq!(about("drop table orders, shop.customers, nope"), ["Table customers", "Table orders"]);
    assert_eq!(about("rename table orders to a, a to b"), ["Table a", "Table b", "Table orders"]);
    assert_eq!(about("create table if not exists orders like customers"), ["Table orders"]);
    assert_eq!(
        about("create trigger if not exists `a` before insert on orders for each row set new.id = 1"),
        ["Trigger a"]
    );
    assert_eq!(about("drop function if exists shop.f"), ["Function f"]);
}
