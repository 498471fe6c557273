//! What takes too long for `make test`; `make soak` runs it.
//!
//! Every test prints its figures; `--nocapture` shows them.

mod diverged;
mod sysbench;
