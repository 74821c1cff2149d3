//! The strip along the lower edge, the same in every scene: the camera, the microphone, and how the call is encrypted
//! (in a call) or what the lamps' word is worth (else). Each is an icon, a word and the reason.

use subrosa_messages::Capture;
use subrosa_messages::guard::{Level, NodeState, Refusal};

use super::icon::{Icon, Look};
use super::label::{self, Breaks};
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, Ground, MARGIN, Sheet, Style};
use super::text::Words;
use super::view::{BackgroundView, CaptureView, JoiningView, Phase, View};
use crate::meeting::guest::Encryption;

/// Height of the strip above the margin.
const HEIGHT: f32 = 164.0;
const ICON: f32 = 76.0;

/// From the edge of an icon to the words beside it.
const BESIDE: f32 = ICON + 22.0;

/// What is said of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// It captures.
    Live,
    /// It may capture.
    Perhaps,
    /// It is proved closed.
    Closed,
    /// It is proved closed, and its switch or somebody over the network keeps it so: the red lamp of the microphone.
    Muted,
}

impl Says {
    /// It is proved closed.
    pub fn is_closed(self) -> bool {
        match self {
            Says::Closed | Says::Muted => true,
            Says::Live | Says::Perhaps => false,
        }
    }
}

/// Who is there to see and hear the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// Nobody.
    Nobody,
    /// Nobody yet; a meeting elsewhere was proposed, or the room is on its way into it.
    Awaited,
    /// Guests on this device.
    Guests,
    /// All in a meeting elsewhere, and its server.
    Others,
}

impl Company {
    fn of(phase: &Phase) -> Self {
        match phase {
            Phase::Asleep | Phase::Awake { .. } => Company::Nobody,
            Phase::Asking { guests, .. } | Phase::InCall { guests, .. } if guests.is_empty() => Company::Nobody,
            Phase::Asking { .. } | Phase::InCall { .. } => Company::Guests,
            Phase::Proposed { .. } | Phase::Joining { says: JoiningView::Connecting | JoiningView::Waits(_), .. } => {
                Company::Awaited
            }
            Phase::Joining { says: JoiningView::Over(_), .. } => Company::Nobody,
            Phase::Joined { .. } => Company::Others,
        }
    }

    /// Somebody is in.
    fn is_in(self) -> bool {
        match self {
            Company::Nobody | Company::Awaited => false,
            Company::Guests | Company::Others => true,
        }
    }

    fn sees_or_hears(self, words: Words, capture: Capture) -> &'static str {
        match self {
            Company::Nobody | Company::Awaited => words.is_closing(),
            Company::Guests => words.guests_see_or_hear(capture),
            Company::Others => words.others_see_or_hear(capture),
        }
    }
}

/// State and reason of a capture in words. In doubt, the stronger word: unknown counts as live (P1).
pub(super) fn says(
    words: Words,
    capture: Capture,
    view: Option<&CaptureView>,
    company: Company,
) -> (Says, &'static str) {
    let Some(view) = view else { return (Says::Perhaps, words.guard_silent()) };
    match view.node {
        NodeState::Open => (Says::Live, company.sees_or_hears(words, capture)),
        NodeState::Closing => (Says::Live, words.is_closing()),
        NodeState::Foreign => (Says::Live, words.opened_by_another()),
        NodeState::Unknown => (Says::Perhaps, words.cannot_be_proved()),
        NodeState::Closed | NodeState::Missing if view.switch == Level::Unknown => {
            (Says::Perhaps, words.switch_unreadable(capture))
        }
        NodeState::Closed | NodeState::Missing if view.live => (Says::Perhaps, words.lamp_not_dark()),
        NodeState::Missing if view.refusal == Some(Refusal::Power) => (Says::Closed, words.power_cut()),
        NodeState::Missing => (Says::Closed, words.not_there()),
        NodeState::Closed => {
            let muted = capture == Capture::Microphone
                && (view.switch == Level::Closed || view.refusal == Some(Refusal::Muted));
            let says = if muted { Says::Muted } else { Says::Closed };
            (says, why_closed(words, capture, view.refusal, company))
        }
    }
}

pub(super) fn why_closed(words: Words, capture: Capture, refusal: Option<Refusal>, company: Company) -> &'static str {
    match refusal {
        Some(Refusal::Asleep) => words.room_sleeps(),
        Some(Refusal::Switch) => words.switch_closed(capture),
        Some(Refusal::SwitchUnknown) => words.switch_unreadable(capture),
        Some(Refusal::Muted) => words.muted_remotely(capture),
        Some(Refusal::Lamp) => words.lamp_fails(capture),
        Some(Refusal::Power) => words.power_cut(),
        Some(Refusal::Missing) => words.not_there(),
        Some(Refusal::Unproved) => words.in_use(),
        Some(Refusal::Node) => words.node_wrong(),
        Some(Refusal::Busy) => words.is_opening(),
        None => match company {
            Company::Nobody => words.opens_with_a_guest(),
            Company::Awaited => words.opens_on_joining(),
            Company::Guests | Company::Others => words.is_opening(),
        },
    }
}

/// What guests see of the room while the camera is open.
fn what_is_seen(words: Words, background: BackgroundView, company: Company) -> String {
    match background {
        BackgroundView::AsItIs => company.sees_or_hears(words, Capture::Camera).to_owned(),
        BackgroundView::Hidden => words.background_hidden().to_owned(),
        BackgroundView::Revealed { seconds } => words.background_revealed(seconds),
        BackgroundView::Covered(cover) => words.background_covered(cover).to_owned(),
    }
}

fn icon_of(capture: Capture, says: Says) -> (Icon, Look) {
    let (open, closed) = match capture {
        Capture::Camera => (Icon::Camera, Icon::CameraClosed),
        Capture::Microphone => (Icon::Microphone, Icon::MicrophoneClosed),
    };
    let ring = if says == Says::Muted { Colour::MutedRed } else { Colour::PaperDim };
    match says {
        Says::Live => (open, Look::Filled { disc: Colour::Paper, glyph: Colour::Ink }),
        Says::Perhaps => (Icon::Unknown, Look::Filled { disc: Colour::Paper, glyph: Colour::Ink }),
        Says::Closed | Says::Muted => (closed, Look::Hollow { ring, glyph: ring, ground: Colour::Ink }),
    }
}

/// What the strip leaves free above it.
pub(super) fn above(ground: Ground) -> Area {
    Area { height: top(ground) - 26.0 - 28.0 - MARGIN, ..ground.all() }
}

fn top(ground: Ground) -> f32 {
    ground.height - 28.0 - HEIGHT
}

/// Places the strip; what is left above it.
pub(super) fn place(sheet: &mut Sheet<'_>, view: &View) -> Area {
    let all = sheet.all();
    let top = top(sheet.ground);
    let gap = 32.0;
    let each = (all.width * 0.3035).max(556.0);
    let words = sheet.words;
    let company = Company::of(&view.phase);
    sheet.rule(all.x, top - 26.0, all.width);
    for (index, capture) in Capture::ALL.into_iter().enumerate() {
        let x = all.x + index as f32 * (each + gap);
        let state = match capture {
            Capture::Camera => view.camera.as_ref(),
            Capture::Microphone => view.microphone.as_ref(),
        };
        let (says, why) = says(words, capture, state, company);
        let word = match says {
            Says::Live => words.live(capture),
            Says::Perhaps => words.perhaps_live(capture),
            Says::Closed => words.closed(capture),
            Says::Muted => words.muted(),
        };
        let open = state.is_some_and(|state| state.node == NodeState::Open);
        let background = (capture == Capture::Camera && open && company.is_in()).then_some(view.background).flatten();
        let seen = background.map(|background| what_is_seen(words, background, company));
        let (icon, look) = icon_of(capture, says);
        column(sheet, x, top, each, (icon, look), word, seen.as_deref().unwrap_or(why));
    }
    let x = all.x + 2.0 * (each + gap);
    let trust = (Icon::Shield, words.trust(view.trust, view.measured));
    let (icon, (word, why)) = match &view.phase {
        Phase::InCall { encryption, .. } => (lock(*encryption), words.encryption(*encryption)),
        Phase::Asking { encryption, guests, .. } if !guests.is_empty() => {
            (lock(*encryption), words.encryption(*encryption))
        }
        Phase::Joining { says: JoiningView::Connecting | JoiningView::Waits(_), .. } => {
            (Icon::Dots, words.encryption(Encryption::None))
        }
        Phase::Joined { .. } => (Icon::Lock, (words.transport(), words.server_sees())),
        Phase::Asleep
        | Phase::Awake { .. }
        | Phase::Asking { .. }
        | Phase::Proposed { .. }
        | Phase::Joining { says: JoiningView::Over(_), .. } => trust,
    };
    let look = Look::Hollow { ring: Colour::Rule, glyph: Colour::Paper, ground: Colour::Ink };
    let below = column(sheet, x, top, all.right() - x, (icon, look), word, why);
    if let Phase::Joined { meeting, .. } = &view.phase {
        let (left, host) = (x + BESIDE, label::printable(meeting.host.reveal()));
        sheet.host(left, below, all.right() - left, &host, Style::DIM);
    }
    above(sheet.ground)
}

fn lock(encryption: Encryption) -> Icon {
    match encryption {
        Encryption::None => Icon::Dots,
        Encryption::EndToEnd => Icon::LockChecked,
        Encryption::DeviceNotChecked => Icon::LockUnchecked,
    }
}

/// One of the three; where it ends.
fn column(
    sheet: &mut Sheet<'_>,
    x: f32,
    top: f32,
    width: f32,
    (icon, look): (Icon, Look),
    word: &str,
    why: &str,
) -> f32 {
    sheet.icon(icon, x, top + 8.0, ICON, look);
    let left = x + BESIDE;
    let width = width - BESIDE;
    let word = sheet.paragraph(word, Style::WORD, width, 2, Breaks::Words);
    let lines = if word.height() > Style::WORD.lines(1) + 1.0 { 1 } else { 2 };
    let below = top + sheet.write(left, top, Anchor::Start, word, From::Us) + 4.0;
    below + sheet.say(left, below, width, why, Style::DIM, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    const COMPANY: [Company; 4] = [Company::Nobody, Company::Awaited, Company::Guests, Company::Others];
    const NODES: [NodeState; 6] = [
        NodeState::Missing,
        NodeState::Closed,
        NodeState::Open,
        NodeState::Closing,
        NodeState::Foreign,
        NodeState::Unknown,
    ];

    #[test]
    fn p1_closed_is_said_only_when_the_node_is_closed_and_the_lamp_dark() {
        let words = Words(Language::English);
        for capture in Capture::ALL {
            for node in NODES {
                for live in [false, true] {
                    for company in COMPANY {
                        let view = CaptureView { switch: Level::Open, node, live, refusal: None };
                        let (says, why) = says(words, capture, Some(&view), company);
                        let proved = matches!(node, NodeState::Closed | NodeState::Missing) && !live;
                        assert_eq!(says.is_closed(), proved, "{node:?} {live}");
                        assert!(!why.is_empty());
                    }
                }
            }
            assert_eq!(says(words, capture, None, Company::Guests).0, Says::Perhaps);
        }
    }

    #[test]
    fn p1_red_is_shown_exactly_where_the_guard_lights_the_muted_lamp() {
        let words = Words(Language::English);
        for capture in Capture::ALL {
            for switch in [Level::Open, Level::Closed, Level::Unknown] {
                for refusal in [None, Some(Refusal::Asleep), Some(Refusal::Switch), Some(Refusal::Muted)] {
                    for (node, live) in [(NodeState::Closed, false), (NodeState::Closed, true), (NodeState::Open, true)]
                    {
                        let (says, _) =
                            says(words, capture, Some(&CaptureView { switch, node, live, refusal }), Company::Others);
                        let lamp = node == NodeState::Closed
                            && !live
                            && switch != Level::Unknown
                            && (switch == Level::Closed || refusal == Some(Refusal::Muted));
                        assert_eq!(says == Says::Muted, lamp && capture == Capture::Microphone);
                    }
                }
            }
        }
    }

    #[test]
    fn p4_hidden_is_said_only_where_it_is_hidden() {
        for language in Language::ALL {
            let words = Words(language);
            let hidden = words.background_hidden();
            let covered = subrosa_messages::media::Cover::ALL.map(BackgroundView::Covered);
            let others = [BackgroundView::AsItIs, BackgroundView::Revealed { seconds: 7 }];
            for background in others.into_iter().chain(covered) {
                let said = what_is_seen(words, background, Company::Others);
                assert!(!said.is_empty() && said != hidden, "{background:?}");
            }
            assert!(what_is_seen(words, BackgroundView::Revealed { seconds: 7 }, Company::Guests).contains("7 s"));
        }
    }

    #[test]
    fn live_and_closed_differ_in_icon_and_form() {
        for capture in Capture::ALL {
            let states = [Says::Live, Says::Perhaps, Says::Closed].map(|says| icon_of(capture, says));
            assert!(states[0].0 != states[1].0 && states[1].0 != states[2].0 && states[0].0 != states[2].0);
            assert!(matches!(states[2].1, Look::Hollow { .. }));
        }
    }
}
