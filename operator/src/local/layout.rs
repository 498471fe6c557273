//! Where everything of a local cluster lies, under its one folder.

use std::io;
use std::path::{Path, PathBuf};

use proto::ids::TabletAlias;
use proto::tls::{Identity, IdentityError, Part};

use crate::spec::Tls;

/// The folder of a local cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    dir: PathBuf,
}

/// The name of a file that says which process plays a part.
pub const SUPERVISOR: &str = "supervisor";
/// The part of the supervisor that waits to take over.
pub const STANDBY: &str = "standby";

impl Layout {
    /// The layout under a folder, which is made absolute.
    pub fn new(dir: &Path) -> io::Result<Self> {
        let dir = if dir.exists() { dir.canonicalize()? } else { std::path::absolute(dir)? };
        Ok(Self { dir })
    }

    /// `$SHOAL_DIR`, or `shoal/default` in the user's data folder.
    pub fn default_dir() -> PathBuf {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        set("SHOAL_DIR").unwrap_or_else(|| {
            let data = set("XDG_DATA_HOME")
                .or_else(|| set("HOME").map(|home| home.join(".local/share")))
                .unwrap_or_else(|| PathBuf::from("."));
            data.join("shoal/default")
        })
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// etcd's data.
    pub fn etcd(&self) -> PathBuf {
        self.dir.join("etcd")
    }

    /// A tablet's data.
    pub fn tablet(&self, alias: &TabletAlias) -> PathBuf {
        self.tablets().join(alias.to_string())
    }

    /// All tablets' data.
    pub fn tablets(&self) -> PathBuf {
        self.dir.join("tablets")
    }

    /// A gate's working folder.
    pub fn gate(&self, number: u16) -> PathBuf {
        self.dir.join("gates").join(number.to_string())
    }

    /// All secrets.
    pub fn secrets(&self) -> PathBuf {
        self.dir.join("secrets")
    }

    /// The secrets that gates may see.
    pub fn gate_secrets(&self) -> PathBuf {
        self.secrets().join("gate")
    }

    /// The secrets that tablets may see.
    pub fn tablet_secrets(&self) -> PathBuf {
        self.secrets().join("tablet")
    }

    /// The certificates of all parts.
    pub fn all_tls(&self) -> PathBuf {
        self.secrets().join("tls")
    }

    /// The certificates of a part.
    pub fn tls(&self, part: Part) -> PathBuf {
        self.all_tls().join(part.word())
    }

    /// What signs the parts' certificates, if it is the cluster's own.
    pub fn tls_authority(&self) -> PathBuf {
        self.all_tls().join("authority")
    }

    /// Who a part is towards the others, where the cluster speaks TLS; `None` where it does not.
    pub fn identity(&self, part: Part, tls: Tls) -> Result<Option<Identity>, IdentityError> {
        match tls {
            Tls::On => Identity::read(&self.tls(part)).map(Some),
            Tls::Off => Ok(None),
        }
    }

    /// All logs.
    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }

    /// What the process of this name says.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// What the supervisors know of running processes.
    pub fn run(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// Which process plays the part of this name.
    pub fn run_file(&self, name: &str) -> PathBuf {
        self.run().join(format!("{name}.json"))
    }

    /// What the active supervisor last knew of every part.
    pub fn state_file(&self) -> PathBuf {
        self.run_file("state")
    }

    /// Held by the active supervisor as long as it lives.
    pub fn supervisor_lock(&self) -> PathBuf {
        self.run().join("supervisor.lock")
    }

    /// Held by an `up` or `down` at work.
    pub fn command_lock(&self) -> PathBuf {
        self.run().join("command.lock")
    }

    /// While this file is there, nothing may be started.
    pub fn stopping(&self) -> PathBuf {
        self.run().join("stopping")
    }

    /// The cluster file that the cluster was last started with.
    pub fn cluster_file(&self) -> PathBuf {
        self.dir.join("cluster.yaml")
    }

    /// Ports and tablet names, chosen once.
    pub fn ports_file(&self) -> PathBuf {
        self.dir.join("ports.json")
    }
}

/// Writes a file so that a reader sees the old content or the new, never a part; readable by the owner only.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

/// Makes a folder that only its owner may enter, with its parents.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes a file; one that is not there is removed already.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
