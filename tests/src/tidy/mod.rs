//! The house rules, each a function from text to the breaches in it.
//!
//! ```text
//!   workspace files ──> Source {path, text} ──> tokens ──┬─> sizes       files and functions
//!                                 │                      ├─> panics      calls that end the program
//!                                 │                      ├─> rooms       which module may use what
//!                                 │                      └─> error_ids   the table and its users
//!                                 ├─> names              words that say nothing
//!                                 └─> words              what does not belong into the text
//!   cargo metadata ─────────────────────────────────────> crates          which crate may need which
//! ```

pub mod crates;
pub mod error_ids;
pub mod names;
pub mod panics;
pub mod ratchet;
pub mod rooms;
pub mod sizes;
pub mod tokens;
pub mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders that hold nothing of ours.
const PASSED_OVER: &[&str] = &[".git", "target"];

/// A file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// From the workspace's root, with slashes.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl Source {
    /// A file with this content.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is test code: the crates for testing, and modules of tests.
    pub fn is_test(&self) -> bool {
        let in_folder = |folder: &str| self.path.starts_with(&folder[1..]) || self.path.contains(folder);
        in_folder("/tests/") || self.path.starts_with("bench/") || self.is_test_by_name()
    }

    /// Whether its name alone says that it is test code.
    pub fn is_test_by_name(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name == "tests.rs" || name.ends_with("_tests.rs")
    }
}

/// A rule that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Where.
    pub path: String,
    /// Line, from 1; 0 for the whole file.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Breach {
    /// A breach in a line of a file.
    pub fn at(source: &Source, line: usize, what: String) -> Self {
        Self { path: source.path.clone(), line, what }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// All text files of the workspace.
pub fn read_workspace(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    read_folder(root, "", &mut sources)?;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn read_folder(folder: &Path, prefix: &str, sources: &mut Vec<Source>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
            read_folder(&entry.path(), &format!("{prefix}{name}/"), sources)?;
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            sources.push(Source { path: format!("{prefix}{name}"), text });
        }
    }
    Ok(())
}
