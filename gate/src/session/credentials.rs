//! Who may log in: fast where the password was right before, fully against the stored hash otherwise.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use proto::wire::auth::{DoubleDigest, Nonce, double_digest, scramble_matches};
use topo::records::UserRecord;

use crate::limits::MAX_REMEMBERED_USERS;

/// What was learnt from full authentications. Kept in memory only.
#[derive(Default)]
pub struct Credentials {
    remembered: Mutex<HashMap<String, Remembered>>,
}

struct Remembered {
    /// The stored hash that the password was right for; another one means another password.
    password_hash: String,
    digest: DoubleDigest,
}

impl Credentials {
    /// Whether the client's fast answer is known to be right. If not, it must send its password, as a user that
    /// does not exist must: so nobody learns from outside who there is.
    pub fn check_fast(&self, user: &str, record: &UserRecord, answer: &[u8], nonce: &Nonce) -> bool {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let known = remembered.get(user).filter(|known| known.password_hash == record.password_hash);
        known.is_some_and(|known| scramble_matches(answer, nonce, &known.digest))
    }

    /// Remembers that the password was right.
    pub fn remember(&self, user: &str, record: &UserRecord, password: &[u8]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED_USERS {
            remembered.clear();
        }
        let known =
            Remembered { password_hash: record.password_hash.clone(), digest: double_digest(password) };
        remembered.insert(user.to_owned(), known);
    }
}
