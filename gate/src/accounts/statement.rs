//! What a statement about users and rights asks for.

use std::fmt;

use proto::ids::{KeyspaceName, UserName};

use super::privileges::Privileges;

/// A statement about users and rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountStatement {
    /// CREATE USER.
    Create {
        /// Who, with their passwords.
        users: Vec<(UserName, Password)>,
        /// Whether users that are there already are passed over.
        if_not_exists: bool,
    },
    /// ALTER USER, SET PASSWORD.
    SetPasswords {
        /// Whose, and to what.
        users: Vec<(Subject, Password)>,
        /// Whether users that are not there are passed over.
        if_exists: bool,
        /// The command.
        command: PasswordCommand,
    },
    /// DROP USER.
    Drop {
        /// Who.
        users: Vec<UserName>,
        /// Whether users that are not there are passed over.
        if_exists: bool,
    },
    /// RENAME USER: from the first name to the second.
    Rename(Vec<(UserName, UserName)>),
    /// GRANT.
    Grant {
        /// What.
        privileges: Privileges,
        /// Where.
        on: Level,
        /// To whom.
        users: Vec<UserName>,
    },
    /// REVOKE.
    Revoke {
        /// What.
        privileges: Privileges,
        /// Where; `None`: everything, everywhere.
        on: Option<Level>,
        /// From whom.
        users: Vec<UserName>,
    },
    /// SHOW GRANTS.
    ShowGrants(Subject),
    /// SHOW CREATE USER.
    ShowCreate(Subject),
}

/// Somebody whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Whoever says it.
    Current,
    /// The user of this name.
    Named(UserName),
}

/// By which command passwords are set; MySQL's errors differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCommand {
    /// ALTER USER.
    AlterUser,
    /// SET PASSWORD.
    SetPassword,
}

/// Where privileges hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// In every keyspace.
    Everywhere,
    /// In one.
    Keyspace(KeyspaceName),
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("*.*"),
            Self::Keyspace(name) => write!(f, "`{name}`.*"),
        }
    }
}

/// A password in the clear, for as long as its statement lasts; it shows itself nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl AccountStatement {
    /// The users whom it is about; `current` is who says it.
    pub fn users(&self, current: &UserName) -> Vec<UserName> {
        let named = |subject: &Subject| match subject {
            Subject::Current => current.clone(),
            Subject::Named(name) => name.clone(),
        };
        match self {
            Self::Create { users, .. } => users.iter().map(|(name, _)| name.clone()).collect(),
            Self::SetPasswords { users, .. } => users.iter().map(|(subject, _)| named(subject)).collect(),
            Self::Drop { users, .. } | Self::Grant { users, .. } | Self::Revoke { users, .. } => {
                users.clone()
            }
            Self::Rename(pairs) => pairs.iter().flat_map(|(from, to)| [from.clone(), to.clone()]).collect(),
            Self::ShowGrants(subject) | Self::ShowCreate(subject) => vec![named(subject)],
        }
    }

    /// The passwords in it, in order.
    pub fn passwords(&self) -> Vec<&Password> {
        match self {
            Self::Create { users, .. } => users.iter().map(|(_, password)| password).collect(),
            Self::SetPasswords { users, .. } => users.iter().map(|(_, password)| password).collect(),
            _ => Vec::new(),
        }
    }
}
