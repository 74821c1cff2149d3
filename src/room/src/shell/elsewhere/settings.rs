//! What is fixed for a meeting of each kind, from its link, the operator's configuration and the kernel's randomness.
//!
//! `links`: the last number of a link that was used.

use subrosa_messages::Pii;

use crate::configuration::Configuration;
use crate::meeting::jitsi::joined::capabilities;
use crate::meeting::jitsi::{self, config_js, muc};
use crate::meeting::{livekit, opentalk};
use crate::screen::stage::MOST;
use crate::servers::Recording;
use crate::signalling::xmpp::Jid;

/// For a meeting on Jitsi Meet. `None`: what the server says of itself names no room, or the kernel has no randomness.
pub fn jitsi(
    configuration: &Configuration,
    link: &jitsi::link::Link,
    server: &config_js::Configuration,
    links: u64,
) -> Option<jitsi::joined::Settings> {
    let room = Jid::new(&format!("{}@{}", link.room().reveal(), server.muc.reveal()))?;
    let own = &configuration.room.name;
    let name = link.display_name().map_or_else(|| Pii::new(own.clone()), Clone::clone);
    Some(jitsi::joined::Settings {
        muc: muc::Settings {
            room,
            name,
            machine: Pii::new(hex(random::<16>()?)),
            http: server.conference_request.is_some(),
            focus: server.focus.reveal().clone(),
            capabilities: capabilities(server.prefer_sctp),
            seed: u64::from_ne_bytes(random()?),
        },
        host: link.host().clone(),
        leaves_when_recorded: leaves_when_recorded(configuration, link.host()),
        screen: configuration.media.screen,
        pictures: pictures(configuration),
        links,
    })
}

/// For a meeting on LiveKit. `None`: nobody has named where a token comes from; such a link is not proposed.
pub fn livekit(
    configuration: &Configuration,
    link: &livekit::link::Link,
    links: u64,
) -> Option<livekit::joined::Settings> {
    let entrance = match link.token() {
        Some(token) => livekit::joined::Entrance::Token(token.clone()),
        None => livekit::joined::Entrance::Errand(livekit::errand::Settings {
            tokens: configuration.servers.tokens(link.host().reveal())?.clone(),
            room: link.room().clone(),
            name: Pii::new(configuration.room.name.clone()),
            host: link.host().clone(),
        }),
    };
    Some(livekit::joined::Settings {
        host: link.host().clone(),
        server: link.server().clone(),
        entrance,
        leaves_when_recorded: leaves_when_recorded(configuration, link.host()),
        inside: inside(configuration, links),
    })
}

/// For a meeting on OpenTalk, with a secret that no other meeting has. `None`: the kernel has no randomness.
pub fn opentalk(
    configuration: &Configuration,
    link: &opentalk::link::Link,
    links: u64,
) -> Option<opentalk::joined::Settings> {
    Some(opentalk::joined::Settings {
        link: link.clone(),
        name: Pii::new(configuration.room.name.clone()),
        secret: Pii::new(hex(random::<32>()?)),
        leaves_when_recorded: leaves_when_recorded(configuration, link.host()),
        inside: inside(configuration, links),
    })
}

fn inside(configuration: &Configuration, links: u64) -> livekit::inside::Settings {
    let media = &configuration.media;
    livekit::inside::Settings { screen: media.screen, pictures: pictures(configuration), picture: media.picture, links }
}

fn pictures(configuration: &Configuration) -> usize {
    usize::try_from(configuration.media.pictures).unwrap_or(MOST)
}

/// What the operator's rule is where this server records.
fn leaves_when_recorded(configuration: &Configuration, host: &Pii<String>) -> bool {
    let profile = configuration.servers.profile(host.reveal());
    profile.is_none_or(|server| server.recording == Recording::Leave)
}

fn random<const LENGTH: usize>() -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}

fn hex<const LENGTH: usize>(bytes: [u8; LENGTH]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
