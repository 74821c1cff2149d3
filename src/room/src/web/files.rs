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

files!["index.html", "status.html",];

/// A file by its name.
pub fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}
