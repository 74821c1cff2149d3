//! What this room says of itself. A presence is the whole state: every later one repeats everything but the first one's
//! `<x>`.

use std::collections::BTreeMap;

use minidom::Element;
use subrosa_messages::Pii;

use crate::signalling::xmpp::caps::Capabilities;
use crate::signalling::xmpp::{Build, Jid, namespace};

/// The room's own state.
#[derive(Clone, Debug)]
pub struct Own {
    /// The address in the room: its resource is the endpoint's id, eight hexadecimal digits.
    pub occupant: Jid,
    /// What others read.
    pub name: Pii<String>,
    /// Most preferred first, lower-case. Browsers send the first of their own that everybody lists.
    pub codecs: Vec<String>,
    /// Whether each source is muted; empty until a session is accepted. This is the truth for everybody's screen.
    pub muted: BTreeMap<String, bool>,
    /// The hand, once it was raised: since when, in milliseconds since 1970, or lowered again.
    pub hand: Option<Option<u64>>,
}

impl Own {
    /// The presence that joins; with a password where one is wanted, and the id of the conference request made by HTTP.
    #[must_use]
    pub fn join(&self, can: &Capabilities, password: Option<&Pii<String>>, machine: Option<&Pii<String>>) -> Element {
        let mut x = Element::bare("x", namespace::MUC);
        for (name, text) in [("password", password), ("billingid", machine)] {
            if let Some(text) = text {
                x.append_child(Element::bare(name, namespace::MUC).holding(text.reveal()));
            }
        }
        let mut presence = Element::bare("presence", namespace::CLIENT).with("to", self.occupant.reveal()).child(x);
        self.say(&mut presence, can);
        presence
    }

    /// A later presence.
    #[must_use]
    pub fn update(&self, can: &Capabilities) -> Element {
        let mut presence = Element::bare("presence", namespace::CLIENT).with("to", self.occupant.reveal());
        self.say(&mut presence, can);
        presence
    }

    /// The presence that knocks at a lobby, under a nick of its own: a name, and nothing of the sources.
    #[must_use]
    pub fn knock(&self, lobby: &Jid, can: &Capabilities, machine: Option<&Pii<String>>) -> Element {
        let mut x = Element::bare("x", namespace::MUC);
        if let Some(machine) = machine {
            x.append_child(Element::bare("billingid", namespace::MUC).holding(machine.reveal()));
        }
        let presence = Element::bare("presence", namespace::CLIENT).with("to", lobby.reveal()).child(x);
        let nick = Element::bare("nick", namespace::NICK).holding(self.name.reveal());
        presence.child(can.in_presence()).child(nick)
    }

    fn say(&self, presence: &mut Element, can: &Capabilities) {
        let sources = self.muted.iter().map(|(name, muted)| (name.clone(), serde_json::json!({ "muted": muted })));
        let sources = serde_json::Value::Object(sources.collect());
        let own = |name: &str, text: &str| Element::bare(name, namespace::CLIENT).holding(text);
        presence.append_child(can.in_presence());
        presence.append_child(own("SourceInfo", &sources.to_string()));
        presence.append_child(own("jitsi_participant_codecList", &self.codecs.join(",")));
        presence.append_child(Element::bare("nick", namespace::NICK).holding(self.name.reveal()));
        // A lowered hand is said with an empty one: what a presence no longer has, browsers go on showing.
        if let Some(hand) = self.hand {
            let since = hand.map(|since| since.to_string()).unwrap_or_default();
            presence.append_child(own("jitsi_participant_raisedHand", &since));
        }
    }
}

/// The presence that leaves a room or a lobby.
#[must_use]
pub fn leave(occupant: &Jid) -> Element {
    Element::bare("presence", namespace::CLIENT).with("to", occupant.reveal()).with("type", "unavailable")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::signalling::recording::{self, Direction};
    use crate::signalling::xmpp::frame;

    /// What a presence says, without the order of its parts. Left out: `stats-id` (it follows a browser from call to
    /// call; ours would tell one device from another), `email`, `ver` (our features are others).
    fn meaning(presence: &Element) -> BTreeSet<String> {
        let mut said = BTreeSet::from([format!("to {:?} {:?}", presence.attr("to"), presence.attr("type"))]);
        for child in presence.children().filter(|child| !matches!(child.name(), "stats-id" | "email")) {
            match child.name() {
                "c" => drop(said.insert("caps".to_owned())),
                "x" => said.extend(child.children().map(|part| format!("x {} {}", part.name(), part.text()))),
                "SourceInfo" => {
                    let json: serde_json::Value = serde_json::from_str(&child.text()).expect("JSON");
                    said.insert(format!("SourceInfo {json}"));
                }
                name => drop(said.insert(format!("{name} {} {}", child.ns(), child.text()))),
            }
        }
        said
    }

    /// In each recording, the client's state is read from its presence, and said again in ours.
    #[test]
    fn every_recorded_presence_is_said_in_the_same_words() {
        let can = Capabilities { node: String::new(), identity: None, features: Vec::new() };
        let mut seen = 0;
        for name in
            ["01-two-clients/B", "03-password/B", "04-lobby/B", "04-lobby/C", "05-moderation/B", "08b-room-full/C"]
        {
            for line in recording::read(name).of("xmpp", Direction::Out) {
                let Ok(theirs) = frame::read(&line.data) else { continue };
                let Some(to) = theirs.attr("to").and_then(Jid::new).filter(|_| theirs.name() == "presence") else {
                    continue;
                };
                let text = |name: &str| theirs.children().find(|child| child.name() == name).map(Element::text);
                let of_x = |name: &str| {
                    let x = theirs.get_child("x", namespace::MUC)?;
                    x.children().find(|child| child.name() == name).map(|child| Pii::new(child.text()))
                };
                let sources: BTreeMap<String, serde_json::Value> =
                    serde_json::from_str(&text("SourceInfo").unwrap_or("{}".to_owned())).expect("JSON");
                let own = Own {
                    occupant: to.clone(),
                    name: Pii::new(text("nick").unwrap_or_default()),
                    codecs: text("jitsi_participant_codecList").into_iter().collect(),
                    muted: sources.iter().map(|(name, said)| (name.clone(), said["muted"] == true)).collect(),
                    hand: text("jitsi_participant_raisedHand").map(|hand| hand.parse().ok()),
                };
                let (password, machine) = (of_x("password"), of_x("billingid"));
                let in_lobby = to.domain().starts_with("lobby.");
                let ours = if theirs.attr("type").is_some() {
                    leave(&to)
                } else if in_lobby && theirs.has_child("x", namespace::MUC) {
                    own.knock(&to, &can, machine.as_ref())
                } else if in_lobby {
                    // A second presence with an address for mail: this room has none.
                    continue;
                } else if theirs.has_child("x", namespace::MUC) {
                    own.join(&can, password.as_ref(), machine.as_ref())
                } else {
                    own.update(&can)
                };
                assert_eq!(meaning(&ours), meaning(&theirs), "{name}");
                seen += 1;
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
