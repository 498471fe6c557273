//! Users and rights, in the topology.

use proto::errors::{ClientError, ErrorId};
use proto::ids::UserName;
use topo::TopologyError;
use topo::records::{UserRecord, hash_password};
use topo::store::{Compare, Outcome};
use topo::topology::{Stored, Transaction};

use crate::accounts::change::{Change, Users, change};
use crate::accounts::statement::AccountStatement;
use crate::limits::{USER_CHANGE_ATTEMPTS, USER_SEEN_TIMEOUT};
use crate::worker::Shared;

/// Makes the change that the statement asks for; gives what the client is told besides OK.
pub async fn run(
    shared: &Shared,
    statement: &AccountStatement,
    current: &UserName,
) -> Result<Vec<ClientError>, ClientError> {
    let hashes = hashes(statement).await?;
    for _ in 0..USER_CHANGE_ATTEMPTS {
        let mut users = Users::new();
        let mut compares = Vec::new();
        for name in statement.users(current) {
            let key = shared.topology.keys().user(name.as_str());
            let stored = read(shared, &name).await?;
            compares.push(match &stored {
                Some(stored) => Compare::Unchanged(key, stored.revision),
                None => Compare::Absent(key),
            });
            users.insert(name, stored.map(|stored| stored.value));
        }
        let Change { users, notes } = change(statement, &hashes, current, &users)?;
        if users.is_empty() {
            return Ok(notes);
        }
        let transaction = transaction(shared, users, compares)?;
        match shared.topology.commit(transaction).await {
            Ok(Outcome::Committed(revision)) => {
                // The client's next statement, and its next login here, follow the change. If this gate is cut off
                // from the topology, they do when it is back.
                let _ = shared.feed.at_least(revision, USER_SEEN_TIMEOUT).await;
                return Ok(notes);
            }
            // Somebody else changed the same users: the statement is about those that are there now.
            Ok(Outcome::Conflict) => {}
            Err(_) => return Err(ErrorId::UsersUncertain.plain()),
        }
    }
    Err(ErrorId::TopologyUnavailable.plain())
}

/// The user as the topology has them now.
pub async fn read(shared: &Shared, name: &UserName) -> Result<Option<Stored<UserRecord>>, ClientError> {
    let key = shared.topology.keys().user(name.as_str());
    shared.topology.read(&key).await.map_err(|error| match error {
        TopologyError::Store(_) => ErrorId::TopologyUnavailable.plain(),
        TopologyError::Record(error) => ErrorId::Internal.with(error),
    })
}

fn transaction(shared: &Shared, users: Users, compares: Vec<Compare>) -> Result<Transaction, ClientError> {
    let mut transaction = compares.into_iter().fold(Transaction::new(), Transaction::only_if);
    for (name, record) in users {
        let key = shared.topology.keys().user(name.as_str());
        transaction = match record {
            Some(record) => transaction.put(&key, &record).map_err(|error| ErrorId::Internal.with(error))?,
            None => transaction.delete(&key),
        };
    }
    Ok(transaction)
}

/// The hashes of the statement's passwords. They take milliseconds each, on purpose: not on a thread that serves.
async fn hashes(statement: &AccountStatement) -> Result<Vec<String>, ClientError> {
    let passwords: Vec<String> =
        statement.passwords().into_iter().map(|password| password.0.clone()).collect();
    let hashed =
        move || passwords.iter().map(|password| hash_password(password)).collect::<Result<Vec<_>, _>>();
    match tokio::task::spawn_blocking(hashed).await {
        // The error tells of the password's length at most.
        Ok(hashes) => hashes.map_err(|error| ErrorId::AccountForm.with(error)),
        Err(_) => Err(ErrorId::Internal.with("a password could not be hashed")),
    }
}
