//! The records of the topology: what they hold, where they live, and their format numbers.
//!
//! A record is JSON with a `format` number. A program refuses a record whose format is newer than its own,
//! naming it, rather than misread it. A field that older programs may do without is added with a default and
//! leaves the format as it is: they pass over it.

mod event;
mod grants;
mod keyspace;
mod routing;
mod schema;
mod schema_change;
mod sequence;
mod shard;
mod tablet;
mod user;
mod vschema;

pub use event::{EventObject, EventReason, EventRecord};
pub use grants::Grants;
pub use keyspace::{Durability, KeyspaceRecord};
pub use routing::{KeyspaceRouting, RoutingRecord, TableRule};
pub use schema::{Column, ColumnType, IndexSchema, SchemaRecord, TableSchema, ViewSchema, Visibility};
pub use schema_change::{NewTable, ObjectKind, RowsOf, SchemaChangeRecord, SchemaObject};
pub use sequence::SequenceRecord;
pub use shard::{ShardRecord, Transition};
pub use tablet::{SemiSyncPart, TabletHealth, TabletLiveness, TabletRecord, TabletState};
pub use user::{PasswordError, UserOrigin, UserRecord, hash as hash_password};
pub use vschema::{
    AutoIncrement, ColumnVindex, EntryOrigin, Kept, TableKind, TableVschema, VindexDefinition, VschemaRecord,
};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of record.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What errors call it.
    const KIND: &'static str;
    /// The newest format that this program reads, and the one it writes.
    const FORMAT: u32;
}

/// Why a stored record could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer program.
    #[error("{kind} at {key} has format {found}, this program reads up to {known}: run a newer version")]
    TooNew {
        /// What it is.
        kind: &'static str,
        /// Where it is.
        key: String,
        /// Its format.
        found: u32,
        /// The newest one known here.
        known: u32,
    },
    /// Not what a record of this kind looks like.
    #[error("{kind} at {key} cannot be read: {why}")]
    Malformed {
        /// What it is.
        kind: &'static str,
        /// Where it is.
        key: String,
        /// What is wrong.
        why: String,
    },
}

#[derive(serde::Deserialize)]
struct FormatOnly {
    format: u32,
}

#[derive(Serialize)]
struct WithFormat<'a, R> {
    format: u32,
    #[serde(flatten)]
    record: &'a R,
}

/// The record's bytes, with its format number; `key` is for the error only.
pub fn encode<R: Record>(key: &str, record: &R) -> Result<Vec<u8>, RecordError> {
    serde_json::to_vec(&WithFormat { format: R::FORMAT, record }).map_err(|error| RecordError::Malformed {
        kind: R::KIND,
        key: key.to_owned(),
        why: error.to_string(),
    })
}

/// The record from its bytes; `key` is for the error only.
pub fn decode<R: Record>(key: &str, bytes: &[u8]) -> Result<R, RecordError> {
    let malformed = |error: serde_json::Error| RecordError::Malformed {
        kind: R::KIND,
        key: key.to_owned(),
        why: error.to_string(),
    };
    let FormatOnly { format } = serde_json::from_slice(bytes).map_err(malformed)?;
    if format > R::FORMAT {
        return Err(RecordError::TooNew {
            kind: R::KIND,
            key: key.to_owned(),
            found: format,
            known: R::FORMAT,
        });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}
