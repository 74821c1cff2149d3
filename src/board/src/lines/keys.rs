//! Names of keys (Linux, `input-event-codes.h`): those that presenters, remotes and button boxes send.

/// The code of a key, from its name or from `#` and the number that `evtest` prints.
#[must_use]
pub fn key_code(name: &str) -> Option<u16> {
    if let Some(number) = name.strip_prefix('#') {
        return number.parse().ok().filter(|code| (1..=LAST).contains(code));
    }
    KEYS.iter().find(|(key, _)| *key == name).map(|(_, code)| *code)
}

/// `KEY_MAX`.
const LAST: u16 = 0x2ff;

const KEYS: &[(&str, u16)] = &[
    ("KEY_ESC", 1),
    ("KEY_1", 2),
    ("KEY_2", 3),
    ("KEY_3", 4),
    ("KEY_4", 5),
    ("KEY_5", 6),
    ("KEY_TAB", 15),
    ("KEY_ENTER", 28),
    ("KEY_B", 48),
    ("KEY_DOT", 52),
    ("KEY_SPACE", 57),
    ("KEY_F1", 59),
    ("KEY_F2", 60),
    ("KEY_F3", 61),
    ("KEY_F4", 62),
    ("KEY_F5", 63),
    ("KEY_F6", 64),
    ("KEY_F7", 65),
    ("KEY_F8", 66),
    ("KEY_F9", 67),
    ("KEY_F10", 68),
    ("KEY_F11", 87),
    ("KEY_F12", 88),
    ("KEY_HOME", 102),
    ("KEY_UP", 103),
    ("KEY_PAGEUP", 104),
    ("KEY_LEFT", 105),
    ("KEY_RIGHT", 106),
    ("KEY_END", 107),
    ("KEY_DOWN", 108),
    ("KEY_PAGEDOWN", 109),
    ("KEY_MUTE", 113),
    ("KEY_VOLUMEDOWN", 114),
    ("KEY_VOLUMEUP", 115),
    ("KEY_STOP", 128),
    ("KEY_MENU", 139),
    ("KEY_PROG1", 148),
    ("KEY_PROG2", 149),
    ("KEY_BACK", 158),
    ("KEY_NEXTSONG", 163),
    ("KEY_PLAYPAUSE", 164),
    ("KEY_PREVIOUSSONG", 165),
    ("KEY_PHONE", 169),
    ("KEY_F13", 183),
    ("KEY_F14", 184),
    ("KEY_F15", 185),
    ("KEY_F16", 186),
    ("KEY_PLAY", 207),
    ("KEY_CAMERA", 212),
    ("KEY_MICMUTE", 248),
    ("BTN_0", 0x100),
    ("BTN_1", 0x101),
    ("BTN_2", 0x102),
    ("BTN_3", 0x103),
    ("BTN_LEFT", 0x110),
    ("BTN_RIGHT", 0x111),
    ("BTN_MIDDLE", 0x112),
    ("KEY_OK", 0x160),
    ("KEY_SELECT", 0x161),
    ("KEY_NEXT", 0x197),
    ("KEY_PREVIOUS", 0x19c),
    ("KEY_PICKUP_PHONE", 0x1bd),
    ("KEY_HANGUP_PHONE", 0x1be),
    ("KEY_NEXT_FAVORITE", 0x270),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_as_the_kernel_names_them_or_by_number() {
        assert_eq!(
            ["KEY_PAGEDOWN", "BTN_0", "#109", "#0", "#768", "109", "KEY_pagedown"].map(key_code),
            [Some(109), Some(0x100), Some(109), None, None, None, None]
        );
        for (place, (name, code)) in KEYS.iter().enumerate() {
            assert!(KEYS.iter().skip(place + 1).all(|(other, number)| other != name && number != code), "{name}");
        }
    }

    /// The kernel's own list, where its headers are installed.
    #[test]
    fn codes_are_those_of_the_kernels_headers() {
        let Ok(header) = std::fs::read_to_string("/usr/include/linux/input-event-codes.h") else { return };
        for (name, code) in KEYS {
            let line = header.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
            let value = line.and_then(|line| line.split_whitespace().nth(2)).unwrap();
            let number = value.strip_prefix("0x").map_or_else(|| value.parse(), |hex| u16::from_str_radix(hex, 16));
            assert_eq!(number, Ok(*code), "{name}");
        }
    }
}
