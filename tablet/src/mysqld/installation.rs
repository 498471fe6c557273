//! Finding a mysqld on this machine, and judging whether it will do.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::limits::VERSION_DEADLINE;

/// Oldest MySQL taken: the first with today's names of everything the agent says.
const OLDEST: (u32, u32) = (8, 4);
/// Name of the program.
const PROGRAM: &str = "mysqld";

/// A mysqld that will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The program; may be a script that execs the real one.
    pub program: PathBuf,
    /// What it is.
    pub version: Version,
}

/// A MySQL version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    major: u32,
    minor: u32,
    full: String,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.full)
    }
}

/// Why a program was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is MariaDB, whose replication and accounts differ.
    #[error("{program} is MariaDB ({version}); Shoal needs MySQL 8.4 or newer")]
    MariaDb {
        /// The program.
        program: String,
        /// What it calls itself.
        version: String,
    },
    /// It is an old MySQL.
    #[error("{program} is MySQL {version}; Shoal needs 8.4 or newer")]
    TooOld {
        /// The program.
        program: String,
        /// Its version.
        version: String,
    },
    /// It does not run, or does not answer as a mysqld.
    #[error("{program} does not answer `--version` as a mysqld does: {answer}")]
    NotMysqld {
        /// The program.
        program: String,
        /// What it said instead.
        answer: String,
    },
}

/// Why there is no mysqld to start.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// The one that was asked for will not do.
    #[error("--mysqld: {0}")]
    Named(Refusal),
    /// None was found, or only ones that will not do.
    #[error(
        "no usable mysqld was found on PATH or in {cache}{refused}; run `make deps`, install MySQL 8.4 or newer, \
         or name one with --mysqld"
    )]
    NoneFound {
        /// The cache directory that was searched last.
        cache: String,
        /// The ones that were found and refused, each with its reason.
        refused: String,
    },
}

impl Installation {
    /// The mysqld to use: the named one, else the first usable one on `PATH`, else the cache's.
    pub async fn find(named: Option<&Path>, cache: &Path) -> Result<Self, InstallationError> {
        if let Some(program) = named {
            return Self::judge(program).await.map_err(InstallationError::Named);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut candidates: Vec<PathBuf> =
            std::env::split_paths(&path).map(|dir| dir.join(PROGRAM)).collect();
        candidates.push(cache.join("bin").join(PROGRAM));
        let mut refused = Vec::new();
        for program in candidates.iter().filter(|program| program.is_file()) {
            match Self::judge(program).await {
                Ok(found) => {
                    for refusal in &refused {
                        tracing::info!("passed over: {refusal}");
                    }
                    return Ok(found);
                }
                Err(refusal) => refused.push(refusal),
            }
        }
        let refused = refused.iter().map(|refusal| format!("; {refusal}")).collect();
        Err(InstallationError::NoneFound { cache: cache.display().to_string(), refused })
    }

    /// Asks the program what it is.
    pub async fn judge(program: &Path) -> Result<Self, Refusal> {
        let name = program.display().to_string();
        let not_mysqld = |answer: String| Refusal::NotMysqld { program: name.clone(), answer };
        let run = Command::new(program).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
        let output = tokio::time::timeout(VERSION_DEADLINE, run)
            .await
            .map_err(|_| not_mysqld(format!("no answer within {VERSION_DEADLINE:?}")))?
            .map_err(|error| not_mysqld(error.to_string()))?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let version = judge_answer(&name, answer.trim())?;
        // mysqld starts elsewhere, so its path must be whole.
        let program = std::path::absolute(program).map_err(|error| not_mysqld(error.to_string()))?;
        Ok(Self { program, version })
    }
}

/// Reads a line such as `/usr/sbin/mysqld  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)`.
fn judge_answer(program: &str, answer: &str) -> Result<Version, Refusal> {
    let not_mysqld =
        || Refusal::NotMysqld { program: program.to_owned(), answer: format!("it says {answer:?}") };
    let (_, rest) = answer.split_once("Ver ").ok_or_else(not_mysqld)?;
    let full = rest.split_whitespace().next().ok_or_else(not_mysqld)?;
    if answer.to_ascii_lowercase().contains("mariadb") {
        return Err(Refusal::MariaDb { program: program.to_owned(), version: full.to_owned() });
    }
    let mut numbers = full.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return Err(not_mysqld());
    };
    if (major, minor) < OLDEST {
        return Err(Refusal::TooOld { program: program.to_owned(), version: full.to_owned() });
    }
    // The version becomes part of a file name.
    if !full.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+~-".contains(&b)) {
        return Err(not_mysqld());
    }
    Ok(Version { major, minor, full: full.to_owned() })
}

/// Where `make deps` puts programs and where templates live: `$SHOAL_CACHE`, else `shoal` in
/// `$XDG_CACHE_HOME` or `~/.cache`.
pub fn cache_dir() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("SHOAL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("shoal")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/shoal")))
        .unwrap_or_else(|| std::env::temp_dir().join("shoal-cache"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_real_programs_are_judged() {
        let accepted = [
            ("/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "9.7.4-2"),
            ("mysqld  Ver 8.4.0 for Linux on x86_64 (MySQL Community Server - GPL)", "8.4.0"),
            ("mysqld  Ver 8.4.5-5 for Linux on x86_64 (Percona Server (GPL), Release 5)", "8.4.5-5"),
            ("mysqld  Ver 10.0.1 for Linux on x86_64 (MySQL Community Server - GPL)", "10.0.1"),
        ];
        for (answer, version) in accepted {
            assert_eq!(judge_answer("mysqld", answer).unwrap().to_string(), version);
        }
    }

    #[test]
    fn mariadb_and_old_ones_are_refused_by_name() {
        let mariadb = "mysqld  Ver 11.8.3-MariaDB-0+deb13u1 for debian-linux-gnu on x86_64 (Debian 13)";
        let old = "mysqld  Ver 8.0.43-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))";
        let text = |answer: &str| judge_answer("/usr/sbin/mysqld", answer).unwrap_err().to_string();
        assert!(text(mariadb).starts_with("/usr/sbin/mysqld is MariaDB (11.8.3-"), "{}", text(mariadb));
        assert!(text(old).contains("is MySQL 8.0.43-0ubuntu0.22.04.1; Shoal needs 8.4"), "{}", text(old));
        assert!(text("").contains("does not answer"));
        assert!(text("mysqld Ver x.y").contains("does not answer"));
        assert!(text("mysqld Ver 9.1/../x").contains("does not answer"));
    }
}
