//! The highest term that this tablet has accepted, and as what. It is on disk before anything is done under
//! it, so that a restarted agent cannot be talked into an older primaryship.

use std::io;
use std::path::{Path, PathBuf};

use proto::ids::{TabletRole, Term};
use serde::{Deserialize, Serialize};

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
}

impl TermFile {
    /// Reads the file; where there is none, nothing was accepted yet.
    pub fn open(path: &Path) -> Result<Self, TermError> {
        let failed = |source| TermError::File { path: path.display().to_string(), source };
        let accepted = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Accepted::default(),
            Err(error) => return Err(failed(error)),
            Ok(bytes) => {
                let on_disk: OnDisk = serde_json::from_slice(&bytes).map_err(|e| failed(e.into()))?;
                if on_disk.format > FORMAT {
                    return Err(TermError::TooNew {
                        path: path.display().to_string(),
                        found: on_disk.format,
                    });
                }
                on_disk.accepted
            }
        };
        Ok(Self { path: path.to_owned(), accepted })
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
        let failed = |source| TermError::File { path: self.path.display().to_string(), source };
        let bytes = serde_json::to_vec(&OnDisk { format: FORMAT, accepted: offered })
            .map_err(|error| failed(error.into()))?;
        durable::write(&self.path, &bytes).map_err(failed)?;
        self.accepted = offered;
        Ok(())
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
    fn what_cannot_be_read_is_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("term.json");
        for bad in ["", "{", "{\"format\":2,\"term\":1,\"role\":null}"] {
            std::fs::write(&path, bad).unwrap();
            assert!(TermFile::open(&path).is_err(), "{bad:?}");
        }
    }
}
