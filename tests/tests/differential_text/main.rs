//! The collations of `topo` beside those of a real MySQL: the weights of every character, and of strings; and the tables
//! of them, written anew.

mod characters;
mod strings;
mod tables;
