//! The conversation between room and media: links, tracks and slots.
//!
//! A *link* is one peer connection. A link has *lines* (m-lines), each named by its `mid`. What arrives on a line is
//! a *track*. The room says which track is shown where, which are played and what each line sends; every such
//! message replaces the one before, so that repeating it after a restart of media is all that recovery takes.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Pii;

/// Names one link. The room chooses it and never uses it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(pub u64);

/// A line of a link by its `mid` (RFC 8829, section 5.2.1), for example `room-video`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mid(pub String);

/// What arrives on one line of one link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrackId {
    /// The link it arrives on.
    pub link: LinkId,
    /// The line it arrives on.
    pub mid: Mid,
}

/// Sound or picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// The codecs that links carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// H.264 constrained baseline, packetization mode 1 (RFC 6184).
    H264,
    /// VP8 (RFC 7741).
    Vp8,
    /// Opus, 48 kHz, with in-band FEC (RFC 7587).
    Opus,
}

impl Codec {
    /// Sound or picture.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Codec::H264 | Codec::Vp8 => Kind::Video,
            Codec::Opus => Kind::Audio,
        }
    }
}

/// One line of a link as it is offered. Lines are never added later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its name in the session description.
    pub mid: Mid,
    /// The codec it offers.
    pub codec: Codec,
    /// A slot, on which a server sends whose picture it likes: then this codec may come, too, and the server's descriptions say by
    /// SSRC what comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub or: Option<Codec>,
    /// Seen from the room.
    pub direction: Direction,
}

impl Line {
    /// A line of one codec.
    #[must_use]
    pub fn new(mid: &str, codec: Codec, direction: Direction) -> Self {
        Line { mid: Mid(mid.to_owned()), codec, or: None, direction }
    }

    /// A slot for pictures of whoever a server chooses, in either codec.
    #[must_use]
    pub fn slot(mid: &str) -> Self {
        Line { or: Some(Codec::H264), ..Line::new(mid, Codec::Vp8, Direction::Receive) }
    }
}

/// The direction of a line, seen from the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The room sends.
    Send,
    /// The room receives.
    Receive,
}

/// Offer or answer (RFC 3264).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DescriptionKind {
    /// An offer.
    Offer,
    /// An answer.
    Answer,
}

/// What a line of ours sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The room's camera, or the privacy card while it is closed.
    RoomVideo,
    /// The room's microphone; nothing while it is closed.
    RoomAudio,
    /// What arrives as that track, as it arrives.
    Forward(TrackId),
    /// Nothing.
    Nothing,
}

/// A rectangle on the screen, in pixels of [`MediaConfiguration::screen`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rectangle {
    /// From the left edge.
    pub x: u32,
    /// From the upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Width; even.
    pub width: u32,
    /// Height; even.
    pub height: u32,
}

/// One picture on the screen, behind the overlay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Whose.
    pub track: TrackId,
    /// Where. The picture is scaled to fit inside and keeps its proportions.
    pub place: Rectangle,
}

/// What is sent in place of what stands behind the people in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Background {
    /// What stands there, as it is.
    AsItIs,
    /// The same, blurred so that it can still be told what it is.
    Light,
    /// The same, blurred so that nothing can be told.
    Strong,
    /// A picture of the operator's: the body of [`RoomToMedia::Hide`].
    Picture,
    /// One colour.
    Colour {
        /// sRGB, 0 to 255.
        red: u8,
        /// sRGB, 0 to 255.
        green: u8,
        /// sRGB, 0 to 255.
        blue: u8,
    },
}

impl Background {
    /// What stands there is not to be seen.
    #[must_use]
    pub fn hides(self) -> bool {
        match self {
            Background::AsItIs => false,
            Background::Light | Background::Strong | Background::Picture | Background::Colour { .. } => true,
        }
    }
}

/// What becomes of what stands behind the people in the room (P4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackgroundState {
    /// It is sent as it is: the room has said so.
    AsItIs,
    /// In every frame that is sent it is hidden.
    Hidden,
    /// Somebody in the room has uncovered it for a while ([`crate::guard::GuardToMedia::Reveal`]).
    Revealed {
        /// For so long from now, in milliseconds.
        left_ms: u32,
    },
    /// It cannot be hidden now, so no frame of the camera is sent: the privacy card is.
    Covered(Cover),
}

/// Why no frame of the camera is fit to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// Nobody has been looked for yet: the camera has just been opened, or the room has said nothing so far.
    Starting,
    /// The last answer to where people are is too old: the segmenter is slow, stuck or dead.
    Late,
    /// Its answers cannot be right.
    Doubtful,
    /// It says that it fails.
    Failed,
    /// The model's file is not there.
    ModelMissing,
    /// The model's file is not what it should be.
    ModelDamaged,
}

impl Cover {
    /// All of them.
    pub const ALL: [Cover; 6] =
        [Cover::Starting, Cover::Late, Cover::Doubtful, Cover::Failed, Cover::ModelMissing, Cover::ModelDamaged];
}

/// What media needs to know before anything else. Sent once after connecting; a second one with other values makes
/// media start its pipelines again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaConfiguration {
    /// Size of the room's picture.
    pub picture: Size,
    /// Frames a second of the room's picture.
    pub frames_per_second: u32,
    /// Upper bound of the room's picture, in bit/s.
    pub max_bitrate: u32,
    /// Size of the room's screen.
    pub screen: Size,
    /// How links reach their peers.
    pub network: LinkNetwork,
    /// The board file's rows of encoders, in order.
    pub encoders: Vec<String>,
}

/// How links reach their peers (P5: nothing is contacted that is not named here).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkNetwork {
    /// The addresses on which links listen, and no others.
    pub addresses: Vec<IpAddr>,
    /// First and last UDP port; `None`: any.
    pub udp_ports: Option<(u16, u16)>,
    /// The operator's relay.
    pub turn: Option<TurnServer>,
}

/// A TURN server (RFC 8656) that the operator named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnServer {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `udp`, `tcp` or `tls`.
    pub transport: TurnTransport,
    /// User name.
    pub user: Pii<String>,
    /// Password.
    pub password: Pii<String>,
    /// Use nothing else.
    pub relay_only: bool,
}

/// How the relay is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TurnTransport {
    /// `turn:` over UDP.
    Udp,
    /// `turn:` over TCP.
    Tcp,
    /// `turns:` over TCP.
    Tls,
}

/// A data channel of a link, opened by this side in-band (RFC 8832).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataChannel {
    /// Its label.
    pub label: String,
    /// Its subprotocol; empty: none.
    pub protocol: String,
}

impl DataChannel {
    /// A channel without a subprotocol.
    #[must_use]
    pub fn called(label: &str) -> Self {
        DataChannel { label: label.to_owned(), protocol: String::new() }
    }
}

/// What the room says to media.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoomToMedia {
    /// First message of a connection. Everything of an earlier connection is torn down.
    Configure(MediaConfiguration),
    /// Which captures the meeting wants. Wanting is not opening: media asks the guard.
    Want {
        /// The camera.
        camera: bool,
        /// The microphone.
        microphone: bool,
    },
    /// The privacy card; the body is RGBA (sRGB, straight alpha ignored), `size.width * size.height * 4` bytes.
    Card {
        /// Its size.
        size: Size,
    },
    /// What is sent in place of what stands behind people. Until the first one of a connection it is
    /// [`Background::Strong`]. With [`Background::Picture`] the body is RGBA (sRGB, opaque), `size.width * size.height * 4` bytes; it is scaled
    /// to cover. There is no word for uncovering it for a while: only an act in the room does that, and the guard
    /// tells media of it (P2).
    Hide {
        /// What is sent.
        background: Background,
        /// Size of the picture; zero where there is none.
        size: Size,
    },
    /// Opens a link. As the offering side media answers with [`MediaToRoom::Description`].
    OpenLink {
        /// Its name from now on.
        link: LinkId,
        /// The side of the room: `Offer` makes the first offer, `Answer` waits for one.
        side: DescriptionKind,
        /// All its lines, in order (for the offering side).
        lines: Vec<Line>,
        /// All its data channels, negotiated in the first description. The answering side has at most one.
        data_channels: Vec<DataChannel>,
        /// The relay that this peer's own server announces; it takes the place of [`LinkNetwork::turn`].
        relay: Option<TurnServer>,
    },
    /// The peer's description. To a link that waits for offers each further one is a renegotiation: lines keep their
    /// places and what they send, new ones come at the end. To one that offers, with slots ([`Line::or`]), each further answer says
    /// anew what comes on them.
    Description {
        /// For which link.
        link: LinkId,
        /// Offer or answer.
        kind: DescriptionKind,
        /// The session description (RFC 8866). Its candidates are ignored unless `candidates` is set.
        sdp: Pii<String>,
        /// Use the candidates in it: a server's, never a guest's (P5).
        candidates: bool,
    },
    /// Closes a link.
    CloseLink {
        /// Which.
        link: LinkId,
    },
    /// What a sending line sends from now on. Lines start with [`Source::Nothing`].
    Send {
        /// The link.
        link: LinkId,
        /// The line.
        mid: Mid,
        /// What it sends.
        source: Source,
    },
    /// The peer wants the room's picture no higher than this. The encoder follows the largest wish of all peers.
    Limit {
        /// The link.
        link: LinkId,
        /// In pixels; `None`: as large as it is.
        height: Option<u32>,
    },
    /// What the screen shows behind the overlay. Replaces the last one.
    Show {
        /// From back to front.
        pictures: Vec<Picture>,
    },
    /// The overlay; the body is RGBA (sRGB, straight alpha) of the screen's size. Replaces the last one.
    Overlay {
        /// Its size.
        size: Size,
    },
    /// Which pictures of a link matter, most important first: where the path is too narrow for all of them, the last ones
    /// are held back first. Lines that are not named come after those that are, in the order of the link's lines, but for the
    /// room's own picture, which comes first unless it is named. Replaces the last one.
    Prefer {
        /// The link.
        link: LinkId,
        /// Sending lines of pictures.
        mids: Vec<Mid>,
    },
    /// Which tracks are heard in the room. Replaces the last one.
    Play {
        /// The tracks.
        tracks: Vec<TrackId>,
    },
    /// How loud what is played is. Until the first one of a connection it is 100.
    Volume {
        /// 0 (nothing is heard) to 100 (as it arrives), as heard: the amplitude is the cube of it.
        percent: u8,
    },
    /// Sends the body over a data channel of the link. While it is not open, nothing is sent and nothing is kept.
    Data {
        /// The link.
        link: LinkId,
        /// The channel's label.
        channel: String,
    },
    /// Asks for [`MediaToRoom::Counters`].
    Count,
}

/// What media says to the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaToRoom {
    /// Sent after [`RoomToMedia::Configure`], when links can be opened.
    Ready {
        /// The encoder row that feeds H.264 peers, `None` when no row of the board passed its trial.
        encoder: Option<String>,
    },
    /// Our description of a link.
    Description {
        /// Which link.
        link: LinkId,
        /// Offer or answer.
        kind: DescriptionKind,
        /// The session description, with all candidates.
        sdp: Pii<String>,
    },
    /// How a link is.
    Link {
        /// Which link.
        link: LinkId,
        /// How it is now.
        state: LinkState,
    },
    /// Media arrives on a line for the first time, or under another SSRC than before. Whose it is, is decided by the SSRC on
    /// the wire: it is the line in whose description that SSRC stands, wherever webrtcbin has put it.
    Track {
        /// Which line.
        track: TrackId,
        /// Sound or picture.
        kind: Kind,
    },
    /// The first frame of a shown track has been decoded, or its picture has stopped.
    Picture {
        /// Which.
        track: TrackId,
        /// It moves.
        moving: bool,
    },
    /// How loud a played track is, about three times a second while it is not silent; whatever the volume.
    Loudness {
        /// Which.
        track: TrackId,
        /// In dB below full scale, 0 to 127 (RFC 6464).
        level: u8,
    },
    /// The path to this peer is too narrow for the picture of this line: it is held back until there is room for it again,
    /// instead of dragging the others down. Sound goes on.
    Paused {
        /// Which link.
        link: LinkId,
        /// Which sending line.
        mid: Mid,
        /// Its picture is held back now.
        paused: bool,
    },
    /// A capture is in another state than before.
    Capture {
        /// Which.
        capture: crate::Capture,
        /// How it is now.
        state: CaptureHealth,
    },
    /// What becomes of what stands behind people: after each [`RoomToMedia::Hide`] and at each change.
    Background(BackgroundState),
    /// A data channel of the link is open, or is no more.
    Channel {
        /// The link.
        link: LinkId,
        /// Its label: one that was asked for.
        channel: String,
        /// Now.
        open: bool,
    },
    /// The body came over a data channel of the link.
    Data {
        /// The link.
        link: LinkId,
        /// Its label: one that was asked for.
        channel: String,
    },
    /// The encoder failed in mid-call and another row took over, or none did.
    Encoder {
        /// The row in use now.
        row: Option<String>,
    },
    /// Figures for the status page and the benchmarks.
    Counters(Counters),
}

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// ICE and DTLS have not finished.
    Connecting,
    /// DTLS has finished and the peer's certificate is the one in its description. Media flows from now on.
    Verified,
    /// Nothing has been heard of the peer for five seconds.
    Silent,
    /// It is of no more use; the room opens a new one if the peer is still wanted.
    Failed(LinkFault),
    /// Torn down as asked.
    Closed,
}

/// Why a link failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkFault {
    /// The certificate of the peer is not the one in its description (P8).
    Fingerprint,
    /// No path to the peer was found, or it was lost.
    Path,
    /// The description could not be used.
    Description,
    /// A pipeline failed.
    Pipeline,
}

/// How a capture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureHealth {
    /// Not open.
    Closed,
    /// Open, frames arrive.
    Running,
    /// The device is not there or has gone.
    Missing,
    /// It could not be opened or failed; tried again by itself.
    Failed,
}

/// Counts since media started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Camera frames taken from the device.
    pub camera_frames: u64,
    /// Frames into the encoders.
    pub encoder_frames: u64,
    /// Current target of the room's picture, in bit/s.
    pub bitrate: u32,
    /// Links that exist.
    pub links: u32,
    /// Threads of the process.
    pub threads: u32,
}
