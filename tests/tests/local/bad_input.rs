//! What cannot work is said clearly and leaves nothing behind.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};
use tests::process::wait_for;
use tests::programs;

use crate::bed::{Bed, PATIENCE, Said};

const HEAD: &str = "apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: shop}
spec:
  users: [{name: app, password: app, role: admin}]
";

/// `up` fails, says all of this, and nothing is there that was not there before.
fn refused(bed: &Bed, arguments: &[&str], expected: &[&str]) -> Result<Said> {
    let existed = bed.dir().exists();
    let said = bed.shoal(&[&["local", "up"], arguments].concat())?;
    assert_eq!(said.code, 1, "{said:?}");
    for text in expected {
        assert!(said.err.contains(text), "{text:?} is not in\n{}", said.err);
    }
    assert_eq!(said.out, "");
    assert_eq!(bed.dir().exists(), existed);
    bed.wait_until_empty()?;
    Ok(said)
}

#[test]
fn a_bad_cluster_file_is_told_by_line_before_anything_starts() -> Result<()> {
    let bed = Bed::new()?;
    let overlapping = format!("{HEAD}  keyspaces:\n    - name: shop\n      shards: [\"-80\", \"70-\"]\n");
    let file = bed.file("bad.yaml", &overlapping)?;
    let line = format!("{file}:8: spec.keyspaces[0].shards: shards -80 and 70- overlap; write ranges");
    refused(&bed, &["-f", &file], &[&line])?;
    let missing = bed.file("missing.yaml", "")?.replace("missing", "not-there");
    refused(&bed, &["-f", &missing], &["cannot read the cluster file", "No such file"])?;
    Ok(())
}

#[test]
fn a_named_port_in_use_is_told_with_its_holder() -> Result<()> {
    let bed = Bed::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let file =
        bed.file("c.yaml", &format!("{HEAD}  gates: {{port: {port}}}\n  keyspaces: [{{name: main}}]\n"))?;
    let holder =
        format!("port {port} (spec.gates.port, for gate 1) is in use by process {}", std::process::id());
    refused(&bed, &["-f", &file], &[&holder, "write another port"])?;
    Ok(())
}

#[test]
fn a_folder_with_foreign_files_is_left_alone() -> Result<()> {
    let bed = Bed::new()?;
    fs::create_dir(bed.dir())?;
    fs::write(bed.dir().join("thesis.txt"), "years of work")?;
    refused(&bed, &[], &["is not empty and holds no cluster"])?;
    assert_eq!(fs::read_dir(bed.dir())?.count(), 1);
    for command in ["down", "status"] {
        let said = bed.shoal(&["local", command])?;
        assert!(said.code == 1 && said.err.contains("there is no cluster in"), "{said:?}");
    }
    Ok(())
}

#[test]
fn a_mysqld_that_does_not_start_is_told_with_its_last_lines_and_the_data_stays() -> Result<()> {
    let bed = Bed::new()?;
    let real = programs::mysqld()?.program;
    // Good enough to be taken and to make data with, but it never serves.
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--version*|*--initialize*) exec {} \"$@\";; esac\n\
         echo '[ERROR] [MY-999999] the disk is on fire' >&2\nexit 7\n",
        real.display()
    );
    let broken = bed.file("broken-mysqld", &script)?;
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755))?;
    let said = refused(&bed, &["--mysqld", &broken], &["does not start", "the disk is on fire"])?;
    assert!(said.err.contains("stopping everything again"), "{}", said.err);
    refused(&bed, &["--mysqld", "/not/there/mysqld"], &["--mysqld /not/there/mysqld is not a program"])?;

    bed.done(&["local", "up"])?;
    bed.query("CREATE TABLE customers (id BIGINT PRIMARY KEY)")?;
    bed.query("INSERT INTO customers VALUES (1)")?;
    bed.done(&["local", "down"])?;
    let files = || ["cluster.yaml", "ports.json"].map(|name| fs::read(bed.dir().join(name)).ok());
    let before = files();
    let wider = fs::read_to_string(bed.dir().join("cluster.yaml"))? + "    - name: extra\n";
    let wider = bed.file("wider.yaml", &wider)?;
    refused(&bed, &["--mysqld", &broken, "-f", &wider], &["the disk is on fire"])?;
    assert_eq!(files(), before, "a failed `up` changed the stored files");
    bed.done(&["local", "up"])?;
    assert_eq!(bed.query("SELECT id FROM customers WHERE id = 1")?, "1\n");
    Ok(())
}

#[test]
fn an_interrupted_up_takes_everything_back() -> Result<()> {
    let bed = Bed::new()?;
    let mut command = bed.command(&["local", "up"])?;
    let up = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    wait_for("etcd was started", PATIENCE, || bed.pid("etcd").is_ok())?;
    kill_process(Pid::from_child(&up), Signal::INT)?;
    let said = Said::of(&up.wait_with_output()?);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("interrupted; everything was stopped again"), "{}", said.err);
    assert!(!bed.dir().exists());
    bed.wait_until_empty()
}
