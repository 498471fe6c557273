//! The programs of a cluster, which must have been built as this one was.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

const NEEDED: [&str; 4] = ["shoal", "shoal-gate", "shoal-tablet", "shoal-operator"];

/// Where the programs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The command line, which finds the others beside it.
    pub shoal: PathBuf,
}

impl Programs {
    /// Looks beside this program, and nowhere else: what is on PATH may be another build.
    pub fn beside_this() -> Result<Self> {
        let this = std::env::current_exe()?;
        Self::find(this.parent().context("this program is in no folder")?)
    }

    /// The same, for a run that also reads from the mysqlds itself, which it leaves to MySQL's own client.
    pub fn with_mysql_client() -> Result<Self> {
        let found = Command::new("mysql").arg("--version").stdin(Stdio::null()).output();
        let found = found.context("the client program mysql does not run; `make bench` puts it on PATH")?;
        ensure!(found.status.success(), "`mysql --version` fails");
        Self::beside_this()
    }

    fn find(folder: &Path) -> Result<Self> {
        let missing: Vec<&str> = NEEDED.into_iter().filter(|name| !folder.join(name).is_file()).collect();
        ensure!(
            missing.is_empty(),
            "{} not in {}, where this program is; `make bench` builds all of them",
            missing.join(", "),
            folder.display()
        );
        Ok(Self { shoal: folder.join("shoal") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["shoal", "shoal-gate"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let error = Programs::find(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("shoal-tablet, shoal-operator not in "), "{error}");
        assert!(error.contains("`make bench`"), "{error}");
        for name in NEEDED {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(Programs::find(folder.path()).unwrap().shoal, folder.path().join("shoal"));
    }
}
