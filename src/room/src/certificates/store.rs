//! The file that holds the device's authority and certificate. One file, so that no pair is ever half written.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use super::authority::{Authority, Pair};

/// The device's authority and the certificate it has issued.
pub struct Bundle {
    /// The authority.
    pub authority: Authority,
    /// The certificate that pages are served with.
    pub own: Pair,
}

/// A folder, and in it the file.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in a folder that may not exist yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Store { folder }
    }

    /// Reads the file. `None` when there is none, or when it is damaged: it is then made anew.
    #[must_use]
    pub fn load(&self) -> Option<Bundle> {
        let text = match fs::read_to_string(self.file()) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!("the device's certificate cannot be read ({}) and is made anew", error.kind());
                }
                return None;
            }
        };
        let bundle = parse(&text);
        if bundle.is_none() {
            tracing::warn!("the file of the device's certificate is damaged, the certificate is made anew");
        }
        bundle
    }

    /// Writes the file: whole, or not at all.
    ///
    /// # Errors
    /// When the disk is full or not writable.
    pub fn save(&self, bundle: &Bundle) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let draft = self.folder.join("device.pem.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        for text in [&bundle.authority.root_text, &*bundle.authority.issuer.text, &*bundle.own.text] {
            file.write_all(text.as_bytes())?;
        }
        file.sync_all()?;
        fs::rename(&draft, self.file())
    }

    fn file(&self) -> PathBuf {
        self.folder.join("device.pem")
    }
}

/// The root, the issuer with its key, the device's own with its key; each ends with its certificate.
fn parse(text: &str) -> Option<Bundle> {
    const END: &str = "-----END CERTIFICATE-----";
    let mut pieces = text.split_inclusive(END);
    let authority = Authority::from_texts(pieces.next()?, pieces.next()?)?;
    Some(Bundle { authority, own: Pair::from_text(pieces.next()?)? })
}
