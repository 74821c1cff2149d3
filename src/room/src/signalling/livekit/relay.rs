//! The relay that the server hands out, if any.

use livekit_protocol::IceServer;
use subrosa_messages::Pii;
use subrosa_messages::media::{TurnServer, TurnTransport};

/// The first relay that is named: `turn:host:port?transport=udp` (RFC 7065). STUN servers are none (P5).
pub fn relay(servers: &[IceServer]) -> Option<TurnServer> {
    servers.iter().find_map(|server| {
        let (secure, rest) = server.urls.iter().find_map(|url| {
            let plain = url.strip_prefix("turn:").map(|rest| (false, rest));
            plain.or_else(|| url.strip_prefix("turns:").map(|rest| (true, rest)))
        })?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let default = if secure { 5349 } else { 3478 };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (place, default),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let transport = match (secure, query.contains("transport=tcp")) {
            (true, _) => TurnTransport::Tls,
            (false, true) => TurnTransport::Tcp,
            (false, false) => TurnTransport::Udp,
        };
        let (user, password) = (Pii::new(server.username.clone()), Pii::new(server.credential.clone()));
        (!host.is_empty()).then_some(TurnServer { host, port, transport, user, password, relay_only: false })
    })
}
