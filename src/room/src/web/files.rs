//! The files of the pages, built into the program.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// One file.
pub struct File {
    name: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
    tag: OnceLock<String>,
}

impl File {
    const fn new(name: &'static str, bytes: &'static [u8]) -> Self {
        File { name, bytes, tag: OnceLock::new() }
    }

    /// Pages have paths of their own and are not found among the static files.
    pub fn is_page(&self) -> bool {
        self.extension() == "html"
    }

    /// Its entity tag: the beginning of the SHA-256 of what it holds.
    pub fn tag(&self) -> String {
        let tag = || {
            let digest = Sha256::digest(self.bytes);
            let hexadecimal: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            format!("\"{hexadecimal}\"")
        };
        self.tag.get_or_init(tag).clone()
    }

    pub fn content_type(&self) -> &'static str {
        match self.extension() {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }

    fn extension(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(_stem, extension)| extension)
    }
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// All of them.
        pub static FILES: [File; [$($name),*].len()] =
            [$(File::new($name, include_bytes!(concat!("static/", $name)))),*];
    };
}

files![
    "call.js",
    "capture.js",
    "chair.js",
    "confirm.js",
    "devices.js",
    "door.js",
    "flow.js",
    "icon-background-hidden.svg",
    "icon-background.svg",
    "icon-camera-closed.svg",
    "icon-camera.svg",
    "icon-close.svg",
    "icon-devices.svg",
    "icon-door-locked.svg",
    "icon-hand.svg",
    "icon-layout.svg",
    "icon-leave.svg",
    "icon-letters.svg",
    "icon-listen.svg",
    "icon-lock-checked.svg",
    "icon-lock-unchecked.svg",
    "icon-microphone-closed.svg",
    "icon-microphone.svg",
    "icon-more.svg",
    "icon-no-recording.svg",
    "icon-people.svg",
    "icon-screen.svg",
    "icon-speaks.svg",
    "icon-talk.svg",
    "icon-unknown.svg",
    "icon-warning.svg",
    "index.html",
    "layout.js",
    "link.js",
    "lobby.js",
    "main.js",
    "meeting.css",
    "meeting.js",
    "page.js",
    "people.js",
    "remote-meeting.js",
    "remote-room.js",
    "remote.html",
    "remote.js",
    "room.js",
    "rose.svg",
    "roster.js",
    "senders.js",
    "share.js",
    "side.js",
    "status.html",
    "status.js",
    "stream.js",
    "style.css",
    "t140.js",
    "talk.js",
    "texts-meeting.js",
    "texts.js",
    "tiles.js",
    "wishes.js",
    "words.js",
];

/// A file by its name.
pub fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn text(file: &File) -> &'static str {
        std::str::from_utf8(file.bytes).unwrap()
    }

    #[test]
    fn every_file_of_the_folder_is_served_and_has_a_type() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/static");
        let there: BTreeSet<String> =
            folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(there, FILES.iter().map(|file| file.name.to_owned()).collect());
        assert!(FILES.iter().all(|file| file.content_type() != "application/octet-stream"));
    }

    #[test]
    fn p5_no_file_names_another_host() {
        for file in &FILES {
            let elsewhere = text(file).replace("http://www.w3.org/2000/svg", "");
            for word in ["http:", "https:", "stun:", "turn:", "wss:", "ws:", "@import"] {
                assert!(!elsewhere.contains(word), "{}: {word}", file.name);
            }
        }
        assert!(text(find("link.js").unwrap()).contains("iceServers: []"));
    }

    #[test]
    fn no_page_needs_more_than_the_policy_allows() {
        for file in FILES.iter().filter(|file| file.is_page()) {
            for word in [" style=", "<style", " onclick", " onload", "javascript:"] {
                assert!(!text(file).contains(word), "{}: {word}", file.name);
            }
            let scripts = text(file).matches("<script").count();
            assert_eq!(scripts, text(file).matches("<script type=\"module\" src=\"/static/").count());
        }
        for file in FILES.iter().filter(|file| file.extension() == "js") {
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
                assert!(!text(file).contains(word), "{}: {word}", file.name);
            }
        }
    }
}
