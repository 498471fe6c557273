//! `make demo`, as on a machine without a terminal.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tests::folder::Folder;
use tests::process::pids_naming;
use tests::programs;

struct Demo {
    folder: Folder,
}

impl Demo {
    fn dir(&self) -> PathBuf {
        self.folder.path().join("demo")
    }

    /// What the script says, with a small shop in a folder of its own.
    fn run(&self, more: &[&str]) -> Result<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/run");
        let shoal = programs::own("shoal")?;
        programs::own("shoal-bench")?;
        let mysql = programs::foreign("mysql")?;
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", mysql.parent().context("mysql is in no folder")?.display());
        let mut command = Command::new(script);
        command.arg(shoal.parent().context("shoal is in no folder")?).args(more);
        command.env("SHOAL_DEMO_DIR", self.dir()).env("SHOAL_DEMO_CUSTOMERS", "300").env("PATH", path);
        let output = command.stdin(Stdio::null()).output().context("the demo does not run")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{}: {said}", output.status);
        Ok(said)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if self.dir().exists() {
            // The folder judges what is left.
            let _ = self.run(&["--remove"]);
        }
    }
}

#[test]
fn the_demo_loads_a_shop_shows_where_statements_go_and_keeps_its_data() -> Result<()> {
    let demo = Demo { folder: Folder::new()? };
    let first = demo.run(&[])?;
    for expected in [
        "shard shop/-80 serves",
        "shard shop/80- serves",
        "[##############################] 100 %",
        "300 customers",
        "-> Route to shop/-80",
        "-> Route to shop/80-",
        "-> Route to main/-",
        "Your turn",
        "--user=app --password=app shop",
        "`make demo-remove` removes it",
    ] {
        assert!(first.contains(expected), "{expected:?} is not in\n{first}");
    }
    assert!(!first.contains("ERROR"), "{first}");
    assert_eq!(pids_naming(&demo.dir()), []);

    let second = demo.run(&[])?;
    assert!(second.contains("rows are loaded already") && !second.contains("100 %"), "{second}");
    assert_eq!(pids_naming(&demo.dir()), []);

    let removed = demo.run(&["--remove"])?;
    assert!(removed.contains("removed ") && !demo.dir().exists(), "{removed}");
    let again = demo.run(&["--remove"])?;
    assert!(again.contains("there is no demo in"), "{again}");
    Ok(())
}
