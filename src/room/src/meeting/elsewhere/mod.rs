//! What meetings on somebody else's server have in common, whatever program runs there.

pub mod chat;
pub mod device;
pub mod event;
pub mod failure;
pub mod link;
pub mod link_error;
pub mod server_address;
pub mod socket;
pub mod stage;
