//! The MySQL accounts that stand behind Shoal, and their passwords.
//!
//! Every mysqld has one account for each keyspace and data role, which gates use, and one for its agent.
//! Passwords are derived from a cluster secret and the account's name, so that a new keyspace needs no new
//! secret to be handed round. Gates are given the data secret only, agents both.

use std::fmt;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::ids::KeyspaceName;
use crate::limits::MAX_ACCOUNT_NAME;

/// File with the secret of the data accounts, in the secrets directory of gates and tablets.
pub const DATA_SECRET_FILE: &str = "data.secret";
/// File with the secret of the agent's account, in the secrets directory of tablets.
pub const AGENT_SECRET_FILE: &str = "agent.secret";
/// The agent's account on its own mysqld, from the local host only.
pub const AGENT_ACCOUNT: &str = "_shoal_agent";
/// The account, on every mysqld, through which the shard's other tablets replicate from it and copy it; its
/// password is of the agent's secret.
pub const REPLICATION_ACCOUNT: &str = "_shoal_replication";
/// Shortest secret taken, in bytes.
const MIN_SECRET_BYTES: usize = 16;

/// What a client may do in a keyspace; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataRole {
    /// SELECT, SHOW.
    Read,
    /// and INSERT, UPDATE, DELETE, REPLACE, CALL.
    Write,
    /// and DDL.
    Admin,
}

impl DataRole {
    /// All roles, weakest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// The role's name in specs and account names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for DataRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The user part of the account through which gates act in a keyspace under a role: `keyspace.role`, and
/// for keyspaces with a long name a prefix of it with 16 hexadecimal digits of its hash.
pub fn data_account(keyspace: &KeyspaceName, role: DataRole) -> String {
    let plain = format!("{keyspace}.{role}");
    if plain.len() <= MAX_ACCOUNT_NAME {
        return plain;
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, keyspace.as_str().as_bytes());
    let hash: String = digest.as_ref()[..8].iter().map(|b| format!("{b:02x}")).collect();
    let keep = MAX_ACCOUNT_NAME - hash.len() - role.as_str().len() - 2;
    format!("{}~{hash}.{role}", &keyspace.as_str()[..keep])
}

/// A cluster secret from which passwords are derived.
#[derive(Clone)]
pub struct Secret(hmac::Key);

/// Why a secret could not be read; names the file.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is not there or cannot be read.
    #[error("cannot read the secret {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is there but holds too little.
    #[error("the secret {0} is too short: it needs at least {MIN_SECRET_BYTES} characters")]
    TooShort(String),
}

/// Longest password that MySQL takes for the account of a replication source.
const MAX_REPLICATION_PASSWORD: usize = 32;

impl Secret {
    /// A secret from its bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// Reads `dir/file`; blanks around the content do not count.
    pub fn read(dir: &Path, file: &str) -> Result<Self, SecretError> {
        let path = dir.join(file);
        let content = std::fs::read(&path)
            .map_err(|source| SecretError::Unreadable { path: path.display().to_string(), source })?;
        let content = content.trim_ascii();
        if content.len() < MIN_SECRET_BYTES {
            return Err(SecretError::TooShort(path.display().to_string()));
        }
        Ok(Self::new(content))
    }

    /// The password of an account: HMAC-SHA256 of its name, in 43 URL-safe characters; for the replication
    /// account the first 32 of them, which are as many as MySQL takes there (error 3056).
    pub fn password(&self, account: &str) -> String {
        let mut password = URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, account.as_bytes()));
        if account == REPLICATION_ACCOUNT {
            password.truncate(MAX_REPLICATION_PASSWORD);
        }
        password
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_names_fit_mysql_and_stay_apart() {
        let short: KeyspaceName = "shop".parse().unwrap();
        assert_eq!(data_account(&short, DataRole::Write), "shop.write");
        let long_a: KeyspaceName = "a_keyspace_with_quite_a_long_name_1".parse().unwrap();
        let long_b: KeyspaceName = "a_keyspace_with_quite_a_long_name_2".parse().unwrap();
        for role in DataRole::ALL {
            let (a, b) = (data_account(&long_a, role), data_account(&long_b, role));
            assert!(a.len() <= MAX_ACCOUNT_NAME && a != b, "{a} {b}");
        }
    }

    #[test]
    fn passwords_follow_the_secret_and_the_account() {
        let (one, two) = (Secret::new(b"first secret 1234"), Secret::new(b"other secret 1234"));
        assert_eq!(one.password("shop.read"), one.password("shop.read"));
        assert_ne!(one.password("shop.read"), one.password("shop.write"));
        assert_ne!(one.password("shop.read"), two.password("shop.read"));
        assert_eq!(one.password(REPLICATION_ACCOUNT).len(), MAX_REPLICATION_PASSWORD);
        assert!(!format!("{one:?}").contains("first"));
    }
}
