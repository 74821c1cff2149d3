//! From a link to the WebSocket of a room server: which requests are made, and what comes of the answers. Pure; requests are made
//! elsewhere.
//!
//! ```text
//!   link's host    GET  .well-known/opentalk/client ─┐ names the controller
//!                  GET  config.js                   ─┤ … on older servers
//!                  GET  .well-known/opentalk/api    ─┘ … or is it itself
//!   controller     POST v1/invite/verify                   ─► which room, with a password or without
//!                  POST v1/rooms/R/start                    (since 2026)
//!                  POST v1/rooms/R/start_invited            (before)
//!                  POST v1/rooms/R/roomserver/start_invited (before that)  ─► room server and token, good for 30 s
//! ```
//!
//! The newest way is tried first; a newer server sends on from the older ones (301, 308). Of the ticket that servers before the
//! room server give nothing is made. Two hosts are named by answers, controller and room server: each is told with the step that
//! needs it first, so that it can be declared before it is contacted (P5). All addresses are `https` and `wss` (P8).

use serde::Deserialize;
use serde_json::json;
use subrosa_messages::Pii;
use url::Url;

use super::link::{Link, Place, alias, uuid};

/// Bytes of an answer that are read.
pub const LONGEST: usize = 256 << 10;
/// How often one request may be sent on.
const REDIRECTIONS: usize = 3;
/// The names of rooms are cut here, in characters; servers take 255 bytes.
const LONGEST_NAME: usize = 60;
/// Tokens are no longer than this, in bytes.
const LONGEST_TOKEN: usize = 1024;

/// Who comes.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// How the room is called there.
    pub name: Pii<String>,
    /// Random, 16 to 255 characters, made for this meeting: whoever comes with it twice is the same to the server.
    pub secret: Pii<String>,
    /// The meeting's password, if it is known.
    pub password: Option<Pii<String>>,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`, with JSON.
    Post,
}

/// A request over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where: always `https`.
    pub url: Pii<Url>,
    /// The body of a `POST`, `application/json`.
    pub body: Option<Pii<String>>,
    /// The header `Authorization`.
    pub authorization: Option<Pii<String>>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make this request.
    Ask {
        /// Which.
        request: Request,
        /// Its host, if an answer has named it and nothing was sent to it yet: people are told of it first.
        new_host: Option<Pii<String>>,
    },
    /// A person has to give the password: see [`Start::password`].
    PasswordWanted,
    /// … another one: that one was wrong.
    PasswordWrong,
    /// Open this WebSocket, within 30 s.
    Started {
        /// `wss`, with the token in it.
        address: Pii<Url>,
        /// Its host, if nothing was sent to it yet.
        new_host: Option<Pii<String>>,
    },
    /// It cannot be joined.
    Failed(Failure),
}

/// Why it cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// There is no OpenTalk at the link.
    NotOpenTalk,
    /// The link has no invitation, so that only people with an account get in.
    NoInvite,
    /// There is no such meeting, or the invitation has expired or was taken back.
    NoSuchMeeting,
    /// The server does not let the room in.
    Refused,
    /// The server answers with a fault of its own.
    ServerFault,
    /// The server has no room server yet.
    TooOld,
    /// The server names an address without TLS.
    Unencrypted,
    /// The server sends on to another one, which has not been told of.
    Redirected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Client,
    ConfigJs,
    Api,
    Verify,
    Start(Way),
    /// For a password.
    Waits,
    Over,
}

/// The generations, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Start,
    Invited,
    RoomServer,
}

/// The machine: one request at a time.
#[derive(Clone, Debug)]
pub struct Start {
    visitor: Visitor,
    root: Pii<Url>,
    invite: Pii<String>,
    room: Option<Pii<String>>,
    stage: Stage,
    /// Where `v1/…` is, with a slash at its end.
    controller: Pii<Url>,
    asked: Request,
    redirections: usize,
    hosts: Vec<Pii<String>>,
    /// What the ways that did not lead in had to say, the most telling of it.
    verdict: Option<Failure>,
}

impl Start {
    /// Begins with a link.
    ///
    /// # Errors
    /// Where nothing has to be asked.
    pub fn begin(link: &Link, visitor: Visitor) -> Result<(Self, Step), Failure> {
        let invite = link.invite().ok_or(Failure::NoInvite)?.clone();
        let room = match link.place() {
            Place::Room { room, .. } => Some(room.clone()),
            Place::Invite(_) => None,
        };
        let root = link.root().ok_or(Failure::NotOpenTalk)?;
        let asked = Request { method: Method::Get, url: Pii::new(root.clone()), body: None, authorization: None };
        let hosts = vec![Pii::new(root.host_str().unwrap_or_default().to_owned())];
        let mut start = Start {
            visitor,
            root: Pii::new(root.clone()),
            invite,
            room,
            stage: Stage::Client,
            controller: Pii::new(root),
            asked,
            redirections: 0,
            hosts,
            verdict: None,
        };
        let step = start.get(Stage::Client, ".well-known/opentalk/client");
        Ok((start, step))
    }

    /// The password that was given, for another way in.
    #[must_use]
    pub fn known_password(self) -> Option<Pii<String>> {
        self.visitor.password
    }

    /// The hosts that the link and the answers have named so far.
    pub fn hosts(&self) -> impl Iterator<Item = &Pii<String>> {
        self.hosts.iter()
    }

    /// What the answer to the last request leads to: its status, its header `Location`, and its body.
    pub fn answered(&mut self, status: u16, location: Option<&str>, body: &str) -> Step {
        if matches!(status, 301 | 302 | 307 | 308) {
            return self.redirected(location);
        }
        let body = if body.len() > LONGEST { "" } else { body };
        match self.stage {
            Stage::Client => self.client(status, body),
            Stage::ConfigJs => self.config_js(status, body),
            Stage::Api => self.api(status, body),
            Stage::Verify => self.verified(status, body),
            Stage::Start(way) => self.started(way, status, body),
            Stage::Waits => Step::PasswordWanted,
            Stage::Over => self.fail(Failure::ServerFault),
        }
    }

    /// A person has given the password.
    pub fn password(&mut self, password: Pii<String>) -> Step {
        self.visitor.password = Some(password);
        if self.stage != Stage::Waits {
            return self.fail(Failure::ServerFault);
        }
        self.verdict = None;
        self.start(Way::Start)
    }

    fn fail(&mut self, failure: Failure) -> Step {
        self.stage = Stage::Over;
        Step::Failed(failure)
    }

    /// The host of an address, if it is the first of its name.
    fn named(&mut self, url: &Url) -> Option<Pii<String>> {
        let host = Pii::new(url.host_str()?.to_owned());
        if self.hosts.contains(&host) {
            return None;
        }
        self.hosts.push(host.clone());
        Some(host)
    }

    fn ask(&mut self, stage: Stage, request: Request) -> Step {
        self.stage = stage;
        self.redirections = 0;
        self.asked = request.clone();
        let new_host = self.named(request.url.reveal());
        Step::Ask { request, new_host }
    }

    fn get(&mut self, stage: Stage, path: &str) -> Step {
        let Ok(url) = self.root.reveal().join(path) else { return self.fail(Failure::NotOpenTalk) };
        self.ask(stage, Request { method: Method::Get, url: Pii::new(url), body: None, authorization: None })
    }

    fn post(&mut self, stage: Stage, path: &str, body: &serde_json::Value) -> Step {
        let Ok(url) = self.controller.reveal().join(path) else { return self.fail(Failure::ServerFault) };
        let starts = matches!(stage, Stage::Start(_));
        let authorization = starts.then(|| Pii::new(format!("InviteCode {}", self.invite.reveal())));
        let body = Some(Pii::new(body.to_string()));
        self.ask(stage, Request { method: Method::Post, url: Pii::new(url), body, authorization })
    }

    fn redirected(&mut self, location: Option<&str>) -> Step {
        let asked = self.asked.url.reveal();
        let next = location.and_then(|location| asked.join(location).ok());
        let next = next.filter(|_| self.redirections < REDIRECTIONS);
        match (self.stage, next) {
            (Stage::Over | Stage::Waits, _) => self.fail(Failure::ServerFault),
            // What every page of a frontend does that does not know the address.
            (Stage::Client, None) => self.get(Stage::ConfigJs, "config.js"),
            (_, None) => self.fail(Failure::ServerFault),
            (_, Some(next)) if next.scheme() != "https" => self.fail(Failure::Unencrypted),
            (_, Some(next))
                if next.host_str() != asked.host_str() || next.port() != asked.port() || has_user(&next) =>
            {
                self.fail(Failure::Redirected)
            }
            (stage, Some(next)) => {
                // From an old way to a newer one, which was tried.
                let tried = |way: Way| self.way(way).is_some_and(|url| url == next);
                match stage {
                    Stage::Start(Way::Invited) if tried(Way::Start) => self.next(Way::Invited, Failure::Refused),
                    Stage::Start(Way::RoomServer) if tried(Way::Start) || tried(Way::Invited) => {
                        self.next(Way::RoomServer, Failure::Refused)
                    }
                    _ => {
                        self.redirections += 1;
                        self.asked.url = Pii::new(next);
                        Step::Ask { request: self.asked.clone(), new_host: None }
                    }
                }
            }
        }
    }

    fn client(&mut self, status: u16, body: &str) -> Step {
        #[derive(Deserialize)]
        struct Client {
            opentalk_controller: Controller,
        }
        #[derive(Deserialize)]
        struct Controller {
            base_url: String,
        }
        match serde_json::from_str(body) {
            Ok(Client { opentalk_controller: Controller { base_url } }) if status == 200 => self.controller(&base_url),
            // A frontend answers to everything with its page.
            _ => self.get(Stage::ConfigJs, "config.js"),
        }
    }

    fn config_js(&mut self, status: u16, body: &str) -> Step {
        let controller = setting(body, "controller").filter(|_| status == 200);
        match controller {
            Some(_) if setting(body, "insecure") == Some("true") => self.fail(Failure::Unencrypted),
            Some(controller) if controller.contains("://") => self.controller(controller),
            Some(controller) => self.controller(&format!("https://{controller}")),
            None => self.get(Stage::Api, ".well-known/opentalk/api"),
        }
    }

    fn api(&mut self, status: u16, body: &str) -> Step {
        #[derive(Deserialize)]
        struct Api {
            opentalk_api: Versions,
        }
        #[derive(Deserialize)]
        struct Versions {
            v1: Version,
        }
        #[derive(Deserialize)]
        struct Version {
            base_url: String,
        }
        match serde_json::from_str(body) {
            Ok(Api { opentalk_api: Versions { v1: Version { base_url } } }) if status == 200 => {
                // Relative to where `.well-known` is. The machine adds the `v1` itself.
                let base = base_url.trim_end_matches('/');
                let Some(base) = base.strip_suffix("v1") else { return self.fail(Failure::TooOld) };
                match self.root.reveal().join(base) {
                    Ok(url) => self.controller(url.as_str()),
                    Err(_) => self.fail(Failure::NotOpenTalk),
                }
            }
            _ if status >= 500 => self.fail(Failure::ServerFault),
            _ => self.fail(Failure::NotOpenTalk),
        }
    }

    fn controller(&mut self, base: &str) -> Step {
        let base = format!("{}/", base.trim_end_matches('/'));
        let Ok(url) = Url::parse(&base) else { return self.fail(Failure::NotOpenTalk) };
        match url.scheme() {
            "https" if url.host_str().is_some() && !has_user(&url) => {}
            "http" => return self.fail(Failure::Unencrypted),
            _ => return self.fail(Failure::NotOpenTalk),
        }
        self.controller = Pii::new(url);
        let body = json!({ "invite_code": self.invite.reveal() });
        self.post(Stage::Verify, "v1/invite/verify", &body)
    }

    fn verified(&mut self, status: u16, body: &str) -> Step {
        #[derive(Deserialize)]
        struct Verified {
            room_id: String,
            #[serde(default)]
            password_required: bool,
        }
        match (status, serde_json::from_str(body)) {
            (200, Ok(Verified { room_id, password_required })) => {
                let Some(room) = uuid(&room_id).or_else(|| alias(&room_id)) else {
                    return self.fail(Failure::ServerFault);
                };
                self.room = Some(room);
                if password_required && self.visitor.password.is_none() {
                    self.stage = Stage::Waits;
                    return Step::PasswordWanted;
                }
                self.start(Way::Start)
            }
            (200, Err(_)) => self.fail(Failure::NotOpenTalk),
            // Whether there is no such code, or no longer, servers do not say.
            (400 | 404 | 410 | 422, _) if is_error(body) => self.fail(Failure::NoSuchMeeting),
            (401 | 403, _) => self.fail(Failure::Refused),
            (408 | 429 | 500..=599, _) => self.fail(Failure::ServerFault),
            _ => self.fail(Failure::NotOpenTalk),
        }
    }

    fn way(&self, way: Way) -> Option<Url> {
        self.controller.reveal().join(&self.path(way)?).ok()
    }

    fn path(&self, way: Way) -> Option<String> {
        let room = self.room.as_ref()?.reveal();
        Some(match way {
            Way::Start => format!("v1/rooms/{room}/start"),
            Way::Invited => format!("v1/rooms/{room}/start_invited"),
            Way::RoomServer => format!("v1/rooms/{room}/roomserver/start_invited"),
        })
    }

    fn start(&mut self, way: Way) -> Step {
        let Some(path) = self.path(way) else { return self.fail(Failure::ServerFault) };
        let name: String =
            self.visitor.name.reveal().chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
        // Newer servers ask for the name at the door and the code in the header, older ones for both here.
        let mut body = json!({
            "device_secret": self.visitor.secret.reveal(),
            "display_name": name,
            "invite_code": self.invite.reveal(),
        });
        if let (Some(password), Some(body)) = (&self.visitor.password, body.as_object_mut()) {
            body.insert("password".to_owned(), password.reveal().as_str().into());
        }
        self.post(Stage::Start(way), &path, &body)
    }

    /// This way does not lead in: the next older one.
    fn next(&mut self, way: Way, failure: Failure) -> Step {
        let tells = |failure: Failure| match failure {
            Failure::Refused => 1,
            Failure::NoSuchMeeting => 2,
            _ => 3,
        };
        if self.verdict.is_none_or(|verdict| tells(verdict) < tells(failure)) {
            self.verdict = Some(failure);
        }
        match way {
            Way::Start => self.start(Way::Invited),
            Way::Invited => self.start(Way::RoomServer),
            Way::RoomServer => {
                let verdict = self.verdict.unwrap_or(Failure::ServerFault);
                self.fail(verdict)
            }
        }
    }

    fn started(&mut self, way: Way, status: u16, body: &str) -> Step {
        #[derive(Deserialize)]
        struct Started {
            token: String,
            roomserver_address: String,
        }
        #[derive(Deserialize)]
        struct Refusal {
            code: String,
        }
        if let (200, Ok(Started { token, roomserver_address })) = (status, serde_json::from_str(body)) {
            return self.enters(&roomserver_address, &token);
        }
        let code = serde_json::from_str(body).map(|Refusal { code }| code).unwrap_or_default();
        match (status, code.as_str()) {
            (_, "wrong_room_password") => {
                let given = self.visitor.password.take().is_some();
                self.stage = Stage::Waits;
                if given { Step::PasswordWrong } else { Step::PasswordWanted }
            }
            (_, "banned_from_room") => self.fail(Failure::Refused),
            // A ticket for the signalling that was before; or that it is the only one.
            (200, _) | (_, "roomserver_signaling_disabled") => self.next(way, Failure::TooOld),
            (408 | 429 | 500..=599, _) => self.fail(Failure::ServerFault),
            (404, "not_found") => self.next(way, Failure::NoSuchMeeting),
            // Older servers want an account at the newer address, or do not have it.
            _ => self.next(way, Failure::Refused),
        }
    }

    fn enters(&mut self, address: &str, token: &str) -> Step {
        let Ok(mut url) = Url::parse(address) else { return self.fail(Failure::ServerFault) };
        match url.scheme() {
            "https" | "wss" => {}
            "http" | "ws" => return self.fail(Failure::Unencrypted),
            _ => return self.fail(Failure::ServerFault),
        }
        let fits = !token.is_empty() && token.len() <= LONGEST_TOKEN && url.host_str().is_some() && !has_user(&url);
        let parts = url.path_segments_mut().map(|mut parts| {
            parts.pop_if_empty().extend(["v1", "signaling", token]);
        });
        // A token of dots would be taken for a way up.
        if !fits || parts.is_err() || token.chars().all(|letter| letter == '.') || url.set_scheme("wss").is_err() {
            return self.fail(Failure::ServerFault);
        }
        url.set_query(None);
        url.set_fragment(None);
        self.stage = Stage::Over;
        let new_host = self.named(&url);
        Step::Started { address: Pii::new(url), new_host }
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// An error of OpenTalk's, or of the framework that its servers are made with: never a page.
fn is_error(body: &str) -> bool {
    !body.trim_start().starts_with('<')
}

/// A setting of the frontend's `config.js`, an assignment of one object: `controller: 'controller.example.org'`. Each is on a line
/// of its own; that is all that is understood.
fn setting<'a>(script: &'a str, key: &str) -> Option<&'a str> {
    script.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim().trim_end_matches(',').trim();
        let value = value.trim_matches(['\'', '"']);
        (name.trim().trim_matches(['\'', '"']) == key && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests;
