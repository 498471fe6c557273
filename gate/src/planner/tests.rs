use std::sync::Arc;

use proto::ids::KeyspaceName;
use topo::Topology;
use topo::records::{
    Column, ColumnType, IndexSchema, KeyspaceRecord, KeyspaceRouting, RoutingRecord, SchemaRecord,
    TableSchema, TableVschema, VindexDefinition, Visibility, VschemaRecord,
};
use topo::snapshot::SnapshotFeed;
use topo::store::MemoryStore;
use topo::topology::Transaction;

use super::*;
use crate::accounts::rights::Rights;
use crate::aim::{Choice, choose};
use crate::plan::{Effect, Rewrite, SchemaChange, SessionValue, SetVariables, Shards};
use crate::plan::{Given, InsertRows, RowForm, RowValues, Signed};
use crate::sql::fingerprint::Fingerprint;

mod accounts;
mod scatters;
mod schemas;
mod sight;
mod vschema;

/// `shop`, sharded: customers(id, name, city), orders(customer_id, id, total), both by xxhash; `main`, unsharded.
async fn cluster() -> Arc<Snapshot> {
    let topology = Topology::new(Arc::new(MemoryStore::new()), "test");
    let (shop, main): (KeyspaceName, KeyspaceName) = ("shop".parse().unwrap(), "main".parse().unwrap());
    let halves = KeyspaceRouting { shards: vec!["-80".parse().unwrap(), "80-".parse().unwrap()] };
    let whole = KeyspaceRouting { shards: vec!["-".parse().unwrap()] };
    let routing = RoutingRecord {
        version: 1,
        keyspaces: [(shop.clone(), halves), (main.clone(), whole)].into(),
        table_rules: Vec::new(),
    };
    let by = |column: &str| TableVschema::by(column, "spread");
    let vschema = VschemaRecord {
        vindexes: [("spread".into(), VindexDefinition::of("xxhash"))].into(),
        tables: [
            ("customers".into(), by("id")),
            ("orders".into(), by("customer_id")),
            ("planned".into(), by("id")),
            ("notes".into(), by("id")),
            ("events".into(), by("owner")),
        ]
        .into(),
        ..VschemaRecord::default()
    };
    let tables = [
        ("customers".to_owned(), table(&["id", "name", "city"])),
        ("orders".to_owned(), table(&["customer_id", "id", "total"])),
        ("stray".to_owned(), table(&["id"])),
        ("notes".to_owned(), numbered(&["id", "body"], 0)),
        ("events".to_owned(), numbered(&["owner", "seq", "body"], 1)),
    ];
    let keys = topology.keys();
    let transaction = Transaction::new()
        .put(&keys.routing(), &routing)
        .and_then(|t| t.put(&keys.keyspace(Some(&shop)), &KeyspaceRecord::sharded()))
        .and_then(|t| t.put(&keys.keyspace(Some(&main)), &KeyspaceRecord::unsharded()))
        .and_then(|t| t.put(&keys.vschema(&shop), &vschema))
        .and_then(|t| {
            t.put(&keys.schema(&shop), &SchemaRecord { tables: tables.into(), ..SchemaRecord::default() })
        })
        .unwrap();
    topology.commit(transaction).await.unwrap();
    SnapshotFeed::start(&topology).await.unwrap().snapshot()
}

fn numbered(columns: &[&str], column: usize) -> TableSchema {
    let mut table = table(columns);
    table.columns[column].auto_increment = true;
    table
}

fn table(columns: &[&str]) -> TableSchema {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        kind: ColumnType::Integer { bits: 64, unsigned: false },
        sql_type: "bigint".into(),
        nullable: false,
        auto_increment: false,
        visibility: Visibility::Visible,
    };
    let primary = IndexSchema { name: "PRIMARY".into(), unique: true, columns: vec![columns[0].to_owned()] };
    TableSchema { columns: columns.iter().map(column).collect(), indexes: vec![primary] }
}

/// The plan in a line: `shop id=5`, `shop any`, `main any close`, `shop change CREATE`, `answer …`, an error id.
fn planned(snapshot: &Snapshot, database: Option<&str>, sql: &str) -> String {
    let rights = Rights::admin("app");
    let Choice { database, aim } =
        database.map(|name| choose(name, &rights, snapshot).unwrap()).unwrap_or_default();
    let mut fingerprint = Fingerprint::default();
    fingerprint.read(sql.as_bytes());
    let text = String::from_utf8(fingerprint.text.clone()).unwrap();
    let words = Words::read(&text);
    let request = Request {
        text: &text,
        words: &words,
        raw: sql,
        marks: fingerprint.marks,
        database: database.as_ref(),
        rights: &rights,
        aim: &aim,
        snapshot,
    };
    shown(plan(request), sql, &fingerprint)
}

fn shown(plan: Plan, sql: &str, fingerprint: &Fingerprint) -> String {
    match plan {
        Plan::SetVariables(set) => variables(&set),
        Plan::Kill(kill) => format!("kill {} {}", kill.connection, kill.statement_only),
        Plan::Explain(question) => {
            format!("show {} {}", question.from, shown(question.plan, sql, fingerprint))
        }
        Plan::Account(statement) => format!("account {statement:?}"),
        Plan::Route(route) | Plan::RouteOnce(route) => {
            let columns =
                route.columns.as_ref().map(|columns| format!(" {}", columns.trim())).unwrap_or_default();
            let close = if route.afterwards == Afterwards::Close { " close" } else { "" };
            let target = sight::target(&route.target, sql, fingerprint);
            format!("{} {target}{columns}{close}{}", route.keyspace, sight::side(route.tablets))
        }
        Plan::Insert(insert) => inserted(&insert, |literal| {
            let span = fingerprint.literals[literal.literal];
            format!("{}{}", if literal.negative { "-" } else { "" }, &sql[span.start..span.end])
        }),
        Plan::Set(setting) => format!("{} set {}", setting.keyspace, setting.variables.join(" ")),
        Plan::TableStatus(keyspace) => format!("{keyspace} table status"),
        Plan::NextNumbers(next) => format!("{} next {:?} of {}", next.keyspace, next.count, next.table),
        Plan::Scatter(scatter) => {
            let literal = |pin: &crate::plan::Pin| {
                let span = fingerprint.literals[pin.literal];
                format!("{}{}", if pin.negative { "-" } else { "" }, &sql[span.start..span.end])
            };
            let shards = match &scatter.shards {
                Shards::All => "all".to_owned(),
                Shards::Of(pins) => {
                    let column = pins.first().map_or("", |pin| pin.key.column.as_str());
                    format!("{column} in ({})", pins.iter().map(literal).collect::<Vec<_>>().join(","))
                }
            };
            let write = if scatter.effect == Effect::Write { " write" } else { "" };
            let merges = scatter.merges.iter().map(|clause| format!(" merges {clause}")).collect::<String>();
            let side = sight::side(scatter.route.tablets);
            format!("{} {shards}{write}{merges}{side}", scatter.route.keyspace)
        }
        Plan::Transaction { step, snapshot_of } => match snapshot_of {
            Some(keyspace) => format!("{step:?} on {keyspace}"),
            None => format!("{step:?}"),
        },
        Plan::ShowWarnings(show) => format!("{show:?}"),
        Plan::ChangeSchema(change) => changed(&change),
        Plan::ChangeDatabase(change) => format!("{} {change:?}", change.verb()),
        Plan::AbandonSchemaChange(plan) => format!("{} abandon {:?}", plan.keyspace, plan.by),
        Plan::Answer(Answer::Listing(listing)) => {
            let row = |row: &Vec<Option<String>>| {
                row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join("|")
            };
            let columns: Vec<&str> = listing.columns.iter().map(|column| column.name()).collect();
            format!("{}: {}", columns.join("|"), listing.rows.iter().map(row).collect::<Vec<_>>().join(", "))
        }
        Plan::Answer(Answer::Use(choice)) => {
            let keyspace = choice.database.map(|name| name.to_string()).unwrap_or_default();
            let shard = choice.aim.shard.map(|range| format!(" shard {range}")).unwrap_or_default();
            format!("use {keyspace}{shard} {:?}", choice.aim.tablets)
        }
        Plan::ChangeVschema(change) => format!("{} vschema {:?}", change.keyspace, change.change),
        Plan::Answer(answer) => format!("answer {answer:?}"),
        Plan::Rewrite(Rewrite { pieces, .. }) => {
            let rewritten = crate::plan::rewritten(sql.as_bytes(), &pieces, session_value);
            format!("rewrite {}", String::from_utf8(rewritten).unwrap())
        }
        Plan::Refuse { error, .. } => error.id.row().id.to_owned(),
    }
}

fn variables(set: &SetVariables) -> String {
    let then = set.rest.as_ref().map(|rest| format!(", then {rest}")).unwrap_or_default();
    format!("variables {} = {}{then}", set.names.join(", "), set.query)
}

fn session_value(value: &SessionValue) -> String {
    match value {
        SessionValue::UserVariable { name, typed: true } => format!("typed {name}"),
        SessionValue::UserVariable { name, typed: false } => name.clone(),
        other => format!("{other:?}"),
    }
}

fn changed(change: &SchemaChange) -> String {
    let tried = if change.trial.is_some() { " tried" } else { "" };
    format!("{} change {}{tried}", change.keyspace, change.verb)
}

/// Each row's sharding value and number: `?` for the next one, `-` where the table has none.
fn inserted(insert: &InsertRows, literal: impl Fn(Signed) -> String) -> String {
    let number = |given: &Given| match (given, &insert.numbered) {
        (_, None) => "-".to_owned(),
        (Given::Nothing, _) => "?".to_owned(),
        (Given::Literal(value), _) => literal(*value),
    };
    let row = |row: &RowValues| {
        let sharding = row.sharding.map(&literal).unwrap_or_default();
        format!("{sharding}/{}", number(&row.number))
    };
    let rows: Vec<String> = insert.rows.iter().map(row).collect();
    let place = insert.numbered.as_ref().and_then(|numbered| numbered.place);
    let place = place.map(|place| format!(" at {place}")).unwrap_or_default();
    let columns = match &insert.form {
        RowForm::Values { columns: Some(columns), .. } => format!(" ({columns})"),
        _ => String::new(),
    };
    format!("{} insert {}{place}{columns} {:?}", insert.keyspace, rows.join(" "), insert.on_equal)
}

fn assert_plans(snapshot: &Snapshot, database: Option<&str>, cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        assert_eq!(planned(snapshot, database, sql), *expected, "{sql}");
    }
}

#[tokio::test]
async fn equality_on_the_sharding_column_names_one_shard() {
    let cases = [
        ("select * from customers where id = 5", "shop id=5"),
        ("select * from customers where (name = 'x' and (-5 = (ID)))", "shop id=-5"),
        ("select * from shop.customers where shop.customers.id = 5", "shop id=5"),
        ("select c.name from customers as c where c.id in (5) order by 1 limit 3", "shop id=5"),
        (
            "select city, count(*) from customers where id='5' group by city having count(*) > 1",
            "shop id='5'",
        ),
        (
            "select * from customers c join orders o on o.customer_id = c.id where c.id=5 and o.customer_id=5",
            "shop id=5 customer_id=5",
        ),
        (
            "select * from customers c left join orders o on o.customer_id = 5 where c.id = 5",
            "shop id=5 customer_id=5",
        ),
        (
            "select * from customers c join orders o on o.customer_id = 5 and c.id = 5",
            "shop id=5 customer_id=5",
        ),
        (
            "select * from customers where id=5 and exists (select 1 from orders where customer_id = 5)",
            "shop id=5 customer_id=5",
        ),
        ("select * from (select name from customers where id = 5) as d", "shop id=5"),
        ("with c as (select name from customers where id = 5) select * from c", "shop id=5"),
        (
            "select name from customers where id=1 union all select city from customers where id=1",
            "shop id=1 id=1",
        ),
        ("update customers set name = 'y', city = 'z' where id = 5 limit 1", "shop id=5"),
        ("delete from customers where id = 5 and name = 'x'", "shop id=5"),
        ("select 1 from dual", "shop any"),
        ("select now(), 1 + 2", "shop any"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn statements_about_transactions_and_warnings_are_known_by_all_their_words() {
    let cases = [
        ("begin", "Begin(Beginning { read_only: None, snapshot: false, isolation: None })"),
        (
            "START TRANSACTION READ ONLY;",
            "Begin(Beginning { read_only: Some(true), snapshot: false, isolation: None })",
        ),
        (
            "start transaction with consistent snapshot, read write",
            "Begin(Beginning { read_only: Some(false), snapshot: true, isolation: None }) on main",
        ),
        ("start transaction read only read write", "SH2004"),
        ("start transaction with consistent snapshot read only", "SH2004"),
        ("commit work and no chain", "Commit(Plain)"),
        ("commit and chain", "Commit(Chain)"),
        ("rollback release", "Rollback(Release)"),
        ("rollback and chain release", "SH2004"),
        ("savepoint `a b`", "Save(\"a b\")"),
        ("rollback work to savepoint b", "RollbackTo(\"b\")"),
        ("release savepoint c", "Release(\"c\")"),
        ("savepoint a b", "SH2004"),
        ("begin; select 1", "SH2004"),
        ("xa start 'x'", "SH2006"),
        ("set autocommit = 0", "Autocommit(false)"),
        ("SET @@session.autocommit=ON", "Autocommit(true)"),
        ("show warnings limit 3, 4", "List { only_errors: false, offset: 3, count: 4 }"),
        ("show errors", "List { only_errors: true, offset: 0, count: 18446744073709551615 }"),
        (
            "show count(*) errors",
            "Counts { columns: [WarningCount { name: \"@@session.error_count\", only_errors: true }], clears: false }",
        ),
        (
            "select @@Warning_count",
            "Counts { columns: [WarningCount { name: \"@@Warning_count\", only_errors: false }], clears: true }",
        ),
        ("select @@warning_count + 1", "SH2005"),
    ];
    let snapshot = cluster().await;
    assert_plans(&snapshot, Some("main"), &cases);
    let sharded = [("start transaction with consistent snapshot", "SH2017")];
    assert_plans(&snapshot, Some("shop"), &sharded);
}

#[tokio::test]
async fn statements_that_cannot_be_understood_are_refused() {
    let cases = [
        // Common table expressions with names that mean tables, too.
        ("with c as (select * from customers), customers as (select 1) select * from c", "SH2004"),
        ("select * from (with customers as (select 1) select * from customers) d, customers", "SH2004"),
        (
            "with customers as (select * from customers where id=5) select * from customers where id=5",
            "SH2004",
        ),
        ("table customers", "shop all"),
        ("select * from customers where id = 5 LOCK IN SHARE MODE", "shop id=5"),
        ("select * from customers where id=5 union table customers", "SH2004"),
        ("select * from stray where id = 5", "SH2009"),
        ("select * from nowhere where id = 5", "SH2009"),
        ("select * from main.t, customers where id = 5", "SH2013"),
        ("update customers set id = 6 where id = 5", "SH2007"),
        ("update customers c set c.ID = 6 where c.id = 5", "SH2007"),
        ("delete c from customers c where c.id = 5", "SH2004"),
        ("select * into outfile 'x' from customers where id = 5", "SH2004"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn inserts_are_routed_by_the_value_in_every_row() {
    let cases = [
        ("insert into customers values (5, 'x', 'y')", "shop id=5 (`id`,`name`,`city`)"),
        ("insert into customers (name, ID) values ('x', -5), ('y', 6)", "shop insert -5/- 6/- Fail"),
        (
            "insert into orders value (7, 1, 10), (7, 2, 20)",
            "shop insert 7/- 7/- (`customer_id`,`id`,`total`) Fail",
        ),
        ("insert ignore into customers set name = 'x', id = 5", "shop id=5"),
        ("replace into customers values (5, 'x', 'y')", "shop id=5 (`id`,`name`,`city`)"),
        (
            "insert into customers values (5,'x','y') on duplicate key update name = values(name)",
            "shop id=5 (`id`,`name`,`city`)",
        ),
        ("insert into customers values (5,'x','y') on duplicate key update id = 6", "SH2007"),
        ("insert into customers (name) values ('x')", "SH2053"),
        ("insert into customers (id, name) values (5)", "SH2004"),
        ("insert into customers values (null, 'x', 'y')", "SH2002"),
        ("insert into customers values (default, 'x', 'y')", "SH2002"),
        ("insert into customers values (2 + 3, 'x', 'y')", "SH2002"),
        ("insert into customers select * from orders where customer_id = 5", "SH2004"),
        ("insert into customers values (5, (select name from orders where customer_id = 5), 'y')", "SH2004"),
        ("insert into stray values (5)", "SH2009"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn rows_take_numbers_where_they_give_none() {
    let cases = [
        ("insert into notes (body) values (7)", "shop insert /? Fail"),
        (
            "insert into notes values (null, 7), (default, 8), (-5, 9)",
            "shop insert /? /? /-5 at 0 (`id`,`body`) Fail",
        ),
        ("insert into notes values (), ()", "shop insert /? /? () Fail"),
        ("insert into notes () values ()", "shop insert /? () Fail"),
        ("insert ignore into notes set body = 7", "shop insert /? Ignore"),
        ("replace notes set body = 7, id = 0", "shop insert /0 at 1 Replace"),
        ("insert into events (owner, body) values (4, 5), (6, 7)", "shop insert 4/? 6/? Fail"),
        (
            "insert into events values (4, 0, 5) as new on duplicate key update body = new.body",
            "shop insert 4/0 at 1 (`owner`,`seq`,`body`) Update",
        ),
        // What the text does not tell.
        ("insert into notes values (1 + 1, 7)", "SH2020"),
        ("insert into notes values (true, 7)", "SH2020"),
        ("insert into notes values (default(id), 7)", "SH2020"),
        ("insert into notes values (`default`, 7)", "SH2020"),
        ("insert into notes (body) values (id + 1)", "SH2004"),
        ("insert into notes set body = id", "SH2004"),
        ("insert into notes (body) values (7) as new(b) on duplicate key update body = b", "SH2004"),
        ("insert into notes (body) values (7) on duplicate key update id = 8", "SH2007"),
        ("insert into events (seq, body) values (null, 7)", "SH2053"),
        ("insert into events values (null, null, 7)", "SH2002"),
        ("insert into notes values (null, 7), (null)", "SH2004"),
        ("insert into notes select null, body from notes where id = 5", "SH2004"),
    ];
    assert_plans(&*cluster().await, Some("shop"), &cases);
}

#[tokio::test]
async fn an_unsharded_keyspace_takes_everything_but_session_state() {
    let cases = [
        ("select * from t order by a limit 5", "main any"),
        ("table t", "main any"),
        ("select * from t procedure analyse lock in share mode", "main any"),
        ("explain select * from t", "main any"),
        ("call p(1)", "main any close"),
        ("select * from information_schema.tables", "main schema"),
        ("create view v as select 1", "main change CREATE VIEW"),
        ("select * from shop.customers where id = 5", "shop id=5"),
        ("select database() from shop.customers where id = 5", "SH2013"),
        ("set sql_mode = ''", "main set sql_mode"),
        ("select @a := 1", "SH2005"),
        ("select last_insert_id()", "rewrite select LastInsertId AS `last_insert_id()`"),
        ("select last_insert_id(5)", "SH2005"),
        (
            "select * from t where a = last_insert_id()",
            "rewrite select * from t where a = LastInsertIdDigits",
        ),
        (
            "insert t values (last_insert_id(), last_insert_id() - 1)",
            "rewrite insert t values (LastInsertIdDigits, LastInsertId - 1)",
        ),
        ("lock tables t read", "SH2005"),
        ("create temporary table t (a int)", "SH2005"),
        ("select row_count()", "SH2005"),
        ("/*!99999 set names utf8 */", "SH2010"),
        ("/*!080000 set names utf8 */", "SH2010"),
        ("create view v as select user()", "SH2005"),
        ("select * from _shoal.heartbeat", "SH1012"),
        ("select * from `_shoal` . t", "SH1012"),
        (
            "grant all on *.* to x",
            "account Grant { privileges: All, on: Everywhere, users: [UserName(\"x\")] }",
        ),
        ("drop database main", "SH2028"),
        ("selec 1", "SH2004"),
        ("select 'a", "SH2004"),
    ];
    assert_plans(&*cluster().await, Some("main"), &cases);
}

#[tokio::test]
async fn the_database_decides_where_names_are_looked_up() {
    let snapshot = cluster().await;
    let without = [
        ("select 1", "main free"),
        ("select * from customers where id = 5", "SH1003"),
        ("select * from shop.customers where id = 5", "shop id=5"),
        ("select * from nope.t", "SH1002"),
        ("use shop", "use shop Primary"),
        ("use nope", "SH1002"),
        ("show tables", "SH1003"),
        ("show tables from shop", "shop schema"),
        ("show databases", "Database: information_schema, main, shop"),
        ("show columns from t from main", "main schema"),
        ("set names utf8mb4", "answer SetNames(255)"),
        ("SET AUTOCOMMIT=1;", "Autocommit(true)"),
        ("rollback", "Rollback(Plain)"),
    ];
    assert_plans(&snapshot, None, &without);
    let sharded = [
        ("show create table customers", "shop schema"),
        ("desc customers", "shop schema"),
        ("show tables from main", "main schema"),
        ("show table status", "shop table status"),
        ("show table status from main like 'x'", "main schema"),
        ("show table status where rows > 5", "SH2011"),
        ("explain select * from customers", "SH2011"),
        ("explain format = tree select * from customers where id = 5", "shop id=5"),
        ("explain analyze select * from customers where id = 5", "shop id=5"),
        ("explain insert into customers values (5, 6, 7)", "shop id=5 (`id`,`name`,`city`)"),
        ("select * from information_schema.tables", "shop schema"),
        ("call p()", "shop any close"),
        ("", "shop any"),
    ];
    assert_plans(&snapshot, Some("shop"), &sharded);
}

#[tokio::test]
async fn sequences_give_numbers() {
    let cases = [
        ("select next value from ids", "main next None of ids"),
        ("SELECT NEXT 5 VALUES FROM `ids`", "main next Some(0) of ids"),
        ("select next 5 values from main.ids", "main next Some(0) of ids"),
        ("select next 5 values from ids where id = 0", "SH2004"),
        ("select next values from shop.ids", "SH2023"),
        ("select next from ids", "main any"),
    ];
    assert_plans(&*cluster().await, Some("main"), &cases);
    assert_plans(&*cluster().await, Some("shop"), &[("select next value from ids", "SH2023")]);
    assert_plans(&*cluster().await, None, &[("select next value from main.ids", "main next None of ids")]);
}
