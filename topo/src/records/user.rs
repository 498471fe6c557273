use std::fmt;

use proto::account::DataRole;
use serde::{Deserialize, Serialize};
use sha_crypt::password_hash::Error as HashError;
use sha_crypt::{PasswordHasher, PasswordVerifier, ShaCrypt};

use super::{Grants, Record};
use crate::limits::MAX_PASSWORD_BYTES;

/// Bytes of a salt; its sixteen characters are the most that SHA-crypt takes.
const SALT_BYTES: usize = 12;

/// `users/<name>`: somebody who may log in at a gate.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct UserRecord {
    /// SHA-crypt of the password (`$5$rounds=…$salt$digest`).
    pub password_hash: String,
    /// What they may do.
    pub grants: Grants,
    /// Who says so.
    pub origin: UserOrigin,
}

/// Where a user comes from, and so where they are changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserOrigin {
    /// The cluster file: every `up` makes them as the file says.
    #[default]
    File,
    /// CREATE USER: the cluster file knows nothing of them and leaves them alone.
    Sql,
}

/// The record's JSON. Programs that know only roles in every keyspace read `password_hash` and `role`: for a user
/// with any other rights they find a hash there that no password has, and so let nobody in.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    password_hash: String,
    role: DataRole,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    granted: Option<Granted>,
    #[serde(default, skip_serializing_if = "is_of_the_file")]
    origin: UserOrigin,
}

/// The rights that are not one role in every keyspace, with the password of their user.
#[derive(Clone, Serialize, Deserialize)]
struct Granted {
    password_hash: String,
    grants: Grants,
}

/// The hash of no password.
const NO_HASH: &str = "*";

fn is_of_the_file(origin: &UserOrigin) -> bool {
    *origin == UserOrigin::File
}

impl From<Stored> for UserRecord {
    fn from(stored: Stored) -> Self {
        let Stored { password_hash, role, granted, origin } = stored;
        match granted {
            None => Self { password_hash, grants: Grants::everywhere(role), origin },
            Some(Granted { password_hash, grants }) => Self { password_hash, grants, origin },
        }
    }
}

impl From<UserRecord> for Stored {
    fn from(record: UserRecord) -> Self {
        let UserRecord { password_hash, grants, origin } = record;
        match grants {
            Grants { everywhere: Some(role), keyspaces } if keyspaces.is_empty() => {
                Self { password_hash, role, granted: None, origin }
            }
            grants => Self {
                password_hash: NO_HASH.to_owned(),
                role: DataRole::Read,
                granted: Some(Granted { password_hash, grants }),
                origin,
            },
        }
    }
}

/// Why a password was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Hashing it would take too long.
    #[error("the password has {0} bytes, at most {MAX_PASSWORD_BYTES} are allowed")]
    TooLong(usize),
    /// No salt, or no hash.
    #[error("the password could not be hashed: {0}")]
    NotHashed(String),
}

impl UserRecord {
    /// Somebody of the cluster file with this password and a role in every keyspace.
    pub fn new(password: &str, role: DataRole) -> Result<Self, PasswordError> {
        let password_hash = hash(password)?;
        Ok(Self { password_hash, grants: Grants::everywhere(role), origin: UserOrigin::File })
    }

    /// Whether this is the password. It takes milliseconds of work, on purpose.
    pub fn verify(&self, password: &[u8]) -> bool {
        if password.len() > MAX_PASSWORD_BYTES {
            return false;
        }
        match ShaCrypt::SHA256.verify_password(password, self.password_hash.as_str()) {
            Ok(()) => true,
            Err(HashError::PasswordInvalid) => false,
            Err(error) => {
                tracing::error!(%error, "a user's password_hash is no SHA-crypt, nobody can log in by it");
                false
            }
        }
    }
}

/// The SHA-256-crypt of a password, with a salt of its own. It takes milliseconds of work, on purpose.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::TooLong(password.len()));
    }
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt)
        .map_err(|_| PasswordError::NotHashed("the system gives no random bytes".into()))?;
    let hash = ShaCrypt::SHA256
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| PasswordError::NotHashed(error.to_string()))?;
    Ok(hash.as_str().to_owned())
}

impl fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRecord")
            .field("grants", &self.grants)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Record for UserRecord {
    const KIND: &'static str = "user record";
    const FORMAT: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(password_hash: &str) -> UserRecord {
        let grants = Grants::everywhere(DataRole::Read);
        UserRecord { password_hash: password_hash.to_owned(), grants, origin: UserOrigin::File }
    }

    #[test]
    fn published_hashes_are_verified() {
        // Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", the tests at its end.
        for hash in [
            "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
            "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
        ] {
            assert!(user(hash).verify(b"Hello world!"), "{hash}");
            assert!(!user(hash).verify(b"Hello world"), "{hash}");
        }
    }

    #[test]
    fn a_user_logs_in_with_their_password_only() {
        let user = UserRecord::new("pässword", DataRole::Write).unwrap();
        assert!(user.password_hash.starts_with("$5$"), "{}", user.password_hash);
        assert!(user.verify("pässword".as_bytes()));
        for wrong in ["", "password", "pässword ", "Pässword"] {
            assert!(!user.verify(wrong.as_bytes()), "{wrong:?}");
        }
        let again = UserRecord::new("pässword", DataRole::Write).unwrap();
        assert_ne!(user.password_hash, again.password_hash, "two salts are the same");
        assert!(!format!("{user:?}").contains(&user.password_hash));
    }

    #[test]
    fn an_empty_password_is_one_and_a_huge_one_is_none() {
        let user = UserRecord::new("", DataRole::Read).unwrap();
        assert!(user.verify(b"") && !user.verify(b"x"));
        let huge = "x".repeat(MAX_PASSWORD_BYTES + 1);
        assert_eq!(UserRecord::new(&huge, DataRole::Read), Err(PasswordError::TooLong(huge.len())));
        assert!(!user.verify(huge.as_bytes()));
    }

    #[test]
    fn what_is_no_hash_lets_nobody_in() {
        for hash in ["", "secret", "$5$", "$5$saltstring$", "$1$saltstring$5B8vYYiY", "$5$rounds=1$salt$x"] {
            assert!(!user(hash).verify(b""), "{hash}");
            assert!(!user(hash).verify(hash.as_bytes()), "{hash}");
        }
    }

    /// The record as programs knew it that had only roles in every keyspace.
    #[derive(Debug, Serialize, Deserialize)]
    struct Before {
        password_hash: String,
        role: DataRole,
    }

    #[test]
    fn a_role_everywhere_is_written_as_ever_and_other_rights_let_nobody_in_there() {
        let everywhere = UserRecord::new("secret", DataRole::Write).unwrap();
        let json = serde_json::to_value(&everywhere).unwrap();
        assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), ["password_hash", "role"]);
        let before: Before = serde_json::from_value(json).unwrap();
        assert_eq!((before.password_hash, before.role), (everywhere.password_hash.clone(), DataRole::Write));

        let shop = "shop".parse().unwrap();
        let keyspaces = std::collections::BTreeMap::from([(shop, DataRole::Admin)]);
        for everywhere_too in [None, Some(DataRole::Read)] {
            let grants = Grants { everywhere: everywhere_too, keyspaces: keyspaces.clone() };
            let some = UserRecord { grants, origin: UserOrigin::Sql, ..everywhere.clone() };
            let json = serde_json::to_value(&some).unwrap();
            assert_eq!(serde_json::from_value::<UserRecord>(json.clone()).unwrap(), some);
            let before: Before = serde_json::from_value(json).unwrap();
            assert!(
                !user(&before.password_hash).verify(b"secret") && !user(&before.password_hash).verify(b"")
            );
        }
        let nothing = UserRecord { grants: Grants::default(), ..everywhere };
        let json = serde_json::to_value(&nothing).unwrap();
        assert_eq!(serde_json::from_value::<UserRecord>(json).unwrap(), nothing);
    }
}
