//! On the way into a meeting elsewhere, or just out of one: what is waited for, what has happened, what to do.

use subrosa_messages::Pii;

use super::column::{self, Part};
use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::label::Breaks;
use super::palette::Colour;
use super::proposed;
use super::scene::{Anchor, Area};
use super::sheet::{From, Sheet, Style};
use super::view::JoiningView;
use crate::meeting::elsewhere::failure::Failure;

const SENTENCE: Style = Style::new(56.0, Weight::Regular, Colour::Paper);

/// Places the scene.
pub(super) fn place(sheet: &mut Sheet<'_>, host: &Pii<String>, says: JoiningView, phones: bool, free: Area) {
    let words = sheet.words;
    let left = free.x + 24.0;
    let width = (free.right() - left).min(1680.0);
    let rose = Look::Bare { colour: Colour::Rose, ground: Colour::Ink };
    let amber = Look::Bare { colour: Colour::Amber, ground: Colour::Ink };
    let password = matches!(says, JoiningView::Waits(Failure::PasswordWanted | Failure::PasswordWrong));
    let (head, icon, look, sentence, below) = match says {
        JoiningView::Connecting => (words.on_the_way(), Icon::Dots, rose, words.connecting(), words.hold_to_leave()),
        JoiningView::Waits(failure) => {
            let icon = if password { Icon::Lock } else { Icon::Dots };
            (words.on_the_way(), icon, rose, failure.sentence(words.0), words.hold_to_leave())
        }
        JoiningView::Over(failure) => {
            // A meeting that was ended has not failed.
            let (icon, look) = if failure == Failure::Ended { (Icon::Rose, rose) } else { (Icon::Warning, amber) };
            (words.not_in_it(), icon, look, failure.sentence(words.0), words.goes_away())
        }
    };
    let sentence = sheet.paragraph(sentence, SENTENCE, width - 100.0, 5, Breaks::Words);
    let mut parts = vec![
        Part::new(2, 0.0, Style::DIM.lines(1), move |sheet, top, _| {
            sheet.say(left, top, width, head, Style::DIM, 1);
        }),
        proposed::host(sheet, host.reveal(), left, width),
        Part::new(70, 44.0, sentence.height(), move |sheet, top, _| {
            sheet.icon(icon, left + 2.0, top + 2.0, 64.0, look);
            sheet.write(left + 100.0, top, Anchor::Start, sentence, From::Us);
        }),
    ];
    if password {
        let place = if phones { words.password_on_the_phone() } else { words.password_where() };
        let place = sheet.paragraph(place, Style::DIM, width - 100.0, 2, Breaks::Words);
        parts.push(Part::new(65, 16.0, place.height(), move |sheet, top, _| {
            sheet.write(left + 100.0, top, Anchor::Start, place, From::Us);
        }));
    }
    parts.push(Part::new(1, 44.0, Style::DIM.lines(1), move |sheet, top, _| {
        sheet.say(left + 100.0, top, width - 100.0, below, Style::DIM, 1);
    }));
    column::fit(&mut parts, free.height);
    let top = free.y + (free.height - column::total(&parts)) * 0.42;
    column::place(sheet, parts, top, free.height);
}
