//! The configuration file `subrosa.toml`: what an operator may decide, and nothing that a board file says.
//!
//! Every key has a default, so that no file at all is a whole configuration. A file that is wrong in any place is
//! refused as a whole, with every fault at once: file, line, key, what is wrong and what would be right.

mod example;
mod island;
mod read;
mod section;
mod servers;

pub use example::EXAMPLE;

use std::fs;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use subrosa_messages::media::{Background, Size, TurnServer};

use crate::island::Island;
use crate::language::Language;
use crate::meeting::role::Roles;
use crate::servers::Servers;

/// The only version there is of the file's format.
pub const VERSION: i64 = 1;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The room itself.
    pub room: Room,
    /// Who runs it.
    pub operator: Operator,
    /// Its page.
    pub web: Web,
    /// Its picture.
    pub media: Media,
    /// What its picture shows behind people.
    pub blur: Blur,
    /// How meetings are held.
    pub meeting: Meeting,
    /// How guests' links reach it.
    pub network: Network,
    /// The network that the device makes itself; `None`: it makes none.
    pub island: Option<Island>,
    /// Servers of others that it may join.
    pub servers: Servers,
}

/// `[room]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// What the room is called, on its screen and its page.
    pub name: String,
    /// Language of the screen. The page follows the guest's.
    pub language: Language,
}

/// `[operator]`: what the notice says about who is responsible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// The controller (GDPR, Article 4(7)).
    pub name: Option<String>,
    /// Its postal address, with line breaks.
    pub address: Option<String>,
    /// Where questions about privacy go.
    pub privacy_contact: Option<String>,
    /// What the meetings are for, in the operator's words.
    pub purpose: Option<String>,
    /// The legal basis (GDPR, Article 6), in the operator's words.
    pub legal_basis: Option<String>,
}

/// `[web]`: the page that guests open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where it is served. `[::]` stands for both families.
    pub listen: Vec<SocketAddr>,
    /// The operator's certificate, if the device is not to use its own.
    pub certificate: Option<OperatorCertificate>,
}

/// The operator's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorCertificate {
    /// The chain, PEM, the device's own first.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// `[media]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Size of the picture that guests get.
    pub picture: Size,
    /// Its frames a second.
    pub frames_per_second: u32,
    /// Its largest bitrate, in kbit/s.
    pub max_bitrate: u32,
    /// Size of what the room's screen is given.
    pub screen: Size,
    /// The most pictures of others that are asked for and shown at once.
    pub pictures: u32,
}

/// `[blur]`: what the room's picture shows behind people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blur {
    /// How it is hidden.
    pub mode: BlurMode,
    /// The operator's picture, PNG, JPEG or WebP; there wherever the mode is [`BlurMode::Image`].
    pub image: Option<PathBuf>,
    /// The colour of [`BlurMode::Colour`]: red, green, blue; also where the picture cannot be read.
    pub colour: [u8; 3],
}

/// How what stands behind people is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlurMode {
    /// Not at all.
    Off,
    /// Blurred a little: it looks natural, and large letters can still be made out.
    Light,
    /// Blurred so that nothing can be made out.
    #[default]
    Strong,
    /// Behind a picture.
    Image,
    /// Behind a colour.
    Colour,
}

impl Blur {
    /// What media is told.
    #[must_use]
    pub fn background(&self) -> Background {
        match self.mode {
            BlurMode::Off => Background::AsItIs,
            BlurMode::Light => Background::Light,
            BlurMode::Strong => Background::Strong,
            BlurMode::Image => Background::Picture,
            BlurMode::Colour => self.plain(),
        }
    }

    /// The colour alone.
    #[must_use]
    pub fn plain(&self) -> Background {
        let [red, green, blue] = self.colour;
        Background::Colour { red, green, blue }
    }
}

/// `[meeting]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// How many guests can be in at once.
    pub max_guests: usize,
    /// How long the PIN is.
    pub pin_digits: usize,
    /// What who may.
    pub roles: Roles,
    /// The room's screen shows what is written.
    pub chat_on_screen: bool,
}

/// `[network]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The addresses to be reached on; empty: all that the device has.
    pub addresses: Vec<IpAddr>,
    /// First and last UDP port of links; `None`: any.
    pub udp_ports: Option<(u16, u16)>,
    /// Where the page is reached from elsewhere, without a trailing slash.
    pub public_url: Option<String>,
    /// The operator's relay.
    pub turn: Option<TurnServer>,
}

impl Default for Room {
    fn default() -> Self {
        Room { name: "Subrosa".to_owned(), language: Language::default() }
    }
}

impl Default for Web {
    fn default() -> Self {
        Web { listen: vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, 8443))], certificate: None }
    }
}

impl Default for Media {
    fn default() -> Self {
        Media {
            picture: Size { width: 1280, height: 720 },
            frames_per_second: 30,
            max_bitrate: 2500,
            screen: Size { width: 1280, height: 720 },
            pictures: 6,
        }
    }
}

impl Default for Blur {
    fn default() -> Self {
        Blur { mode: BlurMode::default(), image: None, colour: [0x3b, 0x38, 0x45] }
    }
}

impl Default for Meeting {
    fn default() -> Self {
        Meeting { max_guests: 6, pin_digits: 6, roles: Roles::default(), chat_on_screen: true }
    }
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Line, from 1.
    pub line: usize,
    /// The key with its sections, such as `media.picture`; empty where there is none.
    pub key: String,
    /// What is wrong.
    pub wrong: String,
    /// What would be right.
    pub right: String,
}

/// Why a configuration cannot be used. Its text is meant for the person who wrote the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The file cannot be read.
    #[error("{path}: the configuration cannot be read ({source})")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file says something that cannot be done.
    #[error("{}", list(path, wrong))]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// Everything that is wrong, by line.
        wrong: Vec<Wrong>,
    },
}

fn list(path: &Path, wrong: &[Wrong]) -> String {
    let lines: Vec<String> = wrong
        .iter()
        .map(|fault| {
            let key = if fault.key.is_empty() { String::new() } else { format!("{}: ", fault.key) };
            format!("{}:{}: {key}{}; {}", path.display(), fault.line, fault.wrong, fault.right)
        })
        .collect();
    lines.join("\n")
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is wrong anywhere.
    pub fn load(path: &Path) -> Result<Self, ConfigurationError> {
        Configuration::load_at(path, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a file whose relative paths start at another folder than its own: a copy.
    ///
    /// # Errors
    /// As for [`Configuration::load`].
    pub fn load_at(path: &Path, folder: &Path) -> Result<Self, ConfigurationError> {
        let text =
            fs::read_to_string(path).map_err(|source| ConfigurationError::Read { path: path.to_owned(), source })?;
        read::read(&text, folder).map_err(|wrong| ConfigurationError::Wrong { path: path.to_owned(), wrong })
    }

    /// The file that is used when none is named: `subrosa.toml` in this folder, else `/etc/subrosa/subrosa.toml`;
    /// `None` when neither is there and the defaults are used.
    #[must_use]
    pub fn usual_path() -> Option<PathBuf> {
        ["subrosa.toml", "/etc/subrosa/subrosa.toml"].into_iter().map(PathBuf::from).find(|path| path.exists())
    }

    /// The port that links name.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.web.listen.first().map_or(8443, SocketAddr::port)
    }
}
