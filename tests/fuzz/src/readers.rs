//! Targets that read one text: whatever comes, it is refused or read, and what was read once can be written and read as often as one likes.

use minidom::Element;
use subrosa_room::meeting::jitsi::config_js::Configuration;
use subrosa_room::meeting::jitsi::link::Link;
use subrosa_room::meeting::opentalk;
use subrosa_room::signalling::colibri::FromBridge;
use subrosa_room::signalling::jingle::{Jingle, namespace};
use subrosa_room::signalling::xmpp::{Build, frame};

/// A link that a person pastes.
pub fn link(text: &str) {
    if let Some(link) = opentalk::link::Link::read(text) {
        assert!(!link.host().reveal().is_empty(), "a link of OpenTalk's names a host");
    }
    let Ok(link) = Link::read(text) else { return };
    let address = link.configuration_url();
    assert!(address.reveal().starts_with("https://"), "nothing but TLS");
    // The host is the one that is contacted, whatever else stands in the link.
    let rest = address.reveal().strip_prefix("https://").unwrap_or_default();
    assert!(rest.starts_with(link.host().reveal()), "the host of the link");
}

/// `config.js`.
pub fn config(text: &str) {
    let Ok(link) = Link::read("https://meet.example.org/Rose") else { return };
    let Ok(configuration) = Configuration::read(text, &link) else { return };
    for address in [&configuration.websocket, &configuration.bosh, &configuration.conference_request] {
        let scheme = address.as_ref().map(|address| address.reveal().scheme());
        assert!(scheme.is_none_or(|scheme| matches!(scheme, "https" | "wss")), "nothing but TLS");
    }
}

/// A frame of XMPP over WebSocket.
pub fn stanza(text: &str) {
    let Ok(element) = frame::read(text) else { return };
    let again = frame::read(&frame::write(&element));
    assert!(again.is_ok_and(|again| again == element), "written and read it is the same");
}

/// A Jingle message.
pub fn jingle(text: &str) {
    if let Ok(element) = frame::read(text) {
        read_and_written(&element);
    }
}

/// The sources of a Jingle message in their compact form.
pub fn sources(text: &str) {
    let compact = Element::bare("json-message", namespace::JITSI).holding(text);
    let jingle = Element::bare("jingle", namespace::JINGLE).with("action", "source-add").with("sid", "s");
    read_and_written(&jingle.child(compact));
}

fn read_and_written(element: &Element) {
    let Ok(jingle) = Jingle::read(element) else { return };
    let Ok(sources) = jingle.sources() else { return };
    // A name that looks like an address is taken for one each time.
    let owners = sources.sources.iter().filter_map(|source| source.owner.as_ref());
    if owners.into_iter().any(|owner| owner.as_str().contains('/')) {
        return;
    }
    // What makes no sense, such as a group of nobody's streams, is not written; then it stays as it is.
    let again = Jingle::read(&jingle.write());
    assert!(again.is_ok(), "what is written can be read");
    let settled = again.and_then(|again| Ok((Jingle::read(&again.write())?, again)));
    assert!(settled.is_ok_and(|(last, again)| last == again), "written and read it is the same");
}

/// A message on the bridge's channel.
pub fn colibri(text: &str) {
    let _refused_or_read = FromBridge::read(text);
}
