//! What MySQL puts in the place of each character when it compares text: read from a server, to make the tables of
//! `topo` from and to compare them with.

pub mod loose;
pub mod pack;
pub mod server;
