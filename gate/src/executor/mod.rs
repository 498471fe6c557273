//! Does what a plan says. Knows nothing of SQL: it sends the client's bytes, or questions of its own.

pub mod accounts;
pub mod concat;
pub mod control;
pub mod done;
pub mod explain;
pub mod insert;
pub mod line;
pub mod many;
pub mod numbers;
pub mod relay;
pub mod route;
pub mod schema_change;
pub mod table_status;
pub mod vschema_change;
