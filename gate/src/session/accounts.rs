//! Statements about users and rights.

use proto::errors::{ClientError, ErrorId};
use proto::ids::UserName;
use proto::wire::result::{ResultColumn, ResultRow};
use topo::records::UserRecord;

use super::held::Next;
use super::{Session, SessionEnd};
use crate::accounts::change::allow;
use crate::accounts::shown;
use crate::accounts::statement::{AccountStatement, Subject};
use crate::executor::accounts;

impl Session {
    /// Does what the statement asks for, if the session's user may ask for it.
    pub(super) async fn account_statement(
        &mut self,
        statement: &AccountStatement,
    ) -> Result<Next, SessionEnd> {
        let done = match (allow(statement, &self.rights), statement) {
            (Err(error), _) => Err(error),
            (Ok(()), AccountStatement::ShowGrants(subject)) => self.grants_of(subject).await,
            (Ok(()), AccountStatement::ShowCreate(subject)) => self.creation_of(subject).await,
            (Ok(()), statement) => match self.current_user() {
                Ok(current) => {
                    let notes = accounts::run(&self.worker.shared, statement, &current).await;
                    notes.map(|notes| {
                        notes.iter().for_each(|note| self.warnings.note(note));
                        None
                    })
                }
                Err(error) => Err(error),
            },
        };
        match done {
            Ok(None) => self.answer_ok().await?,
            Ok(Some((title, rows))) => {
                let longest = rows.iter().map(|row| row.chars().count()).max().unwrap_or_default();
                let column = ResultColumn::text(title, u32::try_from(longest).unwrap_or(u32::MAX));
                let rows: Vec<ResultRow> = rows.into_iter().map(|row| vec![Some(row)]).collect();
                self.answer_result(&[column], &rows).await?;
            }
            Err(error) => self.answer_error(&error).await?,
        }
        Ok(Next::Answered)
    }

    /// The title and the rows of SHOW GRANTS.
    async fn grants_of(&self, subject: &Subject) -> Result<Option<(String, Vec<String>)>, ClientError> {
        let (name, grants) = match subject {
            Subject::Current => (self.rights.user().to_owned(), self.rights.grants().clone()),
            Subject::Named(name) => {
                let absent = || ErrorId::NoSuchGrant.with(format_args!("'{name}' on host '%'"));
                (name.to_string(), self.stored(name).await?.ok_or_else(absent)?.grants)
            }
        };
        Ok(Some((format!("Grants for {name}@%"), shown::grants(&name, &grants))))
    }

    async fn creation_of(&self, subject: &Subject) -> Result<Option<(String, Vec<String>)>, ClientError> {
        let name = match subject {
            Subject::Current => self.rights.user().to_owned(),
            Subject::Named(name) => {
                let detail =
                    format!("SHOW CREATE USER failed for '{name}'@'%' (User account does not exist)");
                self.stored(name).await?.ok_or_else(|| ErrorId::UserOperation.with(detail))?;
                name.to_string()
            }
        };
        Ok(Some((format!("CREATE USER for {name}@%"), vec![shown::created(&name)])))
    }

    async fn stored(&self, name: &UserName) -> Result<Option<UserRecord>, ClientError> {
        let stored = accounts::read(&self.worker.shared, name).await?;
        Ok(stored.map(|stored| stored.value))
    }

    fn current_user(&self) -> Result<UserName, ClientError> {
        self.rights.user().parse().map_err(|invalid| ErrorId::AccountForm.with(invalid))
    }
}
