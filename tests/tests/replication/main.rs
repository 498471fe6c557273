//! What the tablet does to real mysqlds: following, acknowledging, fencing, copying.

mod bed;
mod copy;
mod fence;
mod follow;
mod heartbeat;
mod log;
mod tls;
