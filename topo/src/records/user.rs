use std::fmt;

use proto::account::DataRole;
use serde::{Deserialize, Serialize};
use sha_crypt::password_hash::Error as HashError;
use sha_crypt::{PasswordHasher, PasswordVerifier, ShaCrypt};

use super::Record;
use crate::limits::MAX_PASSWORD_BYTES;

/// Bytes of a salt; its sixteen characters are the most that SHA-crypt takes.
const SALT_BYTES: usize = 12;

/// `users/<name>`: somebody who may log in at a gate.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// SHA-crypt of the password (`$5$rounds=…$salt$digest`).
    pub password_hash: String,
    /// What they may do, in every keyspace.
    pub role: DataRole,
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
    /// Somebody with this password, of which only the SHA-256-crypt is kept.
    pub fn new(password: &str, role: DataRole) -> Result<Self, PasswordError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong(password.len()));
        }
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt)
            .map_err(|_| PasswordError::NotHashed("the system gives no random bytes".into()))?;
        let hash = ShaCrypt::SHA256
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(|error| PasswordError::NotHashed(error.to_string()))?;
        Ok(Self { password_hash: hash.as_str().to_owned(), role })
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

impl fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRecord").field("role", &self.role).finish_non_exhaustive()
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
        UserRecord { password_hash: password_hash.to_owned(), role: DataRole::Read }
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
}
