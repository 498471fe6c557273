//! Names of the things in a cluster, each a type of its own so that two cannot be mixed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::invalid_name::InvalidName;
use crate::key_range::KeyRange;
use crate::limits::{MAX_ACCOUNT_NAME, MAX_CELL_NAME, MAX_KEYSPACE_NAME};

/// Schemas of MySQL itself and of Shoal, which no keyspace may be named after.
pub const RESERVED_SCHEMAS: [&str; 5] =
    ["mysql", "sys", "information_schema", "performance_schema", SIDECAR_SCHEMA];

/// The schema in which tablets keep their own tables; no client statement may name it.
pub const SIDECAR_SCHEMA: &str = "_shoal";

macro_rules! string_name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(s: &str) -> Result<Self, InvalidName> {
                let check: fn(&str) -> Result<(), String> = $check;
                check(s).map_err(|rule| InvalidName::new($what, s, rule))?;
                Ok(Self(s.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(s: String) -> Result<Self, InvalidName> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

string_name!(
    /// A logical database; also the name of the MySQL schema on each of its shards.
    KeyspaceName,
    "keyspace name",
    check_keyspace_name
);

string_name!(
    /// Who logs in at a gate.
    UserName,
    "user name",
    check_user_name
);

string_name!(
    /// A failure zone.
    Cell,
    "cell name",
    check_cell_name
);

fn check_keyspace_name(s: &str) -> Result<(), String> {
    let mut chars = s.chars();
    let starts_well = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    if !starts_well || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("start with an ASCII letter, go on with letters, digits and '_'".into());
    }
    if s.len() > MAX_KEYSPACE_NAME {
        return Err(format!("at most {MAX_KEYSPACE_NAME} characters"));
    }
    if RESERVED_SCHEMAS.iter().any(|r| r.eq_ignore_ascii_case(s)) {
        return Err("the name belongs to MySQL or to Shoal".into());
    }
    Ok(())
}

fn check_user_name(s: &str) -> Result<(), String> {
    let well_formed = s.starts_with(|c: char| c.is_ascii_alphanumeric())
        && s.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@".contains(c));
    if !well_formed || s.len() > MAX_ACCOUNT_NAME {
        return Err(format!(
            "start with an ASCII letter or digit, go on with these and any of _-.@, at most {MAX_ACCOUNT_NAME} \
             characters"
        ));
    }
    Ok(())
}

fn check_cell_name(s: &str) -> Result<(), String> {
    let well_formed = s.starts_with(|c: char| c.is_ascii_lowercase())
        && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !well_formed {
        return Err("start with a lower-case letter, go on with lower-case letters and digits".into());
    }
    if s.len() > MAX_CELL_NAME {
        return Err(format!("at most {MAX_CELL_NAME} characters"));
    }
    Ok(())
}

/// A tablet's name, `cell-uid`, such as `zone1-101`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TabletAlias {
    /// The failure zone it runs in.
    pub cell: Cell,
    /// Unique in the cluster; also mysqld's `server_id`, so never 0.
    pub uid: u32,
}

impl fmt::Display for TabletAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.cell, self.uid))
    }
}

impl FromStr for TabletAlias {
    type Err = InvalidName;
    fn from_str(s: &str) -> Result<Self, InvalidName> {
        let refuse = || InvalidName::new("tablet alias", s, "write it as cell-uid, such as zone1-101");
        let (cell, uid) = s.rsplit_once('-').ok_or_else(refuse)?;
        let uid: u32 = uid.parse().map_err(|_| refuse())?;
        if uid == 0 {
            return Err(refuse());
        }
        Ok(Self { cell: cell.parse()?, uid })
    }
}

impl TryFrom<String> for TabletAlias {
    type Error = InvalidName;
    fn try_from(s: String) -> Result<Self, InvalidName> {
        s.parse()
    }
}

impl From<TabletAlias> for String {
    fn from(alias: TabletAlias) -> String {
        alias.to_string()
    }
}

/// A shard's full name, `keyspace/range`, such as `shop/-80`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShardRef {
    /// The keyspace it is a part of.
    pub keyspace: KeyspaceName,
    /// The keyspace IDs it holds.
    pub range: KeyRange,
}

impl fmt::Display for ShardRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.keyspace, self.range))
    }
}

impl FromStr for ShardRef {
    type Err = InvalidName;
    fn from_str(s: &str) -> Result<Self, InvalidName> {
        let (keyspace, range) = s.split_once('/').ok_or_else(|| {
            InvalidName::new("shard name", s, "write it as keyspace/range, such as shop/-80")
        })?;
        Ok(Self { keyspace: keyspace.parse()?, range: range.parse()? })
    }
}

impl TryFrom<String> for ShardRef {
    type Error = InvalidName;
    fn try_from(s: String) -> Result<Self, InvalidName> {
        s.parse()
    }
}

impl From<ShardRef> for String {
    fn from(shard: ShardRef) -> String {
        shard.to_string()
    }
}

/// The number of a primaryship in a shard; only grows. 0: there has been none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(pub u64);

impl Term {
    /// The term after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a tablet is in its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TabletRole {
    /// Takes the writes.
    Primary,
    /// Follows the primary.
    Replica,
}

impl fmt::Display for TabletRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_accept() {
        assert!("shop_2".parse::<KeyspaceName>().is_ok());
        for bad in ["", "2shop", "_shoal", "mysql", "Sys", "sh-op", "a.b", &"k".repeat(65)] {
            let refusal = bad.parse::<KeyspaceName>().unwrap_err().to_string();
            assert!(refusal.starts_with("keyspace name"), "{refusal}");
        }
        for bad in ["", "Zone", "1zone", "zone-1", &"z".repeat(33)] {
            assert!(bad.parse::<Cell>().is_err(), "{bad}");
        }
    }

    #[test]
    fn aliases_round_trip_and_refuse_uid_zero() {
        let alias: TabletAlias = "zone1-101".parse().unwrap();
        assert_eq!((alias.cell.as_str(), alias.uid), ("zone1", 101));
        assert_eq!(alias.to_string(), "zone1-101");
        for bad in ["zone1", "zone1-", "zone1-0", "zone1-x", "-1", "zone1-4294967296"] {
            assert!(bad.parse::<TabletAlias>().is_err(), "{bad}");
        }
    }

    #[test]
    fn shard_names_round_trip() {
        for name in ["shop/-", "shop/-80", "shop/4000-8000"] {
            assert_eq!(name.parse::<ShardRef>().unwrap().to_string(), name);
        }
        assert!("shop".parse::<ShardRef>().is_err());
        assert!("shop/80".parse::<ShardRef>().is_err());
    }
}
