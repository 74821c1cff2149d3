//! Everything that can keep the room out of a meeting on somebody else's server or end it, in words for people.

use crate::language::Language;
use crate::outbound::OutboundError;

/// Why the room is not, or no longer, in the meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Nobody gets into this server without an account or a token.
    LoginRequired,
    /// The server offers no anonymous login.
    AnonymousRefused,
    /// The room does not exist until somebody with an account opens it.
    WaitingForHost,
    /// The room stands in the lobby.
    WaitingForApproval,
    /// Somebody in the meeting refused the knock.
    Denied,
    /// The room has a password.
    PasswordWanted,
    /// The password was not the right one.
    PasswordWrong,
    /// No more people fit in.
    Full,
    /// Only as a visitor who sees and hears could one get in.
    VisitorsOnly,
    /// The server does not take the name or the identifier.
    NameRefused,
    /// There is no Jitsi Meet at the link.
    NotJitsi,
    /// `config.js` does not say what is needed.
    UnsupportedConfiguration,
    /// The server names an address without TLS.
    Unencrypted,
    /// No connection, no answer in time, or no address for the name.
    NotReachable,
    /// The server's certificate cannot be trusted.
    CertificateWrong,
    /// The server sends on to another one, which has not been told of.
    Redirected,
    /// The server answers with a fault of its own.
    ServerFault,
    /// The server has no bridge for picture and sound.
    NoMediaBridge,
    /// Neither UDP nor a relay leads to the bridge.
    NetworkBlocksMedia,
    /// The bridge's key is not the one that was announced.
    BridgeNotGenuine,
    /// The connection was lost and did not come back.
    ConnectionLost,
    /// A moderator removed the room.
    Kicked,
    /// The meeting is over.
    Ended,
    /// The others use frame encryption, which this room does not speak.
    EndToEndOn,
    /// The server records, and the operator's rule is to leave.
    RecordingPolicy,
    /// The operator's policy refuses this server.
    ServerRefusedByPolicy,
    /// The way into the meeting leads to a host that was not told before.
    HostNotDeclared,
    /// There is no LiveKit at the link.
    NotLiveKit,
    /// There is no OpenTalk at the link.
    NotOpenTalk,
    /// The server speaks only an older protocol than this room.
    TooOld,
    /// What the link brings with it is not, not yet or no longer good for a meeting.
    LinkNotValid,
    /// Somebody else has joined with the same link.
    JoinedTwice,
    /// A moderator has shut the room out for good.
    Banned,
    /// The server is being switched off.
    ServerStopped,
    /// The operator's endpoint for tokens does not answer, or has a fault of its own.
    TokenUnavailable,
    /// It gives this room no token for this meeting.
    TokenDenied,
    /// What it answers is no token, or one that the server does not take.
    TokenWrong,
    /// Its token is for another server than the link's.
    TokenForAnother,
}

impl Failure {
    /// All of them.
    pub const ALL: [Failure; 38] = [
        Failure::LoginRequired,
        Failure::AnonymousRefused,
        Failure::WaitingForHost,
        Failure::WaitingForApproval,
        Failure::Denied,
        Failure::PasswordWanted,
        Failure::PasswordWrong,
        Failure::Full,
        Failure::VisitorsOnly,
        Failure::NameRefused,
        Failure::NotJitsi,
        Failure::UnsupportedConfiguration,
        Failure::Unencrypted,
        Failure::NotReachable,
        Failure::CertificateWrong,
        Failure::Redirected,
        Failure::ServerFault,
        Failure::NoMediaBridge,
        Failure::NetworkBlocksMedia,
        Failure::BridgeNotGenuine,
        Failure::ConnectionLost,
        Failure::Kicked,
        Failure::Ended,
        Failure::EndToEndOn,
        Failure::RecordingPolicy,
        Failure::ServerRefusedByPolicy,
        Failure::HostNotDeclared,
        Failure::NotLiveKit,
        Failure::NotOpenTalk,
        Failure::TooOld,
        Failure::LinkNotValid,
        Failure::JoinedTwice,
        Failure::Banned,
        Failure::ServerStopped,
        Failure::TokenUnavailable,
        Failure::TokenDenied,
        Failure::TokenWrong,
        Failure::TokenForAnother,
    ];

    /// The room gives up; `false`: it goes on by itself, or after an answer, and this says what it waits for.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Failure::WaitingForHost
            | Failure::WaitingForApproval
            | Failure::PasswordWanted
            | Failure::PasswordWrong
            | Failure::NoMediaBridge => false,
            Failure::LoginRequired
            | Failure::AnonymousRefused
            | Failure::Denied
            | Failure::Full
            | Failure::VisitorsOnly
            | Failure::NameRefused
            | Failure::NotJitsi
            | Failure::UnsupportedConfiguration
            | Failure::Unencrypted
            | Failure::NotReachable
            | Failure::CertificateWrong
            | Failure::Redirected
            | Failure::ServerFault
            | Failure::NetworkBlocksMedia
            | Failure::BridgeNotGenuine
            | Failure::ConnectionLost
            | Failure::Kicked
            | Failure::Ended
            | Failure::EndToEndOn
            | Failure::RecordingPolicy
            | Failure::ServerRefusedByPolicy
            | Failure::HostNotDeclared
            | Failure::NotLiveKit
            | Failure::NotOpenTalk
            | Failure::TooOld
            | Failure::LinkNotValid
            | Failure::JoinedTwice
            | Failure::Banned
            | Failure::ServerStopped
            | Failure::TokenUnavailable
            | Failure::TokenDenied
            | Failure::TokenWrong
            | Failure::TokenForAnother => true,
        }
    }

    /// What has happened and what to do, for people in the room.
    #[must_use]
    pub fn sentence(self, language: Language) -> &'static str {
        match self {
            Failure::LoginRequired => language.pick(
                "Dieser Server lässt nur Angemeldete ein. Bitten Sie um einen persönlichen Link oder einen \
                 anderen Server.",
                "This server lets in only people with an account. Ask for a personal link or another server.",
            ),
            Failure::AnonymousRefused => language.pick(
                "Dieser Server nimmt keine Gäste ohne Konto an. Bitten Sie um einen Link, der Gäste einlässt.",
                "This server takes no guests without an account. Ask for a link that lets guests in.",
            ),
            Failure::WaitingForHost => language.pick(
                "Die Konferenz hat noch nicht begonnen. Dieser Raum tritt bei, sobald sie eröffnet ist.",
                "The meeting has not begun. This room joins as soon as somebody opens it.",
            ),
            Failure::WaitingForApproval => language.pick(
                "Dieser Raum wartet in der Lobby. Jemand in der Konferenz muss ihn einlassen.",
                "This room waits in the lobby. Somebody in the meeting has to let it in.",
            ),
            Failure::Denied => language.pick(
                "Die Konferenz hat diesen Raum nicht eingelassen. Fragen Sie die Person, die eingeladen hat.",
                "The meeting did not let this room in. Ask the person who invited you.",
            ),
            Failure::PasswordWanted => language.pick(
                "Diese Konferenz hat ein Passwort. Geben Sie es ein; es steht in der Einladung.",
                "This meeting has a password. Enter it; the invitation says it.",
            ),
            Failure::PasswordWrong => language.pick(
                "Das Passwort stimmt nicht. Prüfen Sie Groß- und Kleinschreibung, und versuchen Sie es noch \
                 einmal.",
                "The password is not right. Check capital letters and try again.",
            ),
            Failure::Full => language.pick(
                "Die Konferenz ist voll. Versuchen Sie es später noch einmal.",
                "The meeting is full. Try again later.",
            ),
            Failure::VisitorsOnly => language.pick(
                "In diese Konferenz kommt man im Augenblick nur zum Zuschauen; das kann dieser Raum nicht. \
                 Fragen Sie die Person, die eingeladen hat.",
                "At the moment one gets into this meeting only to watch, which this room cannot. Ask the \
                 person who invited you.",
            ),
            Failure::NameRefused => language.pick(
                "Der Server nimmt diesen Raum nicht an. Versuchen Sie es noch einmal; sonst kann der \
                 Betreiber des Servers helfen.",
                "The server does not take this room. Try again; else whoever runs the server can help.",
            ),
            Failure::NotJitsi => language.pick(
                "Auf diesem Server läuft kein Jitsi Meet. Fragen Sie, mit welchem Programm die Konferenz \
                 stattfindet.",
                "There is no Jitsi Meet on this server. Ask which program the meeting is held with.",
            ),
            Failure::UnsupportedConfiguration => language.pick(
                "Die Einstellungen dieses Servers sind nicht zu verstehen. Der Betreiber des Servers kann \
                 helfen.",
                "The settings of this server cannot be understood. Whoever runs the server can help.",
            ),
            Failure::Unencrypted => language.pick(
                "Dieser Server will unverschlüsselt sprechen. Das tut dieses Gerät nicht; der Betreiber des \
                 Servers kann es ändern.",
                "This server wants to talk without encryption. This device does not; whoever runs the server \
                 can change that.",
            ),
            Failure::NotReachable => language.pick(
                "Der Server ist nicht zu erreichen. Prüfen Sie den Link und die Netzverbindung, und versuchen \
                 Sie es noch einmal.",
                "The server cannot be reached. Check the link and the network, and try again.",
            ),
            Failure::CertificateWrong => language.pick(
                "Das Zertifikat dieses Servers ist nicht gültig. Vielleicht gibt sich jemand als dieser \
                 Server aus: treten Sie nicht bei, und fragen Sie den Betreiber.",
                "The certificate of this server is not valid. Somebody may pretend to be it: do not join, and \
                 ask whoever runs it.",
            ),
            Failure::Redirected => language.pick(
                "Der Server verweist auf einen anderen. Lassen Sie sich einen Link zu diesem geben, wenn Sie \
                 ihm vertrauen.",
                "The server sends on to another one. Ask for a link to that one if you trust it.",
            ),
            Failure::ServerFault => language.pick(
                "Der Server meldet eine Störung. Versuchen Sie es in einigen Minuten noch einmal.",
                "The server reports a fault. Try again in a few minutes.",
            ),
            Failure::NoMediaBridge => language.pick(
                "Dem Server fehlt im Augenblick der Teil, der Bild und Ton weitergibt. Dieser Raum wartet; \
                 der Betreiber des Servers kann helfen.",
                "The part of the server that passes on picture and sound is missing at the moment. This room \
                 waits; whoever runs the server can help.",
            ),
            Failure::NetworkBlocksMedia => language.pick(
                "Das Netz lässt Bild und Ton nicht durch (UDP ist gesperrt). Wer das Netz betreut, kann UDP \
                 zu diesem Server freigeben.",
                "The network does not let picture and sound through (UDP is blocked). Whoever runs the \
                 network can allow UDP to this server.",
            ),
            Failure::BridgeNotGenuine => language.pick(
                "Bild und Ton kämen nicht von dem Server, der sie angekündigt hat. Dieser Raum hat die \
                 Verbindung beendet; fragen Sie den Betreiber.",
                "Picture and sound would not come from the server that announced them. This room has ended \
                 the connection; ask whoever runs the server.",
            ),
            Failure::ConnectionLost => language.pick(
                "Die Verbindung zur Konferenz ist abgerissen. Treten Sie noch einmal bei.",
                "The connection to the meeting was lost. Join again.",
            ),
            Failure::Kicked => language.pick(
                "Die Moderation hat diesen Raum aus der Konferenz entfernt. Fragen Sie dort nach, bevor Sie \
                 wieder beitreten.",
                "A moderator removed this room from the meeting. Ask there before you join again.",
            ),
            Failure::Ended => language.pick(
                "Die Konferenz ist zu Ende. Es ist nichts weiter zu tun.",
                "The meeting is over. There is nothing left to do.",
            ),
            Failure::EndToEndOn => language.pick(
                "Die anderen haben die Ende-zu-Ende-Verschlüsselung eingeschaltet. Die kann dieser Raum noch \
                 nicht; bitten Sie darum, sie auszuschalten, oder nehmen Sie mit einem anderen Gerät teil.",
                "The others have switched on end-to-end encryption. This room cannot do that yet; ask them to \
                 switch it off, or take part with another device.",
            ),
            Failure::RecordingPolicy => language.pick(
                "Die Konferenz wird aufgezeichnet oder mitgeschrieben. Nach der Regel des Betreibers hat \
                 dieser Raum sie deshalb verlassen.",
                "The meeting is being recorded or written down. By the operator's rule this room has left it \
                 therefore.",
            ),
            Failure::ServerRefusedByPolicy => language.pick(
                "Diesem Server darf dieser Raum nach der Regel des Betreibers nicht beitreten. Wer den Raum \
                 betreibt, kann den Server eintragen.",
                "By the operator's rule this room may not join this server. Whoever runs the room can put the \
                 server on record.",
            ),
            Failure::HostNotDeclared => language.pick(
                "Der Server verweist auf einen Rechner, der vorher nicht genannt war. Dieser Raum nimmt \
                 dorthin keine Verbindung auf; fragen Sie den Betreiber des Servers.",
                "The server points to a host that was not named before. This room does not connect to it; ask \
                 whoever runs the server.",
            ),
            Failure::NotLiveKit => language.pick(
                "Auf diesem Server läuft kein LiveKit. Fragen Sie, mit welchem Programm die Besprechung \
                 stattfindet.",
                "There is no LiveKit on this server. Ask which program this meeting is held with.",
            ),
            Failure::NotOpenTalk => language.pick(
                "Auf diesem Server läuft kein OpenTalk. Fragen Sie, mit welchem Programm die Besprechung \
                 stattfindet.",
                "There is no OpenTalk on this server. Ask which program this meeting is held with.",
            ),
            Failure::TooOld => language.pick(
                "Das Programm auf diesem Server ist zu alt für diesen Raum. Der Betreiber des Servers kann es \
                 erneuern.",
                "The program on this server is too old for this room. Whoever runs the server can renew it.",
            ),
            Failure::LinkNotValid => language.pick(
                "Der Link gilt für keine Konferenz: nicht mehr, noch nicht oder gar nicht. Lassen Sie sich einen \
                 neuen geben.",
                "The link is good for no meeting: no longer, not yet, or not at all. Ask for a new one.",
            ),
            Failure::JoinedTwice => language.pick(
                "Mit demselben Link ist jetzt ein anderes Gerät in der Konferenz. Ein Link lässt nur eines ein; \
                 lassen Sie sich einen eigenen geben.",
                "Another device is in the meeting with the same link now. A link lets in only one; ask for one of \
                 your own.",
            ),
            Failure::Banned => language.pick(
                "Die Moderation hat diesen Raum von der Konferenz ausgeschlossen. Fragen Sie die Person, die \
                 eingeladen hat.",
                "A moderator has shut this room out of the meeting. Ask the person who invited you.",
            ),
            Failure::ServerStopped => language.pick(
                "Der Server wird gerade abgeschaltet. Treten Sie in einigen Minuten noch einmal bei.",
                "The server is being switched off. Join again in a few minutes.",
            ),
            Failure::TokenUnavailable => language.pick(
                "Der Dienst, von dem dieser Raum den Schlüssel für die Konferenz bekommt, antwortet nicht. Versuchen \
                 Sie es in einigen Minuten noch einmal; sonst kann helfen, wer diesen Raum betreibt.",
                "The service from which this room gets the token for the meeting does not answer. Try again in a few \
                 minutes; else whoever runs this room can help.",
            ),
            Failure::TokenDenied => language.pick(
                "Der Dienst, von dem dieser Raum den Schlüssel für die Konferenz bekommt, gibt ihm keinen. Fragen Sie, \
                 wer diesen Raum betreibt, ob er in diese Konferenz darf.",
                "The service from which this room gets the token for the meeting gives it none. Ask whoever runs this \
                 room whether it may join this meeting.",
            ),
            Failure::TokenWrong => language.pick(
                "Der Dienst, von dem dieser Raum den Schlüssel für die Konferenz bekommt, gibt keinen, der einlässt. \
                 Wer diesen Raum betreibt, kann „tokens“ beim Server prüfen.",
                "The service from which this room gets the token for the meeting gives none that lets in. Whoever runs \
                 this room can check “tokens” in the server’s record.",
            ),
            Failure::TokenForAnother => language.pick(
                "Der Schlüssel, den dieser Raum bekommen hat, ist für einen anderen Server als den im Link. Fragen Sie \
                 nach dem richtigen Link; sonst kann helfen, wer diesen Raum betreibt.",
                "The token that this room was given is for another server than the link’s. Ask for the right link; \
                 else whoever runs this room can help.",
            ),
        }
    }
}

impl From<OutboundError> for Failure {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::NotDeclared => Failure::HostNotDeclared,
            OutboundError::Unencrypted => Failure::Unencrypted,
            OutboundError::NoAddress | OutboundError::NoConnection | OutboundError::Late => Failure::NotReachable,
            OutboundError::Certificate => Failure::CertificateWrong,
            OutboundError::Refused(401 | 403) => Failure::LoginRequired,
            OutboundError::Tls
            | OutboundError::Refused(_)
            | OutboundError::Speech
            | OutboundError::TooLarge
            | OutboundError::Stalled => Failure::ServerFault,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_failure_is_two_sentences_of_its_own_in_both_languages() {
        for language in Language::ALL {
            let sentences: HashSet<&str> = Failure::ALL.iter().map(|failure| failure.sentence(language)).collect();
            assert_eq!(sentences.len(), Failure::ALL.len());
            for sentence in sentences {
                // What has happened, and what to do.
                assert!(sentence.ends_with('.') && sentence.matches(['.', ':', ';']).count() >= 2, "{sentence}");
                for word in ["XMPP", "MUC", "IQ", "JVB", "jicofo", "ICE", "DTLS", "  "] {
                    assert!(!sentence.contains(word), "{sentence}");
                }
            }
        }
        for failure in Failure::ALL {
            assert_ne!(failure.sentence(Language::German), failure.sentence(Language::English));
        }
    }

    #[test]
    fn the_list_of_failures_has_each_once() {
        let all: HashSet<Failure> = Failure::ALL.into_iter().collect();
        assert_eq!(all.len(), Failure::ALL.len());
    }

    #[test]
    fn what_the_room_waits_for_is_not_the_end() {
        for failure in [Failure::WaitingForHost, Failure::WaitingForApproval, Failure::PasswordWanted] {
            assert!(!failure.is_final());
        }
        for failure in [Failure::Kicked, Failure::Denied, Failure::CertificateWrong, Failure::RecordingPolicy] {
            assert!(failure.is_final());
        }
    }
}
