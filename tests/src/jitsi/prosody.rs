//! Prosody, Debian's own, on loopback: `meet.test` for guests, `muc.meet.test` for rooms, `lobby.meet.test` beside it,
//! `auth.meet.test` for the focus. Its pages are those of `https://localhost`, with a certificate from an authority of the test.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::authority;
use crate::stage::{eventually, tree};

/// What differs from test to test.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Seconds for which a session can be resumed.
    pub resumable: u32,
    /// People in a room besides the focus.
    pub most: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { resumable: 60, most: 100 }
    }
}

/// A running Prosody; it ends when dropped.
pub struct Prosody {
    folder: TempDir,
    program: Child,
    /// Its port without TLS, for doubles.
    pub plain: u16,
    /// Its port with TLS.
    pub secure: u16,
}

impl Prosody {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not come up; its log says why.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["data", "web", "certs"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        authority::write(folder.path());
        let (plain, secure) = (free(), free());
        let settings = folder.path().join("prosody.cfg.lua");
        fs::write(&settings, configuration(folder.path(), plain, secure, options)).expect("its configuration");
        let output = fs::File::create(folder.path().join("output")).expect("a file");
        let program = Command::new("prosody")
            .args(["-F", "--config"])
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file"))
            .stderr(output)
            .spawn()
            .expect("prosody");
        let prosody = Prosody { folder, program, plain, secure };
        let up = || prosody.log().contains("Activated service 'https'").then_some(());
        let pages = || prosody.log().contains("Serving 'files'").then_some(());
        eventually("Prosody listens", Duration::from_secs(20), up);
        eventually("Prosody serves its pages", Duration::from_secs(20), pages);
        let log = prosody.log();
        assert!(!log.contains("\terror\t"), "{log}");
        prosody
    }

    /// The authority that its certificate comes from (PEM).
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Its own certificate and key (PEM), for others on the same host.
    #[must_use]
    pub fn certificate(&self) -> (PathBuf, PathBuf) {
        let folder = self.folder.path().join("certs");
        (folder.join("localhost.crt"), folder.join("localhost.key"))
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Puts a `config.js` at its root, for people who come through this port: in the shape of Jitsi's Debian package.
    pub fn settings(&self, port: u16, by_http: bool) {
        let request = if by_http {
            format!("    conferenceRequestUrl: 'https://localhost:{port}/conference-request/v1',\n")
        } else {
            String::new()
        };
        let text = format!(
            "/* eslint-disable */\nvar subdomain = \"\";\nvar config = {{\n    hosts: {{\n        domain: 'meet.test',\n        \
             muc: 'muc.' + subdomain + 'meet.test',\n        focus: 'focus.meet.test',\n    }},\n    \
             // bosh: '//localhost/http-bind',\n    websocket: 'wss://localhost:{port}/xmpp-websocket',\n{request}    \
             testing: {{ p2pTestMode: false }},\n}};\n"
        );
        self.page("config.js", text.as_bytes());
    }

    /// Stops it in the middle of whatever it does, or lets it go on: a server that hangs.
    pub fn hang(&self, hang: bool) {
        let signal = if hang { Signal::STOP } else { Signal::CONT };
        rustix::process::kill_process(Pid::from_child(&self.program), signal).expect("a signal");
    }

    /// Puts a file at its root.
    pub fn page(&self, name: &str, content: &[u8]) {
        fs::write(self.folder.path().join("web").join(name), content).expect("a page");
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(3000);
            eprintln!("Prosody's log ends with:\n{}", log.get(from..).unwrap_or(&log));
        }
        let _gone = (self.program.kill(), self.program.wait());
    }
}

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn configuration(folder: &Path, plain: u16, secure: u16, options: Options) -> String {
    let folder = folder.display();
    let plugins = tree().join("tests/jitsi");
    let plugins = plugins.display();
    let Options { resumable, most } = options;
    format!(
        r#"
run_as_root = true
pidfile = "{folder}/pid"
data_path = "{folder}/data"
plugin_paths = {{ "{plugins}" }}
log = {{ {{ levels = {{ min = "debug" }}, to = "file", filename = "{folder}/log" }} }}
modules_enabled = {{ "disco", "ping", "posix", "roster", "saslauth" }}
modules_disabled = {{ "s2s" }}
storage = "memory"
c2s_ports = {{}}
http_ports = {{ {plain} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{ {secure} }}
https_interfaces = {{ "127.0.0.1" }}
certificates = "{folder}/certs"
consider_websocket_secure = true
smacks_hibernation_time = {resumable}
admins = {{ "focus@auth.meet.test" }}

VirtualHost "localhost"
  modules_enabled = {{ "conference_request", "http_files", "websocket" }}
  http_files_dir = "{folder}/web"
  http_paths = {{ files = "/" }}
  focus_jid = "focus@auth.meet.test/focus"

VirtualHost "meet.test"
  authentication = "guests"
  modules_enabled = {{ "external_services", "smacks" }}
  external_services = {{
    {{ type = "turn", host = "turn.meet.test", port = 3478, transport = "udp", secret = "of the test", ttl = 86400 }},
  }}

VirtualHost "auth.meet.test"
  authentication = "insecure"
  insecure_open_authentication = "Yes please, I know what I'm doing!"

Component "muc.meet.test" "muc"
  modules_enabled = {{ "lobby_rooms", "max_occupants" }}
  lobby = "lobby.meet.test"
  most = {most}
  restrict_room_creation = true
  muc_room_locking = false
  muc_room_default_public_jids = true

Component "lobby.meet.test" "muc"
  restrict_room_creation = true
  muc_room_locking = false
  muc_room_default_public_jids = true

Component "focus.meet.test" "focus_proxy"
  focus_jid = "focus@auth.meet.test/focus"
"#
    )
}
