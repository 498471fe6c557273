//! Reading SQL: bytes → fingerprint → kind of statement → syntax tree.
//!
//! Everything here is pure: no topology, no sockets, no state between statements.

pub mod alter_vschema;
pub mod character_set;
pub mod fingerprint;
pub mod function;
pub mod kind;
pub mod lexeme;
pub mod literal;
pub mod parameter;
pub mod parse;
pub mod rows;
pub mod tokens;
pub mod words;
