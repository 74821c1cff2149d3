//! How a relay learns whom to let through: TURN passes on only what comes from an address that has a permission
//! (RFC 8656, section 9), and a permission is made by naming the address as a remote candidate.

use std::net::IpAddr;

/// The answer with one remote candidate: the address that the guest knocked from. What the answer itself names is
/// taken out, so that nobody can point this device at an address (P5). The port does not matter: permissions are
/// for addresses; 9 is *discard*. The guest's own checks become the path (RFC 8445, section 7.3.1.3).
pub fn with_only(address: IpAddr, answer: &str) -> String {
    let address = address.to_canonical();
    let named = ["a=candidate:", "a=remote-candidates:", "a=end-of-candidates"];
    let mut text = String::with_capacity(answer.len() + 80);
    let mut media_lines = 0;
    for line in answer.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if named.iter().any(|start| line.starts_with(start)) {
            continue;
        }
        if line.starts_with("m=") {
            media_lines += 1;
        }
        text.push_str(line);
        text.push_str("\r\n");
        if media_lines == 1 && line.starts_with("a=ice-pwd:") {
            text.push_str(&format!("a=candidate:1 1 udp 2130706431 {address} 9 typ host\r\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_the_knocks_address_is_the_only_one_that_is_left() {
        let answer = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=candidate:7 1 udp 1 192.0.2.66 22 \
                      typ host\r\na=end-of-candidates\r\nm=audio 9 UDP/TLS/RTP/SAVPF 97\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n";
        let text = with_only("::ffff:192.0.2.1".parse().unwrap(), answer);
        let candidates: Vec<_> = text.lines().filter(|line| line.starts_with("a=candidate")).collect();
        assert_eq!(candidates, ["a=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host"]);
        assert!(!text.contains("192.0.2.66") && text.contains("m=audio"));
    }
}
