//! What a client can do (XEP-0030, XEP-0115), and the hash that stands for it in presences.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minidom::Element;
use sha1::{Digest, Sha1};

use super::element::Build;
use super::namespace;

/// Identity and features of a client. They are published to everybody in the room: nothing in here tells one device
/// from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Where the software is at home; a URI that is never fetched.
    pub node: String,
    /// Category, type and name (XEP-0030, section 3.1). lib-jitsi-meet has none.
    pub identity: Option<(String, String, String)>,
    /// Namespaces of features.
    pub features: Vec<String>,
}

impl Capabilities {
    /// The verification string (XEP-0115, section 5.1), with SHA-1, which is what every server and client knows.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut features = self.features.clone();
        features.sort();
        features.dedup();
        let mut text = match &self.identity {
            Some((category, kind, name)) => format!("{category}/{kind}//{name}<"),
            None => String::new(),
        };
        for feature in features {
            text.push_str(&feature);
            text.push('<');
        }
        STANDARD.encode(Sha1::digest(text.as_bytes()))
    }

    /// `<c>`, for presences.
    #[must_use]
    pub fn in_presence(&self) -> Element {
        Element::bare("c", namespace::CAPS)
            .with("hash", "sha-1")
            .with("node", self.node.as_str())
            .with("ver", self.hash())
    }

    /// The answer to a question for it, `node` being what the question named. `None`: that node is not ours.
    #[must_use]
    pub fn answer(&self, node: Option<&str>) -> Option<Element> {
        if node.is_some_and(|node| node != format!("{}#{}", self.node, self.hash())) {
            return None;
        }
        let mut query = Element::bare("query", namespace::DISCO_INFO).with("node", node);
        if let Some((category, kind, name)) = &self.identity {
            let identity = Element::bare("identity", namespace::DISCO_INFO)
                .with("category", category.as_str())
                .with("type", kind.as_str())
                .with("name", (!name.is_empty()).then_some(name.as_str()));
            query.append_child(identity);
        }
        for feature in &self.features {
            query.append_child(Element::bare("feature", namespace::DISCO_INFO).with("var", feature.as_str()));
        }
        Some(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::recording::{self, Direction};
    use crate::signalling::xmpp::frame;

    #[test]
    fn the_hash_is_that_of_the_example_of_xep_0115() {
        let exodus = Capabilities {
            node: "http://code.google.com/p/exodus".to_owned(),
            identity: Some(("client".to_owned(), "pc".to_owned(), "Exodus 0.9.1".to_owned())),
            features: [
                namespace::DISCO_INFO,
                "http://jabber.org/protocol/disco#items",
                namespace::MUC,
                namespace::CAPS,
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        assert_eq!(exodus.hash(), "QgayPKawpkPSDYmwT/WM94uAlu0=");
    }

    /// What a recorded client answered when it was asked, and what its presence said: one must be the hash of the other.
    #[test]
    fn the_hash_is_that_of_the_recorded_clients() {
        let mut seen = 0;
        for recording in recording::all() {
            let sent: Vec<Element> = recording
                .of("xmpp", Direction::Out)
                .filter(|frame| frame.data.starts_with('<'))
                .map(|sent| frame::read(&sent.data).expect("a frame"))
                .collect();
            let versions: Vec<&str> = sent
                .iter()
                .filter_map(|sent| sent.get_child("c", namespace::CAPS))
                .filter_map(|caps| caps.attr("ver"))
                .collect();
            for query in sent.iter().filter_map(|sent| sent.get_child("query", namespace::DISCO_INFO)) {
                let text = |identity: &Element, name| identity.attr(name).unwrap_or_default().to_owned();
                let identity = query.get_child("identity", namespace::DISCO_INFO);
                let capabilities = Capabilities {
                    node: String::new(),
                    identity: identity.map(|one| (text(one, "category"), text(one, "type"), text(one, "name"))),
                    features: query
                        .children()
                        .filter(|child| child.name() == "feature")
                        .filter_map(|child| child.attr("var").map(str::to_owned))
                        .collect(),
                };
                // Questions have no features, and the small native client has no `<c>`.
                if versions.is_empty() || capabilities.features.is_empty() {
                    continue;
                }
                assert!(versions.contains(&capabilities.hash().as_str()), "{}", recording.name);
                seen += 1;
            }
        }
        assert!(seen >= 7, "{seen}");
    }
}
