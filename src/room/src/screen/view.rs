//! All that the screen shows, as plain values. Made by the main loop from the meeting, the guard and media.

use subrosa_messages::guard::{Level, NodeState, Refusal, Trust};
use subrosa_messages::media::{Cover, Size, TrackId};
use subrosa_messages::{Capture, Pii};

use crate::language::Language;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::guest::Encryption;
use crate::meeting::wish::Layout;
use crate::notice::Notice;

/// What the screen shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Language of the room.
    pub language: Language,
    /// Name of the room.
    pub room: String,
    /// Size of the screen in pixels.
    pub size: Size,
    /// Where the room is in its day.
    pub phase: Phase,
    /// The camera; `None`: the guard does not answer, nothing is known.
    pub camera: Option<CaptureView>,
    /// The microphone; `None`: the guard does not answer, nothing is known.
    pub microphone: Option<CaptureView>,
    /// What the lamps' word is worth, where the guard answers.
    pub trust: Option<Trust>,
    /// How fast switches and lamps are was measured on such a board.
    pub measured: bool,
    /// What becomes of what stands behind people; `None`: media has not said.
    pub background: Option<BackgroundView>,
    /// Phones that may give the room a link.
    pub remote: RemoteView,
    /// What a phone asks the people in the room to open.
    pub asked: Vec<Capture>,
    /// Things that a person can mend, the most urgent first.
    pub faults: Vec<Fault>,
}

/// Phones that may give the room a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteView {
    /// How many are paired.
    pub phones: usize,
    /// How one more is paired; shown while the room is awake and nobody has come.
    pub code: Option<CodeView>,
}

/// How a phone is paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeView {
    /// The page, to be typed.
    pub link: Pii<String>,
    /// The same with the token in its fragment, for the QR code.
    pub link_with_token: Pii<String>,
    /// What is typed there.
    pub code: Pii<String>,
}

/// What becomes of what stands behind people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackgroundView {
    /// It is seen: the configuration says so.
    AsItIs,
    /// It is hidden.
    Hidden,
    /// Somebody in the room has uncovered it.
    Revealed {
        /// For so many seconds from now.
        seconds: u32,
    },
    /// It cannot be hidden: guests see the card.
    Covered(Cover),
}

/// A capture in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureView {
    /// Its switch or shutter.
    pub switch: Level,
    /// Its node.
    pub node: NodeState,
    /// Its *live* lamp is lit or cannot be read.
    pub live: bool,
    /// Why it is closed, if something keeps it closed.
    pub refusal: Option<Refusal>,
}

/// Where the room is in its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nobody has pressed the button.
    Asleep,
    /// A meeting can be entered.
    Awake {
        /// How.
        invitation: Invitation,
        /// How the meeting stands.
        meeting: HostedView,
    },
    /// Somebody asks to be let in; a press of the button admits. Shown before and during a call.
    Asking {
        /// Who asks, first come first.
        names: Vec<Pii<String>>,
        /// How others enter.
        invitation: Invitation,
        /// Guests that are in already.
        guests: Vec<GuestView>,
        /// How the meeting stands.
        meeting: HostedView,
        /// How the call is encrypted, if there is one.
        encryption: Encryption,
    },
    /// Guests are in.
    InCall {
        /// Who.
        guests: Vec<GuestView>,
        /// How others enter.
        invitation: Invitation,
        /// How the meeting stands.
        meeting: HostedView,
        /// How the call is encrypted.
        encryption: Encryption,
        /// Media is starting again.
        media_restarting: bool,
    },
    /// The room sleeps and has been given a link to a meeting elsewhere; a press of the button joins it.
    Proposed {
        /// What is known of it.
        meeting: ProposedView,
    },
    /// On the way into a meeting elsewhere, or just out of one again.
    Joining {
        /// Whose server it is.
        host: Pii<String>,
        /// How far it is.
        says: JoiningView,
    },
    /// In a meeting on somebody else's server.
    Joined {
        /// Who and what is in it.
        meeting: JoinedView,
        /// Media is starting again.
        media_restarting: bool,
    },
}

/// A meeting elsewhere that can be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedView {
    /// Whose server it is, as the link says.
    pub host: Pii<String>,
    /// Who runs it, with the address, on one line; `None`: nobody is on record.
    pub operator: Option<String>,
    /// What people read before they join; its first three sections are shown.
    pub notice: Notice,
    /// The operator's rule forbids it: it cannot be joined.
    pub refused: bool,
    /// A paired phone gave the link.
    pub by_phone: bool,
}

/// How far the way into a meeting elsewhere is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoiningView {
    /// The server is being spoken to.
    Connecting,
    /// Something or somebody is waited for.
    Waits(Failure),
    /// It came to nothing, or has ended.
    Over(Failure),
}

/// A meeting on somebody else's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedView {
    /// Whose server it is.
    pub host: Pii<String>,
    /// What is shown, the large one first; at most [`MOST`](super::stage::MOST). Empty: nobody has a picture.
    pub stage: Vec<PictureView>,
    /// Everybody in the meeting besides this room, as they came.
    pub others: Vec<PersonView>,
    /// The server records, or writes down what is said.
    pub records: bool,
    /// This room's hand is raised.
    pub hand: bool,
    /// A moderator lets speak by permission only, and this room has none.
    pub ask_to_speak: bool,
    /// Whether this room is to be recorded.
    pub consent: ConsentView,
    /// The server has nothing to pass on picture and sound with at the moment.
    pub no_bridge: bool,
    /// The connection to the server is lost and being made again.
    pub reconnecting: bool,
    /// The newest lines of the chat, newest last; at most four are shown.
    pub lines: Vec<LineView>,
}

/// Whether this room is recorded by the meeting, where that is for people in it to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsentView {
    /// Nobody asks, or they have refused by not agreeing.
    #[default]
    Nothing,
    /// The meeting is to be recorded: a press of the button agrees, else this room is left out.
    Asked,
    /// The meeting is to be streamed to others: the same.
    AskedToStream,
    /// Somebody has agreed; a press takes it back.
    Given,
}

/// One picture of a meeting elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureView {
    /// Whose it is; `None`: they have not said.
    pub name: Option<Pii<String>>,
    /// The track of it, from its first packet on: it must be shown to be decoded at all.
    pub picture: Option<TrackId>,
    /// It is a shared screen, to be read.
    pub screen: bool,
    /// Frames of it have been decoded and it moves; until then words stand in its place.
    pub moving: bool,
    /// Its owner is muted.
    pub muted: bool,
    /// Its owner has raised a hand.
    pub hand: bool,
    /// The server does not send it: the network is too narrow for it now.
    pub missing: bool,
}

/// Somebody in a meeting elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonView {
    /// What they call themselves; `None`: they have not said.
    pub name: Option<Pii<String>>,
    /// They are muted.
    pub muted: bool,
    /// They have raised a hand.
    pub hand: bool,
    /// Their connection is there.
    pub connected: bool,
}

/// A line of the chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineView {
    /// Who wrote it; `None`: they have not said what they are called.
    pub name: Option<Pii<String>>,
    /// What.
    pub text: Pii<String>,
}

/// How the room's own meeting stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostedView {
    /// The screen that a guest shares.
    pub share: Option<ShareView>,
    /// How pictures are laid out.
    pub layout: Layout,
    /// The newest of what was written, newest last; at most four lines are shown.
    pub lines: Vec<LineView>,
    /// Nobody else can knock.
    pub locked: bool,
    /// Guests that can be in at once.
    pub most: usize,
}

/// A screen that a guest shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareView {
    /// Whose.
    pub name: Pii<String>,
    /// The track of it, from its first packet on.
    pub picture: Option<TrackId>,
    /// Frames of it have been decoded and it moves.
    pub moving: bool,
}

/// A guest on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestView {
    /// What they call themselves.
    pub name: Pii<String>,
    /// The track of their picture, from its first packet on: it must be shown to be decoded at all.
    pub picture: Option<TrackId>,
    /// Frames of it have been decoded and it moves; until then their name stands in its place.
    pub moving: bool,
    /// The link is lost and being made again.
    pub reconnecting: bool,
    /// Nobody hears them.
    pub muted: bool,
    /// Their hand is raised.
    pub hand: bool,
    /// They speak.
    pub speaks: bool,
}

/// How a guest gets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The link without its token, to be typed.
    pub link: Pii<String>,
    /// The link with the one-meeting token in its fragment, for the QR code.
    pub link_with_token: Pii<String>,
    /// The PIN.
    pub pin: Pii<String>,
    /// SHA-256 of the certificate, where browsers cannot check it.
    pub fingerprint: Option<String>,
    /// The meeting is reachable from this network only.
    pub local_only: bool,
    /// The network that the device makes itself, which has to be joined first.
    pub network: Option<NetworkView>,
}

/// How a phone joins the device's own network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkView {
    /// What phones list it as.
    pub name: String,
    /// What lets them in.
    pub passphrase: Pii<String>,
    /// Both, for the QR code.
    pub code: Pii<String>,
}

/// Something that a person can mend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The guard does not answer: lamps show *live*, captures are closed.
    Guard,
    /// No camera is there.
    CameraMissing,
    /// The camera fails.
    CameraFailed,
    /// No microphone is there.
    MicrophoneMissing,
    /// The microphone fails.
    MicrophoneFailed,
    /// No encoder of the board passed its trial.
    Encoder,
    /// The model that tells people from what is behind them is missing.
    ModelMissing,
    /// That model's file is damaged.
    ModelDamaged,
    /// People cannot be told from what is behind them.
    Background,
    /// The operator's picture cannot be read; a colour is shown instead.
    BackgroundPicture,
    /// The certificate cannot be read; the device's own is used.
    Certificate,
    /// The port is taken; the page is not served.
    Port(u16),
    /// Nothing can be written; the device's certificate is new at each start.
    Disk,
    /// The clock cannot be right; certificates may look invalid to guests.
    Clock,
    /// There is no network.
    Network,
}
