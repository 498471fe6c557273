//! Real `shoal-tablet`s with real mysqlds and an etcd.

mod accounts;
mod bad_input;
mod bed;
mod copies;
mod life;
mod readers;
mod replicas;
mod role;
mod shard;
mod waiting;
