//! The directory of one tablet: what is where, whose it is, and that only one agent works in it.
//!
//! ```text
//! tablet.json    whose it is: alias, shard        my.cnf       written at each start of mysqld
//! agent.lock     held by the living agent         init.sql     accounts; there only while mysqld starts
//! term.json      the highest accepted term        mysqld.log   mysqld's error log
//! mysqld.json    which process its mysqld is      mysql.sock   where the agent speaks to mysqld
//! mysqld.lock    held by the living mysqld        data/        mysqld's data
//! copying        there while data is replaced
//! ```

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use proto::ids::{ShardRef, TabletAlias};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::durable;
use crate::limits::MAX_SOCKET_PATH;
use crate::mysqld::config;

/// The newest format of `tablet.json` that this program reads, and the one it writes.
const FORMAT: u32 = 1;
/// Where sockets go that have too long a path. Not `$TMPDIR`: the next agent must find the same place.
const SHORT_DIR: &str = "/tmp";

/// Whose a directory is. Data must not change hands: another shard's rows would be served as its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The cluster.
    pub cluster: String,
    /// The tablet.
    pub alias: TabletAlias,
    /// The shard whose data it holds.
    pub shard: ShardRef,
    /// Where the secrets are, for `shoal-tablet stop`.
    pub secrets: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    format: u32,
    #[serde(flatten)]
    identity: Identity,
}

/// Why a directory cannot be worked in.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// The file system did not do as asked.
    #[error("{path}: {source}")]
    File {
        /// The file or directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another agent is at work.
    #[error("an agent already runs in {dir} (pid {pid}); end it with SIGTERM, or name another --dir")]
    Taken {
        /// The directory.
        dir: String,
        /// The other agent, as it wrote itself down.
        pid: String,
    },
    /// Its data belongs to somebody else.
    #[error("{dir} belongs to {owner}; name another --dir")]
    Anothers {
        /// The directory.
        dir: String,
        /// Whose it is.
        owner: String,
    },
    /// No tablet ever worked here.
    #[error("{0} is not the directory of a tablet: it has no tablet.json")]
    NotATablet(String),
    /// `tablet.json` was written by a newer program.
    #[error("{path} has format {found}, this program reads up to {FORMAT}: run a newer version")]
    TooNew {
        /// The file.
        path: String,
        /// Its format.
        found: u32,
    },
    /// Its path has characters that my.cnf cannot hold.
    #[error("{0} cannot hold a tablet: its path has quotes, backslashes or control characters")]
    BadPath(String),
}

/// A tablet's directory, held by this process until it is dropped.
#[derive(Debug)]
pub struct TabletDir {
    root: PathBuf,
    socket: PathBuf,
    _lock: File,
}

impl TabletDir {
    /// Makes the directory if needed, takes it, and makes sure that it is this tablet's.
    pub fn open(dir: &Path, identity: &Identity) -> Result<Self, DirError> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        let taken = Self::take(dir)?;
        let path = taken.identity_file();
        match read_identity(&path)? {
            Some(found)
                if (&found.cluster, &found.alias, &found.shard)
                    != (&identity.cluster, &identity.alias, &identity.shard) =>
            {
                return Err(DirError::Anothers {
                    dir: taken.root.display().to_string(),
                    owner: format!("tablet {} of {} in cluster {}", found.alias, found.shard, found.cluster),
                });
            }
            Some(found) if found == *identity => {}
            _ => {
                let on_disk = OnDisk { format: FORMAT, identity: identity.clone() };
                let bytes = serde_json::to_vec_pretty(&on_disk).map_err(|e| at(&path)(e.into()))?;
                durable::write(&path, &bytes).map_err(at(&path))?;
            }
        }
        Ok(taken)
    }

    /// Takes a directory in which a tablet worked, and tells whose it is.
    pub fn open_existing(dir: &Path) -> Result<(Self, Identity), DirError> {
        let not_a_tablet = || DirError::NotATablet(dir.display().to_string());
        if !dir.join("tablet.json").is_file() {
            return Err(not_a_tablet());
        }
        let taken = Self::take(dir)?;
        let identity = read_identity(&taken.identity_file())?.ok_or_else(not_a_tablet)?;
        Ok((taken, identity))
    }

    fn take(dir: &Path) -> Result<Self, DirError> {
        // mysqld starts elsewhere, so its paths must be whole.
        let root = dir.canonicalize().map_err(at(dir))?;
        if !config::can_hold(&root) {
            return Err(DirError::BadPath(root.display().to_string()));
        }
        let path = root.join("agent.lock");
        let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut lock = open.map_err(at(&path))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                lock.read_to_string(&mut pid).map_err(at(&path))?;
                return Err(DirError::Taken { dir: root.display().to_string(), pid: pid.trim().to_owned() });
            }
            Err(error) => return Err(at(&path)(error.into())),
        }
        let written = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()));
        written.map_err(at(&path))?;
        let socket = socket_path(&root).map_err(at(&root))?;
        Ok(Self { root, socket, _lock: lock })
    }

    /// The directory itself, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// mysqld's Unix socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// mysqld's data.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// mysqld's settings.
    pub fn my_cnf(&self) -> PathBuf {
        self.root.join("my.cnf")
    }

    /// The statements that mysqld runs when it starts.
    pub fn init_file(&self) -> PathBuf {
        self.root.join("init.sql")
    }

    /// mysqld's error log.
    pub fn log(&self) -> PathBuf {
        self.root.join("mysqld.log")
    }

    /// The error log before it.
    pub fn old_log(&self) -> PathBuf {
        self.root.join("mysqld.old.log")
    }

    /// Which process mysqld is.
    pub fn process_record(&self) -> PathBuf {
        self.root.join("mysqld.json")
    }

    /// There while mysqld is being given a copy, and until it was first started with it.
    pub fn copy_mark(&self) -> PathBuf {
        self.root.join("copying")
    }

    /// The highest accepted term.
    pub fn term_file(&self) -> PathBuf {
        self.root.join("term.json")
    }

    fn identity_file(&self) -> PathBuf {
        self.root.join("tablet.json")
    }

    /// Removes the socket that a killed mysqld left. Another would not start beside its lock file for as long
    /// as the system has a process with the number in there.
    pub fn clear_socket(&self) -> Result<(), DirError> {
        let lock = self.socket.with_extension("sock.lock");
        [&lock, &self.socket].into_iter().try_for_each(|path| durable::remove(path).map_err(at(path)))
    }

    /// Removes everything that stands for a running mysqld, once it is gone for good.
    pub fn sweep(&self) -> Result<(), DirError> {
        self.clear_socket()?;
        for path in [self.process_record(), self.init_file()] {
            durable::remove(&path).map_err(at(&path))?;
        }
        if let Some(outside) = self.socket.parent().filter(|parent| *parent != self.root) {
            match std::fs::remove_dir_all(outside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(outside)(error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where the socket goes: into the directory, unless the path is longer than Linux takes (107 bytes); then
/// into a directory of its own in `/tmp`, found again by the inode of the tablet's.
fn socket_path(root: &Path) -> io::Result<PathBuf> {
    let inside = root.join("mysql.sock");
    if inside.as_os_str().as_bytes().len() <= MAX_SOCKET_PATH {
        return Ok(inside);
    }
    let meta = root.metadata()?;
    let outside = Path::new(SHORT_DIR).join(format!("shoal-{:x}-{:x}", meta.dev(), meta.ino()));
    match DirBuilder::new().mode(0o700).create(&outside) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // Anybody may make directories there: only one that is ours and closed to others will do.
    let found = std::fs::symlink_metadata(&outside)?;
    let ours =
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
    let socket = outside.join("mysql.sock");
    if !ours || socket.as_os_str().as_bytes().len() > MAX_SOCKET_PATH {
        return Err(io::Error::other(format!(
            "the path is too long for a Unix socket in it ({MAX_SOCKET_PATH} bytes), and {} cannot be used instead; \
             name a --dir with a shorter path",
            outside.display()
        )));
    }
    Ok(socket)
}

fn read_identity(path: &Path) -> Result<Option<Identity>, DirError> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(at(path))?,
    };
    let on_disk: OnDisk = serde_json::from_slice(&bytes).map_err(|e| at(path)(e.into()))?;
    if on_disk.format > FORMAT {
        return Err(DirError::TooNew { path: path.display().to_string(), found: on_disk.format });
    }
    Ok(Some(on_disk.identity))
}

fn at(path: &Path) -> impl Fn(io::Error) -> DirError {
    let path = path.display().to_string();
    move |source| DirError::File { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(alias: &str) -> Identity {
        Identity {
            cluster: "shop".into(),
            alias: alias.parse().unwrap(),
            shard: "shop/-80".parse().unwrap(),
            secrets: PathBuf::from("/secrets"),
        }
    }

    #[test]
    fn one_agent_and_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/tablet");
        let first = TabletDir::open(&path, &identity("zone1-101")).unwrap();
        let second = TabletDir::open(&path, &identity("zone1-101")).unwrap_err().to_string();
        assert!(second.contains(&format!("(pid {})", std::process::id())), "{second}");
        drop(first);
        let another = TabletDir::open(&path, &identity("zone1-102")).unwrap_err().to_string();
        assert!(another.contains("belongs to tablet zone1-101 of shop/-80"), "{another}");
        let (again, found) = TabletDir::open_existing(&path).unwrap();
        assert_eq!(found, identity("zone1-101"));
        again.sweep().unwrap();
        assert!(TabletDir::open_existing(dir.path()).is_err());
    }

    #[test]
    fn a_long_path_gets_its_socket_elsewhere_and_the_same_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d".repeat(120));
        let taken = TabletDir::open(&path, &identity("zone1-101")).unwrap();
        let socket = taken.socket().to_owned();
        assert!(socket.as_os_str().len() <= MAX_SOCKET_PATH && !socket.starts_with(&path));
        drop(taken);
        let taken = TabletDir::open(&path, &identity("zone1-101")).unwrap();
        assert_eq!(taken.socket(), socket);
        taken.sweep().unwrap();
        assert!(!socket.parent().unwrap().exists());
    }
}
