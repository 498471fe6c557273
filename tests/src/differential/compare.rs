//! The comparer: every way in which two outcomes of a statement can differ.

use std::fmt;

use super::outcome::{ColumnSeen, DoneSeen, ErrorSeen, Outcome, RowSeen};

/// How many unequal rows an explanation shows.
const SHOWN_ROWS: usize = 3;

/// Whether the order of rows counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The statement orders its rows.
    Kept,
    /// It does not.
    Free,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aspect {
    /// One gives rows, the other an OK or an error.
    Shape,
    /// Number of columns.
    ColumnCount,
    /// Name of a column.
    ColumnName,
    /// Schema, table or original name of a column.
    ColumnOrigin,
    /// Type of a column.
    ColumnType,
    /// Flags of a column.
    ColumnFlags,
    /// Collation of a column.
    ColumnCharset,
    /// Length of a column.
    ColumnLength,
    /// Decimals of a column.
    ColumnDecimals,
    /// Number of rows.
    RowCount,
    /// Content of rows.
    Rows,
    /// The rows are the same, their order is not.
    RowOrder,
    /// Affected rows.
    AffectedRows,
    /// Last insert id.
    LastInsertId,
    /// Warning count.
    Warnings,
    /// Text of an OK packet.
    Info,
    /// Error code.
    ErrorCode,
    /// SQLSTATE.
    SqlState,
    /// Error text.
    ErrorText,
}

/// One difference, with both sides shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub aspect: Aspect,
    /// Judge and subject, for people.
    pub shown: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.aspect, self.shown)
    }
}

/// All differences of the subject's outcome from the judge's.
pub fn compare(judge: &Outcome, subject: &Outcome, order: Order) -> Vec<Difference> {
    let mut found = Findings(Vec::new());
    match (judge, subject) {
        (
            Outcome::Rows { columns, rows, warnings },
            Outcome::Rows { columns: columns2, rows: rows2, warnings: warnings2 },
        ) => {
            found.columns(columns, columns2);
            found.rows(rows, rows2, order);
            found.unequal(Aspect::Warnings, "", warnings, warnings2);
        }
        (Outcome::Done(done), Outcome::Done(done2)) => found.done(done, done2),
        (Outcome::Failed(error), Outcome::Failed(error2)) => found.errors(error, error2),
        _ => found.add(Aspect::Shape, format!("judge: {judge}; subject: {subject}")),
    }
    found.0
}

struct Findings(Vec<Difference>);

impl Findings {
    fn add(&mut self, aspect: Aspect, shown: String) {
        self.0.push(Difference { aspect, shown });
    }

    fn unequal<T: PartialEq + fmt::Debug>(&mut self, aspect: Aspect, of: &str, judge: T, subject: T) {
        if judge != subject {
            let of = if of.is_empty() { String::new() } else { format!("column {of}: ") };
            self.add(aspect, format!("{of}judge {judge:?}, subject {subject:?}"));
        }
    }

    fn columns(&mut self, judge: &[ColumnSeen], subject: &[ColumnSeen]) {
        self.unequal(Aspect::ColumnCount, "", judge.len(), subject.len());
        for (a, b) in judge.iter().zip(subject) {
            self.unequal(Aspect::ColumnName, &a.name, &a.name, &b.name);
            self.unequal(Aspect::ColumnOrigin, &a.name, &a.origin, &b.origin);
            self.unequal(Aspect::ColumnType, &a.name, &a.kind, &b.kind);
            self.unequal(Aspect::ColumnFlags, &a.name, a.flags, b.flags);
            self.unequal(Aspect::ColumnCharset, &a.name, a.charset, b.charset);
            self.unequal(Aspect::ColumnLength, &a.name, a.length, b.length);
            self.unequal(Aspect::ColumnDecimals, &a.name, a.decimals, b.decimals);
        }
    }

    fn rows(&mut self, judge: &[RowSeen], subject: &[RowSeen], order: Order) {
        self.unequal(Aspect::RowCount, "", judge.len(), subject.len());
        if judge == subject {
            return;
        }
        let (mut sorted, mut sorted2) = (judge.to_vec(), subject.to_vec());
        sorted.sort();
        sorted2.sort();
        if sorted != sorted2 {
            let (only, only2) = (without(&sorted, &sorted2), without(&sorted2, &sorted));
            self.add(Aspect::Rows, format!("only judge: {}; only subject: {}", show(&only), show(&only2)));
        } else if order == Order::Kept {
            self.add(Aspect::RowOrder, format!("judge: {}; subject: {}", show(judge), show(subject)));
        }
    }

    fn done(&mut self, judge: &DoneSeen, subject: &DoneSeen) {
        self.unequal(Aspect::AffectedRows, "", judge.affected_rows, subject.affected_rows);
        self.unequal(Aspect::LastInsertId, "", judge.last_insert_id, subject.last_insert_id);
        self.unequal(Aspect::Warnings, "", judge.warnings, subject.warnings);
        self.unequal(Aspect::Info, "", &judge.info, &subject.info);
    }

    fn errors(&mut self, judge: &ErrorSeen, subject: &ErrorSeen) {
        self.unequal(Aspect::ErrorCode, "", judge.code, subject.code);
        self.unequal(Aspect::SqlState, "", &judge.sqlstate, &subject.sqlstate);
        self.unequal(Aspect::ErrorText, "", &judge.text, &subject.text);
    }
}

/// The rows of `these` that `those` lacks, counted: both are sorted.
fn without(these: &[RowSeen], those: &[RowSeen]) -> Vec<RowSeen> {
    let mut left = Vec::new();
    let mut rest = those.iter().peekable();
    for row in these {
        while rest.next_if(|other| *other < row).is_some() {}
        if rest.next_if(|other| *other == row).is_none() {
            left.push(row.clone());
        }
    }
    left
}

fn show(rows: &[RowSeen]) -> String {
    let value = |value: &Option<Vec<u8>>| match value {
        None => "NULL".to_owned(),
        Some(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
    };
    let row = |row: &RowSeen| format!("({})", row.iter().map(value).collect::<Vec<_>>().join(", "));
    let shown: Vec<String> = rows.iter().take(SHOWN_ROWS).map(row).collect();
    let more = if rows.len() > SHOWN_ROWS {
        format!(" and {} more", rows.len() - SHOWN_ROWS)
    } else {
        String::new()
    };
    format!("[{}]{more}", shown.join(" "))
}
