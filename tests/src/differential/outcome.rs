//! What a client sees of one statement.

use std::fmt;

/// The answer to one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A result set.
    Rows {
        /// Its columns.
        columns: Vec<ColumnSeen>,
        /// Its rows, as the text protocol sends them; `None` is NULL.
        rows: Vec<RowSeen>,
        /// The warning count at its end.
        warnings: u16,
    },
    /// An OK packet.
    Done(DoneSeen),
    /// An error packet.
    Failed(ErrorSeen),
}

/// One row, each value in the bytes of the text protocol.
pub type RowSeen = Vec<Option<Vec<u8>>>;

/// The definition of a column, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSeen {
    /// Schema, table, original table and original name, joined by dots.
    pub origin: String,
    /// The name that the client shows.
    pub name: String,
    /// Name of the protocol's type.
    pub kind: String,
    /// The flag bits.
    pub flags: u16,
    /// Number of the collation.
    pub charset: u16,
    /// Length in bytes.
    pub length: u32,
    /// Digits after the point.
    pub decimals: u8,
}

/// The content of an OK packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoneSeen {
    /// Rows that were changed.
    pub affected_rows: u64,
    /// The number that AUTO_INCREMENT or LAST_INSERT_ID(n) gave, or 0.
    pub last_insert_id: u64,
    /// The warning count.
    pub warnings: u16,
    /// The text, such as `Records: 2  Duplicates: 0  Warnings: 0`.
    pub info: String,
}

/// The content of an error packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorSeen {
    /// Such as 1062.
    pub code: u16,
    /// Such as `23000`.
    pub sqlstate: String,
    /// The text.
    pub text: String,
}

impl Outcome {
    /// The id of Shoal's own error, such as `SH2001`, that ends the text of a refusal.
    pub fn shoal_error(&self) -> Option<&str> {
        let Self::Failed(error) = self else { return None };
        let id = error.text.strip_suffix(')')?.rsplit_once("(SH")?.1;
        (id.len() == 4 && id.bytes().all(|b| b.is_ascii_digit()))
            .then(|| &error.text[error.text.len() - 7..error.text.len() - 1])
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { columns, rows, .. } => {
                write!(f, "{} rows of {} columns", rows.len(), columns.len())
            }
            Self::Done(done) => write!(f, "OK, {} rows affected", done.affected_rows),
            Self::Failed(error) => write!(f, "ERROR {} ({}): {}", error.code, error.sqlstate, error.text),
        }
    }
}
