//! From nothing to a cluster that takes SQL, and back.

use std::time::Instant;

use anyhow::Result;
use tests::cluster::table;
use tests::process::pids_naming;

use crate::bed::Bed;

#[test]
fn the_default_cluster_takes_sql_in_seconds_and_keeps_its_data() -> Result<()> {
    let bed = Bed::new()?;
    let began = Instant::now();
    let said = bed.done(&["local", "up"])?;
    bed.query("CREATE TABLE customers (id BIGINT PRIMARY KEY, name VARCHAR(20))")?;
    bed.query("INSERT INTO customers VALUES (1, 'Ada')")?;
    eprintln!("from `shoal local up` to the first INSERT: {:.1} s", began.elapsed().as_secs_f64());
    bed.query("INSERT INTO customers VALUES (2, 'Bob')")?;
    assert!(said.out.contains("--user=app --password=app shop"), "{}", said.out);
    assert!(said.err.contains("shard shop/80- serves"), "{}", said.err);

    let ports = bed.json("ports.json")?;
    second_up_changes_nothing(&bed)?;
    shows_what_runs(&bed)?;

    bed.done(&["local", "down"])?;
    assert_eq!(pids_naming(&bed.dir()), []);
    let status = bed.shoal(&["local", "status"])?;
    assert_eq!((status.code, status.out.as_str()), (3, ""), "{status:?}");
    let again = bed.shoal(&["local", "down"])?;
    assert_eq!((again.code, again.err.as_str()), (0, "nothing was running\n"));

    bed.done(&["local", "up"])?;
    assert_eq!(bed.json("ports.json")?, ports);
    assert_eq!(bed.query("SELECT name FROM customers WHERE id = 1")?, "Ada\n");
    assert_eq!(bed.query("SELECT name FROM customers WHERE id = 2")?, "Bob\n");
    bed.query("INSERT INTO customers VALUES (3, 'Cyd')")?;
    Ok(())
}

fn second_up_changes_nothing(bed: &Bed) -> Result<()> {
    let before = (bed.shoal(&["get", "tablets"])?.out, bed.pid("supervisor")?, bed.pid("gate-1")?);
    let second = bed.shoal(&["local", "up"])?;
    assert_eq!(second.code, 1);
    assert!(
        second.err.contains("runs already") && second.err.contains("nothing was changed"),
        "{}",
        second.err
    );
    assert_eq!(before, (bed.shoal(&["get", "tablets"])?.out, bed.pid("supervisor")?, bed.pid("gate-1")?));
    Ok(())
}

fn shows_what_runs(bed: &Bed) -> Result<()> {
    let status = bed.shoal(&["local", "status"])?;
    assert_eq!(status.code, 0, "{status:?}");
    let json: serde_json::Value = serde_json::from_str(&bed.done(&["local", "status", "-o", "json"])?.out)?;
    assert_eq!((&json[0]["name"], &json[0]["state"]), (&"supervisor".into(), &"running".into()), "{json}");
    let names: Vec<&str> = status.out.lines().skip(1).filter_map(|l| l.split_whitespace().next()).collect();
    let expected = [
        "supervisor",
        "standby",
        "control",
        "etcd",
        "gate-1",
        "tablet-zone1-101",
        "tablet-zone1-102",
        "tablet-zone1-103",
    ];
    assert_eq!(names, expected);
    let shards = bed.shoal(&["get", "shards", "shop"])?.out;
    let columns = ["SHARD", "PRIMARY", "TERM", "SERVING", "ACKERS"];
    let cells: Vec<_> = table(&shards).iter().map(|row| columns.map(|title| row[title].to_owned())).collect();
    let expected = [["shop/-80", "zone1-101", "1", "yes", "-"], ["shop/80-", "zone1-102", "1", "yes", "-"]];
    assert_eq!(cells, expected);
    assert_eq!(shards.matches("the shard has one tablet only").count(), 2, "{shards}");
    let keyspaces = bed.shoal(&["get", "keyspaces"])?.out;
    let kinds: Vec<&str> = keyspaces.lines().skip(1).filter_map(|l| l.split_whitespace().nth(1)).collect();
    assert_eq!(kinds, ["unsharded", "sharded"]);
    let logs = bed.shoal(&["local", "logs", "tablet-zone1-101"])?;
    assert!(logs.code == 0 && logs.out.contains("mysqld is up"), "{logs:?}");
    let none = bed.shoal(&["local", "logs", "nobody"])?;
    assert!(none.code == 1 && none.err.contains("there are control, etcd, gate-1"), "{}", none.err);
    Ok(())
}
