//! A data directory made once per MySQL version, and quick copies of it.
//!
//! Copies share the template's TLS certificate and RSA key pair. The cache belongs to one user of one
//! machine, and so do all tablets made from it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::FlockOperation;

use crate::durable;
use crate::limits::TEMPLATE_REDO_MIB;
use crate::mysqld::error_log;
use crate::mysqld::installation::Installation;

/// The server's UUID; mysqld makes a new one where there is none, and no two may be equal.
const IDENTITY_FILE: &str = "auto.cnf";

/// Why there is no data directory.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// mysqld could not make the template.
    #[error("{program} --initialize-insecure failed ({status}); its last lines:\n{log}")]
    Initialize {
        /// The mysqld.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        log: String,
    },
}

/// Makes `data_dir` a fresh data directory, unless it is there. Blocks; call it where that is allowed.
pub fn provide(installation: &Installation, cache: &Path, data_dir: &Path) -> Result<(), TemplateError> {
    if data_dir.exists() {
        return Ok(());
    }
    let template = ensure(installation, cache)?;
    let half_made = with_suffix(data_dir, ".new");
    let copied = remove_dir(&half_made)
        .and_then(|()| copy_dir(&template, &half_made))
        .and_then(|()| std::fs::rename(&half_made, data_dir));
    copied.map_err(|source| {
        // What was copied is of no use, and a full disk is a likely cause.
        let _ = remove_dir(&half_made);
        TemplateError::File { path: data_dir.display().to_string(), source }
    })
}

/// The template's directory, made if it is not there yet.
fn ensure(installation: &Installation, cache: &Path) -> Result<PathBuf, TemplateError> {
    let templates = cache.join("templates");
    let template = templates.join(format!("mysql-{}", installation.version));
    if template.exists() {
        return Ok(template);
    }
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |source| TemplateError::File { path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(&templates).map_err(at(&templates))?;
    let lock_path = with_suffix(&template, ".lock");
    // Held until this returns; another process that wants the same template waits here.
    let lock = OpenOptions::new().create(true).append(true).open(&lock_path).map_err(at(&lock_path))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|e| at(&lock_path)(e.into()))?;
    if template.exists() {
        return Ok(template);
    }
    tracing::info!("making the data directory template of MySQL {} (once)", installation.version);
    let half_made = with_suffix(&template, ".new");
    remove_dir(&half_made).map_err(at(&half_made))?;
    initialize(installation, &half_made, &with_suffix(&template, ".log"))?;
    let finished = durable::remove(&half_made.join(IDENTITY_FILE))
        .and_then(|()| std::fs::rename(&half_made, &template))
        .and_then(|()| durable::sync_dir(&templates));
    finished.map_err(at(&template))?;
    Ok(template)
}

fn initialize(installation: &Installation, dir: &Path, log: &Path) -> Result<(), TemplateError> {
    let at_log = |source| TemplateError::File { path: log.display().to_string(), source };
    let output = File::create(log).map_err(at_log)?;
    let mut command = Command::new(&installation.program);
    command
        .arg("--no-defaults")
        .arg("--initialize-insecure")
        .arg(format!("--datadir={}", dir.display()))
        .arg(format!("--innodb-redo-log-capacity={TEMPLATE_REDO_MIB}M"))
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(at_log)?)
        .stderr(output);
    if rustix::process::geteuid().is_root() {
        command.arg("--user=root");
    }
    let failed = |status: String| TemplateError::Initialize {
        program: installation.program.display().to_string(),
        status,
        log: error_log::tail(log, 0),
    };
    let status = command.status().map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    Ok(())
}

/// Copies files, directories and their modes. `std::fs::copy` shares blocks where the file system can.
fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else if entry.file_name() != IDENTITY_FILE {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

fn remove_dir(dir: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
