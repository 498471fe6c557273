//! A real cluster, started by the command that people use.
