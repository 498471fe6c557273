use proto::account::DataRole;
use serde::{Deserialize, Serialize};

use super::Record;

/// `users/<name>`: somebody who may log in at a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// SHA-crypt of the password (`$5$rounds=…$salt$digest`).
    pub password_hash: String,
    /// What they may do, in every keyspace.
    pub role: DataRole,
}

impl Record for UserRecord {
    const KIND: &'static str = "user record";
    const FORMAT: u32 = 1;
}
