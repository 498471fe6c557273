//! What has to be done to a keyspace so that its tables are as a file says.
//!
//! ```text
//!   file ─ statements ─► scratch database ─ SHOW CREATE TABLE ─┐
//!                                                              ├─► diff (pure) ─► steps ─► proved on empty copies,
//!   keyspace ────────────────────────────── SHOW CREATE TABLE ─┘                           shown, or executed
//! ```
//!
//! MySQL itself reads the file and writes both sides, so that what is compared is spelt alike; and all steps are
//! tried on empty copies of the tables before they are shown: what does not lead there is never proposed.

pub(crate) mod diff;
pub(crate) mod session;
pub(crate) mod statements;
pub(crate) mod table;
pub(crate) mod work;
