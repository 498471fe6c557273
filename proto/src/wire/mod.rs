//! The MySQL client/server protocol, both sides, as far as Shoal speaks it.
//!
//! ```text
//!   stream       TCP, plain or inside TLS
//!   connection   a stream with a read buffer, cut into packets in place
//!   packet       framing: 3-byte length, sequence id, continuation at 0xffffff bytes
//!   handshake    the server's greeting and the client's answer
//!   auth         caching_sha2_password: scrambles, and full authentication by RSA
//!   login        the client side: from a connected socket to a logged-in connection
//!   prepared     values of prepared statements, and what a server says of one
//!   query        one statement and its rows as text, for programs that ask a gate a few questions
//!   response     finds where a response ends without decoding its rows
//!   reply        writes OK, ERR and result sets of our own
//!   result       result sets of our own with types
//! ```
//!
//! Facts are from the MySQL source documentation, "Client/Server Protocol".

pub mod auth;
pub mod connection;
pub mod handshake;
pub mod login;
pub mod packet;
pub mod prepared;
pub mod query;
pub mod reply;
pub mod response;
pub mod result;
mod stream;

pub use mysql_common::constants::{CapabilityFlags, ColumnFlags, ColumnType, StatusFlags};

/// Command bytes that Shoal knows by name.
pub mod command {
    /// Ends the connection.
    pub const QUIT: u8 = 0x01;
    /// Selects the default database.
    pub const INIT_DB: u8 = 0x02;
    /// A statement as text.
    pub const QUERY: u8 = 0x03;
    /// A line of figures about the server.
    pub const STATISTICS: u8 = 0x09;
    /// Is the server alive?
    pub const PING: u8 = 0x0e;
    /// Ends the session and begins another one as another user.
    pub const CHANGE_USER: u8 = 0x11;
    /// Prepares a statement.
    pub const STMT_PREPARE: u8 = 0x16;
    /// Executes a prepared statement.
    pub const STMT_EXECUTE: u8 = 0x17;
    /// Sends a long parameter of a prepared statement; has no answer.
    pub const STMT_SEND_LONG_DATA: u8 = 0x18;
    /// Forgets a prepared statement; has no answer.
    pub const STMT_CLOSE: u8 = 0x19;
    /// Forgets what was sent of a prepared statement's values.
    pub const STMT_RESET: u8 = 0x1a;
    /// Whether several statements may come in one packet.
    pub const SET_OPTION: u8 = 0x1b;
    /// Rows of a cursor.
    pub const STMT_FETCH: u8 = 0x1c;
    /// Makes the session as it was after its login.
    pub const RESET_CONNECTION: u8 = 0x1f;
}
