//! How much of anything one Jingle message may hold. Whatever has more is refused as a whole: no meeting needs it, and
//! what comes from a server must not cost memory without bound.

/// `<content>` of a message.
pub const CONTENTS: usize = 8;
/// `<payload-type>` of a content: there are no more numbers.
pub const PAYLOAD_TYPES: usize = 128;
/// `<parameter>` of a payload type.
pub const PARAMETERS: usize = 32;
/// `<rtcp-fb>` of a payload type.
pub const FEEDBACK: usize = 16;
/// `<rtp-hdrext>` of a content.
pub const EXTENSIONS: usize = 32;
/// `<candidate>` of a transport.
pub const CANDIDATES: usize = 32;
/// `<fingerprint>` of a transport.
pub const FINGERPRINTS: usize = 4;
/// `<web-socket>` of a transport.
pub const WEB_SOCKETS: usize = 8;
/// Sources of a message, and of a session: a room of 500 with three streams each, and their retransmissions.
pub const SOURCES: usize = 3000;
/// Groups of sources of a message, and of a session.
pub const GROUPS: usize = 3000;
/// Sources of one group.
pub const GROUP: usize = 16;
/// Bytes of the JSON form of sources.
pub const JSON: usize = 1 << 20;
/// Bytes of a name, a parameter, a token.
pub const TEXT: usize = 256;
/// Bytes of an address (URL, JID).
pub const ADDRESS: usize = 2048;
