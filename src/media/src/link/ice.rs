//! What the ICE agent of a link may do: the addresses and ports that were named, the operator's relay, nothing else
//! (P5). No STUN server, no port mapping by UPnP, no TCP.

use std::net::IpAddr;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use subrosa_messages::media::{LinkNetwork, TurnServer, TurnTransport};

/// Why the agent could not be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IceError {
    /// An address is not taken.
    #[error("the ICE agent does not take an address of this device: see `listen` in subrosa.toml")]
    Address,
    /// The relay is not taken.
    #[error("the ICE agent does not take the relay: see `[network] turn` in subrosa.toml")]
    Relay,
    /// There is no agent.
    #[error("GStreamer's ICE agent is missing: install gstreamer1.0-nice (`make setup`)")]
    Missing,
}

/// Sets up the agent of a webrtcbin. Before its first pad.
///
/// # Errors
/// When an address or the relay is refused.
pub fn set_up(webrtcbin: &gst::Element, network: &LinkNetwork) -> Result<(), IceError> {
    let ice = webrtcbin.property::<Option<glib::Object>>("ice-agent").ok_or(IceError::Missing)?;
    set(&ice, "ice-tcp", false);
    if let Some((first, last)) = network.udp_ports {
        // The upper bound first: the agent warns where the range is upside down in between.
        set(&ice, "max-rtp-port", u32::from(last));
        set(&ice, "min-rtp-port", u32::from(first));
    }
    if ice.find_property("agent").is_some()
        && let Some(agent) = ice.property::<Option<glib::Object>>("agent")
    {
        // libnice's own keepalive is slower than some servers' patience.
        set(&agent, "keepalive-conncheck", true);
        set(&agent, "upnp", false);
    }
    for address in &network.addresses {
        // As soon as one is named, libnice looks for no others. 127.0.0.1 is never found by itself.
        let taken = ice.emit_by_name::<bool>("add-local-ip-address", &[&text(address)]);
        if !taken {
            return Err(IceError::Address);
        }
    }
    if let Some(turn) = &network.turn {
        if !webrtcbin.emit_by_name::<bool>("add-turn-server", &[&turn_uri(turn)]) {
            return Err(IceError::Relay);
        }
        if turn.relay_only {
            webrtcbin.set_property_from_str("ice-transport-policy", "relay");
        }
    }
    Ok(())
}

fn set(object: &glib::Object, property: &str, value: impl Into<glib::Value>) {
    let value = value.into();
    if object.find_property(property).is_some_and(|known| known.value_type() == value.type_()) {
        object.set_property(property, &value);
    }
}

fn text(address: &IpAddr) -> String {
    address.to_string()
}

/// Percent-encoding of everything that is not unreserved (RFC 3986, 2.3).
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// The relay as webrtcbin takes it, user and password escaped.
fn turn_uri(turn: &TurnServer) -> String {
    let (scheme, transport) = match turn.transport {
        TurnTransport::Udp => ("turn", "?transport=udp"),
        TurnTransport::Tcp => ("turn", "?transport=tcp"),
        TurnTransport::Tls => ("turns", ""),
    };
    let host = if turn.host.contains(':') { format!("[{}]", turn.host) } else { turn.host.clone() };
    let (user, password) = (escape(turn.user.reveal()), escape(turn.password.reveal()));
    format!("{scheme}://{user}:{password}@{host}:{}{transport}", turn.port)
}

#[cfg(test)]
mod tests {
    use subrosa_messages::Pii;

    use super::*;

    #[test]
    fn user_and_password_are_escaped_and_ipv6_is_bracketed() {
        let turn = |host: &str, transport| TurnServer {
            host: host.into(),
            port: 3478,
            transport,
            user: Pii::new("17:room".into()),
            password: Pii::new("a/b@c=".into()),
            relay_only: true,
        };
        assert_eq!(
            turn_uri(&turn("turn.example", TurnTransport::Udp)),
            "turn://17%3Aroom:a%2Fb%40c%3D@turn.example:3478?transport=udp"
        );
        assert_eq!(
            turn_uri(&turn("2001:db8::1", TurnTransport::Tls)),
            "turns://17%3Aroom:a%2Fb%40c%3D@[2001:db8::1]:3478"
        );
    }
}
