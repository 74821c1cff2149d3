//! What media is told of a guest's network: nothing, or the one address that a relay has to let through.
//!
//! TURN passes on only what comes from an address that has a permission (RFC 8656, section 9), and a permission is made
//! by naming the address as a remote candidate. Without a relay no address is needed: the guest's own checks become the
//! path (RFC 8445, section 7.3.1.3), and media, which keeps no secrets, does not learn what the answer says (P6).

use std::net::IpAddr;

/// The answer without any address: no candidates, and the unspecified address where the grammar demands one (RFC 8866,
/// section 5.7). Nobody can point this device at an address (P5).
pub fn without_addresses(answer: &str) -> String {
    rewritten(answer, None)
}

/// The same with one remote candidate: the address that the guest knocked from. The port does not matter: permissions
/// are for addresses; 9 is *discard*.
pub fn with_only(address: IpAddr, answer: &str) -> String {
    rewritten(answer, Some(address.to_canonical()))
}

fn rewritten(answer: &str, only: Option<IpAddr>) -> String {
    let named = ["a=candidate:", "a=remote-candidates:", "a=end-of-candidates", "a=rtcp:"];
    let mut text = String::with_capacity(answer.len() + 80);
    let mut media_lines = 0;
    for line in answer.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if named.iter().any(|start| line.starts_with(start)) {
            continue;
        }
        if line.starts_with("m=") {
            media_lines += 1;
        }
        if line.starts_with("c=") {
            text.push_str("c=IN IP4 0.0.0.0");
        } else if let Some(origin) = line.strip_prefix("o=") {
            // Name, session, version; then the address of whoever made it (RFC 8866, section 5.2).
            let mut words = origin.split(' ');
            let [name, session, version] = [(); 3].map(|()| words.next().unwrap_or("0"));
            text.push_str(&format!("o={name} {session} {version} IN IP4 0.0.0.0"));
        } else {
            text.push_str(line);
        }
        text.push_str("\r\n");
        if let Some(address) = only.filter(|_| media_lines == 1 && line.starts_with("a=ice-pwd:")) {
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

    #[test]
    fn p6_no_address_is_left_where_none_is_needed() {
        let answer = "v=0\r\no=- 46117 2 IN IP4 192.0.2.66\r\ns=-\r\nc=IN IP6 2001:db8::66\r\nm=video 50000 UDP/TLS/RTP/SAVPF 96\r\n\
                      c=IN IP4 192.0.2.66\r\na=rtcp:50001 IN IP4 192.0.2.66\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n\
                      a=candidate:7 1 udp 1 192.0.2.66 22 typ host\r\na=mid:room-video\r\n";
        assert_eq!(
            without_addresses(answer),
            "v=0\r\no=- 46117 2 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nm=video 50000 UDP/TLS/RTP/SAVPF 96\r\n\
             c=IN IP4 0.0.0.0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=mid:room-video\r\n"
        );
        assert!(!with_only("192.0.2.1".parse().unwrap(), answer).contains(".66"));
        // Whatever it is, it stays a text without addresses.
        assert_eq!(without_addresses("o=\nnonsense"), "o= 0 0 IN IP4 0.0.0.0\r\nnonsense\r\n");
    }
}
