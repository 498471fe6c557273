//! Who may do what: the rights of a session's user, and the statements by which users and rights change.
//!
//! Pure but for nothing: the topology is read and written by `executor::accounts`.

pub mod rights;
