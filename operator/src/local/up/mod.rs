//! `shoal local up`: from a cluster file to a cluster that serves, or to an error with nothing left behind.
//!
//! ```text
//!   prepare: file → lock → compare with the stored file → programs → ports → secrets → stored files
//!      └─► start the supervisor ─► wait until every shard serves and every gate greets
//!                                     └─ not so: stop everything, put the stored files back as they were
//! ```

mod prepare;
mod wait;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::certificates::CertificateError;
use super::down::{DownError, stop_everything};
use super::layout::Layout;
use super::ports::{PortError, Ports};
use super::programs::Missing;
use super::supervisor::{self, Config};
use crate::spec::{BadFile, ShoalCluster};

use prepare::{Prepared, prepare};
use wait::wait_until_it_serves;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster's folder.
    pub layout: Layout,
    /// A cluster file; otherwise the stored one, or the default cluster.
    pub file: Option<PathBuf>,
    /// A mysqld; otherwise the tablets look for one.
    pub mysqld: Option<PathBuf>,
    /// Where gates listen whose port the file names.
    pub gate_ports: GatePorts,
}

/// Whether the ports that a cluster file names for its gates are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatePorts {
    /// As the file says.
    Named,
    /// Free ones, so that several clusters of the same file can run at a time.
    Free,
}

/// A cluster that serves.
#[derive(Debug, Clone)]
pub struct Ready {
    /// What it is.
    pub cluster: ShoalCluster,
    /// Where its parts listen.
    pub ports: Ports,
    /// How long it took.
    pub took: Duration,
}

/// Why no cluster was started.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The cluster file has mistakes.
    #[error("{0}")]
    BadFile(#[from] BadFile),
    /// The cluster file cannot be read.
    #[error("cannot read the cluster file {0}: {1}")]
    Unreadable(PathBuf, io::Error),
    /// The file changes what cannot be changed.
    #[error("the cluster in {folder} cannot become what the file describes; nothing was changed\n{changes}")]
    Refused {
        /// The cluster's folder.
        folder: String,
        /// What cannot be changed.
        changes: BadFile,
    },
    /// It runs already.
    #[error(
        "the cluster in {folder} runs already (supervisor: process {pid}); nothing was changed\n\
         see `shoal local status`; for a cluster file that has changed, `shoal local down` first"
    )]
    Running {
        /// Its folder.
        folder: String,
        /// The active supervisor.
        pid: u32,
    },
    /// Another command works on it.
    #[error("another `shoal local up` or `down` is at work on {0}; wait for it to end")]
    Busy(String),
    /// The folder has files of somebody else.
    #[error("{0} is not empty and holds no cluster; name an empty or new folder with --dir")]
    Foreign(String),
    /// The named mysqld is no program.
    #[error("--mysqld {0} is not a program that can be run; name the mysqld of a MySQL 8.4 or newer")]
    NoMysqld(PathBuf),
    /// The parts have no certificates, or not those that they can use.
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    /// A program is missing.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// No port could be had.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A file could not be used.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// It did not come to serve; everything was stopped again.
    #[error("{0}")]
    NotServing(String),
    /// It was interrupted; everything was stopped again.
    #[error("interrupted; everything was stopped again")]
    Interrupted,
    /// It did not come to serve, and then something did not stop.
    #[error("{why}\nand then: {stop}")]
    NotStopped {
        /// Why it did not serve.
        why: String,
        /// What did not stop.
        stop: DownError,
    },
}

/// Starts the cluster and returns when it serves. What happens is told line by line.
pub async fn up(options: &Options, say: &mut dyn FnMut(&str)) -> Result<Ready, UpError> {
    let began = Instant::now();
    let prepared = prepare(options).await?;
    say(&format!("starting the cluster in {}", options.layout.dir().display()));
    for note in &prepared.notes {
        say(&format!("note: {note}"));
    }
    let started = match start_supervisor(options, &prepared) {
        Ok(()) => {
            tokio::select! {
                served = wait_until_it_serves(&prepared, began, say) => served.map_err(UpError::NotServing),
                _ = tokio::signal::ctrl_c() => Err(UpError::Interrupted),
            }
        }
        Err(error) => Err(UpError::Io("cannot start the supervisor".into(), error)),
    };
    match started {
        Ok(()) => {
            let Prepared { cluster, ports, .. } = prepared;
            if let Some(note) = alone(&ports) {
                say(&format!("note: {note}"));
            }
            Ok(Ready { cluster, ports, took: began.elapsed() })
        }
        Err(why) => Err(undo(prepared, why, say).await),
    }
}

/// What there is to say of shards of one tablet, if there are any.
fn alone(ports: &Ports) -> Option<String> {
    let alone = ports.tablets.iter().filter(|(_, tablets)| tablets.len() == 1);
    let alone: Vec<String> = alone.map(|(shard, _)| shard.to_string()).collect();
    let have = if alone.len() == 1 { "has one tablet" } else { "have one tablet each" };
    let advice = "and cannot fail over; write `tablets: 3` under the keyspace for that";
    (!alone.is_empty()).then(|| format!("{} {have} {advice}", alone.join(", ")))
}

/// The first supervisor begins as a standby that finds the lock free.
fn start_supervisor(options: &Options, prepared: &Prepared) -> io::Result<()> {
    let config = Config { layout: options.layout.clone(), mysqld: prepared.mysqld.clone() };
    let part = supervisor::part(&config, &prepared.programs);
    supervisor::launch_command(&options.layout, &prepared.programs, &part)?.spawn().map(|_| ())
}

async fn undo(prepared: Prepared, why: UpError, say: &mut dyn FnMut(&str)) -> UpError {
    say("this did not work; stopping everything again");
    if let Err(stop) = stop_everything(&prepared.layout, &mut |_| {}).await {
        return UpError::NotStopped { why: why.to_string(), stop };
    }
    match prepared.restore() {
        Ok(()) => why,
        Err(error) => UpError::Io(format!("{why}\nand then the files could not be put back"), error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ports::TabletPorts;
    use super::*;

    #[test]
    fn shards_that_cannot_fail_over_are_named() {
        let mut ports = Ports::default();
        let tablet =
            |uid| TabletPorts { alias: format!("a-{uid}").parse().unwrap(), mysql: 1, rpc: 2, http: 3 };
        ports.tablets.insert("shop/-".parse().unwrap(), vec![tablet(1), tablet(2)]);
        assert_eq!(alone(&ports), None);
        ports.tablets.insert("main/-".parse().unwrap(), vec![tablet(3)]);
        let said = alone(&ports).unwrap();
        assert!(said.starts_with("main/- has one tablet and cannot fail over; write `tablets: 3`"), "{said}");
    }
}
