//! Everything before the first process is started. What fails here has changed nothing.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::DirEntry;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use proto::ids::TabletAlias;
use proto::tls::{Identity, Part};

use super::super::certificates::{CertificateError, make_certificates};
use super::super::layout::{Layout, SUPERVISOR, make_private_dir, remove_if_there, write_whole};
use super::super::lock::FileLock;
use super::super::ports::{Allotment, Found, Loopback, Ports, TabletPorts, allot};
use super::super::process::ProcessId;
use super::super::programs::Programs;
use super::super::secrets::{make_secrets, make_secrets_private};
use super::super::status::run_file_names;
use super::super::{DEFAULT_CLUSTER, programs};
use super::{GatePorts, Options, UpError};
use crate::limits::{COMMAND_PATIENCE, MAX_CLUSTER_FILE_BYTES};
use crate::spec::{ShoalCluster, Tls, parse, refused_changes};

/// A cluster that is ready to be started, and what is needed to undo that.
pub(super) struct Prepared {
    pub(super) layout: Layout,
    pub(super) cluster: ShoalCluster,
    pub(super) ports: Ports,
    pub(super) programs: Programs,
    pub(super) mysqld: Option<PathBuf>,
    /// Who asks control, if the cluster speaks TLS.
    pub(super) identity: Option<Identity>,
    pub(super) notes: Vec<String>,
    before: Before,
    _at_work: FileLock,
    /// Keeps the ports from others until the programs listen.
    _reserved: Loopback,
}

/// What the folder was like.
enum Before {
    /// Not there.
    Absent,
    /// There, with nothing of value in it but certificates, in folders of these names.
    Empty { given: Vec<OsString> },
    /// A cluster, with these files.
    Cluster { cluster_file: Vec<u8>, ports_file: Vec<u8> },
}

impl Prepared {
    /// Makes the folder as it was before.
    pub(super) fn restore(&self) -> io::Result<()> {
        match &self.before {
            Before::Absent | Before::Empty { .. } => empty(&self.layout, &self.before),
            Before::Cluster { cluster_file, ports_file } => {
                write_whole(&self.layout.cluster_file(), cluster_file)?;
                let ports = with_started(&self.layout, &self.ports, ports_file)?;
                write_whole(&self.layout.ports_file(), ports.as_deref().unwrap_or(ports_file))
            }
        }
    }
}

/// The ports as they were, and the tablets that have been started since: one of them may hold an acknowledged
/// commit that only the primary has beside it. `None` if there are none: the file as it was is one that also
/// the program that wrote it can read.
fn with_started(layout: &Layout, chosen: &Ports, ports_file: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut ports: Ports = serde_json::from_slice(ports_file)?;
    let mut any = false;
    for (shard, tablets) in &chosen.tablets {
        if let Some(before) = ports.tablets.get_mut(shard) {
            let is_new = |tablet: &&TabletPorts| before.iter().all(|old| old.alias != tablet.alias);
            let new: Vec<TabletPorts> = tablets.iter().filter(is_new).cloned().collect();
            let started = new.into_iter().filter(|tablet| layout.tablet(&tablet.alias).exists());
            let known = before.len();
            before.extend(started);
            any |= before.len() > known;
        }
    }
    any.then(|| serde_json::to_vec_pretty(&ports).map_err(io::Error::from)).transpose()
}

/// Removes what was made in a folder that had nothing of value.
fn empty(layout: &Layout, before: &Before) -> io::Result<()> {
    match before {
        Before::Absent => std::fs::remove_dir_all(layout.dir()),
        Before::Empty { given } if given.is_empty() => empty_but(layout.dir(), &[]),
        Before::Empty { given } => {
            empty_but(layout.dir(), &["secrets".into()])?;
            empty_but(&layout.secrets(), &["tls".into()])?;
            empty_but(&layout.all_tls(), given)
        }
        Before::Cluster { .. } => Ok(()),
    }
}

/// Removes everything in a folder but what has one of these names.
fn empty_but(folder: &Path, kept: &[OsString]) -> io::Result<()> {
    std::fs::read_dir(folder)?.try_for_each(|entry| {
        let entry = entry?;
        if kept.contains(&entry.file_name()) {
            return Ok(());
        }
        let path = entry.path();
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
    })
}

/// The names in a folder; none, if it is not there.
fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.file_name())).collect(),
    }
}

/// A cluster file with its name for messages.
struct ClusterFile {
    name: String,
    text: String,
}

pub(super) async fn prepare(options: &Options) -> Result<Prepared, UpError> {
    let layout = &options.layout;
    let before = look(layout)?;
    let file = choose_file(options, &before)?;
    let mut cluster = parse(&file.name, &file.text)?;
    if options.gate_ports == GatePorts::Free {
        cluster.spec.gates.port = None;
    }
    let programs = Programs::find()?;
    let mysqld = options.mysqld.as_deref().map(named_mysqld).transpose()?;
    make_private_dir(&layout.run()).map_err(io_error(layout, "cannot make"))?;
    let prepared = claim(layout).await.and_then(|at_work| {
        check_changes(layout, &before, &cluster, &file)?;
        let (Allotment { ports, notes }, reserved) = choose_ports(layout, &before, &cluster)?;
        let identity = certify(layout, &cluster)?;
        write_files(layout, &file.text, &ports).map_err(io_error(layout, "cannot write to"))?;
        Ok((at_work, ports, notes, identity, reserved))
    });
    match prepared {
        Ok((at_work, ports, notes, identity, reserved)) => Ok(Prepared {
            layout: layout.clone(),
            cluster,
            ports,
            programs,
            mysqld,
            identity,
            notes,
            before,
            _at_work: at_work,
            _reserved: reserved,
        }),
        Err(error) => {
            // Another `up` that made the folder at the same time goes on in it.
            if !matches!(error, UpError::Busy(_) | UpError::Running { .. }) {
                empty(layout, &before).map_err(io_error(layout, "cannot remove files of"))?;
            }
            Err(error)
        }
    }
}

/// What the folder is like now. A folder with foreign files is refused, because a failed start empties it.
fn look(layout: &Layout) -> Result<Before, UpError> {
    let read = |path: PathBuf| std::fs::read(path).map_err(io_error(layout, "cannot read"));
    if layout.cluster_file().exists() && layout.ports_file().exists() {
        let cluster_file = read(layout.cluster_file())?;
        return Ok(Before::Cluster { cluster_file, ports_file: read(layout.ports_file())? });
    }
    let entries = match std::fs::read_dir(layout.dir()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Before::Absent),
        entries => entries.map_err(io_error(layout, "cannot read"))?,
    };
    let (files, secrets) = ours(layout);
    let is_ours = |entry: DirEntry| is_one_of(files, &entry.file_name());
    let listed = |folder: PathBuf| names_in(&folder).map_err(io_error(layout, "cannot read"));
    match entries.flatten().all(is_ours)
        && listed(layout.secrets())?.iter().all(|name| is_one_of(secrets, name))
    {
        true => Ok(Before::Empty { given: listed(layout.all_tls())? }),
        false => Err(UpError::Foreign(layout.dir().display().to_string())),
    }
}

/// What may be in a folder without a cluster, and in its `secrets`: certificates that somebody gave, and, where an
/// `up` was at work, what it makes before the cluster file, which is its last.
fn ours(layout: &Layout) -> (&'static [&'static str], &'static [&'static str]) {
    if layout.command_lock().exists() {
        (
            &["run", "secrets", "logs", "ports.json", ".ports.json.*", ".cluster.yaml.*"],
            &["tls", "gate", "tablet"],
        )
    } else {
        (&["run", "secrets"], &["tls"])
    }
}

/// Whether it is one of the names, of which some end in a star for whatever the name ends in.
fn is_one_of(names: &[&str], name: &OsStr) -> bool {
    let matches = |known: &&str| match known.strip_suffix('*') {
        Some(beginning) => name.as_encoded_bytes().starts_with(beginning.as_bytes()),
        None => name == *known,
    };
    names.iter().any(matches)
}

/// The named file, else the stored one, else the default cluster.
fn choose_file(options: &Options, before: &Before) -> Result<ClusterFile, UpError> {
    if let Some(path) = &options.file {
        let text = read_bounded(path).map_err(|error| UpError::Unreadable(path.clone(), error))?;
        return Ok(ClusterFile { name: path.display().to_string(), text });
    }
    match before {
        Before::Absent | Before::Empty { .. } => {
            Ok(ClusterFile { name: "default-cluster.yaml".into(), text: DEFAULT_CLUSTER.to_owned() })
        }
        Before::Cluster { cluster_file, .. } => Ok(ClusterFile {
            name: options.layout.cluster_file().display().to_string(),
            text: String::from_utf8_lossy(cluster_file).into_owned(),
        }),
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_CLUSTER_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_CLUSTER_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_CLUSTER_FILE_BYTES} bytes")));
    }
    Ok(text)
}

fn named_mysqld(path: &Path) -> Result<PathBuf, UpError> {
    let found = std::path::absolute(path).ok().filter(|path| programs::is_program(path));
    found.ok_or_else(|| UpError::NoMysqld(path.to_owned()))
}

/// Takes the folder for this command; refused while a supervisor or another command works there.
async fn claim(layout: &Layout) -> Result<FileLock, UpError> {
    let folder = layout.dir().display().to_string();
    let failed = io_error(layout, "cannot lock in");
    let at_work = FileLock::take_within(&layout.command_lock(), COMMAND_PATIENCE).await.map_err(&failed)?;
    let running = FileLock::try_take(&layout.supervisor_lock()).map_err(&failed)?.is_none();
    match (at_work, running) {
        (None, _) => Err(UpError::Busy(folder)),
        (Some(_), true) => {
            let supervisor = ProcessId::read(&layout.run_file(SUPERVISOR));
            Err(UpError::Running { folder, pid: supervisor.map_or(0, |id| id.pid) })
        }
        (Some(at_work), false) => {
            // What an interrupted `down` left; and what the last supervisor knew is no longer so.
            remove_if_there(&layout.stopping()).map_err(io_error(layout, "cannot remove a file of"))?;
            remove_if_there(&layout.state_file()).map_err(io_error(layout, "cannot remove a file of"))?;
            Ok(at_work)
        }
    }
}

fn check_changes(
    layout: &Layout,
    before: &Before,
    cluster: &ShoalCluster,
    file: &ClusterFile,
) -> Result<(), UpError> {
    let Before::Cluster { cluster_file, .. } = before else { return Ok(()) };
    let stored = parse(&layout.cluster_file().display().to_string(), &String::from_utf8_lossy(cluster_file))?;
    refused_changes(&stored, cluster, &file.name, &file.text)
        .map_err(|changes| UpError::Refused { folder: layout.dir().display().to_string(), changes })
}

fn choose_ports(
    layout: &Layout,
    before: &Before,
    cluster: &ShoalCluster,
) -> Result<(Allotment, Loopback), UpError> {
    let stored = match before {
        Before::Absent | Before::Empty { .. } => None,
        Before::Cluster { ports_file, .. } => {
            let read = serde_json::from_slice(ports_file).map_err(io::Error::from);
            Some(read.map_err(io_error(layout, "cannot read ports.json of"))?)
        }
    };
    let running: BTreeSet<String> = run_file_names(layout)
        .into_iter()
        .filter(|name| ProcessId::read(&layout.run_file(name)).is_some_and(|id| id.is_alive()))
        .collect();
    let tablets = names_in(&layout.tablets()).map_err(io_error(layout, "cannot read"))?;
    let tablets: Vec<TabletAlias> = tablets.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
    let mut machine = Loopback::new().map_err(io_error(layout, "cannot choose ports for"))?;
    let allotment = allot(stored, cluster, &Found { running, tablets }, &mut machine)?;
    Ok((allotment, machine))
}

/// Certificates for all parts, where they are wanted.
fn certify(layout: &Layout, cluster: &ShoalCluster) -> Result<Option<Identity>, CertificateError> {
    if cluster.spec.tls == Tls::On {
        make_certificates(layout, cluster.metadata.name.as_str())?;
    }
    Ok(layout.identity(Part::Client, cluster.spec.tls)?)
}

fn write_files(layout: &Layout, text: &str, ports: &Ports) -> io::Result<()> {
    make_private_dir(&layout.logs())?;
    make_secrets(layout)?;
    make_secrets_private(layout)?;
    write_whole(&layout.ports_file(), &serde_json::to_vec_pretty(ports)?)?;
    write_whole(&layout.cluster_file(), text.as_bytes())
}

fn io_error(layout: &Layout, what: &str) -> impl Fn(io::Error) -> UpError + use<> {
    let what = format!("{what} {}", layout.dir().display());
    move |error| UpError::Io(what.clone(), error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::certificates::make_certificates;

    #[test]
    fn a_failed_first_start_leaves_given_certificates_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        make_private_dir(&layout.tls(Part::Gate)).unwrap();
        let before = look(&layout).unwrap();
        make_private_dir(&layout.logs()).unwrap();
        make_secrets(&layout).unwrap();
        make_certificates(&layout, "c").unwrap();
        std::fs::write(layout.ports_file(), "{}").unwrap();
        empty(&layout, &before).unwrap();
        assert_eq!(names_in(layout.dir()).unwrap(), ["secrets"]);
        assert_eq!(names_in(&layout.secrets()).unwrap(), ["tls"]);
        assert_eq!(names_in(&layout.all_tls()).unwrap(), ["gate"]);

        make_private_dir(&layout.secrets().join("mine")).unwrap();
        assert!(matches!(look(&layout), Err(UpError::Foreign(_))));
    }

    #[test]
    fn what_a_killed_first_start_left_is_no_obstacle_and_what_others_left_is() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        make_private_dir(&layout.logs()).unwrap();
        make_secrets(&layout).unwrap();
        std::fs::write(layout.ports_file(), "{}").unwrap();
        std::fs::write(layout.dir().join(".cluster.yaml.4711"), "api").unwrap();
        make_private_dir(&layout.run()).unwrap();
        // Logs and the like of somebody who never ran an `up` here.
        assert!(matches!(look(&layout), Err(UpError::Foreign(_))));
        std::fs::write(layout.command_lock(), "").unwrap();
        assert!(matches!(look(&layout), Ok(Before::Empty { .. })));
        make_private_dir(&layout.tablets()).unwrap();
        assert!(matches!(look(&layout), Err(UpError::Foreign(_))));
    }

    #[test]
    fn the_ports_of_earlier_programs_are_put_back_as_they_were_unless_a_new_tablet_was_started() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        let before = br#"{"etcd_client": 1, "etcd_peer": 2, "control": 3, "gates": {"1": 4},
            "tablets": {"ks/-": {"alias": "a-101", "mysql": 5, "rpc": 6}}}"#;
        let mut chosen: Ports = serde_json::from_slice(before).unwrap();
        let new = TabletPorts { alias: "a-102".parse().unwrap(), mysql: 7, rpc: 8, http: 9 };
        chosen.tablets.values_mut().for_each(|tablets| tablets.push(new.clone()));
        assert_eq!(with_started(&layout, &chosen, before).unwrap(), None);
        make_private_dir(&layout.tablet(&new.alias)).unwrap();
        let kept = with_started(&layout, &chosen, before).unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<Ports>(&kept).unwrap(), chosen);
    }
}
