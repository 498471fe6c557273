//! A real `shoal-tablet` with a real mysqld and etcd.

mod accounts;
mod bad_input;
mod bed;
mod life;
mod role;
