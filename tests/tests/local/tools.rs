//! The commands that look at a cluster and talk to it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::process::wait_for;
use tests::signals::{self, Frozen};

use crate::bed::{Bed, PATIENCE, Said};

/// One cluster for all of them: each leaves it as it was.
#[test]
fn a_cluster_is_looked_at_and_talked_to() -> Result<()> {
    let bed = Bed::up(Some(FILE))?;
    get_speaks_to_people_and_programs(&bed)?;
    describe_tells_what_belongs_to_a_thing(&bed)?;
    watch_tells_of_changes(&bed)?;
    sql_knows_address_and_password(&bed)?;
    sql_refuses_what_cannot_work(&bed)?;
    doctor_finds_what_is_wrong(&bed)
}

/// The password has everything that an option file or a shell could stumble over.
const FILE: &str = r##"apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: shop}
spec:
  users: [{name: app, password: "a\"b'c\\d#e f;g$h", role: admin}, {name: eve, password: eve, role: read}]
  keyspaces:
    - name: shop
      shards: ["-80", "80-"]
      vschema:
        vindexes: {by_id: {type: xxhash}}
        tables: {customers: {column_vindexes: [{column: id, name: by_id}]}}
    - name: main
"##;

fn json(said: &Said) -> Result<Value> {
    serde_json::from_str(&said.out).with_context(|| format!("{said:?}"))
}

/// A command that fails with this code and says all of this.
fn refused(bed: &Bed, arguments: &[&str], code: i32, expected: &[&str]) -> Result<()> {
    let said = bed.shoal(arguments)?;
    ensure!(said.code == code, "{arguments:?}: {said:?}");
    for text in expected {
        ensure!(said.err.contains(text), "{arguments:?}: {text:?} is not in\n{}", said.err);
    }
    Ok(())
}

fn get_speaks_to_people_and_programs(bed: &Bed) -> Result<()> {
    let shards = json(&bed.done(&["get", "shards", "-o", "json"])?)?;
    let names: Vec<&Value> = shards.as_array().context("no list")?.iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["main/-", "shop/-80", "shop/80-"]);
    assert_eq!((&shards[1]["serving"], &shards[1]["ackers"]), (&true.into(), &Value::Array(vec![])));
    let tablets = json(&bed.done(&["get", "tablets", "shop", "-o", "json"])?)?;
    assert_eq!((tablets.as_array().map(Vec::len), &tablets[0]["role"]), (Some(2), &"primary".into()));
    let yaml = bed.done(&["get", "keyspaces", "-o", "yaml"])?.out;
    assert!(yaml.contains("name: shop") && yaml.contains("sharded: true"), "{yaml}");
    let wide = bed.done(&["get", "keyspaces", "-o", "wide"])?.out;
    assert!(wide.contains("RANGES") && wide.contains("-80,80-"), "{wide}");
    // The singular and the short name are the same.
    let plural = bed.done(&["get", "keyspaces"])?.out;
    assert_eq!(plural, bed.done(&["get", "ks"])?.out);
    refused(bed, &["get", "shards", "nope"], 1, &["there is no keyspace nope; there are main, shop"])?;
    refused(bed, &["get", "shards", "-o", "xml"], 2, &["possible values: table, wide, json, yaml"])
}

fn describe_tells_what_belongs_to_a_thing(bed: &Bed) -> Result<()> {
    let told = bed.done(&["describe", "shard", "shop/-80"])?.out;
    assert!(told.starts_with("Shard:     shop/-80\nPrimary:   zone1-1"), "{told}");
    assert!(told.contains("\nTablets\n") && told.contains("\nLatest events\n"), "{told}");
    let keyspace = json(&bed.done(&["describe", "keyspace", "shop", "-o", "json"])?)?;
    assert_eq!((&keyspace["sharded"], keyspace["shards"].as_array().map(Vec::len)), (&true.into(), Some(2)));
    let alias = keyspace["tablets"][0]["alias"].as_str().context("no tablet")?.to_owned();
    let tablet = bed.done(&["describe", "tablet", &alias])?.out;
    assert!(tablet.contains("Role:      primary under term 1\n"), "{tablet}");
    refused(
        bed,
        &["describe", "shard", "shop/-40"],
        1,
        &["there is no shard shop/-40; there are shop/-80, shop/80-"],
    )?;
    refused(bed, &["describe", "shard", "shop"], 2, &["KEYSPACE/RANGE"])?;
    refused(
        bed,
        &["describe", "tablet", "zone9-999"],
        1,
        &["there is no tablet zone9-999; there are", &alias],
    )?;
    refused(bed, &["describe", "keyspace", "nope"], 1, &["there is no keyspace nope"])
}

fn watch_tells_of_changes(bed: &Bed) -> Result<()> {
    let mut command = bed.command(&["describe", "keyspace", "shop", "-o", "json", "--watch"])?;
    let mut watch = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut lines = BufReader::new(watch.stdout.take().context("no output")?).lines();
    let mut next =
        || -> Result<Value> { Ok(serde_json::from_str(&lines.next().context("the watch ended")??)?) };
    let first = next()?;
    // Its tablets' positions move meanwhile, which is nothing to tell.
    std::thread::sleep(2 * operator::limits::WATCH_INTERVAL);
    bed.done(&["sql", "shop", "-e", "CREATE TABLE customers (id BIGINT PRIMARY KEY, name VARCHAR(20))"])?;
    let (mut last, mut now) = (first, next()?);
    while now["tables"] != 1 {
        assert_ne!(now["events"], last["events"], "{now} was told for nothing");
        (last, now) = (now, next()?);
    }
    watch.kill()?;
    watch.wait()?;
    Ok(())
}

fn sql_knows_address_and_password(bed: &Bed) -> Result<()> {
    // Without a keyspace it is the first one. What stands after `--` is for the client, so the folder is told otherwise.
    let mut plain = Command::new(tests::programs::own("shoal")?);
    plain
        .args(["sql", "-e", "SELECT DATABASE()", "--", "--batch", "--skip-column-names"])
        .stdin(Stdio::null());
    let said = Said::of(&plain.env("SHOAL_DIR", bed.dir()).output()?);
    assert_eq!((said.code, said.out.as_str()), (0, "shop\n"), "{said:?}");
    let mut command = bed.command(&["sql", "-e", "INSERT INTO customers VALUES (1, 'Ada')"])?;
    assert!(command.status()?.success());
    let said = bed.done(&["sql", "shop", "-e", "SELECT name FROM customers WHERE id = 1"])?;
    assert_eq!(said.out, "name\nAda\n");

    let mut command = bed.command(&["sql", "main"])?;
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = client.stdin.take().context("no input")?;
    // The client has read what it was told when it answers; then it is seen how it was told.
    stdin.write_all(b"CREATE TABLE notes (id INT PRIMARY KEY);\nINSERT INTO notes VALUES (7);\n")?;
    stdin.write_all(b"SELECT id FROM notes;\n")?;
    let pid = client.id();
    let shown = std::fs::read(format!("/proc/{pid}/cmdline"))?;
    let environment = std::fs::read(format!("/proc/{pid}/environ"))?;
    for bytes in [&shown, &environment] {
        assert!(!String::from_utf8_lossy(bytes).contains("c\\d#e"), "the password can be seen");
    }
    drop(stdin);
    let said = Said::of(&client.wait_with_output()?);
    assert_eq!((said.code, said.out.as_str()), (0, "id\n7\n"), "{said:?}");

    let said = bed.shoal(&["sql", "main", "--user", "eve", "-e", "INSERT INTO notes VALUES (8)"])?;
    assert!(said.code == 1 && said.err.contains("command denied to user"), "{said:?}");
    Ok(())
}

fn sql_refuses_what_cannot_work(bed: &Bed) -> Result<()> {
    refused(bed, &["sql", "nope", "-e", "SELECT 1"], 1, &["Unknown database 'nope'"])?;
    refused(bed, &["sql", "--gate", "nonsense"], 2, &["--user"])?;
    let mut command = Command::new(tests::programs::own("shoal")?);
    command.args(["sql", "--gate", "nonsense", "--user", "app", "-e", "SELECT 1"]).stdin(Stdio::null());
    let said = Said::of(&command.output()?);
    assert!(said.code == 1 && said.err.contains("write HOST:PORT"), "{said:?}");
    Ok(())
}

fn doctor_finds_what_is_wrong(bed: &Bed) -> Result<()> {
    let well = bed.shoal(&["doctor"])?;
    assert_eq!(well.code, 0, "{well:?}");
    for check in [
        "processes ",
        "etcd ",
        "control ",
        "shard shop/-80 ",
        "gate-1 ",
        "disk ",
        "versions ",
        "certificates ",
    ] {
        assert!(well.out.lines().any(|line| line.starts_with(check)), "{check:?} is not in\n{}", well.out);
    }
    assert!(well.out.contains("write `tablets: 3` under keyspace shop"), "{}", well.out);

    // A gate that is frozen takes connections and answers nothing.
    let gate = Frozen::freeze(bed.pid("gate-1")?)?;
    let frozen = bed.shoal(&["doctor", "-o", "json"])?;
    gate.thaw();
    assert_eq!(frozen.code, 1, "{frozen:?}");
    let found = json(&frozen)?;
    let found =
        found.as_array().context("no list")?.iter().find(|f| f["check"] == "gate-1").context("no gate-1")?;
    assert!(
        found["result"] == "error" && found["cure"].as_str().is_some_and(|c| c.contains("shoal local logs"))
    );

    signals::kill(bed.pid("control")?)?;
    wait_for("control is there again", PATIENCE, || bed.is_whole())?;
    let restarted = bed.shoal(&["doctor"])?;
    assert_eq!(restarted.code, 4, "{restarted:?}");
    assert!(restarted.out.contains("process control") && restarted.out.contains("was started again"));

    bed.done(&["local", "down"])?;
    let down = bed.shoal(&["doctor"])?;
    assert!(down.code == 1 && down.out.contains("start it with `shoal local up`"), "{down:?}");
    refused(bed, &["sql", "-e", "SELECT 1"], 1, &["no gate of the cluster in", "`shoal local up` starts it"])
}

#[test]
fn what_needs_no_cluster_works_without_one() -> Result<()> {
    let bed = Bed::new()?;
    for arguments in [&["doctor"][..], &["sql"], &["get", "shards"], &["describe", "shard", "shop/-80"]] {
        refused(&bed, arguments, 1, &["there is no cluster in"])?;
    }
    let plain = |arguments: &[&str]| -> Result<Said> {
        let mut command = Command::new(tests::programs::own("shoal")?);
        Ok(Said::of(&command.args(arguments).stdin(Stdio::null()).output()?))
    };
    let told = plain(&["explain", "SH2001"])?;
    assert!(told.code == 0 && told.out.starts_with("SH2001  "), "{told:?}");
    let all = json(&plain(&["explain", "-o", "json"])?)?;
    assert!(all.as_array().is_some_and(|all| all.len() > 30 && all[0]["id"] == "SH1001"), "{all}");
    let none = plain(&["explain", "SH0000"])?;
    assert!(none.code == 1 && none.err.contains("`shoal explain` lists them all"), "{none:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = plain(&["completions", shell])?;
        assert!(
            script.code == 0 && script.out.contains("describe") && script.out.contains("doctor"),
            "{shell}"
        );
    }
    let other = plain(&["completions", "csh"])?;
    assert!(other.code == 2 && other.err.contains("bash, zsh, fish"), "{other:?}");
    let version = plain(&["--version"])?;
    assert!(version.out.starts_with("shoal 0."), "{version:?}");
    Ok(())
}
