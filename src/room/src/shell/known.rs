//! All that the room knows of what is outside its meeting, and what follows from it for people. Pure.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use subrosa_messages::guard::{CaptureState, GuardState, Lamp, NodeState, Refusal};
use subrosa_messages::media::{BackgroundState, CaptureHealth, Cover, LinkNetwork, MediaConfiguration};
use subrosa_messages::{Capture, Pii};

use super::addresses::{self, Address};
use crate::certificates::CertificateFacts;
use crate::configuration::Configuration;
use crate::island::{self, Passphrase};
use crate::language::Language;
use crate::meeting::hosted::{Facts, Hosted};
use crate::notice::{NoticeFacts, Operator};
use crate::screen::CardReason;
use crate::screen::view::{
    BackgroundView, CaptureView, Fault, HostedView, Invitation, NetworkView, Phase, RemoteView, View,
};
use crate::status::{BoardFacts, Contact, Status};

/// A guard that is away for less is not worth a word on the screen.
pub const GUARD_MISSED: Duration = Duration::from_millis(1500);

/// What is known of guard, media, web server and network.
pub struct Known {
    /// The board.
    pub board: BoardFacts,
    /// What the guard said last; `None`: it does not answer.
    pub guard: Option<GuardState>,
    /// Since when it does not.
    pub guard_gone: Option<Instant>,
    /// Media is connected and configured.
    pub media: bool,
    /// What media said of its encoders; the outer `None`: nothing yet.
    pub encoder: Option<Option<String>>,
    /// The camera, as media says.
    pub camera: CaptureHealth,
    /// The microphone, as media says.
    pub microphone: CaptureHealth,
    /// What becomes of what stands behind people, as media says; `None`: it has not said.
    pub background: Option<BackgroundState>,
    /// Until when somebody has uncovered it.
    pub revealed_until: Option<Instant>,
    /// The operator's picture cannot be read.
    pub picture_unreadable: bool,
    /// The certificate of the page.
    pub certificate: Option<CertificateFacts>,
    /// Where the page is served.
    pub serving: Vec<SocketAddr>,
    /// What the web server complains about.
    pub web_faults: HashSet<Fault>,
    /// The addresses of this device; `None`: not read yet.
    pub addresses: Option<Vec<Address>>,
    /// What lets phones into the network that the device makes itself.
    pub passphrase: Option<Passphrase>,
}

impl Known {
    /// Nothing is known yet.
    #[must_use]
    pub fn nothing(board: BoardFacts, now: Instant) -> Self {
        Known {
            board,
            guard: None,
            guard_gone: Some(now),
            media: false,
            encoder: None,
            camera: CaptureHealth::Closed,
            microphone: CaptureHealth::Closed,
            background: None,
            revealed_until: None,
            picture_unreadable: false,
            certificate: None,
            serving: Vec::new(),
            web_faults: HashSet::new(),
            addresses: None,
            passphrase: None,
        }
    }

    /// What guests are told.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let live = |capture| self.guard.as_ref().is_none_or(|guard| is_live(guard.of(capture)));
        Facts {
            camera_live: live(Capture::Camera),
            microphone_live: live(Capture::Microphone),
            checked: self.certificate.as_ref().is_some_and(|certificate| certificate.checked),
            background_hidden: match self.background {
                Some(BackgroundState::Hidden | BackgroundState::Covered(_)) => true,
                Some(BackgroundState::AsItIs | BackgroundState::Revealed { .. }) | None => false,
            },
            background: self.background.into(),
        }
    }

    /// Media says what becomes of what stands behind people.
    pub fn background_is(&mut self, now: Instant, state: Option<BackgroundState>) {
        self.background = state;
        self.revealed_until = match state {
            Some(BackgroundState::Revealed { left_ms }) => Some(now + Duration::from_millis(left_ms.into())),
            Some(BackgroundState::AsItIs | BackgroundState::Hidden | BackgroundState::Covered(_)) | None => None,
        };
    }

    /// When the screen has to count one second less.
    #[must_use]
    pub fn count_down(&self, now: Instant) -> Option<Instant> {
        let left = self.revealed_until?.checked_duration_since(now).filter(|left| !left.is_zero())?;
        let past = Duration::from_nanos(u64::from(left.subsec_nanos()));
        Some(now + if past.is_zero() { Duration::from_secs(1) } else { past })
    }

    fn background_view(&self, now: Instant) -> Option<BackgroundView> {
        Some(match self.background? {
            BackgroundState::AsItIs => BackgroundView::AsItIs,
            BackgroundState::Hidden => BackgroundView::Hidden,
            BackgroundState::Covered(cover) => BackgroundView::Covered(cover),
            BackgroundState::Revealed { .. } => {
                let left = self.revealed_until.map(|until| until.saturating_duration_since(now)).unwrap_or_default();
                let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                BackgroundView::Revealed { seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
            }
        })
    }

    /// Why guests see the card instead of the camera, in case they do.
    #[must_use]
    pub fn card_reason(&self) -> CardReason {
        let Some(guard) = &self.guard else { return CardReason::NoGuard };
        match guard.camera.refusal {
            Some(Refusal::Busy) | None => match self.camera {
                CaptureHealth::Failed => CardReason::Failed,
                CaptureHealth::Missing => CardReason::Refused(Refusal::Missing),
                CaptureHealth::Closed | CaptureHealth::Running => match self.background {
                    Some(BackgroundState::Covered(cover)) => CardReason::Covered(cover),
                    Some(BackgroundState::AsItIs | BackgroundState::Hidden | BackgroundState::Revealed { .. })
                    | None => CardReason::Opening,
                },
            },
            Some(refusal) => CardReason::Refused(refusal),
        }
    }

    /// Things that a person can mend, the most urgent first.
    #[must_use]
    pub fn faults(&self, now: Instant) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut note = |present: bool, fault: Fault| {
            if present {
                faults.push(fault);
            }
        };
        let guard = |capture| self.guard.as_ref().map(|guard| guard.of(capture).node);
        note(self.guard_gone.is_some_and(|since| now >= since + GUARD_MISSED), Fault::Guard);
        let alone = self.addresses.as_ref().is_some_and(|all| all.iter().all(|one| one.ip.reveal().is_loopback()));
        note(alone, Fault::Network);
        let ports = self.web_faults.iter().filter(|fault| matches!(fault, Fault::Port(_)));
        ports.for_each(|fault| note(true, fault.clone()));
        note(self.media && self.encoder == Some(None), Fault::Encoder);
        let covered =
            |covers: &[Cover]| covers.iter().any(|cover| self.background == Some(BackgroundState::Covered(*cover)));
        note(covered(&[Cover::ModelMissing]), Fault::ModelMissing);
        note(covered(&[Cover::ModelDamaged]), Fault::ModelDamaged);
        note(covered(&[Cover::Late, Cover::Doubtful, Cover::Failed]), Fault::Background);
        note(self.picture_unreadable, Fault::BackgroundPicture);
        let missing = |capture, health| guard(capture) == Some(NodeState::Missing) || health == CaptureHealth::Missing;
        note(missing(Capture::Camera, self.camera), Fault::CameraMissing);
        note(self.camera == CaptureHealth::Failed, Fault::CameraFailed);
        note(missing(Capture::Microphone, self.microphone), Fault::MicrophoneMissing);
        note(self.microphone == CaptureHealth::Failed, Fault::MicrophoneFailed);
        for fault in [Fault::Certificate, Fault::Disk, Fault::Clock] {
            note(self.web_faults.contains(&fault), fault);
        }
        faults
    }

    /// The addresses on which links listen, as the configuration allows.
    #[must_use]
    pub fn link_addresses(&self, configuration: &Configuration) -> Vec<IpAddr> {
        let mut all = if configuration.network.addresses.is_empty() {
            addresses::reachable(self.addresses.as_deref().unwrap_or_default())
        } else {
            configuration.network.addresses.clone()
        };
        // Whoever sets up an island has its guests in mind.
        if let Some(island) = self.island(configuration) {
            let address = IpAddr::V4(island.address);
            all.retain(|other| *other != address);
            all.insert(0, address);
        }
        all
    }

    /// The network that the device makes itself, while its radio sends.
    fn island<'a>(&self, configuration: &'a Configuration) -> Option<&'a island::Island> {
        let island = configuration.island.as_ref()?;
        let up = self.addresses.iter().flatten().any(|one| *one.ip.reveal() == IpAddr::V4(island.address));
        up.then_some(island)
    }

    fn network(&self, configuration: &Configuration) -> Option<NetworkView> {
        let (island, passphrase) = (self.island(configuration)?, self.passphrase.as_ref()?);
        Some(NetworkView {
            name: island.name.as_str().to_owned(),
            passphrase: Pii::new(passphrase.reveal().to_owned()),
            code: island::code::text(&island.name, passphrase),
        })
    }

    /// What media is told first.
    #[must_use]
    pub fn media_configuration(&self, configuration: &Configuration, encoders: &[String]) -> MediaConfiguration {
        MediaConfiguration {
            picture: configuration.media.picture,
            frames_per_second: configuration.media.frames_per_second,
            max_bitrate: configuration.media.max_bitrate.saturating_mul(1000),
            screen: configuration.media.screen,
            network: LinkNetwork {
                addresses: self.link_addresses(configuration),
                udp_ports: configuration.network.udp_ports,
                turn: configuration.network.turn.clone(),
            },
            encoders: encoders.to_vec(),
        }
    }

    /// The link to the page without anything secret in it: an address, since not every phone resolves names of the
    /// local network. `None` while no address is known.
    #[must_use]
    pub fn link(&self, configuration: &Configuration) -> Option<String> {
        if let Some(url) = &configuration.network.public_url {
            return Some(format!("{url}/"));
        }
        let port = self.serving.first().map_or(configuration.port(), SocketAddr::port);
        let host = match self.certificate.as_ref().and_then(|certificate| certificate.host.clone()) {
            Some(host) => host,
            None => match self.page_address(configuration)? {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            },
        };
        Some(if port == 443 { format!("https://{host}/") } else { format!("https://{host}:{port}/") })
    }

    fn page_address(&self, configuration: &Configuration) -> Option<IpAddr> {
        let listens = &configuration.web.listen;
        let everywhere = |v6: bool| {
            let covers = |address: &SocketAddr| address.ip().is_unspecified() && (address.is_ipv6() || !v6);
            listens.iter().any(covers)
        };
        let here =
            |address: &IpAddr| everywhere(address.is_ipv6()) || listens.iter().any(|listen| listen.ip() == *address);
        let mut candidates = self.link_addresses(configuration);
        // A page on loopback only is reached from loopback only.
        candidates.extend(listens.iter().map(SocketAddr::ip).filter(|address| !address.is_unspecified()));
        candidates.into_iter().find(here)
    }

    /// Whether guests reach the room from its own network only.
    #[must_use]
    pub fn local_only(&self, configuration: &Configuration) -> bool {
        let public =
            || self.link_addresses(configuration).first().is_some_and(|address| addresses::is_public(*address));
        configuration.network.public_url.is_none() && !public()
    }

    /// How a guest gets in.
    #[must_use]
    pub fn invitation(&self, configuration: &Configuration, hosted: &Hosted) -> Option<Invitation> {
        let secrets = hosted.secrets()?;
        let link = self.link(configuration).unwrap_or_default();
        let unchecked = self.certificate.as_ref().filter(|certificate| !certificate.checked);
        Some(Invitation {
            link_with_token: Pii::new(format!("{link}#{}", secrets.token())),
            link: Pii::new(link),
            pin: Pii::new(secrets.pin().to_owned()),
            fingerprint: unchecked.map(|certificate| certificate.fingerprint.clone()),
            local_only: self.local_only(configuration),
            network: self.network(configuration),
        })
    }

    /// What the screen shows.
    #[must_use]
    pub fn view(&self, configuration: &Configuration, hosted: &Hosted, now: Instant) -> View {
        let phase = match self.invitation(configuration, hosted) {
            None => Phase::Asleep,
            Some(invitation) => {
                let (names, guests) = (hosted.waiting().collect::<Vec<_>>(), hosted.inside());
                let meeting = HostedView {
                    share: hosted.share(),
                    layout: hosted.layout(),
                    lines: if configuration.meeting.chat_on_screen { hosted.written() } else { Vec::new() },
                    locked: hosted.is_locked(),
                    most: hosted.rules().max_guests,
                };
                let encryption = hosted.encryption();
                if !names.is_empty() {
                    Phase::Asking { names, invitation, guests, meeting, encryption }
                } else if !guests.is_empty() {
                    Phase::InCall { guests, invitation, meeting, encryption, media_restarting: !self.media }
                } else {
                    Phase::Awake { invitation, meeting }
                }
            }
        };
        let capture = |capture| self.guard.as_ref().map(|guard| capture_view(guard.of(capture)));
        View {
            language: configuration.room.language,
            room: configuration.room.name.clone(),
            size: configuration.media.screen,
            phase,
            camera: capture(Capture::Camera),
            microphone: capture(Capture::Microphone),
            trust: self.guard.as_ref().map(|guard| guard.trust),
            measured: self.board.measured.is_some(),
            background: self.background_view(now),
            remote: RemoteView::default(),
            asked: Vec::new(),
            faults: self.faults(now),
        }
    }

    /// What the status page says.
    #[must_use]
    pub fn status(&self, configuration: &Configuration, hosted: &Hosted) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION"),
            board: self.board.name.clone(),
            measured: self.board.measured.clone(),
            guard: self.guard.clone(),
            media: self.media,
            encoder: self.encoder.clone().flatten(),
            background: self.background.into(),
            guests: hosted.count(),
            contacts: contacts(configuration, configuration.room.language),
            fingerprint: self.certificate.as_ref().map(|facts| facts.fingerprint.clone()).unwrap_or_default(),
        }
    }

    /// What the notice is made from.
    #[must_use]
    pub fn notice_facts(&self, configuration: &Configuration, language: Language) -> NoticeFacts {
        let operator = &configuration.operator;
        let named = operator.name.is_some() || operator.address.is_some() || operator.privacy_contact.is_some();
        NoticeFacts {
            room: configuration.room.name.clone(),
            operator: named.then(|| Operator {
                name: operator.name.clone().unwrap_or_default(),
                address: operator.address.clone().unwrap_or_default(),
                privacy_contact: operator.privacy_contact.clone(),
            }),
            purpose: operator.purpose.clone(),
            legal_basis: operator.legal_basis.clone(),
            contacts: contacts(configuration, language),
            encryption_checked: self.facts().checked,
            background_hidden: configuration.blur.background().hides(),
            local_only: self.local_only(configuration),
            relay: configuration.network.turn.is_some(),
            others: configuration.meeting.max_guests > 1,
            chat_on_screen: configuration.meeting.chat_on_screen,
        }
    }
}

/// A lamp that is not known to be dark counts as lit (P1).
fn is_live(capture: &CaptureState) -> bool {
    match capture.live {
        Lamp::Lit | Lamp::Unknown => true,
        Lamp::Dark => false,
    }
}

fn capture_view(capture: &CaptureState) -> CaptureView {
    CaptureView { switch: capture.switch, node: capture.node, live: is_live(capture), refusal: capture.refusal }
}

/// The hosts that this device contacts: the configuration's, and nothing else (P5).
fn contacts(configuration: &Configuration, language: Language) -> Vec<Contact> {
    let relay = configuration.network.turn.iter().map(|turn| Contact {
        host: turn.host.clone(),
        purpose: language.pick("Vermittlung von Ton und Bild (TURN)", "Relay of sound and picture (TURN)").to_owned(),
    });
    relay.collect()
}
