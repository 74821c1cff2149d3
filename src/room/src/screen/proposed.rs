//! A link to a meeting elsewhere was given: whose server it is, who runs it, what that means (P7), and what a press does.

use super::column::{self, Part};
use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::label::{self, Breaks};
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, Paragraph, SMALL, Sheet, Style};
use super::view::ProposedView;
use crate::notice::NoticeSection;

/// The largest in which the host fits on one line is taken.
const HOSTS: [Style; 3] = [
    Style::new(104.0, Weight::Bold, Colour::Paper),
    Style::new(84.0, Weight::Bold, Colour::Paper),
    Style::new(64.0, Weight::Bold, Colour::Paper),
];
const SMALL_HOST: Style = Style::new(56.0, Weight::Bold, Colour::Paper);
const ACT: Style = Style::new(60.0, Weight::SemiBold, Colour::Paper);
const REFUSED: Style = Style::new(52.0, Weight::SemiBold, Colour::Paper);
const TEXT: Style = Style::new(SMALL, Weight::Regular, Colour::Paper);

/// What a section is about stands in a column of its own.
const TITLE: f32 = 450.0;
const BESIDE: f32 = 92.0;

/// Places the scene.
pub(super) fn place(sheet: &mut Sheet<'_>, meeting: &ProposedView, free: Area) {
    let bottom = act(sheet, meeting.refused, free);
    let words = sheet.words;
    let Area { x: left, width, .. } = free;
    let mut parts = vec![
        Part::new(50, 0.0, Style::DIM.lines(1), move |sheet, top, _| {
            sheet.say(left, top, width, words.invited_to(), Style::DIM, 1);
        }),
        host(sheet, meeting.host.reveal(), left, width),
        operator(sheet, meeting.operator.as_deref(), left, width),
    ];
    for (index, section) in meeting.notice.sections.iter().take(3).enumerate() {
        // The short one is needed most, who runs it has been said above.
        let need = match index {
            0 => 40,
            1 => 20,
            _ => 30,
        };
        let said = meeting.operator.as_deref().unwrap_or_default();
        parts.extend(told(sheet, section, said, need, left, width));
    }
    let more = if meeting.by_phone { words.given_by_phone() } else { words.more_where_it_was_given() };
    // Needed more than the sections that it tells where to find.
    parts.push(Part::new(35, 16.0, Style::DIM.lines(1), move |sheet, top, _| {
        sheet.say(left + TITLE, top, width - TITLE, more, Style::DIM, 1);
    }));
    column::place(sheet, parts, free.y - 8.0, bottom - free.y);
}

/// The host as large as it fits on one line, else small on two; cut at its beginning if that is not enough.
pub(super) fn host<'a>(sheet: &Sheet<'_>, host: &str, left: f32, width: f32) -> Part<'a> {
    let host = label::printable(host);
    let whole = HOSTS
        .map(|style| (style, 1))
        .into_iter()
        .chain([(SMALL_HOST, 2)])
        .map(|(style, lines)| sheet.paragraph(&host, style, width, lines, Breaks::Link))
        .find(Paragraph::is_whole);
    let height = whole.as_ref().map_or(SMALL_HOST.lines(1), Paragraph::height);
    Part::new(60, 0.0, height, move |sheet, top, _| match whole {
        Some(whole) => {
            sheet.write(left, top, Anchor::Start, whole, From::Outside);
        }
        None => {
            sheet.host(left, top, width, &host, SMALL_HOST);
        }
    })
}

fn operator<'a>(sheet: &Sheet<'_>, operator: Option<&str>, left: f32, width: f32) -> Part<'a> {
    let words = sheet.words;
    match operator {
        Some(operator) => {
            let text = words.run_by(&label::printable(operator));
            let text = sheet.paragraph(&text, Style::WORD, width, 2, Breaks::Words);
            Part::new(55, 4.0, text.height(), move |sheet, top, _| {
                sheet.write(left, top, Anchor::Start, text, From::Outside);
            })
        }
        None => Part::new(55, 4.0, Style::WORD.lines(1), move |sheet, top, _| {
            let look = Look::Bare { colour: Colour::Amber, ground: Colour::Ink };
            sheet.icon(Icon::Warning, left, top + 1.0, 48.0, look);
            sheet.line(left + 66.0, top, width - 66.0, words.nobody_on_record(), Style::WORD, From::Us);
        }),
    }
}

/// A section of the notice, paragraph by paragraph, without what has been said; the first one is needed most.
fn told<'a>(sheet: &Sheet<'_>, section: &NoticeSection, said: &str, need: u8, left: f32, width: f32) -> Vec<Part<'a>> {
    let title = sheet.paragraph(&label::printable(&section.title), Style::DIM, TITLE - 30.0, 2, Breaks::Words);
    let mut title = Some(title);
    let lines = section.text.lines().map(label::printable).filter(|line| !line.is_empty());
    lines
        .filter(|line| !said.contains(line.as_str()))
        .enumerate()
        .map(|(index, line)| {
            // Names of servers and operators in it come from outside.
            let text = sheet.paragraph(&line, TEXT, width - TITLE, 3, Breaks::Words);
            let title = title.take();
            let height = title.as_ref().map_or(0.0, |title| title.height()).max(text.height());
            let above = if index == 0 { 22.0 } else { 6.0 };
            Part::new(need.saturating_sub(index.min(9) as u8), above, height, move |sheet, top, _| {
                if let Some(title) = title {
                    sheet.write(left, top, Anchor::Start, title, From::Us);
                }
                sheet.write(left + TITLE, top, Anchor::Start, text, From::Outside);
            })
        })
        .collect()
}

/// What a press does, at the lower edge; the upper edge of it.
fn act(sheet: &mut Sheet<'_>, refused: bool, free: Area) -> f32 {
    let words = sheet.words;
    let top = free.bottom() - ACT.lines(1);
    let (icon, colour, text, style) = if refused {
        (Icon::Warning, Colour::Amber, words.may_not_join(), REFUSED)
    } else {
        (Icon::Button, Colour::Rose, words.press_to_join(), ACT)
    };
    sheet.icon(icon, free.x + 2.0, top + 4.0, 64.0, Look::Bare { colour, ground: Colour::Ink });
    let base = |style: Style| top + (ACT.size - style.size) * 0.97;
    sheet.line(free.x + BESIDE, base(style), free.width - BESIDE, text, style, From::Us);
    let room = free.width - BESIDE - sheet.measure(text, style) - 32.0;
    sheet.line_to(free.right(), base(Style::DIM), room, words.forgotten_by_itself(), Style::DIM, From::Us);
    sheet.rule(free.x, top - 20.0, free.width);
    top - 40.0
}
