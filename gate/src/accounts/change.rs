//! What a statement makes of the users that it is about.

use std::collections::BTreeMap;

use proto::account::DataRole;
use proto::errors::{ClientError, ErrorId};
use proto::ids::UserName;
use topo::records::{Grants, UserOrigin, UserRecord};

use super::privileges::Privileges;
use super::rights::Rights;
use super::statement::{AccountStatement, Level, PasswordCommand, Subject};

/// Users by name; `None`: there is none of that name.
pub type Users = BTreeMap<UserName, Option<UserRecord>>;

/// What is to be written, and what the client is told besides OK.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Users as they are to be; `None`: gone.
    pub users: Users,
    /// Users passed over by IF [NOT] EXISTS.
    pub notes: Vec<ClientError>,
}

/// Whether the user may ask for this; MySQL's error if not.
pub fn allow(statement: &AccountStatement, rights: &Rights) -> Result<(), ClientError> {
    if rights.grants().administers() {
        return Ok(());
    }
    let me = |subject: &Subject| match subject {
        Subject::Current => true,
        Subject::Named(name) => name.as_str() == rights.user(),
    };
    match statement {
        AccountStatement::SetPasswords { users, .. } if users.iter().all(|(subject, _)| me(subject)) => {
            Ok(())
        }
        AccountStatement::ShowGrants(subject) | AccountStatement::ShowCreate(subject) if me(subject) => {
            Ok(())
        }
        AccountStatement::ShowGrants(_)
        | AccountStatement::ShowCreate(_)
        | AccountStatement::SetPasswords { command: PasswordCommand::SetPassword, .. } => {
            Err(rights.denied("mysql"))
        }
        AccountStatement::Grant { on: Level::Keyspace(name), .. }
        | AccountStatement::Revoke { on: Some(Level::Keyspace(name)), .. } => Err(rights.denied(name)),
        AccountStatement::Grant { .. } | AccountStatement::Revoke { on: Some(_), .. } => {
            let who = format!("'{}'@'%' (using password: YES)", rights.user());
            Err(ErrorId::AccessDenied.with(who))
        }
        _ => Err(ErrorId::PrivilegeNeeded.with("CREATE USER")),
    }
}

/// The change of the users as they are. `hashes` are those of the statement's passwords, in order; `current` is who
/// says it.
pub fn change(
    statement: &AccountStatement,
    hashes: &[String],
    current: &UserName,
    there: &Users,
) -> Result<Change, ClientError> {
    let record = |name: &UserName| there.get(name).and_then(Option::as_ref);
    let mut change = Change::default();
    match statement {
        AccountStatement::Create { users, if_not_exists } => {
            let present = users.iter().map(|(name, _)| name).filter(|name| record(name).is_some());
            let present: Vec<&UserName> = present.collect();
            change.pass_over("CREATE USER", &present, (*if_not_exists, ErrorId::UserThere))?;
            for ((name, _), hash) in users.iter().zip(hashes).filter(|((name, _), _)| record(name).is_none())
            {
                let (password_hash, grants) = (hash.clone(), Grants::default());
                change.set(name, UserRecord { password_hash, grants, origin: UserOrigin::Sql });
            }
        }
        AccountStatement::SetPasswords { users, if_exists, command } => {
            let names = statement.users(current);
            let absent: Vec<&UserName> = names.iter().filter(|name| record(name).is_none()).collect();
            if *command == PasswordCommand::SetPassword && !absent.is_empty() {
                return Err(ErrorId::NoSuchUserRow.plain());
            }
            change.pass_over("ALTER USER", &absent, (*if_exists, ErrorId::UserNotThere))?;
            for ((name, _), hash) in names.iter().zip(users).zip(hashes) {
                if let Some(record) = record(name) {
                    let changed = UserRecord { password_hash: hash.clone(), ..of_sql(name, record)?.clone() };
                    change.set(name, changed);
                }
            }
        }
        AccountStatement::Drop { users, if_exists } => {
            let absent: Vec<&UserName> = users.iter().filter(|name| record(name).is_none()).collect();
            change.pass_over("DROP USER", &absent, (*if_exists, ErrorId::UserNotThere))?;
            for name in users {
                if let Some(record) = record(name) {
                    of_sql(name, record)?;
                    change.users.insert(name.clone(), None);
                }
            }
        }
        AccountStatement::Rename(pairs) => rename(pairs, there, &mut change)?,
        AccountStatement::Grant { privileges, on, users } => {
            for name in users {
                let record = record(name).ok_or_else(|| ErrorId::UserByGrant.plain())?;
                let mut record = of_sql(name, record)?.clone();
                let role = privileges.added_to(held(&record.grants, on), (on, name))?;
                hold(&mut record.grants, on, role);
                change.set(name, record);
            }
        }
        AccountStatement::Revoke { privileges, on, users } => {
            for name in users {
                let revoked = revoke(record(name), (privileges, on.as_ref()), name)?;
                change.set(name, revoked);
            }
        }
        AccountStatement::ShowGrants(_) | AccountStatement::ShowCreate(_) => {}
    }
    Ok(change)
}

impl Change {
    fn set(&mut self, name: &UserName, record: UserRecord) {
        self.users.insert(name.clone(), Some(record));
    }

    /// Notes the users that stand in the way, or fails because of them.
    fn pass_over(
        &mut self,
        operation: &str,
        users: &[&UserName],
        (allowed, note): (bool, ErrorId),
    ) -> Result<(), ClientError> {
        if users.is_empty() {
            return Ok(());
        }
        if !allowed {
            let names: Vec<String> = users.iter().map(|name| format!("'{name}'@'%'")).collect();
            let why = match note {
                ErrorId::UserThere => "User account already exists",
                _ => "User account does not exist",
            };
            let detail = format!("{operation} failed for {} ({why})", names.join(","));
            return Err(ErrorId::UserOperation.with(detail));
        }
        self.notes.extend(users.iter().map(|name| note.with(format_args!("'{name}'@'%'"))));
        Ok(())
    }
}

/// A user of the cluster file is changed there: the next `up` would undo it.
fn of_sql<'a>(name: &UserName, record: &'a UserRecord) -> Result<&'a UserRecord, ClientError> {
    match record.origin {
        UserOrigin::Sql => Ok(record),
        UserOrigin::File => Err(ErrorId::UserOfFile.with(name)),
    }
}

fn rename(pairs: &[(UserName, UserName)], there: &Users, change: &mut Change) -> Result<(), ClientError> {
    for (from, to) in pairs {
        // Pairs are renamed one after the other.
        let now = |name: &UserName, change: &Change| {
            change.users.get(name).or_else(|| there.get(name)).and_then(Option::clone)
        };
        match (now(from, change), now(to, change)) {
            (Some(record), None) => {
                of_sql(from, &record)?;
                change.users.insert(from.clone(), None);
                change.set(to, record);
            }
            _ => {
                let detail = format!("RENAME USER failed for '{from}'@'%'");
                return Err(ErrorId::UserOperation.with(detail));
            }
        }
    }
    Ok(())
}

/// The role that is granted at exactly this level.
fn held(grants: &Grants, on: &Level) -> Option<DataRole> {
    match on {
        Level::Everywhere => grants.everywhere,
        Level::Keyspace(name) => grants.keyspaces.get(name).copied(),
    }
}

fn hold(grants: &mut Grants, on: &Level, role: Option<DataRole>) {
    match (on, role) {
        (Level::Everywhere, role) => grants.everywhere = role,
        (Level::Keyspace(name), Some(role)) => drop(grants.keyspaces.insert(name.clone(), role)),
        (Level::Keyspace(name), None) => drop(grants.keyspaces.remove(name)),
    }
}

fn revoke(
    record: Option<&UserRecord>,
    (privileges, on): (&Privileges, Option<&Level>),
    name: &UserName,
) -> Result<UserRecord, ClientError> {
    let Some(on) = on else {
        let mut record = of_sql(name, record.ok_or_else(|| ErrorId::CannotRevokeAll.plain())?)?.clone();
        record.grants = Grants::default();
        return Ok(record);
    };
    let no_grant = || ErrorId::NoSuchGrant.with(format_args!("'{name}' on host '%'"));
    let mut record = of_sql(name, record.ok_or_else(no_grant)?)?.clone();
    let role = held(&record.grants, on);
    if role.is_none() && matches!(on, Level::Keyspace(_)) {
        return Err(no_grant());
    }
    hold(&mut record.grants, on, privileges.taken_from(role, (on, name))?);
    Ok(record)
}

#[cfg(test)]
mod tests;
