//! XML namespaces of XMPP.

/// Stanzas of a client (RFC 6120, section 4.8.3).
pub const CLIENT: &str = "jabber:client";
/// Streams (RFC 6120, section 4.8.1).
pub const STREAMS: &str = "http://etherx.jabber.org/streams";
/// Framing over WebSocket (RFC 7395, section 3.3).
pub const FRAMING: &str = "urn:ietf:params:xml:ns:xmpp-framing";
/// SASL (RFC 6120, section 6).
pub const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// Binding of a resource (RFC 6120, section 7).
pub const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
/// Sessions (RFC 3921, section 3; optional since RFC 6121).
pub const SESSION: &str = "urn:ietf:params:xml:ns:xmpp-session";
/// Conditions of stanza errors (RFC 6120, section 8.3).
pub const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// Stream management (XEP-0198).
pub const MANAGEMENT: &str = "urn:xmpp:sm:3";
/// Service discovery (XEP-0030).
pub const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
/// Entity capabilities (XEP-0115).
pub const CAPS: &str = "http://jabber.org/protocol/caps";
/// Pings (XEP-0199).
pub const PING: &str = "urn:xmpp:ping";
/// External services (XEP-0215).
pub const SERVICES: &str = "urn:xmpp:extdisco:2";
/// External services, as older servers have them.
pub const SERVICES_OLD: &str = "urn:xmpp:extdisco:1";
/// Multi-user chat (XEP-0045).
pub const MUC: &str = "http://jabber.org/protocol/muc";
/// Multi-user chat: what a room says of its occupants.
pub const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
/// Nicknames (XEP-0172).
pub const NICK: &str = "http://jabber.org/protocol/nick";
/// Delayed delivery (XEP-0203).
pub const DELAY: &str = "urn:xmpp:delay";
