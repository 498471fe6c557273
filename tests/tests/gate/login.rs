//! Every way in, and every way not to get in.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tests::cluster::Cluster;
use tests::programs;
use tests::raw_client::RawClient;

use crate::{cluster, session, value, wait};

/// The stock client.
fn mysql(cluster: &Cluster, password: &str, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(programs::foreign("mysql")?);
    let port = cluster.gate_port().to_string();
    command.args(["--no-defaults", "-h127.0.0.1", "-P", &port, "-uapp", "--connect-timeout=10"]);
    command.arg(format!("--password={password}")).args(arguments);
    command.output().context("mysql does not run")
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn passwords_are_checked_fully_and_then_fast_over_tls_and_rsa() -> Result<()> {
    let cluster = cluster()?;
    let gets_in = |password: &str, arguments: &[&str]| -> Result<()> {
        // The client itself refuses a session without TLS where it is required.
        let output = mysql(&cluster, password, &[arguments, &["-e", "select 'in'", "main"]].concat())?;
        ensure!(said(&output).0.contains("in"), "{arguments:?}: {}", said(&output).1);
        Ok(())
    };
    // Nobody has logged in yet: without the key to encrypt it with, the password is not sent.
    let output = mysql(&cluster, "app", &["--ssl-mode=DISABLED", "-e", "select 1", "main"])?;
    ensure!(said(&output).1.contains("requires secure connection"), "{:?}", said(&output));
    gets_in("app", &["--ssl-mode=DISABLED", "--get-server-public-key"])?;
    // By now the password is known, and its scramble is enough.
    gets_in("app", &["--ssl-mode=DISABLED"])?;
    for version in ["TLSv1.2", "TLSv1.3"] {
        gets_in("app", &[&format!("--tls-version={version}"), "--ssl-mode=REQUIRED"])?;
    }
    // Another user, whose full login is over TLS.
    gets_in("reader", &["-ureader", "--ssl-mode=REQUIRED"])?;

    for (password, arguments) in [
        ("wrong", ["--ssl-mode=REQUIRED", "-e", "select 1"]),
        ("wrong", ["--get-server-public-key", "-e", "select 1"]),
        ("", ["--ssl-mode=REQUIRED", "-e", "select 1"]),
    ] {
        let output = mysql(&cluster, password, &arguments)?;
        let using = if password.is_empty() { "NO" } else { "YES" };
        let expected =
            format!("ERROR 1045 (28000): Access denied for user 'app'@'127.0.0.1' (using password: {using})");
        ensure!(said(&output).1.contains(&expected), "{:?}", said(&output));
    }
    let output = mysql(&cluster, "app", &["-unobody", "--ssl-mode=REQUIRED", "-e", "select 1"])?;
    ensure!(
        said(&output).1.contains("ERROR 1045 (28000): Access denied for user 'nobody'"),
        "{:?}",
        said(&output)
    );
    let output = mysql(&cluster, "app", &["-e", "select 1", "nope"])?;
    ensure!(said(&output).1.contains("ERROR 1049 (42000): Unknown database 'nope'"), "{:?}", said(&output));
    Ok(())
}

#[test]
fn clients_of_both_kinds_of_answer_share_the_gate() -> Result<()> {
    let cluster = cluster()?;
    // Pools hold connections of both kinds; neither client may get one of the other's.
    for _ in 0..3 {
        let mut old = RawClient::connect(cluster.gate_port())?;
        old.login("app", "app", "main")?;
        old.command(b"\x03select 1 union all select 2")?;
        let mut first_bytes = Vec::new();
        for _ in 0..6 {
            let tests::raw_client::Received::Packet { payload, .. } = old.receive()? else { break };
            first_bytes.push((payload.first().copied(), payload.len()));
        }
        let (eof, row) = ((Some(0xfe), 5), (Some(1), 2));
        ensure!(first_bytes[2..] == [eof, row, row, eof], "{first_bytes:?}");
        wait(async {
            let mut new = session(&cluster, "app", "main").await?;
            ensure!(value(&mut new, "select 3").await? == "3");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn character_sets_are_read_as_mysql_reads_them_or_refused() -> Result<()> {
    let cluster = cluster()?;
    let run = |set: &str, statement: &[u8]| -> Result<(String, String)> {
        let mut command = Command::new(programs::foreign("mysql")?);
        let port = cluster.gate_port().to_string();
        command.args(["--no-defaults", "-h127.0.0.1", "-P", &port, "-uapp", "--password=app", "-N", "--raw"]);
        command
            .arg(format!("--default-character-set={set}"))
            .arg("-e")
            .arg(OsStr::from_bytes(statement))
            .arg("shop");
        Ok(said(&command.output().context("mysql does not run")?))
    };
    run("utf8mb4", b"create table items (id bigint primary key, name varchar(9))")?;
    for set in ["utf8mb4", "latin1", "ascii", "binary"] {
        let key = set.len();
        run(set, format!("replace into items values ({key}, '{set}')").as_bytes())?;
        let (out, complaints) = run(set, format!("select name from items where id = {key}").as_bytes())?;
        ensure!(out.trim() == set, "{set}: {out} {complaints}");
    }
    // In latin1 these bytes are one letter in a string, and outside of one a blank.
    run("latin1", b"replace into items values (50, '\xe4')")?;
    ensure!(run("utf8mb4", b"select name from items where id = 50")?.0.trim() == "\u{e4}");
    let (_, complaints) = run("latin1", b"select name from items where id = 50 and name\xa0or\xa0(1 = 1)")?;
    ensure!(complaints.contains("(SH2004)"), "{complaints}");
    for set in ["gbk", "sjis", "big5", "swe7"] {
        let (_, complaints) = run(set, b"select 1")?;
        ensure!(complaints.contains("(SH2014)"), "{set}: {complaints}");
    }
    Ok(())
}
