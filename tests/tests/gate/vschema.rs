//! ALTER VSCHEMA and SHOW VSCHEMA, with the keyspaces of Vitess' user guide: customers and their orders, sharded,
//! beside products and sequences.

use anyhow::{Result, ensure};
use tests::cluster::Cluster;
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;

use crate::{refusal, session, value, wait};

const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: vschema}
spec:
  gates: {port: {gate_port}}
  users:
    - {name: app, password: app, role: admin}
    - {name: writer, password: writer, role: write}
  keyspaces:
    - name: customer
      shards: ["-80", "80-"]
    - name: product
"#;

/// The statements of the guide, and those that make its tables.
const GUIDE: [&str; 10] = [
    "alter vschema create vindex customer.hash using hash",
    "alter vschema on customer.customer add vindex hash (customer_id)",
    "alter vschema on customer.corder add vindex hash (customer_id)",
    "alter vschema on customer.corder add vindex corder_keyspace_idx (corder_id) using consistent_lookup_unique with \
     owner=corder, table=`product.corder_keyspace_idx`, from=corder_id, to=keyspace_id",
    "alter vschema add sequence product.customer_seq",
    "alter vschema on customer.customer add auto_increment customer_id using product.customer_seq",
    "alter vschema add table product.product",
    "create table customer.customer (customer_id bigint primary key, uname varchar(128))",
    "create table customer.corder (corder_id bigint, customer_id bigint, oname varchar(128), primary key (corder_id, customer_id))",
    "create table product.product (pid bigint primary key, pname varchar(128))",
];

async fn rows(session: &mut Session, statement: &str) -> Result<Vec<String>> {
    let Outcome::Rows { columns, rows, .. } = session.run(statement).await? else {
        anyhow::bail!("{statement} gave no rows")
    };
    let cell = |cell: Option<Vec<u8>>| String::from_utf8_lossy(&cell.unwrap_or_default()).into_owned();
    let row = |row: Vec<Option<Vec<u8>>>| row.into_iter().map(cell).collect::<Vec<_>>().join("|");
    let titles = columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join("|");
    Ok([titles].into_iter().chain(rows.into_iter().map(row)).collect())
}

#[test]
fn the_guides_statements_build_its_vschema_and_show_it() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let mut client = session(&cluster, "app", "customer").await?;
        client.run_all(&GUIDE).await?;
        let shown = [
            (
                "show vschema keyspaces",
                &[
                    "Keyspace|Sharded|Foreign Key|Comment",
                    "customer|true|disallow|",
                    "product|false|unmanaged|",
                ][..],
            ),
            ("show vschema tables", &["Tables", "corder", "customer"]),
            ("show vschema tables from product", &["Tables", "customer_seq", "product"]),
            (
                "show vschema vindexes",
                &[
                    "Keyspace|Name|Type|Params|Owner",
                    "customer|corder_keyspace_idx|consistent_lookup_unique|from=corder_id; \
                     table=product.corder_keyspace_idx; to=keyspace_id|corder",
                    "customer|hash|hash||",
                ],
            ),
            (
                "show vschema vindexes on customer.corder",
                &[
                    "Columns|Name|Type|Params|Owner",
                    "customer_id|hash|hash||",
                    "corder_id|corder_keyspace_idx|consistent_lookup_unique|from=corder_id; \
                     table=product.corder_keyspace_idx; to=keyspace_id|corder",
                ],
            ),
        ];
        for (statement, expected) in shown {
            ensure!(
                rows(&mut client, statement).await? == expected,
                "{:?}",
                rows(&mut client, statement).await?
            );
        }
        // The hash of 1 begins with 16 and that of 4 with d2, as Vitess publishes.
        client
            .run_all(&["insert into customer values (1, 'a')", "insert into customer values (4, 'd')"])
            .await?;
        for (shard, expected) in cluster.shards("customer")?.iter().zip(["1", "4"]) {
            let mut direct = Session::connect(&shard.address).await?;
            ensure!(
                value(&mut direct, "select customer_id from customer").await? == expected,
                "{}",
                shard.name
            );
        }
        ensure!(cluster.complaints()?.is_empty(), "{:?}", cluster.complaints()?);
        Ok(())
    })
}

#[test]
fn rows_never_come_to_lie_where_nobody_looks() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let mut client = session(&cluster, "app", "customer").await?;
        client.run_all(&GUIDE).await?;
        client.run_all(&["insert into customer values (4, 'd')"]).await?;
        // The row is on the second shard: the first one alone would not tell.
        for statement in ["alter vschema on customer drop vindex hash", "alter vschema drop table customer"] {
            let (code, text) = refusal(&mut client, statement).await?;
            ensure!(code == 1235 && text.ends_with("(SH2038)"), "{statement}: {text}");
        }
        ensure!(value(&mut client, "select uname from customer where customer_id = 4").await? == "d");
        // What decides nothing about rows may change at any time.
        client.run_all(&["alter vschema on customer drop auto_increment"]).await?;
        // Without rows it may be sharded otherwise, and is.
        client
            .run_all(&[
                "delete from customer where customer_id = 4",
                "alter vschema on customer drop vindex hash",
                "alter vschema on customer add vindex spread (customer_id) using xxhash",
                "insert into customer values (4, 'x')",
            ])
            .await?;
        ensure!(value(&mut client, "select uname from customer where customer_id = 4").await? == "x");
        ensure!(
            rows(&mut client, "show vschema vindexes from customer").await?[1]
                == "customer_id|spread|xxhash||"
        );
        Ok(())
    })
}

#[test]
fn what_is_not_served_is_refused_with_its_cure() -> Result<()> {
    let cluster = Cluster::start(FILE)?;
    wait(async {
        let mut client = session(&cluster, "app", "customer").await?;
        client.run_all(&GUIDE).await?;
        let refused = [
            ("alter vschema add table orders", 1235, "(column) USING type"),
            ("alter vschema add sequence seq", 1235, "add it to an unsharded one"),
            ("alter vschema create vindex x using xxhsah", 1235, "no vindex type \"xxhsah\""),
            ("alter vschema create vindex hash using hash", 1105, "a vindex hash already"),
            ("alter vschema drop vindex hash", 1105, "ALTER VSCHEMA ON corder DROP VINDEX hash first"),
            (
                "alter vschema on orders add vindex hash (a) using xxhash",
                1105,
                "defined otherwise, with type hash",
            ),
            ("alter vschema drop table product.nowhere", 1105, "no table nowhere"),
            ("alter vschema rename table a", 1064, "CREATE VINDEX, DROP VINDEX"),
            ("alter vschema drop table nowhere.a", 1049, "Unknown database 'nowhere'"),
            ("show vschema vindexes from orders", 1105, "has no table orders"),
            ("show vschema columns", 1064, "KEYSPACES, TABLES or VINDEXES"),
        ];
        for (statement, code, part) in refused {
            let (found, text) = refusal(&mut client, statement).await?;
            ensure!(found == code && text.contains(part), "{statement}: {found} {text}");
        }
        // Only admins may change it; everybody may look.
        let mut writer = session(&cluster, "writer", "customer").await?;
        let (code, text) = refusal(&mut writer, "alter vschema drop table corder").await?;
        ensure!(code == 1044 && text.ends_with("user 'writer'@'%' to database 'customer'"), "{text}");
        ensure!(rows(&mut writer, "show vschema tables").await?.len() == 3);
        Ok(())
    })
}
