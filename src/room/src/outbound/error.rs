//! What goes wrong on the way out.

/// Why there is no connection, or no answer. Nothing of what was sent is in it: it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum OutboundError {
    /// The address is on another host than the one that was declared.
    #[error("a host that was not declared for this meeting; it is not contacted")]
    NotDeclared,
    /// The address or what answers there is without TLS.
    #[error("the server wants to talk without encryption; whoever runs it can change that")]
    Unencrypted,
    /// The name has no address.
    #[error("no address for the server's name; look at the link and at the network's name service")]
    NoAddress,
    /// No address of it takes a connection.
    #[error("the server takes no connection; look at the network and its firewall, or try later")]
    NoConnection,
    /// It did not come, or did not answer, in time.
    #[error("the server does not answer in time; try later")]
    Late,
    /// Its certificate is not one for its name from an authority that is trusted.
    #[error("the server's certificate cannot be trusted; do not join, and tell whoever runs it")]
    Certificate,
    /// TLS without a common version or cipher, or broken.
    #[error("the server's encryption is too old or broken; whoever runs it can change that")]
    Tls,
    /// An HTTP status in place of a WebSocket.
    #[error("the server refuses the connection with status {0}; tell whoever runs it")]
    Refused(u16),
    /// Neither HTTP nor a WebSocket as it was asked for, or one that ended in the middle.
    #[error("the server does not speak as its settings say; tell whoever runs it")]
    Speech,
    /// More than anybody needs.
    #[error("the server's answer is larger than any that is needed; tell whoever runs it")]
    TooLarge,
    /// What the room says is not taken from it fast enough.
    #[error("the server no longer reads what the room says; try later")]
    Stalled,
}
