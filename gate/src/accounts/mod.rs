//! Who may do what: the rights of a session's user, and the statements by which users and rights change.
//!
//! ```text
//!   text ─ read ─► AccountStatement ─ change (users as they are) ─► users as they are to be, or MySQL's error
//! ```
//!
//! Pure: `executor::accounts` reads and writes the topology. The text of such a statement may hold a password: it is
//! kept nowhere, shown to no mysqld, and stands in no error.

pub mod change;
pub mod denied;
pub mod privileges;
pub mod read;
pub mod rights;
pub mod shown;
pub mod statement;
mod tokens;
