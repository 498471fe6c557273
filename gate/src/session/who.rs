//! Who a client is, as its statements may ask.

use super::inserted::LastInserted;
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
    pub(super) fn literal(&self, value: SessionValue, inserted: LastInserted) -> String {
        match value {
            SessionValue::User => string(&format!("{}@{}", self.user, self.host)),
            // Users are known by name alone, wherever they come from.
            SessionValue::CurrentUser => string(&format!("{}@%", self.user)),
            SessionValue::CurrentRole => string("NONE"),
            SessionValue::ConnectionId => format!("CAST({} AS UNSIGNED)", self.connection),
            SessionValue::LastInsertId => format!("CAST({} AS UNSIGNED)", inserted.get()),
            SessionValue::LastInsertIdDigits => inserted.get().to_string(),
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
        assert_eq!(who("app").literal(SessionValue::User, none), "'app@::1'");
        assert_eq!(who("app").literal(SessionValue::CurrentUser, none), "'app@%'");
        assert_eq!(who("app").literal(SessionValue::ConnectionId, none), "CAST(7 AS UNSIGNED)");
        assert_eq!(who("a'b").literal(SessionValue::CurrentUser, none), "_utf8mb4 x'6127624025'");
        assert_eq!(who("ä").literal(SessionValue::CurrentUser, none), "_utf8mb4 x'c3a44025'");
    }
}
