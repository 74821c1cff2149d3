//! The sections of the notice. Each is written here once, in both languages side by side, so that what one says
//! the other says too.

use super::{NoticeFacts, NoticeSection, named};
use crate::language::Language;

fn section(title: &str, paragraphs: &[String]) -> NoticeSection {
    NoticeSection { title: title.to_owned(), text: paragraphs.join("\n") }
}

pub fn short(language: Language, facts: &NoticeFacts) -> NoticeSection {
    let room = &facts.room;
    let who = match named(facts.operator.as_ref()) {
        // "e. V." brings its own full stop.
        Some(name) => language.pick(
            format!("Verantwortlich ist {}.", name.trim_end_matches('.')),
            format!("{name} is responsible."),
        ),
        None => language.pick(
            "Wer diesen Raum betreibt, hat sich hier noch nicht eingetragen; fragen Sie die Person, die Sie eingeladen \
             hat."
                .to_owned(),
            "Whoever runs this room has not entered its name here yet; ask the person who invited you.".to_owned(),
        ),
    };
    let what = if facts.others {
        language.pick(
            format!(
                "Name, Bild, Ton und was Sie schreiben gehen direkt an das Gerät im Raum „{room}“ und von dort an die \
                 anderen Gäste dieses Gesprächs."
            ),
            format!(
                "Your name, picture, sound and what you write go directly to the device in the room “{room}”, and from \
                 there to the other guests of this meeting."
            ),
        )
    } else {
        language.pick(
            format!(
                "Name, Bild und Ton gehen direkt an das Gerät im Raum „{room}“ und sind nur dort zu sehen und zu hören."
            ),
            format!("Your name, picture and sound go directly to the device in the room “{room}”, to be seen and heard there only."),
        )
    };
    let kept = language.pick(
        "Nichts wird aufgezeichnet oder nach dem Gespräch gespeichert. Kamera und Mikrofon sind freiwillig.",
        "Nothing is recorded, or kept after the meeting. Camera and microphone are up to you.",
    );
    section(language.pick("Kurz gesagt", "In short"), &[what, kept.to_owned(), who])
}

pub fn responsible(language: Language, facts: &NoticeFacts) -> NoticeSection {
    let mut paragraphs = Vec::new();
    let operator = facts.operator.as_ref();
    match named(operator) {
        Some(name) => paragraphs.push(name.to_owned()),
        None => paragraphs.push(
            language
                .pick(
                    "Der Betreiber dieses Raums hat seinen Namen und seine Anschrift noch nicht eingetragen. \
                     Verantwortlich ist, wer den Raum betreibt, in der Regel die Organisation, die Sie eingeladen \
                     hat. Fragen Sie dort, bevor Sie beitreten, wenn Sie es wissen möchten.",
                    "The operator of this room has not entered its name and address yet. Responsible is whoever runs \
                     the room, as a rule the organisation that invited you. Ask there before you join if you want to \
                     know.",
                )
                .to_owned(),
        ),
    }
    let address = operator.map(|operator| operator.address.trim()).filter(|address| !address.is_empty());
    match address {
        Some(address) => paragraphs.extend(address.lines().map(|line| line.trim().to_owned())),
        None if !paragraphs.is_empty() && named(operator).is_some() => paragraphs.push(
            language
                .pick(
                    "Eine Anschrift hat der Betreiber noch nicht eingetragen.",
                    "The operator has not entered an address yet.",
                )
                .to_owned(),
        ),
        None => {}
    }
    let contact = operator.and_then(|operator| operator.privacy_contact.as_deref()).map(str::trim);
    paragraphs.push(match contact.filter(|contact| !contact.is_empty()) {
        Some(contact) => {
            language.pick(format!("Fragen zum Datenschutz: {contact}"), format!("Questions about privacy: {contact}"))
        }
        None => language
            .pick(
                "Eine Stelle für Fragen zum Datenschutz ist nicht eingetragen; wenden Sie sich an den Betreiber.",
                "No contact for questions about privacy has been entered; turn to the operator.",
            )
            .to_owned(),
    });
    section(language.pick("Wer verantwortlich ist", "Who is responsible"), &paragraphs)
}

pub fn tool(language: Language) -> NoticeSection {
    let version = env!("CARGO_PKG_VERSION");
    let text = language.pick(
        format!(
            "Subrosa, Version {version}: ein Konferenzgerät, das im Raum steht. Es stellt auch diese Seite bereit. Sie \
             brauchen dafür kein Konto und kein Programm außer Ihrem Browser."
        ),
        format!(
            "Subrosa, version {version}: a conference device that stands in the room. It serves this page too. You \
             need no account and no program but your browser."
        ),
    );
    section(language.pick("Womit", "With what"), &[text])
}

pub fn data(language: Language, facts: &NoticeFacts) -> NoticeSection {
    let mut paragraphs = language
        .pick(
        [
            "Der Name, den Sie angeben: damit der Raum weiß, wer anklopft, und wer spricht. Es muss nicht Ihr voller \
             Name sein.",
            "Ihr Bild und Ihr Ton, wenn Sie Kamera und Mikrofon freigeben: für das Gespräch. Sie können beides \
             jederzeit abschalten und auch ohne beides teilnehmen.",
            "Die Adresse Ihres Geräts im Netz: um die Verbindung herzustellen und das Erraten der PIN zu bremsen.",
            "Ihre Sprache und ob Ihr Browser das Bildformat H.264 versteht: um die Seite und das Bild passend zu \
             liefern.",
            "Ein Cookie mit einer Zufallszahl: damit Sie nach einem Neuladen nicht noch einmal anklopfen müssen. Es \
             verschwindet mit dem Ende der Browsersitzung und dient keinem anderen Zweck.",
            "Wie laut Sie gerade sind: um zu zeigen, wer spricht. Sonst wird von Bild und Ton nichts ausgewertet.",
            "Es gibt keine Statistik, keine Profile und keine automatischen Entscheidungen.",
        ],
        [
            "The name that you give: so that the room knows who knocks, and who speaks. It need not be your full name.",
            "Your picture and sound, if you allow camera and microphone: for the conversation. You can switch off both \
             at any time, and take part without either.",
            "The network address of your device: to make the connection, and to slow down the guessing of the PIN.",
            "Your language and whether your browser understands the video format H.264: to deliver page and picture \
             as they fit.",
            "A cookie with a random number: so that you need not knock again after reloading the page. It disappears \
             with the browser session and serves no other purpose.",
            "How loud you are at the moment: to show who speaks. Nothing else of picture and sound is analysed.",
            "There are no statistics, no profiles and no automated decisions.",
        ],
        )
        .map(str::to_owned)
        .to_vec();
    paragraphs.push(
        if facts.chat_on_screen {
            language.pick(
                "Was Sie schreiben: für die anderen im Gespräch. Die letzten Zeilen stehen mit Ihrem Namen bis zu 90 Sekunden \
                 auf dem Bildschirm im Raum.",
                "What you write: for the others in the meeting. The last lines stand with your name on the room’s screen for \
                 up to 90 seconds.",
            )
        } else {
            language.pick(
                "Was Sie schreiben: für die anderen Gäste im Gespräch; auf dem Bildschirm im Raum steht es nicht.",
                "What you write: for the other guests in the meeting; it is not on the room’s screen.",
            )
        }
        .to_owned(),
    );
    if facts.others {
        paragraphs.push(
            language
                .pick(
                    "Die anderen Gäste sehen Ihren Namen, ob Kamera und Mikrofon offen sind und ob Sie die Hand heben, und \
                     den Bildschirm, wenn Sie ihn teilen. Wer wartet, sieht davon nichts. Wer das Gespräch leitet, kann Ihr \
                     Mikrofon schließen, öffnen nicht.",
                    "The other guests see your name, whether camera and microphone are open and whether you raise a hand, and \
                     your screen if you share it. Who waits sees nothing of it. Whoever runs the meeting can close your \
                     microphone, and cannot open it.",
                )
                .to_owned(),
        );
    }
    if facts.background_hidden {
        paragraphs.push(
            language
                .pick(
                    "Im Bild des Raums wird auf dem Gerät verborgen, was hinter den Menschen ist, bevor etwas gesendet \
                     wird. Dazu sucht das Gerät in seinem eigenen Bild, wo Menschen sind; es erkennt niemanden und \
                     behält davon nichts.",
                    "In the room’s picture, what is behind people is hidden on the device before anything is sent. For \
                     that the device looks in its own picture for where people are; it recognises nobody and keeps \
                     nothing of it.",
                )
                .to_owned(),
        );
    }
    section(language.pick("Welche Daten, und wozu", "Which data, and what for"), &paragraphs)
}

pub fn purpose(language: Language, facts: &NoticeFacts) -> NoticeSection {
    let text = match given(facts.purpose.as_deref()) {
        Some(purpose) => purpose,
        None => language
            .pick(
                "Dieses eine Gespräch zwischen Ihnen, den Menschen im Raum und anderen Gästen zu führen.",
                "To hold this one conversation between you, the people in the room and other guests.",
            )
            .to_owned(),
    };
    section(language.pick("Zweck des Gesprächs", "Purpose of the meeting"), &[text])
}

pub fn legal_basis(language: Language, facts: &NoticeFacts) -> NoticeSection {
    let basis = match given(facts.legal_basis.as_deref()) {
        Some(basis) => basis,
        None => language
            .pick(
                "Der Betreiber hat keine eigene Angabe gemacht. Ohne eine solche gilt Art. 6 Abs. 1 Buchst. f DSGVO: \
                 das Interesse des Betreibers, das Gespräch zu führen, zu dem Sie eingeladen sind; Sie können \
                 widersprechen.",
                "The operator has made no statement of its own. Without one it is Article 6(1)(f) GDPR: the operator’s \
                 interest in holding the conversation that you are invited to; you may object.",
            )
            .to_owned(),
    };
    let cookie = language.pick(
        "Das Cookie ist für den Dienst, den Sie aufrufen, unbedingt erforderlich (§ 25 Abs. 2 Nr. 2 TDDDG).",
        "The cookie is strictly necessary for the service you ask for (Article 5(3) of Directive 2002/58/EC).",
    );
    section(language.pick("Rechtsgrundlage", "Legal basis"), &[basis, cookie.to_owned()])
}

pub fn retention(language: Language) -> NoticeSection {
    let paragraphs = language.pick(
        [
            "Alles steht nur im Arbeitsspeicher des Geräts. Ihr Name wird überschrieben, wenn Sie gehen, mit Ihren letzten \
             Zeilen 90 Sekunden später, alles Übrige spätestens am Ende des Gesprächs. Die Protokolle des Geräts enthalten keine Namen und keine Adressen.",
            "Aufzeichnen kann diese Version nicht.",
        ],
        [
            "Everything is only in the device’s working memory. Your name is overwritten when you leave, beside your last \
             lines 90 seconds later, everything else at the end of the meeting at the latest. The logs of the device hold no names and no addresses.",
            "This version cannot record.",
        ],
    );
    section(language.pick("Wie lange", "How long"), &paragraphs.map(str::to_owned))
}

pub fn place(language: Language, facts: &NoticeFacts) -> NoticeSection {
    let mut paragraphs = vec![
        language
            .pick(
                "Auf dem Gerät im Raum, sonst nirgends. Es gibt keine Auftragsverarbeiter und keine Übermittlung in \
                 andere Länder durch das Gerät.",
                "On the device in the room, and nowhere else. There are no processors, and the device transfers \
                 nothing to other countries.",
            )
            .to_owned(),
    ];
    if facts.contacts.is_empty() {
        paragraphs.push(
            language
                .pick("Das Gerät nimmt zu keinem anderen Rechner Kontakt auf.", "The device contacts no other host.")
                .to_owned(),
        );
    } else {
        let hosts: Vec<String> =
            facts.contacts.iter().map(|contact| format!("{} ({})", contact.host, contact.purpose)).collect();
        let hosts = hosts.join(", ");
        paragraphs.push(language.pick(
            format!("Das Gerät nimmt Kontakt auf zu: {hosts}; zu keinem anderen Rechner."),
            format!("The device contacts: {hosts}; and no other host."),
        ));
    }
    if facts.relay {
        paragraphs.push(
            language
                .pick(
                    "Kommt keine direkte Verbindung zustande, laufen Bild und Ton verschlüsselt über das Relais des \
                     Betreibers. Es kann sie nicht entschlüsseln und speichert sie nicht.",
                    "Where no direct connection comes about, picture and sound pass encrypted through the operator’s \
                     relay. It cannot decrypt them and does not store them.",
                )
                .to_owned(),
        );
    }
    if facts.local_only {
        paragraphs.push(
            language
                .pick(
                    "Der Raum ist nur aus seinem eigenen Netz erreichbar.",
                    "The room can be reached from its own network only.",
                )
                .to_owned(),
        );
    }
    section(language.pick("Wo, und wer sonst", "Where, and who else"), &paragraphs)
}

pub fn encryption(language: Language, facts: &NoticeFacts) -> NoticeSection {
    let text = if facts.encryption_checked {
        language.pick(
            "Ende-zu-Ende verschlüsselt: zwischen Ihrem Browser und dem Gerät liegt niemand, der mithören könnte. Ihr \
             Browser hat geprüft, dass er mit diesem Gerät spricht.",
            "End-to-end encrypted: between your browser and the device there is nobody who could listen in. Your \
             browser has checked that it talks to this device.",
        )
    } else {
        language.pick(
            "Verschlüsselt, Gerät nicht geprüft: die Verbindung ist verschlüsselt, aber Ihr Browser konnte nicht \
             prüfen, dass am anderen Ende wirklich dieses Gerät ist. Sicher sind Sie, wenn der Fingerabdruck des \
             Zertifikats derselbe ist wie auf dem Bildschirm im Raum.",
            "Encrypted, device not checked: the connection is encrypted, but your browser could not check that it is \
             really this device at the other end. You are safe if the fingerprint of the certificate is the same as \
             on the screen in the room.",
        )
    };
    section(language.pick("Verschlüsselung", "Encryption"), &[text.to_owned()])
}

pub fn rights(language: Language) -> NoticeSection {
    let paragraphs = language.pick(
        [
            "Sie haben das Recht auf Auskunft, Berichtigung, Löschung, Einschränkung, Übertragbarkeit und Widerspruch \
             (Art. 15 bis 21 DSGVO) und können sich bei einer Datenschutz-Aufsichtsbehörde beschweren. Nach dem \
             Gespräch ist nichts mehr da, worüber Auskunft gegeben werden könnte.",
            "Sie sind zu nichts verpflichtet. Ohne einen Namen kann der Raum Sie allerdings nicht einlassen.",
        ],
        [
            "You have the right of access, rectification, erasure, restriction, portability and objection (Articles 15 \
             to 21 GDPR), and may complain to a data protection authority. After the meeting there is nothing left \
             that could be told.",
            "You are obliged to nothing. Without a name, however, the room cannot let you in.",
        ],
    );
    section(language.pick("Ihre Rechte", "Your rights"), &paragraphs.map(str::to_owned))
}

fn given(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
