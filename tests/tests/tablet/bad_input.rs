//! What goes wrong is said clearly, and leaves nothing behind.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tests::ports::free_port;
use tests::programs;
use tests::signals;

use super::bed::{ALIAS, Bed, CLUSTER};

/// Where the system tables are; without them no mysqld starts.
const SYSTEM_TABLESPACE: &str = "data/ibdata1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_named_before_mysqld_is_started() -> Result<()> {
    let bed = Bed::new("shop/-80")?;
    let taken = TcpListener::bind(("127.0.0.1", bed.mysql_port))?;
    let (status, said) = bed.run_to_end(bed.command()?)?;
    let wanted = format!("127.0.0.1:{}: the port is in use", bed.mysql_port);
    assert!(!status.success() && said.contains(&wanted) && said.contains("another --mysql-port"), "{said}");
    assert!(!bed.dir().join("data").exists(), "nothing was begun");
    drop(taken);

    let taken = TcpListener::bind(("127.0.0.1", bed.rpc_port))?;
    let (status, said) = bed.run_to_end(bed.command()?)?;
    let wanted = format!("cannot listen on port {} of 127.0.0.1", bed.rpc_port);
    assert!(!status.success() && said.contains(&wanted) && said.contains("another --rpc-port"), "{said}");
    drop(taken);

    let mut command = bed.command()?;
    command.args(["--host", "192.0.2.1"]);
    let (status, said) = bed.run_to_end(command)?;
    assert!(!status.success() && said.contains("192.0.2.1"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_has_one_agent_and_one_tablet() -> Result<()> {
    let mut bed = Bed::new("shop/-80")?;
    bed.start()?;
    bed.until_fenced().await?;
    let mysqld = bed.mysqld_pid()?;
    let (status, said) = bed.run_to_end(intruder(&bed, ALIAS)?)?;
    assert!(!status.success() && said.contains("an agent already runs in"), "{said}");
    assert_eq!(bed.mysqld_pid()?, mysqld);
    assert!(bed.status().await?.mysqld_running);
    bed.end()?;

    let mut command = Command::new(programs::own("shoal-tablet")?);
    command.args(["stop", "--dir"]).arg(bed.folder());
    let (status, said) = bed.run_to_end(command)?;
    assert!(!status.success() && said.contains("is not the directory of a tablet"), "{said}");
    let (status, said) = bed.run_to_end(intruder(&bed, "zone1-102")?)?;
    assert!(!status.success() && said.contains("belongs to tablet zone1-101 of shop/-80"), "{said}");
    Ok(())
}

/// Another tablet that is told to use the bed's directory.
fn intruder(bed: &Bed, alias: &str) -> Result<Command> {
    let mut command = Command::new(programs::own("shoal-tablet")?);
    command.args(["run", "--cluster", CLUSTER, "--etcd", &bed.etcd.url(), "--alias", alias]);
    command.args(["--shard", "shop/-80", "--rpc-port", "0", "--mysql-port", &free_port()?.to_string()]);
    command.arg("--dir").arg(bed.dir()).arg("--secrets").arg(bed.folder().join("secrets"));
    Ok(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mysqld_that_will_not_do_is_refused_by_name() -> Result<()> {
    let bed = Bed::new("shop/-80")?;
    for (says, wanted) in [
        (
            "mysqld  Ver 11.8.3-MariaDB-0+deb13u1 for debian-linux-gnu on x86_64 (Debian 13)",
            "is MariaDB (11.8.3-",
        ),
        (
            "mysqld  Ver 8.0.43 for Linux on x86_64 (MySQL Community Server - GPL)",
            "is MySQL 8.0.43; Shoal needs 8.4",
        ),
        ("hello", "does not answer `--version` as a mysqld does"),
    ] {
        let fake = script(bed.folder(), says)?;
        let mut command = bed.command()?;
        command.arg("--mysqld").arg(&fake);
        let (status, said) = bed.run_to_end(command)?;
        assert!(!status.success() && said.contains("--mysqld: ") && said.contains(wanted), "{said}");
    }
    // On PATH it is passed over, with the reason, when none will do.
    script(bed.folder(), "mysqld  Ver 8.0.43 for Linux on x86_64 (MySQL Community Server - GPL)")?;
    let mut command = bed.command()?;
    command.env("PATH", bed.folder()).env("SHOAL_CACHE", bed.folder().join("empty"));
    let (status, said) = bed.run_to_end(command)?;
    assert!(
        !status.success() && said.contains("no usable mysqld") && said.contains("is MySQL 8.0.43"),
        "{said}"
    );
    assert!(said.contains("run `make deps`"), "{said}");
    Ok(())
}

fn script(folder: &Path, says: &str) -> Result<PathBuf> {
    let path = folder.join("mysqld");
    fs::write(&path, format!("#!/bin/sh\necho '{says}'\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_secret_is_named() -> Result<()> {
    let bed = Bed::new("shop/-80")?;
    fs::write(bed.folder().join("secrets/agent.secret"), "short")?;
    let (status, said) = bed.run_to_end(bed.command()?)?;
    assert!(!status.success() && said.contains("agent.secret is too short"), "{said}");
    fs::remove_file(bed.folder().join("secrets/data.secret"))?;
    let (status, said) = bed.run_to_end(bed.command()?)?;
    assert!(
        !status.success() && said.contains("cannot read the secret") && said.contains("data.secret"),
        "{said}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mysqld_that_will_not_start_shows_the_end_of_its_log() -> Result<()> {
    let mut bed = Bed::new("shop/-80")?;
    bed.start()?;
    bed.until_fenced().await?;
    bed.end()?;
    let tablespace = bed.dir().join(SYSTEM_TABLESPACE);
    let whole = fs::read(&tablespace)?;
    fs::write(&tablespace, b"not a tablespace")?;
    let (status, said) = bed.run_to_end(bed.command()?)?;
    assert!(!status.success() && said.contains("before it was ready; the last lines of"), "{said}");
    assert!(said.contains("[ERROR]") && said.contains("ibdata1"), "{said}");
    assert!(!bed.dir().join("mysqld.json").exists() && !bed.dir().join("init.sql").exists());
    // Nothing was lost over it.
    fs::write(&tablespace, whole)?;
    bed.start()?;
    bed.until_fenced().await?;
    assert!(bed.end()?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mysqld_that_keeps_dying_is_given_up() -> Result<()> {
    let mut bed = Bed::new("shop/-80")?;
    bed.start()?;
    bed.name_primary(ALIAS, 1).await?;
    bed.until_serving().await?;
    fs::write(bed.dir().join(SYSTEM_TABLESPACE), b"not a tablespace")?;
    signals::kill(bed.mysqld_pid()?)?;
    let status = bed.until("given up", |status| status.reason.starts_with("given up after 6 starts")).await?;
    assert!(!status.mysqld_running && !status.fenced, "{status:?}");
    assert!(
        status.reason.contains("restart the tablet") && status.reason.contains("ibdata1"),
        "{}",
        status.reason
    );
    assert!(bed.end()?.success());
    Ok(())
}
