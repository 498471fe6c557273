//! Programs of the previous version beside today's control: an upgrade changes one program at a time,
//! and in between the cluster serves.

mod bed;
mod folder;
mod mixes;
