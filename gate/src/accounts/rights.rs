//! What a session's user may do, as the newest snapshot has it.

use std::fmt;

use proto::account::DataRole;
use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use topo::records::Grants;
use topo::snapshot::Snapshot;

/// Who a session belongs to, and what they may do. It follows the topology from statement to statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    user: String,
    grants: Grants,
    /// The state of all users that `grants` was read from.
    users_version: u64,
}

/// What a look at a newer snapshot found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Nothing new for this user.
    Same,
    /// The user may do other things now.
    Changed,
}

impl Rights {
    /// Of a user who logs in; `None`: there is none of this name.
    pub fn of(user: &str, snapshot: &Snapshot) -> Option<Self> {
        let record = snapshot.user(user)?;
        Some(Self {
            user: user.to_owned(),
            grants: record.grants.clone(),
            users_version: snapshot.users_version(),
        })
    }

    /// The rights that the snapshot gives; an error if the user is gone.
    pub fn follow(&mut self, snapshot: &Snapshot) -> Result<Followed, ClientError> {
        if snapshot.users_version() == self.users_version {
            return Ok(Followed::Same);
        }
        let now = &snapshot.user(&self.user).ok_or_else(|| ErrorId::UserGone.with(&self.user))?.grants;
        self.users_version = snapshot.users_version();
        if *now == self.grants {
            return Ok(Followed::Same);
        }
        self.grants = now.clone();
        Ok(Followed::Changed)
    }

    /// Somebody who may do everything.
    #[cfg(test)]
    pub(crate) fn admin(user: &str) -> Self {
        Self { user: user.to_owned(), grants: Grants::everywhere(DataRole::Admin), users_version: 0 }
    }

    /// The same user with these rights.
    #[cfg(test)]
    pub(crate) fn with(self, grants: Grants) -> Self {
        Self { grants, ..self }
    }

    /// The name that the user logged in with.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// All that the user may do.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Whether the user may know of the keyspace.
    pub fn may_see(&self, keyspace: &KeyspaceName) -> bool {
        self.grants.role(keyspace).is_some()
    }

    /// As what the user acts in the keyspace.
    pub fn role(&self, keyspace: &KeyspaceName) -> Result<DataRole, ClientError> {
        self.grants.role(keyspace).ok_or_else(|| self.denied(keyspace))
    }

    /// MySQL's error for a database that the user has no rights in, whether there is one of this name or not.
    pub fn denied(&self, database: impl fmt::Display) -> ClientError {
        ErrorId::DatabaseDenied.with(format_args!("'{}'@'%' to database '{database}'", self.user))
    }

    /// The keyspace of a name, which becomes the default database.
    pub fn database(&self, name: &str, snapshot: &Snapshot) -> Result<KeyspaceName, ClientError> {
        let keyspace = snapshot.keyspace(name).ok_or_else(|| self.unknown(name))?;
        self.role(&keyspace.name).map(|_| keyspace.name.clone())
    }

    /// The error for a name that is no keyspace's: who may not see all of them is not told which there are.
    pub fn unknown(&self, database: &str) -> ClientError {
        match self.grants.everywhere {
            Some(_) => ErrorId::UnknownDatabase.with(database),
            None => self.denied(database),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use topo::Topology;
    use topo::records::UserRecord;
    use topo::snapshot::SnapshotFeed;
    use topo::store::MemoryStore;

    use super::*;

    fn name(text: &str) -> KeyspaceName {
        text.parse().unwrap()
    }

    fn grants(everywhere: Option<DataRole>, keyspaces: &[(&str, DataRole)]) -> Grants {
        let keyspaces = keyspaces.iter().map(|(keyspace, role)| (name(keyspace), *role)).collect();
        Grants { everywhere, keyspaces }
    }

    #[tokio::test]
    async fn rights_follow_the_topology_and_end_with_the_user() {
        use DataRole::{Admin, Read, Write};
        let topology = Topology::new(Arc::new(MemoryStore::new()), "shop");
        let feed = SnapshotFeed::start(&topology).await.unwrap();
        let key = topology.keys().user("ann");
        let mut record = UserRecord::new("x", Read).unwrap();
        let mut rights: Option<Rights> = None;
        let steps = [
            (grants(None, &[("shop", Write)]), Followed::Same),
            (grants(None, &[("shop", Write), ("main", Read)]), Followed::Changed),
            (grants(Some(Write), &[]), Followed::Changed),
            (grants(Some(Read), &[("shop", Write)]), Followed::Changed),
            (grants(Some(Read), &[("shop", Admin)]), Followed::Changed),
            (grants(Some(Read), &[("shop", Write)]), Followed::Changed),
            (grants(None, &[]), Followed::Changed),
        ];
        for (granted, expected) in steps {
            record.grants = granted;
            let revision = topology.put(&key, &record).await.unwrap();
            let snapshot = feed.at_least(revision, Duration::from_secs(5)).await.unwrap();
            match &mut rights {
                None => rights = Rights::of("ann", &snapshot),
                Some(rights) => {
                    assert_eq!(rights.follow(&snapshot).unwrap(), expected, "{:?}", record.grants);
                    assert_eq!(rights.grants(), &record.grants);
                    assert_eq!(rights.follow(&snapshot).unwrap(), Followed::Same);
                }
            }
        }
        let mut rights = rights.unwrap();
        assert!(!rights.may_see(&name("shop")));
        let denied = rights.role(&name("shop")).unwrap_err();
        assert_eq!(denied.message(), "Access denied for user 'ann'@'%' to database 'shop'");
        topology.delete(&key).await.unwrap();
        let revision = topology.put(&topology.keys().user("other"), &record).await.unwrap();
        let snapshot = feed.at_least(revision, Duration::from_secs(5)).await.unwrap();
        assert_eq!(rights.follow(&snapshot).unwrap_err().id, ErrorId::UserGone);
        assert_eq!(Rights::of("ann", &snapshot), None);
    }
}
