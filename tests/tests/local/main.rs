//! The real `shoal local`: a whole cluster that starts, survives and ends.

mod bad_input;
mod bed;
mod changes;
mod ephemeral;
mod kills;
mod life;
mod replicas;
mod schema;
mod tools;
