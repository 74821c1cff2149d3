//! What every process of Subrosa does the same way: how it starts, where its sockets are, who may connect.

pub mod peer;
pub mod reach;
pub mod run_dir;
pub mod share;
pub mod start;
pub mod users;
