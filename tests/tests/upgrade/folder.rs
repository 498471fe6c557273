//! A local cluster that the previous version made.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use tests::differential::outcome::Outcome;
use tests::differential::session::{Address, Session};
use tests::folder::Folder;
use tests::ports::free_port;
use tests::process::{pids_naming, wait_for};

use crate::bed::{Age, PATIENCE};

const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: shop}
spec:
  gates: {port: {gate_port}}
  users: [{name: app, password: app, role: admin}]
  keyspaces:
    - name: shop
      shards: ["-80", "80-"]
      vschema:
        vindexes: {by_id: {type: xxhash}}
        tables: {notes: {column_vindexes: [{column: id, name: by_id}]}}
"#;

/// A cluster's folder with the file that it is made from; what runs in it is ended when it is dropped.
struct Local {
    gate_port: u16,
    folder: Folder,
}

impl Local {
    fn new() -> Result<Self> {
        let (gate_port, folder) = (free_port()?, Folder::new()?);
        std::fs::write(folder.path().join("file.yaml"), FILE.replace("{gate_port}", &gate_port.to_string()))?;
        Ok(Self { gate_port, folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn shoal(&self, age: Age, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(age.program("shoal")?);
        command.args(arguments).arg("--dir").arg(self.path().join("cluster")).stdin(Stdio::null());
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "shoal {} of {age:?}: {said}", arguments.join(" "));
        Ok(said)
    }

    fn up(&self, age: Age) -> Result<String> {
        self.shoal(age, &["local", "up", "-f", &self.path().join("file.yaml").to_string_lossy()])
    }

    /// The outcome of a statement at the gate.
    async fn run(&self, statement: &str) -> Result<Outcome> {
        let (user, database) = ("app".to_owned(), "shop".to_owned());
        let address = Address { port: self.gate_port, password: user.clone(), user, database, socket: None };
        Session::connect(&address).await?.run(statement).await
    }

    async fn insert(&self, ids: std::ops::Range<u32>) -> Result<()> {
        for id in ids {
            let done = self.run(&format!("INSERT INTO notes VALUES ({id})")).await?;
            ensure!(matches!(done, Outcome::Done(_)), "{id}: {done:?}");
        }
        Ok(())
    }

    async fn holds(&self, ids: std::ops::Range<u32>) -> Result<()> {
        for id in ids {
            let found = self.run(&format!("SELECT id FROM notes WHERE id = {id}")).await?;
            ensure!(matches!(&found, Outcome::Rows { rows, .. } if rows.len() == 1), "{id}: {found:?}");
        }
        Ok(())
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if self.path().join("cluster").exists() {
            // The folder judges what is left.
            let _ = self.shoal(Age::Today, &["local", "down"]);
        }
        let _ = wait_for("all processes are gone", PATIENCE, || pids_naming(self.path()).is_empty());
    }
}

#[tokio::test]
async fn a_folder_of_the_previous_version_comes_up_with_its_rows() -> Result<()> {
    let local = Local::new()?;
    local.up(Age::Previous)?;
    let made = local.run("CREATE TABLE notes (id BIGINT PRIMARY KEY)").await?;
    ensure!(matches!(made, Outcome::Done(_)), "{made:?}");
    local.insert(0..10).await?;
    local.shoal(Age::Previous, &["local", "down"])?;

    // Its parts spoke with one another in clear; those of today have certificates.
    local.up(Age::Today)?;
    local.holds(0..10).await?;
    local.insert(10..20).await?;
    local.holds(10..20).await?;
    local.shoal(Age::Today, &["local", "down"])?;
    Ok(())
}
