//! Who a client is, as its statements may ask.

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;

use super::inserted::LastInserted;
use super::variables::UserVariables;
use crate::accounts::denied;
use crate::executor::control::Row;
use crate::plan::SessionValue;

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    /// The user.
    pub(super) user: String,
    /// The address that the client connects from.
    pub(super) host: String,
    /// Number of the connection, as the greeting told it.
    pub(super) connection: u32,
}

impl Who {
    /// A fact as a literal of SQL, with the type that MySQL gives it.
    pub(super) fn literal(
        &self,
        value: &SessionValue,
        inserted: LastInserted,
        variables: &UserVariables,
    ) -> String {
        match value {
            SessionValue::User => string(&format!("{}@{}", self.user, self.host)),
            // Users are known by name alone, wherever they come from.
            SessionValue::CurrentUser => string(&format!("{}@%", self.user)),
            SessionValue::CurrentRole => string("NONE"),
            SessionValue::ConnectionId => format!("CAST({} AS UNSIGNED)", self.connection),
            SessionValue::LastInsertId => format!("CAST({} AS UNSIGNED)", inserted.get()),
            SessionValue::LastInsertIdDigits => inserted.get().to_string(),
            SessionValue::UserVariable { name, typed: true } => variables.typed(name),
            SessionValue::UserVariable { name, typed: false } => variables.plain(name),
        }
    }
}

impl Who {
    /// An error packet of MySQL's, with this user in the place of the account behind.
    pub(super) fn told(&self, packet: Vec<u8>) -> Vec<u8> {
        denied::packet_for(&packet, &self.user, &self.host).unwrap_or(packet)
    }

    /// The same for rows of SHOW WARNINGS.
    pub(super) fn told_rows(&self, mut rows: Vec<Row>) -> Vec<Row> {
        for row in &mut rows {
            if let [_, Some(code), Some(text)] = row.as_mut_slice()
                && let Ok(code) = code.parse()
                && let Some(told) = denied::text_for(code, text, &self.user, &self.host)
            {
                *text = told;
            }
        }
        rows
    }

    /// MySQL's error for one who may not do this to a table, or change the database at all.
    pub(super) fn denied(&self, database: &KeyspaceName, (verb, table): (&str, Option<&str>)) -> ClientError {
        let user = &self.user;
        match table {
            Some(table) => ErrorId::RoleTooWeak.with(format_args!(
                "{verb} command denied to user '{user}'@'{}' for table '{table}'",
                self.host
            )),
            None => ErrorId::DatabaseDenied.with(format_args!("'{user}'@'%' to database '{database}'")),
        }
    }
}

/// In quotes where every client character set means the same by it, else by its bytes.
fn string(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\'' | b'"' | b'\\');
    if text.bytes().all(plain) {
        return format!("'{text}'");
    }
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("_utf8mb4 x'{digits}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_literals_that_nothing_breaks_out_of() {
        let who = |user: &str| Who { user: user.into(), host: "::1".into(), connection: 7 };
        let none = LastInserted::default();
        assert_eq!(who("app").literal(&SessionValue::User, none, &UserVariables::default()), "'app@::1'");
        assert_eq!(
            who("app").literal(&SessionValue::CurrentUser, none, &UserVariables::default()),
            "'app@%'"
        );
        assert_eq!(
            who("app").literal(&SessionValue::ConnectionId, none, &UserVariables::default()),
            "CAST(7 AS UNSIGNED)"
        );
        assert_eq!(
            who("a'b").literal(&SessionValue::CurrentUser, none, &UserVariables::default()),
            "_utf8mb4 x'6127624025'"
        );
        assert_eq!(
            who("ä").literal(&SessionValue::CurrentUser, none, &UserVariables::default()),
            "_utf8mb4 x'c3a44025'"
        );
    }
}
