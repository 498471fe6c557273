//! A statement in other words.

use proto::errors::ClientError;

/// How a statement is put in other words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// What is replaced, in order and without overlaps.
    pub pieces: Vec<Piece>,
    /// What the client is told of it, each a row of the error table.
    pub notes: Vec<ClientError>,
}

/// A piece of the client's text that something else is put in place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// First byte.
    pub start: usize,
    /// First byte after it; the same as `start` where something is only put in.
    pub end: usize,
    /// What is put there.
    pub by: By,
}

/// What is put into a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// This text.
    Text(String),
    /// A fact of the session, as a literal.
    Value(SessionValue),
}

/// What a statement may ask of its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionValue {
    /// Who logged in, and from where.
    User,
    /// The account that they are.
    CurrentUser,
    /// Their active roles, of which there are none.
    CurrentRole,
    /// The number of the connection.
    ConnectionId,
    /// The first number that the last INSERT made, as what it is in MySQL: an unsigned number.
    LastInsertId,
    /// The same in plain digits, where nothing is computed from it.
    LastInsertIdDigits,
    /// A user variable.
    UserVariable {
        /// Its name, in lower case.
        name: String,
        /// Whether it stands for itself, with its type; else as a plain literal, which rows are found by.
        typed: bool,
    },
}

/// A SET of user variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetVariables {
    /// Their names, in lower case.
    pub names: Vec<String>,
    /// The SELECT whose only row has their values.
    pub query: String,
    /// What the statement sets besides.
    pub rest: Option<String>,
}

/// The statement with its pieces replaced; they stand in order and do not overlap.
pub fn rewritten(sql: &[u8], pieces: &[Piece], value: impl Fn(&SessionValue) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(sql.len() + 64);
    let mut at = 0;
    for piece in pieces {
        out.extend_from_slice(&sql[at..piece.start]);
        match &piece.by {
            By::Text(text) => out.extend_from_slice(text.as_bytes()),
            By::Value(what) => out.extend_from_slice(value(what).as_bytes()),
        }
        at = piece.end;
    }
    out.extend_from_slice(&sql[at..]);
    out
}
