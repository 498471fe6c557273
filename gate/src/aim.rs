//! What USE, a login or COM_INIT_DB chooses: a keyspace, and perhaps one shard of it or its replicas.
//!
//! ```text
//!   shop           the keyspace
//!   shop:-80       one shard: statements go there as they are (shop/-80 is the same)
//!   shop@replica   reads go to replicas (@rdonly is the same, @primary is what is so without it)
//!   @replica       the same for the keyspace that is chosen already
//! ```

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
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

/// A keyspace with what it is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The default database; `None`: the one that is chosen already.
    pub keyspace: Option<KeyspaceName>,
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
        return Ok(Choice { keyspace: None, aim: Aim { shard: None, tablets } });
    }
    let (name, range) = match place.split_once([':', '/']) {
        Some((name, range)) => (name, Some(range)),
        None => (place, None),
    };
    let name = rights.database(name, snapshot)?;
    let keyspace = snapshot.keyspace(name.as_str()).ok_or_else(|| ErrorId::UnknownDatabase.with(&name))?;
    let shard = range.map(|range| shard(keyspace, range)).transpose()?;
    Ok(Choice { keyspace: Some(name), aim: Aim { shard, tablets } })
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
