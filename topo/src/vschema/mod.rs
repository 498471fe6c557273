//! What a vschema means: Vitess' JSON in and out, and what Shoal makes of each word of it.
//!
//! ```text
//!   JSON ── json::read ─► Document ─┐
//!   ALTER VSCHEMA ── change ────────┴─► VschemaRecord ─► report    used, kept, refused
//!                                            │     └───► placement  which rows would lie elsewhere
//!   JSON ◄── json::write ────────────────────┘
//! ```
//!
//! All of it is pure. Who writes the record asks `report` for what is refused, and `placement` for the tables that
//! must have no rows.

mod change;
mod json;
mod kind;
mod placement;
mod report;

pub use change::{Change, ChangeError, VindexSpec};
pub use json::{Document, read, read_value, write};
pub use kind::{Standing, standing, vindex_kinds};
pub use placement::moved_tables;
pub use report::{Finding, Setting, Verdict, new_findings, report};

/// Parts of a vschema that are kept in a record under Vitess' own names.
pub(crate) mod word {
    /// A keyspace ID that all rows of a table lie by.
    pub(crate) const PINNED: &str = "pinned";
    /// Columns of a table.
    pub(crate) const COLUMNS: &str = "columns";
    /// Whether those are all.
    pub(crate) const COLUMN_LIST_AUTHORITATIVE: &str = "column_list_authoritative";
    /// Where the rows of a reference table come from.
    pub(crate) const SOURCE: &str = "source";
    /// Whether a table is found only by its keyspace.
    pub(crate) const REQUIRE_EXPLICIT_ROUTING: &str = "require_explicit_routing";
    /// What becomes of foreign keys.
    pub(crate) const FOREIGN_KEY_MODE: &str = "foreign_key_mode";
    /// How tenants are told apart.
    pub(crate) const MULTI_TENANT_SPEC: &str = "multi_tenant_spec";
}

#[cfg(test)]
mod tests;
