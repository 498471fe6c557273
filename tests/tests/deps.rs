//! `make deps` takes what fits, refuses what does not by name, and ends with one clear error; and so does the
//! script that builds the previous version.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Result;
use tests::folder::Folder;

/// A machine with the programs of this one that the script needs, and others that only say a version.
struct Machine {
    folder: Folder,
}

impl Machine {
    fn new(borrowed: &[&str]) -> Result<Self> {
        let machine = Self { folder: Folder::new()? };
        fs::create_dir(machine.bin())?;
        for name in borrowed {
            let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
                .map(|folder| folder.join(name))
                .find(|path| path.is_file());
            if let Some(found) = found {
                std::os::unix::fs::symlink(found, machine.bin().join(name))?;
            }
        }
        Ok(machine)
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn add(&self, name: &str, says: &str) -> Result<()> {
        let path = self.bin().join(name);
        fs::write(&path, format!("#!/bin/sh\necho '{says}'\n"))?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?)
    }

    fn install(&self) -> Result<Output> {
        self.install_with(&[], &[])
    }

    fn install_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Output> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deps/install");
        let mut command = Command::new(script);
        command.env_clear().env("PATH", self.bin()).env("SHOAL_CACHE", self.cache());
        command.args(arguments).envs(environment.iter().copied());
        // Nothing listens on the discard port.
        Ok(command.env("SHOAL_DEBIAN_MIRROR", "http://127.0.0.1:9/nothing").output()?)
    }
}

const TOOLS: &[&str] = &[
    "env", "bash", "sh", "cat", "mkdir", "rm", "mv", "flock", "awk", "mawk", "grep", "sed", "head", "tail",
    "sort", "chmod", "mktemp", "ls", "du", "find", "xargs",
];
const ARCHIVE_TOOLS: &[&str] = &["apt-get", "dpkg"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn add_fitting(machine: &Machine) -> Result<()> {
    machine
        .add("mysqld", "/usr/sbin/mysqld  Ver 8.4.3 for Linux on x86_64 (MySQL Community Server - GPL)")?;
    machine.add("mysql", "mysql  Ver 8.4.3 for Linux on x86_64 (MySQL Community Server - GPL)")?;
    machine.add("etcd", "etcd Version: 3.5.9")?;
    machine.add("protoc", "libprotoc 3.21.12")?;
    machine.add("ip", "ip utility, iproute2-6.1.0, libbpf 1.1.2")
}

#[test]
fn programs_on_path_that_fit_are_used_and_nothing_is_fetched() -> Result<()> {
    let machine = Machine::new(TOOLS)?;
    add_fitting(&machine)?;
    // A wrapper from the time before they were installed would hide them.
    fs::create_dir_all(machine.cache().join("bin"))?;
    fs::write(machine.cache().join("bin/mysqld"), "")?;
    let output = machine.install()?;
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    for found in [
        "mysqld: 8.4.3 found on PATH",
        "mysql: 8.4.3 found",
        "etcd: 3.5.9 found",
        "protoc: 3.21.12 found",
        "ip: 6.1.0 found",
    ] {
        assert!(text.contains(found), "{found:?} is not in\n{text}");
    }
    assert_eq!(fs::read_dir(machine.cache().join("bin"))?.count(), 0);
    Ok(())
}

#[test]
fn old_servers_and_mariadb_are_refused_by_name() -> Result<()> {
    for (says, reason) in [
        (
            "mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)",
            "is version 8.0.36, Shoal needs 8.4",
        ),
        ("mysqld  Ver 11.8.3-MariaDB-1 for debian-linux-gnu on x86_64", "is MariaDB"),
    ] {
        let machine = Machine::new(TOOLS)?;
        add_fitting(&machine)?;
        machine.add("mysqld", says)?;
        let output = machine.install()?;
        let expected = format!("refused: {} {reason}", machine.bin().join("mysqld").display());
        assert!(!output.status.success() && said(&output).contains(&expected), "{}", said(&output));
    }
    Ok(())
}

#[test]
fn a_machine_without_apt_is_told_what_to_put_on_path() -> Result<()> {
    let output = Machine::new(TOOLS)?.install()?;
    let text = said(&output);
    assert!(!output.status.success());
    assert!(text.contains("has no apt-get") && text.contains("mysqld and mysql (>= 8.4"), "{text}");
    Ok(())
}

#[test]
fn an_archive_out_of_reach_is_one_clear_error_and_leaves_nothing_half_made() -> Result<()> {
    let machine = Machine::new(&[TOOLS, ARCHIVE_TOOLS].concat())?;
    if !machine.bin().join("apt-get").exists() {
        println!("passed over: this machine has no apt-get");
        return Ok(());
    }
    let output = machine.install()?;
    let text = said(&output);
    assert!(!output.status.success());
    assert_eq!(text.matches("error:").count(), 1, "{text}");
    assert!(text.contains("cannot be reached") && text.contains("127.0.0.1:9"), "{text}");
    assert!(!machine.cache().join("mysql").exists());
    Ok(())
}

#[test]
fn languages_that_are_missing_leave_their_drivers_out_but_not_in_ci() -> Result<()> {
    let machine = Machine::new(TOOLS)?;
    add_fitting(&machine)?;
    let output = machine.install_with(&["drivers"], &[])?;
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    for language in ["python3", "node", "go", "java"] {
        assert!(text.contains(&format!("no {language} on PATH")), "{text}");
    }
    let output = machine.install_with(&["drivers"], &[("CI", "true")])?;
    let text = said(&output);
    assert!(!output.status.success() && text.contains("CI runs every driver"), "{text}");
    Ok(())
}

#[test]
fn drivers_that_cannot_be_fetched_are_left_out_but_not_in_ci() -> Result<()> {
    let machine = Machine::new(&[TOOLS, &["sha256sum", "cp"]].concat())?;
    add_fitting(&machine)?;
    machine.add("node", "v20.0.0")?;
    fs::write(machine.bin().join("npm"), "#!/bin/sh\necho no such registry\nexit 1\n")?;
    fs::set_permissions(machine.bin().join("npm"), fs::Permissions::from_mode(0o755))?;
    for (environment, goes_on) in [(&[][..], true), (&[("CI", "true")][..], false)] {
        let output = machine.install_with(&["drivers"], environment)?;
        let text = said(&output);
        assert!(output.status.success() == goes_on, "{text}");
        // In CI it does not come so far: the first language is missing already.
        assert!(
            !goes_on || text.contains("node could not be made") && text.contains("no such registry"),
            "{text}"
        );
        assert!(!machine.cache().join("drivers/node/PINS").exists());
    }
    Ok(())
}

#[test]
fn a_clone_without_the_previous_version_is_told_where_to_get_it() -> Result<()> {
    let folder = Folder::new()?;
    let (clone, cache) = (folder.path().join("clone"), folder.path().join("cache"));
    let script = clone.join("tests/previous");
    fs::create_dir_all(clone.join("tests"))?;
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("previous"), &script)?;
    let made = Command::new("git").args(["init", "--quiet"]).current_dir(&clone).status()?;
    assert!(made.success());
    let output = Command::new(&script).env("SHOAL_CACHE", &cache).output()?;
    let text = said(&output);
    assert!(!output.status.success() && output.stdout.is_empty(), "{text}");
    assert_eq!(text.matches("error:").count(), 1, "{text}");
    assert!(text.contains("asking origin") && text.contains("git fetch --unshallow"), "{text}");
    let left: Vec<_> =
        fs::read_dir(cache.join("previous"))?.map(|entry| entry.map(|e| e.file_name())).collect();
    assert_eq!(left.len(), 1, "more than the lock: {left:?}");
    Ok(())
}
