//! A changed cluster file at the next `up`.

use std::net::TcpListener;

use anyhow::{Context, Result};

use crate::bed::Bed;

const FILE: &str = "apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: shop}
spec:
  gates: {replicas: 2}
  users: [{name: app, password: app, role: admin}]
  keyspaces:
    - name: shop
      shards: [\"-\"]
      vschema:
        vindexes: {by_id: {type: xxhash}}
        tables:
          customers: {column_vindexes: [{column: id, name: by_id}]}
";

#[test]
fn additions_are_applied_and_what_needs_data_to_move_is_refused() -> Result<()> {
    let bed = Bed::up(Some(FILE))?;
    bed.query("CREATE TABLE customers (id BIGINT PRIMARY KEY)")?;
    bed.query("INSERT INTO customers VALUES (1)")?;
    let running = bed.file("resharded.yaml", &FILE.replace("\"-\"", "\"-80\", \"80-\""))?;
    let said = bed.shoal(&["local", "up", "-f", &running])?;
    assert!(said.code == 1 && said.err.contains("runs already"), "{said:?}");
    bed.done(&["local", "down"])?;

    let said = bed.shoal(&["local", "up", "-f", &running])?;
    assert_eq!(said.code, 1);
    let line = format!(
        "{running}:9: spec.keyspaces[0].shards: the shards of an existing keyspace cannot be changed: shop has \
         data on its shards; write `shards: [\"-\"]` again"
    );
    assert!(said.err.contains("nothing was changed") && said.err.contains(&line), "{}", said.err);

    let stored = bed.json("ports.json")?;
    let port = u16::try_from(stored["control"].as_u64().context("no port")?)?;
    let other_program = TcpListener::bind(("127.0.0.1", port))?;
    let orders =
        "          orders: {column_vindexes: [{column: customer_id, name: by_id}]}\n    - name: extra\n";
    let users = "[{name: app, password: app, role: admin}, {name: eve, password: eve, role: read}]";
    let wider = FILE.replace("[{name: app, password: app, role: admin}]", users) + orders;
    let said = bed.shoal(&["local", "up", "-f", &bed.file("wider.yaml", &wider)?])?;
    assert_eq!(said.code, 0, "{said:?}");
    let note = format!("note: port {port} of control is in use by process {}", std::process::id());
    assert!(said.err.contains(&note), "{}", said.err);
    drop(other_program);

    assert_eq!(bed.query("SELECT id FROM customers WHERE id = 1")?, "1\n");
    bed.query("CREATE TABLE orders (id BIGINT, customer_id BIGINT, PRIMARY KEY (customer_id, id))")?;
    bed.query("INSERT INTO orders VALUES (1, 1)")?;
    bed.query("USE extra; CREATE TABLE notes (id INT PRIMARY KEY, text VARCHAR(20))")?;
    bed.query("USE extra; INSERT INTO notes VALUES (1, 'new')")?;
    assert_eq!(bed.query("USE extra; SELECT text FROM notes")?, "new\n");
    let tablets = bed.json("ports.json")?["tablets"].clone();
    assert_eq!(tablets["shop/-"], stored["tablets"]["shop/-"], "an old tablet changed its name or ports");
    assert_eq!(bed.json("ports.json")?["gates"], stored["gates"]);
    Ok(())
}
