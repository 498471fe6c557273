//! The highest term that this tablet has accepted, and as what. It is on disk before anything is done under
//! it, so that a restarted agent cannot be talked into an older primaryship. Beside it stands the record of the
//! shard under which the tablet has left the ackers, so that a restarted agent does not acknowledge either.

use std::io;
use std::path::{Path, PathBuf};

use proto::ids::{TabletRole, Term};
use serde::{Deserialize, Serialize};
use topo::store::Revision;

use crate::durable;

/// The newest format that this program reads, and the one it writes.
const FORMAT: u32 = 1;

/// What was last accepted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The highest term ever; 0: none.
    pub term: Term,
    /// The tablet's role under it; `None`: none yet.
    pub role: Option<TabletRole>,
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    format: u32,
    #[serde(flatten)]
    accepted: Accepted,
    /// The revision of the record under which it has left the ackers. Files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_at: Option<i64>,
}

/// Why the term could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TermError {
    /// The file system did not do as asked.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file system failed so late that the new content may be on disk.
    #[error("{path} may have the new content or the old one: {source}")]
    Unsure {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It was written by a newer program.
    #[error("{path} has format {found}, this program reads up to {FORMAT}: run a newer version")]
    TooNew {
        /// The file.
        path: String,
        /// Its format.
        found: u32,
    },
    /// A step back was asked for.
    #[error("term {offered} is lower than the accepted term {accepted}")]
    Lower {
        /// What was offered.
        offered: Term,
        /// What stands.
        accepted: Term,
    },
}

/// The file that remembers it.
#[derive(Debug)]
pub struct TermFile {
    path: PathBuf,
    accepted: Accepted,
    left_at: Option<Revision>,
}

impl TermFile {
    /// Reads the file; where there is none, nothing was accepted yet.
    pub fn open(path: &Path) -> Result<Self, TermError> {
        let failed = |source| TermError::File { path: path.display().to_string(), source };
        let (accepted, left_at) = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Accepted::default(), None),
            Err(error) => return Err(failed(error)),
            Ok(bytes) => {
                let on_disk: OnDisk = serde_json::from_slice(&bytes).map_err(|e| failed(e.into()))?;
                if on_disk.format > FORMAT {
                    return Err(TermError::TooNew {
                        path: path.display().to_string(),
                        found: on_disk.format,
                    });
                }
                (on_disk.accepted, on_disk.left_at.map(Revision))
            }
        };
        Ok(Self { path: path.to_owned(), accepted, left_at })
    }

    /// What stands.
    pub fn accepted(&self) -> Accepted {
        self.accepted
    }

    /// Accepts a term and role; returns once they are on disk. A lower term is refused.
    pub fn accept(&mut self, offered: Accepted) -> Result<(), TermError> {
        if offered.term < self.accepted.term {
            return Err(TermError::Lower { offered: offered.term, accepted: self.accepted.term });
        }
        self.write(offered, self.left_at)?;
        self.accepted = offered;
        Ok(())
    }

    /// The revision of the shard's record under which the tablet was last asked to leave the ackers.
    pub fn left_at(&self) -> Option<Revision> {
        self.left_at
    }

    /// Leaves the ackers of the shard's record of this revision; returns once that is on disk.
    pub fn leave_ackers(&mut self, at: Revision) -> Result<(), TermError> {
        self.write(self.accepted, Some(at))?;
        self.left_at = Some(at);
        Ok(())
    }

    fn write(&self, accepted: Accepted, left_at: Option<Revision>) -> Result<(), TermError> {
        let failed = |source| TermError::File { path: self.path.display().to_string(), source };
        let on_disk = OnDisk { format: FORMAT, accepted, left_at: left_at.map(|Revision(number)| number) };
        let bytes = serde_json::to_vec(&on_disk).map_err(|error| failed(error.into()))?;
        let prepared = durable::prepare(&self.path, &bytes).map_err(failed)?;
        let unsure = |source| TermError::Unsure { path: self.path.display().to_string(), source };
        prepared.put_in_place().map_err(unsure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_only_grow_also_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("term.json");
        let mut file = TermFile::open(&path).unwrap();
        assert_eq!(file.accepted(), Accepted::default());
        let fifth = Accepted { term: Term(5), role: Some(TabletRole::Primary) };
        file.accept(fifth).unwrap();

        let mut again = TermFile::open(&path).unwrap();
        assert_eq!(again.accepted(), fifth);
        let lower = again.accept(Accepted { term: Term(4), role: Some(TabletRole::Primary) }).unwrap_err();
        assert_eq!(lower.to_string(), "term 4 is lower than the accepted term 5");
        assert_eq!(TermFile::open(&path).unwrap().accepted(), fifth, "nothing was written");
        again.accept(Accepted { term: Term(5), role: Some(TabletRole::Replica) }).unwrap();
    }

    #[test]
    fn a_failure_tells_whether_the_file_may_be_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("term.json");
        let mut file = TermFile::open(&path).unwrap();
        let first = Accepted { term: Term(1), role: Some(TabletRole::Replica) };
        // Nothing can be written beside it.
        std::fs::create_dir(dir.path().join("term.json.new")).unwrap();
        assert!(matches!(file.accept(first), Err(TermError::File { .. })));
        std::fs::remove_dir(dir.path().join("term.json.new")).unwrap();
        // What was written cannot take its place.
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(file.accept(first), Err(TermError::Unsure { .. })));
        std::fs::remove_dir(&path).unwrap();
        assert_eq!(file.accepted(), Accepted::default());
        file.accept(first).unwrap();
        assert_eq!(TermFile::open(&path).unwrap().accepted(), first);
    }

    #[test]
    fn who_has_left_the_ackers_knows_it_over_a_restart_and_a_new_term() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("term.json");
        let second = Accepted { term: Term(2), role: Some(TabletRole::Replica) };
        // As an earlier version wrote it.
        std::fs::write(&path, r#"{"format":1,"term":2,"role":"replica"}"#).unwrap();
        let mut file = TermFile::open(&path).unwrap();
        assert_eq!((file.accepted(), file.left_at()), (second, None));
        file.leave_ackers(Revision(7)).unwrap();
        let mut again = TermFile::open(&path).unwrap();
        assert_eq!((again.accepted(), again.left_at()), (second, Some(Revision(7))));
        again.accept(Accepted { term: Term(3), ..second }).unwrap();
        assert_eq!(TermFile::open(&path).unwrap().left_at(), Some(Revision(7)));
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("term.json");
        for bad in ["", "{", "{\"format\":2,\"term\":1,\"role\":null}"] {
            std::fs::write(&path, bad).unwrap();
            assert!(TermFile::open(&path).is_err(), "{bad:?}");
        }
    }
}
