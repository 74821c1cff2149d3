//! XML namespaces of Jingle as jicofo speaks it.

/// Jingle (XEP-0166).
pub const JINGLE: &str = "urn:xmpp:jingle:1";
/// Errors of Jingle (XEP-0166, section 10).
pub const ERRORS: &str = "urn:xmpp:jingle:errors:1";
/// RTP sessions (XEP-0167).
pub const RTP: &str = "urn:xmpp:jingle:apps:rtp:1";
/// RTCP feedback (XEP-0293).
pub const FEEDBACK: &str = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0";
/// RTP header extensions (XEP-0294).
pub const EXTENSIONS: &str = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0";
/// Sources of an RTP session (XEP-0339).
pub const SOURCES: &str = "urn:xmpp:jingle:apps:rtp:ssma:0";
/// ICE over UDP (XEP-0176).
pub const ICE_UDP: &str = "urn:xmpp:jingle:transports:ice-udp:1";
/// DTLS fingerprints (XEP-0320).
pub const DTLS: &str = "urn:xmpp:jingle:apps:dtls:0";
/// Data channels (XEP-0343).
pub const SCTP: &str = "urn:xmpp:jingle:transports:dtls-sctp:1";
/// Bundles (XEP-0338).
pub const GROUPING: &str = "urn:xmpp:jingle:apps:grouping:0";
/// Jitsi's additions: owners of sources, sources as JSON.
pub const JITSI: &str = "http://jitsi.org/jitmeet";
/// Jitsi's conference focus: the session of the bridge.
pub const FOCUS: &str = "http://jitsi.org/protocol/focus";
/// Jitsi's bridge: the address of its channel over WebSocket.
pub const COLIBRI: &str = "http://jitsi.org/protocol/colibri";
/// Jitsi: who starts muted.
pub const START_MUTED: &str = "http://jitsi.org/jitmeet/start-muted";
