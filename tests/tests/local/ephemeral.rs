//! Clusters that are gone with whoever wanted them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;
use tests::folder::Folder;
use tests::process::{pids_naming, wait_for};
use tests::programs;
use tests::signals;

use crate::bed::{PATIENCE, Said};

const FILE: &str = "apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: throwaway}
spec:
  gates: {port: 15306}
  users: [{name: app, password: 'p@ss', role: admin}]
  keyspaces: [{name: main}]
";

/// A place for temporary folders.
struct Place {
    folder: Folder,
    file: String,
}

impl Place {
    fn new() -> Result<Self> {
        let folder = Folder::new()?;
        let file = folder.path().join("cluster.yaml");
        fs::write(&file, FILE)?;
        Ok(Self { file: file.display().to_string(), folder })
    }

    fn command(&self, more: &[&str]) -> Result<Command> {
        let mut command = Command::new(programs::own("shoal")?);
        command.args(["local", "up", "--ephemeral", "-f", &self.file]).args(more);
        let temporary = self.folder.path().join("t");
        fs::create_dir_all(&temporary)?;
        command.env("TMPDIR", &temporary).stdin(Stdio::null());
        Ok(command)
    }

    /// A cluster that stays, and its address.
    fn start(&self, more: &[&str]) -> Result<(Child, Value)> {
        let mut command = self.command(more)?;
        let mut shoal = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        BufReader::new(shoal.stdout.take().context("no output")?).read_line(&mut line)?;
        Ok((shoal, serde_json::from_str(&line).with_context(|| format!("{line:?}"))?))
    }

    fn wait_until_empty(&self) -> Result<()> {
        let temporary = self.folder.path().join("t");
        let empty = || {
            fs::read_dir(&temporary).is_ok_and(|mut entries| entries.next().is_none())
                && pids_naming(&temporary).is_empty()
        };
        wait_for("nothing is left", PATIENCE, empty).with_context(|| format!("{:?}", pids_naming(&temporary)))
    }
}

fn select_one(address: &Value) -> Result<Said> {
    let word = |name: &str| address[name].as_str().map(str::to_owned).context("not in the address");
    let mut mysql = Command::new(programs::foreign("mysql")?);
    mysql.args(["--no-defaults", "--protocol=TCP", "--batch", "--skip-column-names", "-e", "SELECT 1"]);
    mysql.arg(format!("--host={}", word("host")?)).arg(format!("--port={}", address["port"]));
    mysql.arg(format!("--user={}", word("user")?)).arg(word("database")?).env("MYSQL_PWD", word("password")?);
    Ok(Said::of(&mysql.stdin(Stdio::null()).output()?))
}

#[test]
fn a_command_runs_beside_its_cluster_and_its_exit_code_is_the_answer() -> Result<()> {
    let place = Place::new()?;
    let mysql = programs::foreign("mysql")?;
    // What a test suite would do: find the cluster by its environment, use it, fail or not.
    let script = format!(
        "echo \"$DATABASE_URL\"; test -d \"$SHOAL_DIR\" || exit 1; MYSQL_PWD=$SHOAL_PASSWORD {} --no-defaults \
         --protocol=TCP --batch --skip-column-names -h $SHOAL_HOST -P $SHOAL_PORT -u $SHOAL_USER $SHOAL_DATABASE -e \
         'CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (5); SELECT id FROM t' && exit 7",
        mysql.display()
    );
    let said = Said::of(&place.command(&["--", "sh", "-c", &script])?.output()?);
    assert_eq!(said.code, 7, "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("mysql://app:p%40ss@127.0.0.1:") && lines[0].ends_with("/main"), "{said:?}");
    assert!(!lines[0].contains(":15306/"), "the port of the file was taken");
    assert_eq!(lines[1..], ["5"]);
    // Nothing is left when the command has ended.
    assert_eq!(fs::read_dir(place.folder.path().join("t"))?.count(), 0);
    assert_eq!(pids_naming(&place.folder.path().join("t")), []);

    let killed = Said::of(&place.command(&["--", "sh", "-c", "kill -9 $$"])?.output()?);
    assert_eq!(killed.code, 137, "{killed:?}");
    place.wait_until_empty()
}

#[test]
fn it_is_gone_however_its_process_ends() -> Result<()> {
    let place = Place::new()?;
    let ((mut killed, first), (mut told, second)) = (place.start(&[])?, place.start(&["--while-stdin"])?);
    assert_ne!(first["port"], second["port"]);
    for address in [&first, &second] {
        let said = select_one(address)?;
        assert_eq!((said.code, said.out.as_str()), (0, "1\n"), "{said:?}");
    }
    killed.kill()?;
    killed.wait()?;
    drop(told.stdin.take());
    assert!(told.wait()?.success());
    place.wait_until_empty()?;

    let (mut ended, _) = place.start(&[])?;
    signals::tell_to_end(ended.id())?;
    assert!(ended.wait()?.success());
    place.wait_until_empty()
}

#[test]
fn what_cannot_work_is_told_and_leaves_nothing() -> Result<()> {
    let place = Place::new()?;
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--", "no-such-program"], 127, "there is no program no-such-program; nothing was started"),
        (&["--dir", "/nowhere"], 1, "leave out --dir"),
        (&["-f", "/not/there.yaml"], 2, "cannot be used multiple times"),
        (&["--mysqld", "/not/there/mysqld"], 1, "is not a program that can be run"),
    ];
    for (more, code, expected) in cases {
        let said = Said::of(&place.command(more)?.output()?);
        assert!(said.code == code && said.err.contains(expected), "{more:?}: {said:?}");
        assert_eq!(said.out, "");
    }
    let said = Said::of(&Command::new(programs::own("shoal")?).args(["local", "up", "--", "true"]).output()?);
    assert!(said.code == 2 && said.err.contains("--ephemeral"), "{said:?}");
    place.wait_until_empty()
}
