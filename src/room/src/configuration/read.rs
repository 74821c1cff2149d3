//! From the text of a file to a [`Configuration`].

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use subrosa_messages::Pii;
use subrosa_messages::media::{Size, TurnServer, TurnTransport};
use toml::de::{DeTable, DeValue};

use super::section::{Findings, Section, integer};
use super::{BlurMode, Configuration, OperatorCertificate, VERSION, Wrong};
use super::{island, servers};
use crate::language::Language;
use crate::meeting::role::{Capability, May, Preset, Roles};

/// Reads a text. Relative paths in it start at `folder`.
pub fn read(text: &str, folder: &Path) -> Result<Configuration, Vec<Wrong>> {
    let (document, broken) = DeTable::parse_recoverable(text);
    let mut findings = Findings::of(text);
    for error in &broken {
        let right = "see https://toml.io for how a file is written".to_owned();
        findings.note(error.span().unwrap_or(0..0), String::new(), error.message().to_owned(), right);
    }
    if !broken.is_empty() {
        return Err(findings.finish());
    }
    let mut configuration = Configuration::default();
    sections(document.get_ref(), &mut findings, folder, &mut configuration);
    let wrong = findings.finish();
    if wrong.is_empty() { Ok(configuration) } else { Err(wrong) }
}

fn sections<'a>(document: &'a DeTable<'a>, findings: &mut Findings<'a>, folder: &Path, to: &mut Configuration) {
    let mut top = Section::top(document, findings);
    let mut version = VERSION;
    top.take("version", &mut version, "this program reads version = 1", |value| {
        integer(value).filter(|version| *version == VERSION)
    });
    let [room, operator, web, media, blur, meeting, network, own, joining] =
        ["room", "operator", "web", "media", "blur", "meeting", "network", "island", "joining"]
            .map(|name| top.table(name));
    let profiles = top.tables("servers");
    top.end();

    let mut section = Section::below("room", room, findings);
    section.text("name", &mut to.room.name, 64);
    section.choice("language", &mut to.room.language, &[("de", Language::German), ("en", Language::English)]);
    section.end();

    let mut section = Section::below("operator", operator, findings);
    section.lines("name", &mut to.operator.name, 200);
    section.lines("address", &mut to.operator.address, 1000);
    section.lines("privacy_contact", &mut to.operator.privacy_contact, 1000);
    section.lines("purpose", &mut to.operator.purpose, 4000);
    section.lines("legal_basis", &mut to.operator.legal_basis, 4000);
    section.end();

    web_section(Section::below("web", web, findings), web, folder, to);

    let mut section = Section::below("media", media, findings);
    section.take("picture", &mut to.media.picture, PICTURE, |value| size(value, (640, 360)));
    section.number("frames_per_second", &mut to.media.frames_per_second, 20..=60);
    section.number("max_bitrate", &mut to.media.max_bitrate, 300..=20_000);
    section.take("screen", &mut to.media.screen, SCREEN, |value| size(value, (800, 480)));
    section.number("pictures", &mut to.media.pictures, 1..=6);
    section.end();

    blur_section(Section::below("blur", blur, findings), blur, folder, to);

    meeting_section(Section::below("meeting", meeting, findings), to);

    let mut section = Section::below("network", network, findings);
    section.take("addresses", &mut to.network.addresses, ADDRESSES, addresses);
    section.take("udp_ports", &mut to.network.udp_ports, PORTS, ports);
    section.take("public_url", &mut to.network.public_url, URL, url);
    let turn = section.table("turn");
    section.end();
    turn_section(turn, findings, to);
    island::read(own, findings, to);
    servers::read(&profiles, joining, findings, folder, &mut to.servers);
}

const PICTURE: &str = "write a size from \"640x360\" to \"1920x1080\" with even numbers, such as \"1280x720\"";
const SCREEN: &str = "write a size from \"800x480\" to \"1920x1080\" with even numbers, such as \"1280x720\"";
const LISTEN: &str = "write address and port, such as \"[::]:8443\" for all addresses, or a list of them";
const ADDRESSES: &str = "write a list of addresses, such as [\"192.0.2.7\"], or [] for all that the device has";
const PORTS: &str = "write the first and the last port, such as \"50000-50100\" with at least 10 of them above 1023, \
                     or \"\" for any";
const MAY: &str = "write \"preset\" or a list of \"speak\", \"show\", \"present\", \"chat\", \"text\", \"admit\", \"message\", \"lock\", \"mute\", \
                   \"remove\", \"arrange\", \"assign\" and \"end\"";
const IMAGE: &str = "name a PNG, JPEG or WebP file, such as image = \"background.jpg\"";
const COLOUR: &str = "write a colour as \"#rrggbb\", such as \"#3b3845\"";
const URL: &str = "write the start of the link, such as \"https://room.example.org\", or \"\"";

fn meeting_section(mut section: Section<'_, '_>, to: &mut Configuration) {
    section.number("max_guests", &mut to.meeting.max_guests, 1..=8);
    section.number("pin_digits", &mut to.meeting.pin_digits, 6..=12);
    section.switch("chat_on_screen", &mut to.meeting.chat_on_screen);
    let presets = [("meeting", Preset::Meeting), ("class", Preset::Class), ("consultation", Preset::Consultation)];
    let mut preset = Preset::default();
    section.choice("preset", &mut preset, &presets);
    let mut roles = Roles::of(preset);
    let places = [&mut roles.guest, &mut roles.presenter, &mut roles.moderator];
    for (key, place) in ["guest_may", "presenter_may", "moderator_may"].into_iter().zip(places) {
        let mut own = None;
        section.take(key, &mut own, MAY, may);
        *place = own.unwrap_or(*place);
    }
    to.meeting.roles = roles;
    section.end();
}

/// A list of capabilities, or what the preset says. What concerns the room itself is for paired phones alone.
fn may(value: &DeValue) -> Option<Option<May>> {
    if value.as_str() == Some("preset") {
        return Some(None);
    }
    let known = |word: &str| {
        let mut all = Capability::ALL.into_iter().filter(|one| *one != Capability::Attend);
        all.find(|one| one.word() == word)
    };
    let list = value.as_array()?;
    let found: Option<Vec<Capability>> = list.iter().map(|word| known(word.get_ref().as_str()?)).collect();
    found.map(|found| Some(May::only(&found)))
}

fn web_section<'a>(
    mut section: Section<'a, '_>,
    table: Option<&'a DeTable<'a>>,
    folder: &Path,
    to: &mut Configuration,
) {
    section.take("listen", &mut to.web.listen, LISTEN, listen);
    let (mut certificate, mut key) = (None, None);
    section.lines("certificate", &mut certificate, 4096);
    section.lines("key", &mut key, 4096);
    let at = |name: &str| table.and_then(|table| table.get(name)).map_or(0..0, toml::Spanned::span);
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let place = |name: String| folder.join(PathBuf::from(name));
            to.web.certificate = Some(OperatorCertificate { certificate: place(certificate), key: place(key) });
        }
        (None, None) => {}
        (Some(_), None) => section.lacks(at("certificate"), "key", "certificate"),
        (None, Some(_)) => section.lacks(at("key"), "certificate", "key"),
    }
    section.end();
}

fn blur_section<'a>(
    mut section: Section<'a, '_>,
    table: Option<&'a DeTable<'a>>,
    folder: &Path,
    to: &mut Configuration,
) {
    let modes = [
        ("light", BlurMode::Light),
        ("strong", BlurMode::Strong),
        ("image", BlurMode::Image),
        ("colour", BlurMode::Colour),
        ("off", BlurMode::Off),
    ];
    section.choice("mode", &mut to.blur.mode, &modes);
    let mut image = None;
    section.lines("image", &mut image, 4096);
    to.blur.image = image.map(|name| folder.join(PathBuf::from(name)));
    section.take("colour", &mut to.blur.colour, COLOUR, colour);
    if to.blur.mode == BlurMode::Image && to.blur.image.is_none() {
        let at = table.and_then(|table| table.get("mode")).map_or(0..0, toml::Spanned::span);
        section.misses(at, "image", "`mode` is \"image\" and `image` is not set", IMAGE);
    }
    section.end();
}

fn turn_section<'a>(table: Option<&'a DeTable<'a>>, findings: &mut Findings<'a>, to: &mut Configuration) {
    let mut turn = TurnServer {
        host: String::new(),
        port: 3478,
        transport: TurnTransport::Udp,
        user: Pii::new(String::new()),
        password: Pii::new(String::new()),
        relay_only: false,
    };
    let transports = [("udp", TurnTransport::Udp), ("tcp", TurnTransport::Tcp), ("tls", TurnTransport::Tls)];
    let mut section = Section::below("network.turn", table, findings);
    section.take("host", &mut turn.host, "write the relay's name or address without a port, or \"\" for none", host);
    section.number("port", &mut turn.port, 1..=65_535);
    section.choice("transport", &mut turn.transport, &transports);
    section.take("user", &mut turn.user, "write the relay's user name in quotes", secret);
    section.take("password", &mut turn.password, "write the relay's password in quotes", secret);
    section.switch("relay_only", &mut turn.relay_only);
    section.end();
    to.network.turn = (!turn.host.is_empty()).then_some(turn);
}

fn size(value: &DeValue, least: (u32, u32)) -> Option<Size> {
    let (width, height) = value.as_str()?.split_once('x')?;
    let size = Size { width: width.trim().parse().ok()?, height: height.trim().parse().ok()? };
    let even = size.width.is_multiple_of(2) && size.height.is_multiple_of(2);
    let fits = (least.0..=1920).contains(&size.width) && (least.1..=1080).contains(&size.height);
    (even && fits).then_some(size)
}

fn listen(value: &DeValue) -> Option<Vec<SocketAddr>> {
    let one = |value: &DeValue| value.as_str()?.parse::<SocketAddr>().ok().filter(|address| address.port() != 0);
    match value.as_array() {
        None => Some(vec![one(value)?]),
        Some(list) => {
            let all: Option<Vec<SocketAddr>> = list.iter().map(|value| one(value.get_ref())).collect();
            all.filter(|all| !all.is_empty())
        }
    }
}

fn addresses(value: &DeValue) -> Option<Vec<IpAddr>> {
    value.as_array()?.iter().map(|value| value.get_ref().as_str()?.parse().ok()).collect()
}

fn ports(value: &DeValue) -> Option<Option<(u16, u16)>> {
    let text = value.as_str()?.trim();
    if text.is_empty() {
        return Some(None);
    }
    let (first, last) = text.split_once('-')?;
    let (first, last): (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 1023 && last >= first.saturating_add(9)).then_some(Some((first, last)))
}

fn url(value: &DeValue) -> Option<Option<String>> {
    let text = value.as_str()?.trim().trim_end_matches('/');
    if text.is_empty() {
        return Some(None);
    }
    let rest = text.strip_prefix("https://")?;
    let plain = rest.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.:[]".contains(letter));
    (plain && !rest.is_empty()).then(|| Some(text.to_owned()))
}

fn colour(value: &DeValue) -> Option<[u8; 3]> {
    let digits = value.as_str()?.trim().strip_prefix('#')?;
    if digits.len() != 6 || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

fn host(value: &DeValue) -> Option<String> {
    let text = value.as_str()?.trim();
    let name = text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.');
    (name || text.parse::<IpAddr>().is_ok()).then(|| text.to_owned())
}

fn secret(value: &DeValue) -> Option<Pii<String>> {
    Some(Pii::new(value.as_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::configuration::EXAMPLE;

    fn wrong(text: &str) -> Vec<Wrong> {
        read(text, Path::new("")).unwrap_err()
    }

    #[test]
    fn no_file_and_an_empty_file_are_the_defaults() {
        assert_eq!(read("", Path::new("")).unwrap(), Configuration::default());
    }

    #[test]
    fn the_example_is_the_defaults_and_names_every_key() {
        assert_eq!(read(EXAMPLE, Path::new("")).unwrap(), Configuration::default());
        let (example, broken) = DeTable::parse_recoverable(EXAMPLE);
        assert!(broken.is_empty());
        let mut findings = Findings::of(EXAMPLE);
        sections(example.get_ref(), &mut findings, Path::new(""), &mut Configuration::default());
        for (section, key) in findings.known() {
            let mut table = example.get_ref();
            for part in section.split('.').filter(|part| !part.is_empty()) {
                table = table.get(part).unwrap().get_ref().as_table().unwrap();
            }
            assert!(table.contains_key(*key), "the example lacks {section}.{key}");
        }
    }

    #[test]
    fn everything_wrong_is_said_at_once_with_line_and_key() {
        let found = wrong("version = 2\n[room]\nlangauge = \"de\"\nname = \"\"\n[media]\nframes_per_second = 5\n");
        let lines: Vec<(usize, &str)> = found.iter().map(|fault| (fault.line, fault.key.as_str())).collect();
        assert_eq!(lines, [(1, "version"), (3, "room.langauge"), (4, "room.name"), (6, "media.frames_per_second")]);
        assert!(found[1].right.contains("`language`"), "{:?}", found[1]);
        assert!(found[3].wrong.contains('5') && found[3].right.contains("20 to 60"), "{:?}", found[3]);
    }

    #[test]
    fn a_key_in_the_wrong_section_is_sent_to_the_right_one() {
        let found = wrong("[room]\nlisten = \"[::]:1\"\n");
        assert!(found[0].right.contains("belongs to [web]"), "{:?}", found[0]);
        let found = wrong("[rooms]\nname = \"x\"\n");
        assert!(found[0].right.contains("`room`"), "{:?}", found[0]);
    }

    #[test]
    fn every_key_refuses_what_it_cannot_use_and_says_what_would_be_right() {
        for (section, line) in [
            ("room", "name = 1"),
            ("room", "name = \"a\\u0007b\""),
            ("room", "language = \"fr\""),
            ("operator", "name = true"),
            ("operator", "address = []"),
            ("web", "listen = \"8443\""),
            ("web", "listen = []"),
            ("web", "listen = \"0.0.0.0:0\""),
            ("web", "certificate = \"a.pem\""),
            ("web", "key = \"a.pem\""),
            ("media", "picture = \"1280*720\""),
            ("media", "picture = \"1281x720\""),
            ("media", "picture = \"3840x2160\""),
            ("media", "picture = \"-640x360\""),
            ("media", "frames_per_second = \"30\""),
            ("media", "max_bitrate = 1"),
            ("media", "screen = \"640x360\""),
            ("media", "pictures = 0"),
            ("media", "pictures = 7"),
            ("blur", "mode = \"on\""),
            ("blur", "mode = true"),
            ("blur", "mode = \"image\""),
            ("blur", "image = 1"),
            ("blur", "colour = \"blue\""),
            ("blur", "colour = \"#12345\""),
            ("blur", "colour = \"#12345é\""),
            ("blur", "color = \"#123456\""),
            ("meeting", "max_guests = 0"),
            ("meeting", "max_guests = 1.5"),
            ("meeting", "pin_digits = 4"),
            ("meeting", "preset = \"lecture\""),
            ("meeting", "chat_on_screen = 1"),
            ("meeting", "guest_may = \"all\""),
            ("meeting", "guest_may = [\"attend\"]"),
            ("meeting", "moderator_may = [\"speak\", 1]"),
            ("network", "addresses = [\"room.example.org\"]"),
            ("network", "udp_ports = \"50000\""),
            ("network", "udp_ports = \"50000-49000\""),
            ("network", "udp_ports = \"80-1000\""),
            ("network", "public_url = \"http://room.example.org\""),
            ("network", "public_url = \"https://room.example.org/x?y\""),
            ("network", "turn = \"turn:example.org\""),
            ("network.turn", "host = \"turn:example.org\""),
            ("network.turn", "port = 70000"),
            ("network.turn", "transport = \"quic\""),
            ("network.turn", "relay_only = 1"),
            ("island", "name = \"a name of more than thirty-two octets\""),
            ("island", "passphrase = \"short\""),
            ("island", "passphrase = 12345678"),
            ("island", "country = \"Germany\""),
            ("island", "interface = \"wlan*\""),
            ("island", "channel = 14"),
            ("island", "channel = 300"),
            ("island", "address = \"8.8.8.8\""),
            ("island", "wpa3 = 1"),
        ] {
            let found = wrong(&format!("\n[{section}]\n{line}\n"));
            assert_eq!(found.len(), 1, "{section}: {line}");
            assert_eq!(found[0].line, 3, "{section}: {line}");
            assert!(found[0].key.starts_with(section), "{found:?}");
            assert!(found[0].right.len() > 10, "{found:?}");
        }
    }

    #[test]
    fn a_whole_file_is_read() {
        let text = "
            version = 1
            [room]
            name = \"Blue room\"
            language = \"en\"
            [operator]
            name = \"Example Ltd\"
            address = \"1 Example Street\\nExampletown\"
            [web]
            listen = [\"192.0.2.7:443\", \"[2001:db8::7]:443\"]
            certificate = \"tls/chain.pem\"
            key = \"/etc/key.pem\"
            [media]
            picture = \"640x360\"
            [blur]
            mode = \"image\"
            image = \"garden.jpg\"
            colour = \"#0a0BfF\"
            [meeting]
            max_guests = 3
            preset = \"class\"
            presenter_may = [\"speak\", \"text\"]
            [network]
            udp_ports = \"50000-50100\"
            public_url = \"https://room.example.org/\"
            [network.turn]
            host = \"turn.example.org\"
            user = \"u\"
            password = \"p\"
            relay_only = true
        ";
        let read = read(text, Path::new("/etc/subrosa")).unwrap();
        assert_eq!(read.room.language, Language::English);
        assert_eq!(read.web.listen.len(), 2);
        let files = read.web.certificate.unwrap();
        assert_eq!(files.certificate, Path::new("/etc/subrosa/tls/chain.pem"));
        assert_eq!(files.key, Path::new("/etc/key.pem"));
        assert_eq!(read.media.picture, Size { width: 640, height: 360 });
        assert_eq!((read.blur.mode, read.blur.colour), (BlurMode::Image, [0x0a, 0x0b, 0xff]));
        assert_eq!(read.blur.image.as_deref(), Some(Path::new("/etc/subrosa/garden.jpg")));
        assert_eq!(read.meeting.max_guests, 3);
        let roles = read.meeting.roles;
        assert_eq!(roles.guest, Roles::of(Preset::Class).guest);
        assert_eq!(roles.presenter, May::only(&[Capability::Speak, Capability::Text]));
        assert_eq!(read.network.udp_ports, Some((50_000, 50_100)));
        assert_eq!(read.network.public_url.as_deref(), Some("https://room.example.org"));
        let turn = read.network.turn.unwrap();
        assert!(turn.relay_only && turn.port == 3478 && turn.password.reveal() == "p");
    }

    #[test]
    fn p4_the_background_is_hidden_unless_the_operator_says_otherwise() {
        assert!(read("", Path::new("")).unwrap().blur.background().hides());
        assert!(!read("[blur]\nmode = \"off\"", Path::new("")).unwrap().blur.background().hides());
    }

    #[test]
    fn a_broken_text_is_refused_with_its_line() {
        assert_eq!(wrong("version = 1\n[room\nname = 1")[0].line, 2);
    }

    proptest! {
        #[test]
        fn any_text_ends_in_an_answer(text in "[a-z_\\[\\]=\"0-9\\.\n ]{0,200}") {
            let _answer = read(&text, Path::new(""));
        }
    }
}
