//! What USE, a login or COM_INIT_DB chooses: a keyspace, and perhaps one shard of it or its replicas.
//!
//! ```text
//!   shop           the keyspace
//!   shop:-80       one shard: statements go there as they are (shop/-80 is the same)
//!   shop@replica   reads go to replicas (@rdonly is the same, @primary is what is so without it)
//!   @replica       the same for the keyspace that is chosen already
//! ```
//!
//! Or the catalogue, information_schema, which every server has of what lives on it.

use std::fmt;

use proto::errors::{ClientError, ErrorId};
use proto::ids::{KeyspaceName, RESERVED_SCHEMAS, SIDECAR_SCHEMA};
use proto::key_range::KeyRange;
use topo::snapshot::{Keyspace, Snapshot};

use crate::accounts::rights::Rights;

/// Which tablets of a shard answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Tablets {
    /// The primary.
    #[default]
    Primary,
    /// Any replica that keeps up.
    Replicas,
}

/// What a session's statements are narrowed to, within its keyspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aim {
    /// The one shard that they go to as they are.
    pub shard: Option<KeyRange>,
    /// Who answers.
    pub tablets: Tablets,
}

impl Aim {
    /// Whether it narrows nothing.
    pub fn is_plain(&self) -> bool {
        self.shard.is_none() && self.tablets == Tablets::Primary
    }
}

/// A session's default database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Database {
    /// A keyspace.
    Keyspace(KeyspaceName),
    /// information_schema.
    Catalogue,
}

/// The schema that every server describes its databases in.
pub const CATALOGUE: &str = "information_schema";

impl Database {
    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Keyspace(name) => name.as_str(),
            Self::Catalogue => CATALOGUE,
        }
    }

    /// The keyspace, if it is one.
    pub fn keyspace(&self) -> Option<&KeyspaceName> {
        match self {
            Self::Keyspace(name) => Some(name),
            Self::Catalogue => None,
        }
    }

    /// Whether a connection of this keyspace's account can have it for its default database.
    pub fn is_within(&self, keyspace: &KeyspaceName) -> bool {
        self.keyspace().is_none_or(|own| own == keyspace)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A database with what it is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The default database; `None`: the one that is chosen already.
    pub database: Option<Database>,
    /// Within it.
    pub aim: Aim,
}

/// Reads what was chosen. The errors are MySQL's where the keyspace does not exist, or the user may not see it.
pub fn choose(text: &str, rights: &Rights, snapshot: &Snapshot) -> Result<Choice, ClientError> {
    // A keyspace's name has neither of these characters.
    let (place, tablets) = match text.rsplit_once('@') {
        Some((place, kind)) => (place, tablets(kind)?),
        None => (text, Tablets::Primary),
    };
    if place.is_empty() && text.starts_with('@') {
        return Ok(Choice { database: None, aim: Aim { shard: None, tablets } });
    }
    let (name, range) = match place.split_once([':', '/']) {
        Some((name, range)) => (name, Some(range)),
        None => (place, None),
    };
    if range.is_none() && name.eq_ignore_ascii_case(CATALOGUE) {
        return Ok(Choice { database: Some(Database::Catalogue), aim: Aim { shard: None, tablets } });
    }
    if name.eq_ignore_ascii_case(SIDECAR_SCHEMA) {
        return Err(ErrorId::SidecarSchema.plain());
    }
    if RESERVED_SCHEMAS.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        return Err(ErrorId::UnsupportedStatement.with(format_args!("schema {name}")));
    }
    let name = rights.database(name, snapshot)?;
    let keyspace = snapshot.keyspace(name.as_str()).ok_or_else(|| ErrorId::UnknownDatabase.with(&name))?;
    let shard = range.map(|range| shard(keyspace, range)).transpose()?;
    Ok(Choice { database: Some(Database::Keyspace(name)), aim: Aim { shard, tablets } })
}

fn tablets(kind: &str) -> Result<Tablets, ClientError> {
    match kind.to_ascii_lowercase().as_str() {
        "primary" | "master" => Ok(Tablets::Primary),
        "replica" | "rdonly" => Ok(Tablets::Replicas),
        _ => Err(ErrorId::UnknownTabletType.with(kind)),
    }
}

fn shard(keyspace: &Keyspace, range: &str) -> Result<KeyRange, ClientError> {
    let unknown = || ErrorId::UnknownShard.with(format_args!("{}/{range}", keyspace.name));
    // Vitess calls the shard of an unsharded keyspace 0.
    let range: KeyRange = match range {
        "0" => KeyRange::full(),
        range => range.parse().map_err(|_| unknown())?,
    };
    let serves = keyspace.shards.iter().any(|shard| shard.shard.range == range);
    if serves { Ok(range) } else { Err(unknown()) }
}
