//! What this room tells others that it can do (XEP-0030): what jicofo offers hangs on it.

use crate::signalling::xmpp::caps::Capabilities;

/// What is published. `sctp`: the bridge's channel may be a data channel (config.js, `bridgeChannel.preferSctp`). Not in it: end-to-end
/// encryption, visitors, SSRC rewriting, simulcast; each would be a promise that this room does not keep.
#[must_use]
pub fn capabilities(sctp: bool) -> Capabilities {
    let mut features = vec![
        "http://jabber.org/protocol/disco#info",
        "urn:xmpp:jingle:1",
        "urn:xmpp:jingle:apps:rtp:1",
        "urn:xmpp:jingle:transports:ice-udp:1",
        "urn:xmpp:jingle:apps:dtls:0",
        "urn:xmpp:jingle:apps:rtp:audio",
        "urn:xmpp:jingle:apps:rtp:video",
        // Retransmissions (RFC 4588).
        "urn:ietf:rfc:4588",
        "http://jitsi.org/tcc",
        "http://jitsi.org/source-name",
        "http://jitsi.org/receive-multiple-video-streams",
        // Without it jicofo leaves the data channel out (recordings 13d, 15a).
        "http://jitsi.org/json-encoded-sources",
    ];
    if sctp {
        features.push("urn:xmpp:jingle:transports:dtls-sctp:1");
    }
    Capabilities {
        // The same for every device.
        node: "urn:subrosa:room".to_owned(),
        identity: Some(("client".to_owned(), "device".to_owned(), String::new())),
        features: features.into_iter().map(str::to_owned).collect(),
    }
}
