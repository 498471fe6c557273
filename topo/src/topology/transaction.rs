use crate::records::{Record, RecordError, encode};
use crate::store::{Compare, Revision, Write};

use super::{Lease, Lock};

/// Records to be written in one revision, each under its condition. Built up by chaining:
/// `Transaction::new().replace(…)?.create(…)?.delete(…)`.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    pub(super) compares: Vec<Compare>,
    pub(super) writes: Vec<Write>,
}

impl Transaction {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the record if there is none at the key.
    pub fn create<R: Record>(self, key: &str, record: &R) -> Result<Self, RecordError> {
        self.only_if(Compare::Absent(key.to_owned())).put(key, record)
    }

    /// Writes the record if the one there was last written by `revision`.
    pub fn replace<R: Record>(self, key: &str, record: &R, revision: Revision) -> Result<Self, RecordError> {
        self.only_if(Compare::Unchanged(key.to_owned(), revision)).put(key, record)
    }

    /// Writes the record whatever is there.
    pub fn put<R: Record>(mut self, key: &str, record: &R) -> Result<Self, RecordError> {
        let value = encode(key, record)?.into();
        self.writes.push(Write::Put { key: key.to_owned(), value, lease: None });
        Ok(self)
    }

    /// Writes the record whatever is there; it goes away when the lease ends.
    pub fn put_under<R: Record>(mut self, key: &str, record: &R, lease: &Lease) -> Result<Self, RecordError> {
        let value = encode(key, record)?.into();
        self.writes.push(Write::Put { key: key.to_owned(), value, lease: Some(lease.id()) });
        Ok(self)
    }

    /// Removes what is at the key.
    pub fn delete(mut self, key: &str) -> Self {
        self.writes.push(Write::Delete { key: key.to_owned() });
        self
    }

    /// A further condition.
    pub fn only_if(mut self, compare: Compare) -> Self {
        self.compares.push(compare);
        self
    }

    /// Writes only if the lock is still held at the moment of the commit, whatever its holder believes.
    pub fn while_locked(self, lock: &Lock) -> Self {
        self.only_if(lock.still_held())
    }
}
