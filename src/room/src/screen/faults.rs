//! What a phone asks of the people in the room, what is wrong and what a person can do about it, along the upper edge of every
//! scene.

use subrosa_messages::Capture;

use super::icon::{Icon, Look};
use super::palette::Colour;
use super::scene::Area;
use super::sheet::{From, Sheet, Style};
use super::view::{Phase, View};

/// How many are explained at once; the others are counted. In a call with somebody at the door there is room for one,
/// or the fingerprint would have to go (P8).
fn most(view: &View) -> usize {
    match &view.phase {
        Phase::Asking { guests, .. } if !guests.is_empty() => 1,
        // Nor may what is told before and in a meeting elsewhere (P7).
        Phase::Proposed { .. } | Phase::Joined { .. } => 1,
        Phase::Asleep | Phase::Awake { .. } | Phase::Asking { .. } | Phase::InCall { .. } | Phase::Joining { .. } => 2,
    }
}

/// Places the faults; what is left below them.
pub(super) fn place(sheet: &mut Sheet<'_>, view: &View, free: Area) -> Area {
    let mut top = free.y - 16.0;
    let left = free.x + 84.0;
    let most = most(view);
    // What a phone asks for comes first: it waits for somebody.
    for capture in view.asked.iter().take(most) {
        let (what, help) = sheet.words.asked(*capture);
        let icon = match capture {
            Capture::Camera => Icon::Camera,
            Capture::Microphone => Icon::Microphone,
        };
        let look = Look::Bare { colour: Colour::Paper, ground: Colour::Ink };
        sheet.icon(icon, free.x, top + 2.0, 56.0, look);
        let width = free.right() - left;
        sheet.line(left, top, width, what, Style::WORD, From::Us);
        top += Style::WORD.lines(1);
        top += sheet.say(left, top, width, help, Style::DIM, 2) + 14.0;
    }
    let most = most.saturating_sub(view.asked.len());
    let hidden = if most == 0 { 0 } else { view.faults.len().saturating_sub(most) };
    for (index, fault) in view.faults.iter().take(most).enumerate() {
        let (what, help) = sheet.words.fault(fault);
        let look = Look::Bare { colour: Colour::Amber, ground: Colour::Ink };
        sheet.icon(Icon::Warning, free.x, top + 2.0, 56.0, look);
        let width = free.right() - left;
        let last = index + 1 == most.min(view.faults.len());
        let count = if last && hidden > 0 {
            let text = sheet.words.more_faults(hidden);
            sheet.line_to(free.right(), top, width, &text, Style::DIM, From::Us) + 32.0
        } else {
            0.0
        };
        sheet.line(left, top, width - count, &what, Style::WORD, From::Us);
        top += Style::WORD.lines(1);
        top += sheet.say(left, top, width, &help, Style::DIM, 2) + 14.0;
    }
    if view.faults.is_empty() && view.asked.is_empty() {
        return free;
    }
    sheet.rule(free.x, top + 4.0, free.width);
    let start = top + 34.0;
    Area { y: start, height: free.bottom() - start, ..free }
}
